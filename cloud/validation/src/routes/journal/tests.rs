//! Uploads against a real database.

use std::cell::Cell;
use std::num::NonZeroU8;
use std::time::Duration;

use axum::http::StatusCode;
use countermark_shared::documents::Direction;
use countermark_shared::id::{EventId, GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{Act, Actuation, ChainHash, JournalRow, Subject, UNDO_WINDOW};
use countermark_shared::ticket::MAX_TEXT_LENGTH;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome::{self, Fork, Known, Stored, Unproved, Unreadable};
use countermark_shared::wire::{Base64, UploadedRow};
use tracing::span;

use super::*;
use crate::testing::{self, Bench, DOORS, EVENT, TestGate, ticket, ticket_of};

/// Numbers of the rows that follow a gap.
async fn gaps(bench: &Bench) -> Vec<i64> {
    sqlx::query_scalar("SELECT sequence FROM journal WHERE after_gap ORDER BY sequence")
        .fetch_all(&bench.state.pool)
        .await
        .unwrap()
}

async fn count(bench: &Bench, table: &'static str) -> i64 {
    let sql = match table {
        "journal" => "SELECT count(*) FROM journal",
        "journal_aside" => "SELECT count(*) FROM journal_aside",
        _ => panic!("no such table here"),
    };
    sqlx::query_scalar(sql).fetch_one(&bench.state.pool).await.unwrap()
}

/// A row that takes the next number, whatever its bytes say.
fn raw(gate: &mut TestGate, bytes: Vec<u8>) {
    gate.sequence += 1;
    gate.rows.push(UploadedRow { sequence: gate.sequence, row: Base64(bytes), ticket: None });
}

#[tokio::test]
async fn rows_are_stored_once_however_often_they_come() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.admit(42, Some(&ticket(42, 1)));
    gate.refuse("junk");
    let first = gate.upload();
    assert_eq!(bench.send(&gate, &first).await, [Stored, Stored]);
    assert_eq!(bench.send(&gate, &first).await, [Known, Known]);
    // The answer was lost, and the gate has gone on.
    gate.admit(42, None);
    assert_eq!(bench.upload(&mut gate).await, [Known, Known, Stored]);
    assert_eq!(count(&bench, "journal").await, 3);
    assert_eq!(gaps(&bench).await, [0; 0]);
}

#[tokio::test]
async fn two_uploads_at_once_store_each_row_once() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    for _ in 0..50 {
        gate.refuse("junk");
    }
    let upload = gate.upload();
    let (one, other) = tokio::join!(bench.send(&gate, &upload), bench.send(&gate, &upload));
    let mut outcomes = [one[0], other[0]];
    outcomes.sort_by_key(|outcome| *outcome == Known);
    assert_eq!(outcomes, [Stored, Known]);
    assert_eq!(count(&bench, "journal").await, 50);
}

#[tokio::test]
async fn another_row_at_a_known_number_is_a_fork_and_blocks_none_behind_it() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.refuse("first");
    gate.refuse("second");
    bench.upload(&mut gate).await;
    // The disk was restored to the state after the first row.
    let mut restored = TestGate { rows: vec![], sequence: 0, chain: ChainHash::START, ..gate };
    restored.refuse("first");
    restored.refuse("another second");
    restored.refuse("third");
    let upload = restored.upload();
    assert_eq!(bench.send(&restored, &upload).await, [Known, Fork, Stored]);
    assert_eq!(bench.send(&restored, &upload).await, [Known, Fork, Known]);
    assert_eq!((count(&bench, "journal").await, count(&bench, "journal_aside").await), (3, 1));
    // The third row continues a second that is not the stored one.
    assert_eq!(gaps(&bench).await, [3]);
}

#[tokio::test]
async fn bytes_that_are_no_row_of_this_gate_with_this_number_are_kept_aside() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let elses = JournalRow { gate: GateId(99), ..gate.next() };
    gate.refuse("good");
    raw(&mut gate, elses.to_bytes());
    let misnumbered = JournalRow { sequence: 7, ..gate.next() };
    raw(&mut gate, misnumbered.to_bytes());
    raw(&mut gate, vec![]);
    raw(&mut gate, vec![0xff; 600]);
    let lets_in_for_a_refusal = JournalRow { persons: 2, ..gate.next() };
    raw(&mut gate, lets_in_for_a_refusal.to_bytes());
    gate.refuse("good");
    let upload = gate.upload();
    let expected = |known| [known, Unreadable, Unreadable, Unreadable, Unreadable, Unreadable, known];
    assert_eq!(bench.send(&gate, &upload).await, expected(Stored));
    assert_eq!(bench.send(&gate, &upload).await, expected(Known));
    assert_eq!((count(&bench, "journal").await, count(&bench, "journal_aside").await), (2, 5));
    let last = JournalRow { sequence: u64::MAX, ..gate.next() };
    gate.rows = vec![UploadedRow { sequence: u64::MAX, row: Base64(last.to_bytes()), ticket: None }];
    assert_eq!(bench.upload(&mut gate).await, [Unreadable]);
}

