//! Claims against a real database.

mod owing;

use std::num::NonZeroU8;
use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::{ResumeGate, SuspendGate, ValidationClient};
use countermark_service::service_name::ServiceName;
use countermark_shared::decision::Passages;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::{Act, JournalRow, Subject};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
use countermark_shared::verdict::Reason;
use countermark_shared::wire::RowOutcome::{Stored, Unproved};
use countermark_shared::wire::{AskClaim, Base64, ClaimAnswered, paths};
use futures_util::future::join_all;

use crate::store::gates;
use crate::testing::{Answer, Bench, EVENT, TestGate, event, key, ticket, ticket_of};

/// A question about both places of a ticket, by the gate's next row.
fn question(gate: &TestGate, attempt: u8, slot: u32) -> AskClaim {
    AskClaim {
        attempt: Base64([attempt; 16]),
        row: gate.sequence + 1,
        persons: NonZeroU8::new(2).unwrap(),
        own: Passages::NONE,
        ticket: ticket(slot, 1),
    }
}

async fn send(bench: &Bench, gate: &TestGate, question: &AskClaim) -> Answer {
    bench.post(paths::CLAIMS, Some(&gate.token), question).await
}

async fn ask(bench: &Bench, gate: &TestGate, question: &AskClaim) -> ClaimAnswered {
    let answer = send(bench, gate, question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()
}

/// The gate writes down that it asks, and asks.
async fn claim(bench: &Bench, gate: &mut TestGate, attempt: u8, slot: u32) -> ClaimAnswered {
    let question = question(gate, attempt, slot);
    claimed(gate, &question, slot);
    ask(bench, gate, &question).await
}

fn seat(slot: u32) -> Subject {
    Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) }
}

/// The row by which it asks.
fn claimed(gate: &mut TestGate, question: &AskClaim, slot: u32) {
    let AskClaim { attempt, persons, .. } = question;
    let act = Some(Act::Claim { attempt: attempt.0.into(), persons: *persons });
    let row = JournalRow { subject: seat(slot), reason: Reason::Admitted, act, ..gate.next() };
    gate.write(&row, Some(&question.ticket));
}

/// The row that ends the claim of row `of`.
fn end(gate: &mut TestGate, of: u64, slot: u32, persons: u8) {
    let reason = if persons > 0 { Reason::Admitted } else { Reason::UsedElsewhere };
    let act = Some(Act::Claimed { of });
    let row = JournalRow { subject: seat(slot), persons, reason, proved: persons > 0, act, ..gate.next() };
    gate.write(&row, None);
}

/// A ticket for two that enters as often as the policy says.
fn often(slot: u32) -> String {
    let body = TicketBody { entries: 0, ..ticket_of(EVENT, slot, 1).body().clone() };
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    UnverifiedTicket::new(body, issuer, authority).to_text()
}

/// Both places, granted to that gate now.
fn granted(bench: &Bench, gate: GateId) -> Passages {
    Passages::granted(gate, NonZeroU8::new(2).unwrap(), bench.clock.now(), None)
}

#[tokio::test]
async fn a_seat_is_granted_to_the_gate_that_asks_first() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    assert_eq!(claim(&bench, &mut north, 1, 42).await, ClaimAnswered { persons: 2, others: Passages::NONE });
    // Nothing of it was uploaded.
    let others = granted(&bench, north.gate);
    assert_eq!(claim(&bench, &mut south, 1, 42).await, ClaimAnswered { persons: 0, others });
    assert_eq!(claim(&bench, &mut south, 2, 43).await.persons, 2);
}

#[tokio::test]
async fn of_many_gates_at_once_one_is_granted_each_seat() {
    const GATES: u8 = 6;
    let bench = Bench::new().await;
    let mut gates = Vec::new();
    for _ in 0..GATES {
        gates.push(bench.gate().await);
    }
    for slot in 1..=20 {
        let asked = gates.iter().map(|gate| {
            let question = question(gate, u8::try_from(slot).unwrap(), slot);
            let bench = &bench;
            async move { ask(bench, gate, &question).await.persons }
        });
        let mut persons = join_all(asked).await;
        persons.sort_unstable();
        assert_eq!(persons, [0, 0, 0, 0, 0, 2]);
    }
}

