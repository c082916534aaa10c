//! Feeds against a real database, and against a reader that takes them as a gate does.

use std::num::NonZeroU8;

use countermark_service::contract::{ResumeGate, SuspendGate, ValidationClient};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{Direction, FeedPassages, KeyStatus};
use countermark_shared::id::{Generation, Slot};
use countermark_shared::journal::{Act, ChainHash, JournalRow, Subject};
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome::{Fork, Stored, Unproved};

use super::*;
use crate::journal::{Entry, Proof, Seat, Told};
use crate::publisher::{COALESCE, Publisher};
use crate::state::Trusted;
use crate::store::{journal, publications};
use crate::testing::{self, Bench, EVENT, TestGate, newest_feed, ticket};

/// What the next publication is numbered, once its time has come.
async fn next(bench: &Bench, publisher: &mut Publisher<Feeds>) -> Option<u64> {
    bench.clock.advance(COALESCE);
    publisher.publish(EVENT).await.unwrap().map(|revision| revision.sequence)
}

/// A publisher that has begun the epoch.
async fn started(bench: &Bench) -> Publisher<Feeds> {
    let mut publisher = Publisher::feeds(bench.state.clone());
    assert_eq!(next(bench, &mut publisher).await, Some(0));
    publisher
}

async fn told(bench: &Bench, slot: u32) -> FeedPassages {
    newest_feed(bench).await.passages(Slot(slot), None, None)
}

async fn sequences(bench: &Bench, which: &'static str) -> Vec<i64> {
    let sql = match which {
        "batches" => "SELECT sequence FROM feed_publications WHERE batch IS NOT NULL ORDER BY epoch, sequence",
        "snapshots" => "SELECT sequence FROM feed_publications WHERE snapshot IS NOT NULL ORDER BY epoch, sequence",
        _ => panic!("nothing else is published"),
    };
    sqlx::query_scalar(sql).fetch_all(&bench.state.pool).await.unwrap()
}

async fn admit(bench: &Bench, gate: &mut TestGate, slot: u32) {
    gate.admit(slot, Some(&ticket(slot, 1)));
    assert_eq!(bench.upload(gate).await, [Stored]);
}

async fn suspend(bench: &Bench, gate: &TestGate, believed_until: Option<Timestamp>) {
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let request = SuspendGate { gate: gate.gate, decided: bench.clock.now(), believed_until };
    assert!(admin.suspend_gate(&request).await.unwrap().suspended);
}

async fn resume(bench: &Bench, gate: &TestGate) -> Result<bool, Option<String>> {
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let resumed = admin.resume_gate(&ResumeGate { gate: gate.gate, decided: bench.clock.now() }).await;
    resumed.map(|standing| standing.suspended).map_err(|error| error.slug().map(str::to_owned))
}

#[tokio::test]
async fn an_epoch_begins_with_what_there_is_and_each_passage_makes_a_batch() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    admit(&bench, &mut gate, 1).await;
    let mut publisher = started(&bench).await;
    assert_eq!(told(&bench, 1).await.admitted, 2);
    assert_eq!(next(&bench, &mut publisher).await, None, "it was told");

    gate.pass(1, 1, Reason::Exit, None);
    gate.admit(2, Some(&ticket(2, 1)));
    gate.refuse("junk");
    assert_eq!(bench.upload(&mut gate).await, [Stored; 3]);
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    let (one, two) = (told(&bench, 1).await, told(&bench, 2).await);
    assert_eq!((one.admitted, one.left, two.admitted), (2, 1, 2));
    assert_eq!(one.last_entry.map(|last| last.gate), Some(gate.gate));
    assert_eq!(newest_feed(&bench).await.rows(), 3, "of what lets nobody pass nothing is told");
    assert_eq!(next(&bench, &mut publisher).await, None);

    gate.refuse("more junk");
    bench.upload(&mut gate).await;
    assert_eq!(next(&bench, &mut publisher).await, None, "nothing to tell");
    assert_eq!((sequences(&bench, "snapshots").await, sequences(&bench, "batches").await), (vec![0], vec![1]));
}

