//! Seats that a gate found by an order's code, and let in without a ticket.

use std::num::NonZeroU8;

use countermark_service::contract::{ResumeGate, SuspendGate};
use countermark_shared::id::SupervisorId;
use countermark_shared::journal::{Actor, OverruleReason};

use super::*;
use crate::publisher::Publisher;
use crate::store::gates;
use crate::testing::{named_event, newest_feed};

/// A bench whose gates find seats by their order, with such a seat, and two of its gates.
async fn bench() -> (Bench, TestGate, TestGate) {
    let bench = Bench::new().await;
    bench.push(&EventDocument { find_by_order: true, ..named_event(2) }).await;
    bench.report(42, 1, Issued).await;
    let (north, south) = (bench.gate().await, bench.gate().await);
    (bench, north, south)
}

/// Staff find seat 42; the answer is the row's number.
fn found(gate: &mut TestGate) -> u64 {
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let row = JournalRow { subject, reason: Reason::FoundByOrder, actor: Actor::Operator, ..gate.next() };
    gate.write(&row, None);
    gate.sequence
}

/// A row about the seat, of an earlier one, that follows on a supervisor's word.
fn follows(gate: &mut TestGate, act: Act, persons: u8) -> u64 {
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let actor = if persons > 0 { Actor::Supervisor } else { Actor::Operator };
    let row = JournalRow { subject, persons, actor, reason: Reason::Overruled, act: Some(act), ..gate.next() };
    gate.write(&row, None);
    gate.sequence
}

fn let_in(gate: &mut TestGate, of: u64) -> u64 {
    follows(gate, Act::Overrule { of, supervisor: SupervisorId(2), why: OverruleReason::Identified }, 2)
}

async fn is_contested(bench: &Bench, gate: &TestGate) -> bool {
    gates::lock(&mut bench.state.pool.acquire().await.unwrap(), gate.gate).await.unwrap().unwrap().contested
}

#[tokio::test]
async fn who_was_found_and_let_in_is_no_doubt_of_the_guest_or_of_the_gate() {
    let (bench, mut north, _) = bench().await;
    let of = found(&mut north);
    let_in(&mut north, of);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    let found = findings(&bench).await;
    assert_eq!(rules(&found), [(Rule::Overruled, FindingState::Open)], "a notice, as of every overrule");
    assert!(!is_contested(&bench, &north).await);
    let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(EVENT).await.unwrap();
    assert_eq!((figures.gates[0].scans, figures.gates[0].doubtful), (2, 0), "nobody has to look into them");
}

#[tokio::test]
async fn a_ticket_that_is_used_afterwards_was_used_twice() {
    let (bench, mut north, mut south) = bench().await;
    let of = found(&mut north);
    let let_in = let_in(&mut north, of);
    bench.upload(&mut north).await;
    south.refuse("junk");
    south.refuse("junk");
    south.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut south).await;
    let twice = async || {
        let found = findings(&bench).await;
        let finding = found.into_iter().find(|finding| finding.rule == Rule::DoubleAdmission)?;
        assert_eq!(finding.about, seat(42));
        Some((finding.state, finding.evidence))
    };
    let Some((FindingState::Open, Evidence::Scans { scans, count: 1 })) = twice().await else { panic!("not found") };
    let Objection::PassedBefore { before, would_say: Reason::PlacesUsedUp, .. } = scans[0].objection else {
        panic!("{scans:?}")
    };
    assert_eq!((before.gate, before.row, scans[0].scan.gate), (north.gate, let_in, south.gate));

    // Nobody had gone through: staff took it back.
    follows(&mut north, Act::Undo { of: let_in, persons: NonZeroU8::new(2).unwrap() }, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    assert!(matches!(twice().await, Some((FindingState::Resolved, _))));
    assert!(!is_contested(&bench, &north).await);
}