#[tokio::test]
async fn a_row_is_believed_as_far_as_a_ticket_proves_it() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let sold = ticket_of(EVENT, 1, 1);
    let by_a_stranger = sold.body().authorise(&testing::key(2));
    let forged = UnverifiedTicket::new(sold.body().clone(), sold.issuer(), by_a_stranger);
    gate.admit(1, Some(&forged.to_text()));
    gate.admit(2, Some(&ticket_of(EventId(8), 2, 1).to_text()));
    gate.admit(3, Some(&ticket(4, 1)));
    gate.admit_generation(4, 2, Some(&ticket(4, 1)));
    gate.admit(5, None);
    gate.admit(6, Some("\0"));
    gate.admit(7, Some(&"x".repeat(5000)));
    let greedy = JournalRow {
        subject: Subject::Ticket { event: EVENT, slot: Slot(8), generation: Generation(1) },
        persons: 3,
        reason: Reason::Admitted,
        ..gate.next()
    };
    gate.write(&greedy, Some(&ticket(8, 1)));
    gate.admit(9, Some(&ticket(9, 1)));
    let mut expected = vec![Unproved; 8];
    expected.push(Stored);
    assert_eq!(bench.upload(&mut gate).await, expected);
    // Proved by an earlier row, in this upload or before it; but not by another gate's.
    gate.admit(9, None);
    gate.admit(10, Some(&ticket(10, 1)));
    gate.admit(10, None);
    gate.admit_generation(10, 2, None);
    assert_eq!(bench.upload(&mut gate).await, [Stored, Stored, Stored, Unproved]);
    let mut other = bench.gate().await;
    other.admit(9, None);
    assert_eq!(bench.upload(&mut other).await, [Unproved]);
}

/// Found in review: whoever stole a gate could take back, hours later, every admission that it had made, and copies entered elsewhere.
#[tokio::test]
async fn an_undo_is_believed_as_far_as_a_gate_takes_an_admission_back() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    for slot in 1..=8 {
        gate.admit(slot, Some(&ticket(slot, 1)));
    }
    gate.act(5, Act::Actuated { of: 5, actuation: Actuation::Turned });
    gate.act(6, Act::Actuated { of: 6, actuation: Actuation::NotTurned });
    gate.pass(9, 2, Reason::Forgiven, Some(&ticket(9, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Stored; 11]);
    let one = Act::Undo { of: 2, persons: NonZeroU8::MIN };
    gate.undo(1, 1);
    gate.act(2, one);
    gate.undo(3, 4);
    gate.undo(5, 5);
    gate.undo(6, 6);
    gate.undo(9, 11);
    // Of a row that it does not have, and of itself by another number.
    gate.undo(8, 10);
    // In this upload, the arm turned before and after.
    gate.admit(10, Some(&ticket(10, 1)));
    gate.act(10, Act::Actuated { of: 19, actuation: Actuation::Turned });
    gate.undo(10, 19);
    gate.admit(11, Some(&ticket(11, 1)));
    gate.undo(11, 22);
    let expected =
        [Stored, Unproved, Unproved, Unproved, Stored, Unproved, Unproved, Stored, Stored, Unproved, Stored, Stored];
    assert_eq!(bench.upload(&mut gate).await, expected);
    assert!(is_contested(&bench).await);

    // As late as the network may be, and later.
    let late = |gate: &TestGate, of: u64| {
        let subject = Subject::Ticket { event: EVENT, slot: Slot(7), generation: Generation(1) };
        let act = Some(Act::Undo { of, persons: NonZeroU8::new(2).unwrap() });
        let at = DOORS + Duration::from_secs(6) + UNDO_WINDOW;
        JournalRow { subject, reason: Reason::Admitted, act, at, ..gate.next() }
    };
    let in_time = late(&gate, 7);
    let too_late = JournalRow { at: in_time.at + Duration::from_millis(1), ..in_time.clone() };
    gate.write(&too_late, None);
    assert_eq!(bench.upload(&mut gate).await, [Unproved]);
    bench.clock.advance(Duration::from_mins(15));
    let last = late(&gate, 7);
    gate.write(&last, None);
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    bench.clock.advance(Duration::from_millis(1));
    gate.undo(8, 8);
    assert_eq!(bench.upload(&mut gate).await, [Unproved]);
}