#[tokio::test]
async fn a_gate_that_enrolled_has_a_feed_even_of_nothing() {
    let bench = Bench::new().await;
    let mut publisher = Publisher::feeds(bench.state.clone());
    bench.create_gate().await;
    assert!(publisher.due().await.unwrap().is_empty(), "nobody listens yet");
    bench.gate().await;
    publisher.publish_all().await;
    assert_eq!(newest_feed(&bench).await.revision(), Revision { epoch: 0, sequence: 0 });
    assert!(publisher.due().await.unwrap().is_empty());
}

#[tokio::test]
async fn many_passages_make_few_batches_and_a_long_backlog_several() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    admit(&bench, &mut gate, 2).await;
    assert_eq!(publisher.publish(EVENT).await.unwrap(), None, "it is not time yet");
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    for _ in 0..5 {
        for _ in 0..1000 {
            gate.pass(1, 1, Reason::Admitted, None);
        }
        assert_eq!(bench.upload(&mut gate).await, [Stored; 1000]);
    }
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(newest_feed(&bench).await.rows(), 2 + MOST_ROWS);
    assert_eq!(publisher.due().await.unwrap(), [EVENT].into());
    assert_eq!(next(&bench, &mut publisher).await, Some(3));
    assert_eq!(told(&bench, 1).await.admitted, 5002);
    assert!(publisher.due().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_not_believed_is_not_told_and_puts_its_gate_in_doubt_until_it_was_looked_into() {
    let bench = Bench::new().await;
    let (mut gate, mut other) = (bench.gate().await, bench.gate().await);
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    admit(&bench, &mut other, 1).await;
    gate.admit(2, None);
    assert_eq!(bench.upload(&mut gate).await, [Unproved]);
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    let feed = newest_feed(&bench).await;
    assert_eq!((feed.rows(), feed.gate(gate.gate)), (2, GateStanding::Contested));
    assert_eq!(feed.gate(other.gate), GateStanding::Trusted);
    let seen_by = |gate: &TestGate| feed.passages(Slot(1), Some(gate.gate), None);
    assert!(seen_by(&other).contested && !seen_by(&gate).contested);
    assert_eq!(feed.passages(Slot(2), None, None), FeedPassages::default());

    gate.admit(3, None);
    bench.upload(&mut gate).await;
    assert_eq!(next(&bench, &mut publisher).await, None, "it was said");
    assert_eq!(resume(&bench, &gate).await, Ok(false));
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(newest_feed(&bench).await.gate(gate.gate), GateStanding::Trusted);

    // Somebody restored its disk.
    let mut restored = TestGate { rows: vec![], sequence: 0, chain: ChainHash::START, ..gate };
    restored.refuse("something else");
    assert_eq!(bench.upload(&mut restored).await, [Fork]);
    assert_eq!(next(&bench, &mut publisher).await, Some(3));
    assert_eq!(newest_feed(&bench).await.gate(restored.gate), GateStanding::Contested);
}

#[tokio::test]
async fn a_suspended_gate_is_told_no_further_until_it_is_resumed() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    suspend(&bench, &gate, None).await;
    gate.admit(2, Some(&ticket(2, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    let feed = newest_feed(&bench).await;
    assert_eq!((feed.rows(), feed.gate(gate.gate)), (1, GateStanding::Trusted));
    assert_eq!(resume(&bench, &gate).await, Ok(false));
    admit(&bench, &mut gate, 3).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    let feed = newest_feed(&bench).await;
    let admitted = [1, 2, 3].map(|slot| feed.passages(Slot(slot), None, None).admitted);
    assert_eq!(admitted, [2, 2, 2]);
}

#[tokio::test]
async fn of_a_stolen_gate_what_was_received_since_is_taken_back_for_good() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    let known = bench.clock.now();
    bench.clock.advance(COALESCE);
    admit(&bench, &mut gate, 2).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    admit(&bench, &mut gate, 3).await;
    suspend(&bench, &gate, Some(known)).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    let feed = newest_feed(&bench).await;
    assert_eq!(feed.gate(gate.gate), GateStanding::Retracted { from: 2 });
    assert_eq!([1, 2, 3].map(|slot| feed.passages(Slot(slot), None, None).admitted), [2, 0, 0]);
    assert_eq!(feed.rows(), 2, "what was not told yet is not told any more");
    let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(EVENT).await.unwrap();
    assert_eq!((figures.admitted, figures.gates[0].doubtful), (2, 2));

    assert_eq!(resume(&bench, &gate).await, Err(Some("gate-retracted".to_owned())));
    gate.admit(4, Some(&ticket(4, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    // It was longer in other hands than they thought; a shorter time gives nothing back.
    suspend(&bench, &gate, Some(known - COALESCE)).await;
    suspend(&bench, &gate, Some(bench.clock.now())).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(3));
    let feed = newest_feed(&bench).await;
    assert_eq!(feed.gate(gate.gate), GateStanding::Retracted { from: 1 });
    assert_eq!(feed.passages(Slot(1), None, None), FeedPassages::default());
}

#[tokio::test]
async fn an_undo_is_told_of_an_admission_that_is_told() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    let undo = |gate: &TestGate, slot, of, persons| {
        let act = Some(Act::Undo { of, persons: NonZeroU8::new(persons).unwrap() });
        let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) };
        JournalRow { subject, reason: Reason::Admitted, act, direction: Direction::Entry, ..gate.next() }
    };
    for (slot, of, persons) in [(1, 1, 1), (1, 1, 2)] {
        let row = undo(&gate, slot, of, persons);
        gate.write(&row, None);
    }
    gate.admit(2, Some(&ticket(2, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Unproved, Stored, Stored]);
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    assert_eq!((told(&bench, 1).await.admitted, told(&bench, 2).await.admitted), (0, 2));
    let of_another_seat = undo(&gate, 2, 1, 2);
    gate.write(&of_another_seat, None);
    bench.upload(&mut gate).await;
    assert_eq!(next(&bench, &mut publisher).await, None);
    // From the journals themselves it is the same.
    publications::raise_epoch(&mut bench.state.pool.acquire().await.unwrap(), 0).await.unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(0));
    assert_eq!((told(&bench, 1).await.admitted, told(&bench, 2).await.admitted), (0, 2));
}

#[tokio::test]
async fn a_snapshot_follows_after_every_32_batches_whoever_published_meanwhile() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut one = started(&bench).await;
    let mut other = Publisher::feeds(bench.state.clone());
    for slot in 1..=70_u32 {
        admit(&bench, &mut gate, slot).await;
        let turn = match slot % 5 {
            0 => &mut Publisher::feeds(bench.state.clone()),
            1 | 2 => &mut one,
            _ => &mut other,
        };
        assert_eq!(next(&bench, turn).await, Some(u64::from(slot)));
    }
    assert_eq!(sequences(&bench, "snapshots").await, [0, 32, 64]);
    assert_eq!(sequences(&bench, "batches").await, (1..=70).collect::<Vec<_>>());
    assert_eq!(newest_feed(&bench).await.rows(), 70);
}