#[tokio::test]
async fn an_attempt_is_answered_as_it_was_however_often_it_is_asked() {
    let bench = Bench::new().await;
    let (north, mut south) = (bench.gate().await, bench.gate().await);
    let first = question(&north, 1, 42);
    let (one, other) = tokio::join!(ask(&bench, &north, &first), ask(&bench, &north, &first));
    assert_eq!((one, other.persons), (other, 2));
    // Other gates' attempts are their own.
    let refused = question(&south, 1, 42);
    let answer = ask(&bench, &south, &refused).await;
    assert_eq!(answer.persons, 0);
    // Nobody passes at the first gate; whoever asked before that stays refused.
    let mut north = north;
    claimed(&mut north, &first, 42);
    end(&mut north, 1, 42, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    assert_eq!(ask(&bench, &south, &refused).await, answer);
    assert_eq!(claim(&bench, &mut south, 2, 42).await.persons, 2);
}

#[tokio::test]
async fn another_question_under_a_spent_attempt_is_refused() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let first = question(&gate, 1, 42);
    ask(&bench, &gate, &first).await;
    for other in [
        AskClaim { ticket: ticket(43, 1), ..first.clone() },
        AskClaim { ticket: ticket(42, 2), ..first.clone() },
        AskClaim { persons: NonZeroU8::MIN, ..first.clone() },
        AskClaim { row: 2, ..first.clone() },
    ] {
        send(&bench, &gate, &other).await.is_problem(StatusCode::CONFLICT, "attempt-spent");
    }
    assert_eq!(ask(&bench, &gate, &first).await.persons, 2);
}

#[tokio::test]
async fn a_grant_counts_until_its_end_is_told_and_then_what_that_says() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    claim(&bench, &mut north, 1, 42).await;
    claim(&bench, &mut north, 2, 43).await;
    // That it asked ends nothing.
    bench.upload(&mut north).await;
    assert_eq!(claim(&bench, &mut south, 1, 42).await.persons, 0);
    end(&mut north, 1, 42, 1);
    end(&mut north, 2, 43, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    // One of two went in, at the gate's third row.
    let one = Passages::granted(north.gate, NonZeroU8::MIN, bench.clock.now() + Duration::from_secs(2), None);
    assert_eq!(claim(&bench, &mut south, 2, 42).await, ClaimAnswered { persons: 1, others: one });
    assert_eq!(claim(&bench, &mut south, 3, 43).await, ClaimAnswered { persons: 2, others: Passages::NONE });
}

#[tokio::test]
async fn an_end_that_was_told_before_the_question_arrived_ends_it() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    let late = question(&north, 1, 42);
    claimed(&mut north, &late, 42);
    end(&mut north, 1, 42, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    assert_eq!(ask(&bench, &north, &late).await.persons, 2);
    assert_eq!(claim(&bench, &mut south, 1, 42).await.persons, 2);
}

/// Found in review: whoever had a gate's key could say by a number that claims were over, before they were asked, and the seats were granted
/// twice.
#[tokio::test]
async fn a_claim_is_ended_by_its_question_about_its_seat_in_a_proved_row() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    let [first, other, unproved, late] = [(1, 1, 42), (3, 2, 43), (5, 3, 44), (3, 4, 42)]
        .map(|(row, attempt, slot)| AskClaim { row, ..question(&north, attempt, slot) });
    claimed(&mut north, &first, 42);
    // A row that asked nothing, another seat's question, and one of a seat that no ticket proves.
    end(&mut north, 1, 43, 0);
    claimed(&mut north, &other, 43);
    end(&mut north, 2, 43, 0);
    let act = Some(Act::Claim { attempt: unproved.attempt.0.into(), persons: unproved.persons });
    let unproved_row = JournalRow { subject: seat(44), reason: Reason::Admitted, act, ..north.next() };
    north.write(&unproved_row, None);
    end(&mut north, 5, 44, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored, Unproved, Stored, Stored, Unproved, Unproved]);
    for (attempt, question, slot) in [(1, &first, 42), (2, &other, 43), (3, &unproved, 44)] {
        assert_eq!(ask(&bench, &north, question).await.persons, 2);
        assert_eq!(claim(&bench, &mut south, attempt, slot).await.persons, 0, "seat {slot}");
    }
    // By the number of a question that comes later under another name.
    end(&mut north, 3, 43, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    assert_eq!(claim(&bench, &mut south, 4, 43).await.persons, 2, "that one is over");
    assert_eq!(ask(&bench, &north, &late).await.persons, 2);
    assert_eq!(claim(&bench, &mut south, 5, 42).await.persons, 0);
}

