use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use countermark_service::contract::ReportedState::Issued;
use countermark_shared::documents::{Assignment, EventDocument, KeyStatus, Revision};
use countermark_shared::wire::paths;

use super::*;
use crate::publisher::Publisher;
use crate::state::Trusted;
use crate::testing::{self, Bench, EVENT, TestGate, newest_feed, newest_slots};

const INSTANT: Duration = Duration::from_millis(1);

/// The head's bytes and what they say, as the gate takes them after `last`.
async fn read(bench: &Bench, gate: &TestGate, last: Option<&Authentic<Head>>) -> Authentic<Head> {
    let answer = bench.get(paths::HEAD, &gate.token).await;
    assert_eq!((answer.status, &answer.headers[CONTENT_TYPE]), (StatusCode::OK, &"application/cbor".parse().unwrap()));
    assert_eq!(answer.headers[CACHE_CONTROL], "private, no-store");
    Head::accept(&answer.body, &testing::bundle(), gate.gate, last, bench.clock.now()).unwrap()
}

#[tokio::test]
async fn it_names_what_the_gate_is_served() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    assert_eq!(read(&bench, &gate, None).await.document().slots, None);
    bench.report(1, 1, Issued).await;
    Publisher::slot_lists(bench.state.clone()).publish(EVENT).await.unwrap();

    let head = read(&bench, &gate, None).await.into_document();
    let (bundle, now) = (testing::bundle(), bench.clock.now());
    assert_eq!((head.event, head.not_after), (EVENT, head.issued + LIFE));
    assert_eq!((head.bundle, head.roots), (bench.state.trust.bundle.standing(), bundle.root_fingerprint()));
    let assignment = bench.get(paths::ASSIGNMENT, &gate.token).await.body;
    let assignment = Assignment::accept(&assignment, &bundle, gate.gate, None, now).unwrap();
    assert_eq!(head.assignment, assignment.standing());
    let document = testing::event_document(1, &testing::key(4));
    assert_eq!(head.document, Some(EventDocument::accept(&document, &bundle, None, now).unwrap().standing()));
    assert_eq!(head.slots, Some(newest_slots(&bench).await.standing()));
    assert_eq!(head.feed, None);
    Publisher::feeds(bench.state.clone()).publish(EVENT).await.unwrap();
    let head = read(&bench, &gate, None).await.into_document();
    assert_eq!(head.feed, Some(newest_feed(&bench).await.standing()));
}

#[tokio::test]
async fn an_unchanged_one_is_signed_anew_every_minute_and_a_changed_one_at_once() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let first = read(&bench, &gate, None).await;
    bench.clock.advance(FRESH.saturating_sub(INSTANT));
    assert_eq!(read(&bench, &gate, Some(&first)).await.hash(), first.hash());
    let tag = format!("\"{}\"", first.hash());
    assert_eq!(bench.get_unless(paths::HEAD, &gate.token, &tag).await.status, StatusCode::NOT_MODIFIED);
    bench.clock.advance(INSTANT);
    assert_eq!(bench.get_unless(paths::HEAD, &gate.token, &tag).await.status, StatusCode::OK);
    let second = read(&bench, &gate, Some(&first)).await;
    assert_eq!((second.document().issued, second.hash() == first.hash()), (bench.clock.now(), false));

    // Within the same millisecond: two that say different things are of different instants.
    bench.push(&testing::event(2)).await;
    let third = read(&bench, &gate, Some(&second)).await;
    assert_eq!(third.document().issued, bench.clock.now() + INSTANT);
    assert_eq!(third.document().document.unwrap().revision, Revision::version(2));
}

/// Found in review: a gate asks every five seconds, and each question was two writes and an answer in full.
#[tokio::test]
async fn a_gate_that_polls_is_written_down_now_and_then() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let mut held = read(&bench, &gate, None).await;
    let (mut answers, mut seen) = (Vec::new(), BTreeSet::new());
    for _ in 0..12 {
        bench.clock.advance(Duration::from_secs(5));
        let answer = bench.get_unless(paths::HEAD, &gate.token, &format!("\"{}\"", held.hash())).await;
        if answer.status == StatusCode::OK {
            held = Head::accept(&answer.body, &testing::bundle(), gate.gate, Some(&held), bench.clock.now()).unwrap();
        }
        answers.push(answer.status);
        let last_seen: time::OffsetDateTime = sqlx::query_scalar("SELECT last_seen FROM gates WHERE gate = $1")
            .bind(i64::from(gate.gate.0))
            .fetch_one(&bench.state.pool)
            .await
            .unwrap();
        seen.insert(last_seen);
    }
    assert_eq!(answers[..11], [StatusCode::NOT_MODIFIED; 11]);
    assert_eq!(answers[11], StatusCode::OK);
    assert_eq!(seen.len(), 3, "at the log-in and twice since");
}

#[tokio::test]
async fn requests_at_once_and_copies_of_the_service_serve_one_head() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    for _ in 0..5 {
        let requests = [(); 4].map(|()| read(&bench, &gate, None));
        let [one, two, three, four] = requests;
        let (one, two, three, four) = tokio::join!(one, two, three, four);
        assert_eq!([two.hash(), three.hash(), four.hash()], [one.hash(); 3]);
        bench.clock.advance(FRESH);
    }
}

#[tokio::test]
async fn each_gate_has_its_own() {
    let bench = Bench::new().await;
    let (gate, other) = (bench.gate().await, bench.gate().await);
    assert_ne!(read(&bench, &gate, None).await.hash(), read(&bench, &other, None).await.hash());
}

/// A clock that was set back does not stop the gate's heads, and makes none go back.
#[test]
fn a_head_is_later_than_the_last_whatever_the_clock_says() {
    let at = |issued: Timestamp| Head {
        gate: countermark_shared::id::GateId(1),
        issued,
        not_after: issued + LIFE,
        event: EVENT,
        roots: testing::bundle().root_fingerprint(),
        bundle: testing::authentic(&testing::bundle()).standing(),
        assignment: testing::authentic(&testing::bundle()).standing(),
        document: None,
        slots: None,
        feed: None,
    };
    let now = testing::bundle().issued;
    for (ahead, serves) in [(INSTANT, false), (Duration::ZERO, true)] {
        let last = at(now + ahead);
        assert_eq!(still_says(&last, &at(now)), serves);
        assert_eq!(following(&last, &at(now)), at(last.issued + INSTANT));
    }
    assert!(still_says(&at(now), &at(now + FRESH - INSTANT)) && !still_says(&at(now), &at(now + FRESH)));
    let other = Head { document: Some(at(now).bundle), ..at(now) };
    assert!(!still_says(&other, &at(now)));
    assert_eq!(following(&at(now), &at(now + FRESH)), at(now + FRESH));
}

#[tokio::test]
async fn a_revoked_keys_head_gives_way() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    read(&bench, &gate, None).await;
    let mut bundle = testing::with_list_key(testing::bundle(), 6);
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == testing::key(5).verifying_key()) {
        trusted.status = KeyStatus::Revoked;
    }
    bundle.version = 2;
    let state = bench.state_with(Trusted::new(testing::authentic(&bundle), testing::key(6), vec![]));
    let session = Gate { gate: gate.gate, event: EVENT, key: gate.key.verifying_key() };
    let head = newest(&state, &session).await.unwrap();
    Head::accept(head.bytes(), &bundle, gate.gate, None, bench.clock.now()).unwrap();
}