/// Whoever has a gate's key writes such rows as he likes.
#[tokio::test]
async fn the_gates_word_moves_no_other_gate_and_takes_nothing_back_that_a_ticket_proved() {
    let (bench, mut north, mut south) = bench().await;
    south.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut south).await;
    north.refuse("junk");
    let of = found(&mut north);
    let_in(&mut north, of);
    bench.upload(&mut north).await;
    Publisher::feeds(bench.state.clone()).publish(EVENT).await.unwrap();
    let feed = newest_feed(&bench).await;
    let passed = |gate: &TestGate| feed.passages(Slot(42), Some(gate.gate), None).admitted;
    assert_eq!((passed(&north), passed(&south)), (2, 0), "each hears of the other what a ticket proves");

    assert!(!is_contested(&bench, &north).await);
    // What follows on a row that it does not vouch for is in doubt, as ever.
    let other = Subject::Ticket { event: EVENT, slot: Slot(43), generation: Generation(1) };
    let act = Some(Act::Undo { of: of - 1, persons: NonZeroU8::new(2).unwrap() });
    let row = JournalRow { subject: other, actor: Actor::Operator, reason: Reason::Admitted, act, ..north.next() };
    north.write(&row, None);
    bench.upload(&mut north).await;
    assert!(is_contested(&bench, &north).await);
}

#[tokio::test]
async fn where_gates_had_no_guest_list_nothing_is_vouched_for() {
    let bench = Bench::new().await;
    bench.push(&named_event(2)).await;
    bench.report(42, 1, Issued).await;
    let mut north = bench.gate().await;
    let of = found(&mut north);
    let_in(&mut north, of);
    assert_eq!(bench.upload(&mut north).await, [Unproved, Unproved]);
    assert_eq!(rules(&findings(&bench).await), [(Rule::Unproved, FindingState::Open)]);
    assert!(is_contested(&bench, &north).await);
}

/// Found in review: what gates had done before they heard of it put them in doubt.
#[tokio::test]
async fn a_guest_list_that_is_withdrawn_puts_no_gate_in_doubt() {
    let (bench, mut north, _) = bench().await;
    let of = found(&mut north);
    let_in(&mut north, of);
    bench.push(&named_event(3)).await;
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    assert!(!is_contested(&bench, &north).await);
}

/// Found in review: it was forgotten, a use elsewhere was no second one, and what followed on it put the gate in doubt.
#[tokio::test]
async fn what_a_gate_vouched_for_while_it_was_suspended_counts_once_it_is_resumed() {
    let (bench, mut north, mut south) = bench().await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (gate, decided) = (north.gate, bench.clock.now());
    admin.suspend_gate(&SuspendGate { gate, decided, believed_until: None }).await.unwrap();
    let of = found(&mut north);
    let let_in = let_in(&mut north, of);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    south.refuse("junk");
    south.refuse("junk");
    south.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut south).await;
    assert_eq!(findings(&bench).await, []);

    admin.resume_gate(&ResumeGate { gate, decided }).await.unwrap();
    let open = [(Rule::DoubleAdmission, FindingState::Open), (Rule::Overruled, FindingState::Open)];
    assert_eq!(rules(&findings(&bench).await), open);
    follows(&mut north, Act::Undo { of: let_in, persons: NonZeroU8::new(2).unwrap() }, 0);
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    assert!(!is_contested(&bench, &north).await);
}

#[tokio::test]
async fn a_gate_that_is_taken_back_has_vouched_for_nobody() {
    let (bench, mut north, mut south) = bench().await;
    let before = bench.clock.now();
    bench.clock.advance(Duration::from_secs(10));
    let of = found(&mut north);
    let_in(&mut north, of);
    bench.upload(&mut north).await;
    south.refuse("junk");
    south.refuse("junk");
    south.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut south).await;
    let open = async || {
        let open = findings(&bench).await.into_iter().filter(|finding| finding.state == FindingState::Open);
        open.map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(open().await, [Rule::DoubleAdmission, Rule::Overruled]);
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (gate, decided) = (north.gate, bench.clock.now());
    admin.suspend_gate(&SuspendGate { gate, decided, believed_until: Some(before) }).await.unwrap();
    assert_eq!(open().await, [Rule::Unproved]);
}