#[tokio::test]
async fn copies_of_the_service_make_each_batch_once() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    started(&bench).await;
    let mut copies = [(); 4].map(|()| Publisher::feeds(bench.state.clone()));
    for sequence in 1..=20 {
        admit(&bench, &mut gate, sequence).await;
        bench.clock.advance(COALESCE);
        let running = copies.map(|mut copy| {
            tokio::spawn(async move {
                let published = copy.publish(EVENT).await.unwrap();
                (copy, published)
            })
        });
        let (mut back, mut published) = (Vec::new(), Vec::new());
        for copy in running {
            let (copy, revision) = copy.await.unwrap();
            back.push(copy);
            published.extend(revision.map(|revision| revision.sequence));
        }
        copies = back.try_into().ok().unwrap();
        assert_eq!(published, [u64::from(sequence)]);
    }
    assert_eq!(newest_feed(&bench).await.rows(), 20);
}

#[tokio::test]
async fn a_row_that_commits_while_a_batch_is_made_is_in_the_next() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    let mut late = bench.state.pool.begin().await.unwrap();
    let (entry, now) = (entered(gate.gate, 2, 2), bench.clock.now());
    journal::insert(&mut late, gate.gate, &[entry], now).await.unwrap();
    feed::mark_change(&mut late, gate.gate, &[2], now).await.unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    assert_eq!(newest_feed(&bench).await.rows(), 1);
    late.commit().await.unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(newest_feed(&bench).await.rows(), 2);
}