/// Found in review: whoever stole a gate could let everybody leave who had come in anywhere, where tickets admit again after an exit.
#[tokio::test]
async fn an_exit_is_believed_where_the_gates_assignment_has_a_lane_out() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let leaves = |gate: &TestGate, lane, reason| JournalRow {
        subject: Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) },
        persons: 1,
        lane: LaneId(lane),
        direction: Direction::Exit,
        reason,
        ..gate.next()
    };
    gate.admit(42, Some(&ticket(42, 1)));
    for (lane, reason) in [(1, Reason::Exit), (3, Reason::Exit), (1, Reason::ExitWithoutEntry), (2, Reason::Exit)] {
        let row = leaves(&gate, lane, reason);
        gate.write(&row, None);
    }
    // Whom it kept in, wherever it says that was, frees no seat.
    let kept = JournalRow { persons: 0, ..leaves(&gate, 9, Reason::NotOurs) };
    gate.write(&kept, None);
    assert_eq!(bench.upload(&mut gate).await, [Stored, Unproved, Unproved, Unproved, Stored, Stored]);
    assert!(is_contested(&bench).await);
}

async fn is_contested(bench: &Bench) -> bool {
    sqlx::query_scalar("SELECT bool_or(contested) FROM gates").fetch_one(&bench.state.pool).await.unwrap()
}

/// Found in review: whoever stole a gate could book admissions at another event, with a ticket bought there.
#[tokio::test]
async fn a_gate_is_not_believed_about_another_event() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let foreign = EventId(EVENT.0 + 1);
    let row = JournalRow {
        subject: Subject::Ticket { event: foreign, slot: Slot(42), generation: Generation(1) },
        persons: 1,
        reason: Reason::Admitted,
        ..gate.next()
    };
    gate.write(&row, Some(&ticket_of(foreign, 42, 1).to_text()));
    assert_eq!(bench.upload(&mut gate).await, [Unproved]);
}

#[tokio::test]
async fn a_gap_is_remembered_and_no_reason_to_refuse() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.refuse("first");
    gate.refuse("lost");
    gate.refuse("third");
    let whole = gate.upload();
    let lost = gate.rows.remove(1);
    gate.chain = whole.previous.next(&gate.rows[0].row.0).next(&lost.row.0);
    let first = gate.rows.remove(0);
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    assert_eq!(gaps(&bench).await, [3]);
    gate.rows = vec![first, lost];
    gate.chain = ChainHash::START;
    assert_eq!(bench.upload(&mut gate).await, [Stored, Stored]);
    assert_eq!(gaps(&bench).await, [3], "rows are not rewritten");
}

#[tokio::test]
async fn a_checkpoint_that_does_not_hold_stores_nothing() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    gate.refuse("first");
    gate.refuse("second");
    let good = gate.upload();
    let stranger = TestGate { key: testing::key(66), rows: gate.rows.clone(), token: gate.token.clone(), ..gate };
    let mut bad = vec![stranger.upload()];
    let mut other = |change: fn(&mut Upload)| {
        let mut upload = good.clone();
        change(&mut upload);
        bad.push(upload);
    };
    other(|upload| upload.checkpoint.sequence = 1);
    other(|upload| upload.checkpoint.hash = ChainHash::START);
    other(|upload| upload.previous = ChainHash([1; 32]));
    other(|upload| upload.rows.swap(0, 1));
    other(|upload| upload.rows[0].row.0[5] ^= 1);
    other(|upload| upload.rows.truncate(1));
    for upload in &bad {
        let answer = bench.post(paths::JOURNAL, Some(&gate.token), upload).await;
        answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "checkpoint-refused");
    }
    let empty = Upload { rows: vec![], ..good.clone() };
    let long = Upload { rows: vec![good.rows[0].clone(); 1001], ..good.clone() };
    for upload in [empty, long] {
        let answer = bench.post(paths::JOURNAL, Some(&gate.token), &upload).await;
        answer.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    assert_eq!((count(&bench, "journal").await, count(&bench, "journal_aside").await), (0, 0));
    let gate = TestGate { key: testing::key(66), ..gate };
    assert_eq!(bench.send(&gate, &good).await, [Stored, Stored]);
}

#[tokio::test]
async fn the_largest_upload_that_is_allowed_is_read() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    for _ in 0..1000 {
        raw(&mut gate, vec![0xff; 512]);
    }
    for row in &mut gate.rows {
        row.ticket = Some("x".repeat(MAX_TEXT_LENGTH));
    }
    assert_eq!(bench.upload(&mut gate).await, [Unreadable; 1000]);
}

thread_local! {
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what sqlx says it executed, by thread: a test has one of its own. For the whole executable, because the library forgets
/// one that is set for a thread while other threads meet the same events.
struct Statements;

impl tracing::Subscriber for Statements {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        STATEMENTS.set(STATEMENTS.get() + 1);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_thousand_rows_are_a_few_statements() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    for slot in 0..1000 {
        gate.admit(slot, Some(&ticket(slot, 1)));
    }
    tracing::subscriber::set_global_default(Statements).unwrap();
    let before = STATEMENTS.get();
    let outcomes = bench.upload(&mut gate).await;
    let statements = STATEMENTS.get() - before;
    assert!(outcomes.iter().all(|outcome: &RowOutcome| *outcome == Stored));
    assert_eq!(count(&bench, "journal").await, 1000);
    assert!((1..=10).contains(&statements), "{statements} statements");
}
