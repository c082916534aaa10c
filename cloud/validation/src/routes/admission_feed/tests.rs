//! A gate that follows its head holds what the others did, whatever batches and snapshots it takes on the way.

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use countermark_shared::documents::{FeedState, Fetch, Head, Held, Revision};
use countermark_shared::id::Slot;

use super::*;
use crate::publisher::{COALESCE, Publisher};
use crate::store::publications;
use crate::testing::{self, Bench, EVENT, TestGate, ticket};

fn filled(path: &str, event: EventId, Revision { epoch, sequence }: Revision) -> String {
    let path = path.replace("{event}", &event.to_string());
    path.replace("{epoch}", &epoch.to_string()).replace("{sequence}", &sequence.to_string())
}

fn revision(sequence: u64) -> Revision {
    Revision { epoch: 0, sequence }
}

/// Each admission a batch of its own.
async fn published(bench: &Bench, gate: &mut TestGate, slots: std::ops::Range<u32>) {
    let mut publisher = Publisher::feeds(bench.state.clone());
    publisher.publish(EVENT).await.unwrap();
    for slot in slots {
        gate.admit(slot, Some(&ticket(slot, 1)));
        bench.upload(gate).await;
        bench.clock.advance(COALESCE);
        assert!(publisher.publish(EVENT).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn what_is_said_of_a_batch_is_for_ever_the_same() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    published(&bench, &mut gate, 1..34).await;
    let read = async |path: &str, sequence| {
        let answer = bench.get(&filled(path, EVENT, revision(sequence)), &gate.token).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {sequence}");
        assert_eq!(answer.headers[CONTENT_TYPE], "application/cbor");
        assert_eq!(answer.headers[CACHE_CONTROL], "private, max-age=31536000, immutable");
        answer.body
    };
    let first = read(paths::FEED_SNAPSHOT, 0).await;
    assert_eq!(read(paths::FEED_SNAPSHOT, 31).await, first);
    let second = read(paths::FEED_SNAPSHOT, 32).await;
    assert_eq!(read(paths::FEED_SNAPSHOT, 33).await, second);
    let (bundle, now) = (testing::bundle(), bench.clock.now());
    let mut feed = None;
    for bytes in [first, read(paths::FEED_BATCH, 1).await] {
        FeedState::accept(&mut feed, &bytes, &bundle, EVENT, now).unwrap();
    }
    assert_eq!(feed.unwrap().passages(Slot(1), None, None).admitted, 2);
}

#[tokio::test]
async fn what_was_not_published_and_what_is_anothers_is_not_found() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    published(&bench, &mut gate, 1..2).await;
    let later = Revision { epoch: 1, sequence: 0 };
    for path in [
        // The first is a snapshot.
        filled(paths::FEED_BATCH, EVENT, revision(0)),
        filled(paths::FEED_BATCH, EVENT, revision(2)),
        filled(paths::FEED_BATCH, EVENT, revision(u64::MAX)),
        filled(paths::FEED_BATCH, EVENT, later),
        filled(paths::FEED_BATCH, EventId(8), revision(1)),
        // It could not be said for ever.
        filled(paths::FEED_SNAPSHOT, EVENT, revision(2)),
        filled(paths::FEED_SNAPSHOT, EVENT, revision(u64::MAX)),
        filled(paths::FEED_SNAPSHOT, EVENT, later),
        filled(paths::FEED_SNAPSHOT, EventId(8), revision(1)),
    ] {
        let answer = bench.get(&path, &gate.token).await;
        answer.is_problem(StatusCode::NOT_FOUND, "not-published");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store", "{path}");
    }
    let nonsense = filled(paths::FEED_BATCH, EVENT, revision(1)).replace("/0/", "/x/");
    bench.get(&nonsense, &gate.token).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
}

/// Follows the head once; the answer is how many batches and snapshots that took.
async fn sync(bench: &Bench, gate: &TestGate, feed: &mut Option<FeedState>) -> (usize, usize) {
    let (bundle, now) = (testing::bundle(), bench.clock.now());
    let head = bench.get(paths::HEAD, &gate.token).await;
    let head = Head::accept(&head.body, &bundle, gate.gate, None, now).unwrap();
    let (mut batches, mut snapshots) = (0, 0);
    loop {
        let bundle = Some(&bench.state.trust.bundle);
        let needs = head.document().needs(&Held::of(bundle, None, None, None, feed.as_ref()));
        assert_eq!(needs.conflicts, []);
        let wanted = needs.fetch.into_iter().find_map(|fetch| match fetch {
            Fetch::FeedBatches { from, .. } => Some((paths::FEED_BATCH, from)),
            Fetch::FeedSnapshot(standing) => Some((paths::FEED_SNAPSHOT, standing.revision)),
            Fetch::Bundle(_)
            | Fetch::BundlesAfter(_)
            | Fetch::Assignment(_)
            | Fetch::EventDocument(_)
            | Fetch::SlotSnapshot(_)
            | Fetch::SlotDeltas { .. } => None,
        });
        let Some((path, at)) = wanted else { break };
        let document = bench.get(&filled(path, EVENT, at), &gate.token).await;
        assert_eq!(document.status, StatusCode::OK, "the batches of an epoch never break off");
        FeedState::accept(feed, &document.body, &testing::bundle(), EVENT, now).unwrap();
        *(if path == paths::FEED_BATCH { &mut batches } else { &mut snapshots }) += 1;
    }
    assert_eq!(feed.as_ref().map(FeedState::standing), head.document().feed);
    (batches, snapshots)
}

#[tokio::test]
async fn whoever_follows_the_head_holds_what_the_others_did() {
    let bench = Bench::new().await;
    let (mut gate, reader) = (bench.gate().await, bench.gate().await);
    let mut feed = None;
    published(&bench, &mut gate, 1..3).await;
    assert_eq!(sync(&bench, &reader, &mut feed).await, (2, 1));
    published(&bench, &mut gate, 3..6).await;
    assert_eq!(sync(&bench, &reader, &mut feed).await, (3, 0));
    published(&bench, &mut gate, 6..45).await;
    assert_eq!(sync(&bench, &reader, &mut feed).await, (12, 1), "from the snapshot at 32");
    publications::raise_epoch(&mut bench.state.pool.acquire().await.unwrap(), 0).await.unwrap();
    bench.clock.advance(COALESCE);
    published(&bench, &mut gate, 45..46).await;
    assert_eq!(sync(&bench, &reader, &mut feed).await, (1, 1));
    let feed = feed.unwrap();
    for slot in 1..46 {
        assert_eq!(feed.passages(Slot(slot), Some(reader.gate), None).admitted, 2, "{slot}");
        assert_eq!(feed.passages(Slot(slot), Some(gate.gate), None).admitted, 0, "it knows its own better");
    }
}