#[tokio::test]
async fn a_new_epoch_begins_with_what_the_journals_say() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    for slot in 1..=2 {
        admit(&bench, &mut gate, slot).await;
        next(&bench, &mut publisher).await;
    }
    let before = newest_feed(&bench).await;
    // The backup did not have the last row.
    sqlx::query("DELETE FROM journal WHERE sequence = 2").execute(&bench.state.pool).await.unwrap();
    assert_eq!(publications::raise_epoch(&mut bench.state.pool.acquire().await.unwrap(), 0).await.unwrap(), 1);
    assert_eq!(publisher.due().await.unwrap(), [EVENT].into());
    bench.clock.advance(COALESCE);
    let first = Revision { epoch: 1, sequence: 0 };
    assert_eq!(publisher.publish(EVENT).await.unwrap(), Some(first));
    let snapshot = feed::snapshot(&mut bench.state.pool.acquire().await.unwrap(), EVENT, first).await.unwrap();
    let mut reader = Some(before);
    FeedState::accept(&mut reader, &snapshot.unwrap(), &testing::bundle(), EVENT, bench.clock.now()).unwrap();
    let after = reader.unwrap();
    assert_eq!([1, 2].map(|slot| after.passages(Slot(slot), None, None).admitted), [2, 0]);
    admit(&bench, &mut gate, 3).await;
    bench.clock.advance(COALESCE);
    assert_eq!(publisher.publish(EVENT).await.unwrap(), Some(Revision { epoch: 1, sequence: 1 }));
}

/// The list key was stolen: what it signed is not believed any more, and a new one goes on.
#[tokio::test]
async fn what_a_revoked_key_signed_is_published_anew() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    admit(&bench, &mut gate, 1).await;
    next(&bench, &mut publisher).await;
    let mut bundle = testing::bundle();
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == testing::key(5).verifying_key()) {
        trusted.status = KeyStatus::Revoked;
    }
    bundle.version = 2;
    let bundle = testing::with_list_key(bundle, 6);
    let state = bench.state_with(Trusted::new(testing::authentic(&bundle), testing::key(6), vec![]));
    let mut successor = Publisher::feeds(state);
    admit(&bench, &mut gate, 2).await;
    assert_eq!(next(&bench, &mut successor).await, Some(2));
    assert_eq!(sequences(&bench, "snapshots").await, [0, 2]);
    assert_eq!(next(&bench, &mut successor).await, Some(3), "what waited, for whoever takes every batch");
    assert_eq!(next(&bench, &mut successor).await, None);
    let at = Revision { epoch: 0, sequence: 3 };
    let snapshot = feed::snapshot(&mut bench.state.pool.acquire().await.unwrap(), EVENT, at).await.unwrap();
    let mut reader = None;
    FeedState::accept(&mut reader, &snapshot.unwrap(), &bundle, EVENT, bench.clock.now()).unwrap();
    assert_eq!(reader.unwrap().rows(), 2);
}

#[tokio::test]
async fn what_is_older_than_three_days_is_forgotten_from_a_snapshot_on() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let mut publisher = started(&bench).await;
    for slot in 1..=64 {
        if slot == 64 {
            bench.clock.advance(KEPT);
            gate.token = bench.log_in(&gate).await;
        }
        admit(&bench, &mut gate, slot).await;
        next(&bench, &mut publisher).await;
    }
    assert_eq!(sequences(&bench, "snapshots").await, [32, 64]);
    assert_eq!(sequences(&bench, "batches").await, (32..=64).collect::<Vec<_>>());
}

/// One that entered, as the journal stores it.
fn entered(gate: GateId, sequence: u64, slot: u32) -> Entry {
    let writer = TestGate {
        gate,
        key: testing::key(1),
        token: String::new(),
        rows: vec![],
        chain: ChainHash::START,
        sequence: sequence - 1,
    };
    let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) };
    let row = JournalRow { subject, persons: 2, reason: Reason::Admitted, proved: true, ..writer.next() };
    Entry {
        bytes: row.to_bytes(),
        chain: ChainHash::START,
        after_gap: false,
        told: Told {
            seat: Some(Seat { event: EVENT, slot: Slot(slot), generation: Generation(1) }),
            ticket: Some(String::new()),
            proof: Some(Proof { places: 2, product: None }),
            product: None,
            proved: true,
            believed: true,
        },
        passed: 2,
        undoes: None,
        clock_doubtful: false,
        row,
    }
}