#[tokio::test]
async fn what_a_suspended_gate_was_granted_falls() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    claim(&bench, &mut north, 1, 42).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let decided = bench.clock.now();
    admin.suspend_gate(&SuspendGate { gate: north.gate, decided, believed_until: None }).await.unwrap();
    assert_eq!(claim(&bench, &mut south, 1, 42).await, ClaimAnswered { persons: 2, others: Passages::NONE });
    let another = question(&north, 2, 43);
    send(&bench, &north, &another).await.is_problem(StatusCode::FORBIDDEN, "gate-suspended");
    // What it was granted before is another's by now.
    let again = AskClaim { row: 1, ..question(&north, 1, 42) };
    send(&bench, &north, &again).await.is_problem(StatusCode::FORBIDDEN, "gate-suspended");
    admin.resume_gate(&ResumeGate { gate: north.gate, decided }).await.unwrap();
    assert_eq!(ask(&bench, &north, &another).await.persons, 2);
}

#[tokio::test]
async fn rows_of_other_gates_count_as_far_as_they_are_believed() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&ticket(42, 1)));
    north.admit(43, None);
    north.pass(44, 1, Reason::Admitted, Some(&ticket(44, 1)));
    assert_eq!(bench.upload(&mut north).await, [Stored, Unproved, Stored]);
    assert_eq!(claim(&bench, &mut south, 1, 42).await.persons, 0);
    assert_eq!(claim(&bench, &mut south, 2, 43).await.persons, 2);
    let undo = Some(Act::Undo { of: 1, persons: NonZeroU8::new(2).unwrap() });
    let undo = JournalRow { subject: seat(42), reason: Reason::Admitted, act: undo, ..north.next() };
    north.write(&undo, None);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    assert_eq!(claim(&bench, &mut south, 3, 42).await.persons, 2);
    // A gate's own rows are its to tell.
    let own = ClaimAnswered { persons: 2, others: Passages::NONE };
    assert_eq!(ask(&bench, &north, &question(&north, 1, 44)).await, own);
}

#[tokio::test]
async fn what_passed_at_the_gate_itself_is_its_own_word() {
    let bench = Bench::new().await;
    let mut several = event(2);
    several.policy.entries = 0;
    bench.push(&several).await;
    let (mut north, south) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&often(42)));
    bench.upload(&mut north).await;
    let asked = AskClaim { ticket: often(42), ..question(&south, 1, 42) };
    assert_eq!(ask(&bench, &south, &asked).await.persons, 0);
    // One of them left here, and one is here already.
    let own = Passages { left: 1, last_exit: Some(bench.clock.now()), ..Passages::NONE };
    let asked = AskClaim { attempt: Base64([2; 16]), own, ..asked };
    assert_eq!(ask(&bench, &south, &asked).await.persons, 1);
    let own = Passages { admitted: 1, admitted_since_reset: 1, left: 1, ..own };
    let asked = AskClaim { attempt: Base64([3; 16]), own, ..asked };
    assert_eq!(ask(&bench, &south, &asked).await.persons, 0);
}

#[tokio::test]
async fn a_claim_shows_a_ticket_of_the_gates_event_and_names_a_row() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let sold = ticket_of(EVENT, 42, 1);
    let forged = UnverifiedTicket::new(sold.body().clone(), sold.issuer(), sold.body().authorise(&key(2)));
    for text in ["junk".to_owned(), forged.to_text(), ticket_of(EventId(8), 42, 1).to_text()] {
        let asked = AskClaim { ticket: text, ..question(&gate, 1, 42) };
        send(&bench, &gate, &asked).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "ticket-unproved");
    }
    for row in [0, u64::MAX] {
        let asked = AskClaim { row, ..question(&gate, 1, 42) };
        send(&bench, &gate, &asked).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    assert_eq!(ask(&bench, &gate, &question(&gate, 1, 42)).await.persons, 2);
}

#[tokio::test]
async fn no_claim_waits_for_an_upload_of_its_gate() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let mut upload = bench.state.pool.begin().await.unwrap();
    gates::lock(&mut upload, gate.gate).await.unwrap().unwrap();
    // It would wait for ever.
    assert_eq!(ask(&bench, &gate, &question(&gate, 1, 42)).await.persons, 2);
}