/// More than a snapshot tells row by row: of one gate all, of another up to a gap. What is taken back of it is told by a snapshot at once.
#[tokio::test]
async fn of_many_rows_those_without_a_gap_are_summed_up_and_taken_back_by_a_snapshot() {
    let bench = Bench::new().await;
    let (whole, gapped) = (bench.gate().await, bench.gate().await);
    let now = bench.clock.now();
    let mut connection = bench.state.pool.acquire().await.unwrap();
    let many = u64::try_from(FOLD_FROM).unwrap();
    let seat = |sequence: u64| u32::try_from(sequence % 5000).unwrap();
    for (gate, sequences) in [(whole.gate, (1..=many).collect::<Vec<_>>()), (gapped.gate, vec![1, 2, 4, 5])] {
        let entries: Vec<_> = sequences.into_iter().map(|sequence| entered(gate, sequence, seat(sequence))).collect();
        for entries in entries.chunks(5000) {
            let received = if entries[0].row.sequence == 1 { now } else { now + COALESCE };
            journal::insert(&mut connection, gate, entries, received).await.unwrap();
        }
    }
    let mut publisher = started(&bench).await;
    let feed = newest_feed(&bench).await;
    assert_eq!(feed.rows(), 2, "those behind the gap");
    assert_eq!(feed.passages(Slot(1), None, None).admitted, 2 * (13 + 1));
    assert_eq!(feed.passages(Slot(4), None, None).admitted, 2 * (13 + 1));

    let missing = entered(gapped.gate, 3, 3);
    journal::insert(&mut connection, gapped.gate, &[missing], now).await.unwrap();
    feed::mark_change(&mut connection, gapped.gate, &[3], now).await.unwrap();
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    assert_eq!(told(&bench, 3).await.admitted, 2 * (13 + 1), "it came late, and counts");

    suspend(&bench, &whole, Some(now)).await;
    assert_eq!(next(&bench, &mut publisher).await, Some(2));
    assert_eq!(sequences(&bench, "snapshots").await, [0, 2]);
    let feed = newest_feed(&bench).await;
    assert_eq!(feed.gate(whole.gate), GateStanding::Retracted { from: 5001 });
    assert_eq!(feed.passages(Slot(1), None, None).admitted, 2 * (1 + 1));
    // By the batch alone a gate that has sums does not go on, and asks for the snapshot.
    assert_eq!(next(&bench, &mut publisher).await, None);
}

/// Found in review: a snapshot summed up as far as rows were stored, and every reader took what a resumed gate told for what it had.
#[tokio::test]
async fn what_is_withheld_is_not_summed_up_and_counts_once_its_gate_is_resumed() {
    let bench = Bench::new().await;
    let (many, mut resumed) = (bench.gate().await, bench.gate().await);
    let now = bench.clock.now();
    let last = u64::try_from(FOLD_FROM).unwrap();
    let entries: Vec<_> = (1..=last).map(|sequence| entered(many.gate, sequence, 1)).collect();
    for entries in entries.chunks(5000) {
        journal::insert(&mut bench.state.pool.acquire().await.unwrap(), many.gate, entries, now).await.unwrap();
    }
    admit(&bench, &mut resumed, 2).await;
    suspend(&bench, &resumed, None).await;
    admit(&bench, &mut resumed, 3).await;
    let mut publisher = started(&bench).await;
    let feed = newest_feed(&bench).await;
    assert_eq!(feed.rows(), 0, "all that is believed is summed up");
    assert_eq!([2, 3].map(|slot| feed.passages(Slot(slot), None, None).admitted), [2, 0]);

    assert_eq!(resume(&bench, &resumed).await, Ok(false));
    assert_eq!(next(&bench, &mut publisher).await, Some(1));
    assert_eq!((told(&bench, 2).await.admitted, told(&bench, 3).await.admitted), (2, 2));
}
