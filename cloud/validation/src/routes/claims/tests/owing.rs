//! Claims after the database was restored from a backup, while gates have yet to tell again what they did.

use countermark_service::contract::{AssignGate, CreateGate};
use countermark_shared::documents::EventDocument;

use super::*;
use crate::store::{debts, sessions};
use crate::testing::{NEXT_EVENT, lanes};

/// As `recover` leaves it.
async fn restored(bench: &Bench) {
    let mut connection = bench.state.pool.acquire().await.unwrap();
    sessions::end_all(&mut connection).await.unwrap();
    debts::all_owe(&mut connection).await.unwrap();
}

/// Logs in, and says that so much is written.
async fn log_in(bench: &Bench, gate: &mut TestGate, written_up_to: Option<u64>) {
    gate.token = bench.answer_nonce(gate, written_up_to).await.token;
}

/// Whether a gate is answered; what it is refused otherwise is that others owe.
async fn is_answered(bench: &Bench, gate: &TestGate, attempt: u8) -> bool {
    let answer = send(bench, gate, &question(gate, attempt, 50)).await;
    if answer.status != StatusCode::OK {
        answer.is_problem(StatusCode::SERVICE_UNAVAILABLE, "gates-owe-rows");
    }
    answer.status == StatusCode::OK
}

#[tokio::test]
async fn nobody_is_answered_before_every_other_gate_has_told_what_it_had_written() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    let (_waits_for_its_code, _) = bench.create_gate().await;
    let before = question(&south, 9, 43);
    ask(&bench, &south, &before).await;
    // Of all this the backup knows nothing.
    for slot in 41..=43 {
        north.admit(slot, Some(&ticket(slot, 1)));
    }
    restored(&bench).await;

    log_in(&bench, &mut south, Some(0)).await;
    let refused = send(&bench, &south, &question(&south, 1, 42)).await;
    let said = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(said.contains(&format!("whom they let in: {}.", north.gate)), "{said}");
    refused.is_problem(StatusCode::SERVICE_UNAVAILABLE, "gates-owe-rows");
    assert_eq!(ask(&bench, &south, &before).await.persons, 2, "what was answered before is answered so");
    // Its claims log in by themselves, and say nothing of the journal.
    log_in(&bench, &mut north, None).await;
    assert!(!is_answered(&bench, &south, 2).await);
    assert!(is_answered(&bench, &north, 1).await, "its own rows it knows");
    log_in(&bench, &mut north, Some(3)).await;
    assert!(!is_answered(&bench, &south, 3).await);

    let last = north.rows.split_off(2);
    assert_eq!(bench.upload(&mut north).await, [Stored, Stored]);
    assert!(!is_answered(&bench, &south, 4).await, "one of three is missing");
    // A later log-in says more: what is written since is known by its grants.
    log_in(&bench, &mut north, Some(9)).await;
    north.rows = last;
    assert_eq!(bench.upload(&mut north).await, [Stored]);
    for (attempt, slot, persons) in [(5, 41, 0), (6, 42, 0), (7, 44, 2)] {
        let asked = question(&south, attempt, slot);
        assert_eq!(ask(&bench, &south, &asked).await.persons, persons, "seat {slot}");
    }
}

#[tokio::test]
async fn a_gate_of_which_all_is_known_owes_nothing_from_its_log_in_on_and_a_suspended_one_is_not_waited_for() {
    let bench = Bench::new().await;
    let (mut north, mut south) = (bench.gate().await, bench.gate().await);
    north.admit(42, Some(&ticket(42, 1)));
    bench.upload(&mut north).await;
    restored(&bench).await;
    log_in(&bench, &mut south, Some(0)).await;
    assert!(!is_answered(&bench, &south, 1).await);

    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (gate, decided) = (north.gate, bench.clock.now());
    admin.suspend_gate(&SuspendGate { gate, decided, believed_until: None }).await.unwrap();
    assert!(is_answered(&bench, &south, 2).await);
    let owes = async || admin.admissions(EVENT).await.unwrap().gates.iter().map(|it| it.owes).collect::<Vec<_>>();
    assert_eq!(owes().await, [false, false]);
    admin.resume_gate(&ResumeGate { gate, decided }).await.unwrap();
    assert!(!is_answered(&bench, &south, 3).await);
    assert_eq!(owes().await, [true, false]);
    log_in(&bench, &mut north, Some(1)).await;
    assert!(is_answered(&bench, &south, 4).await);
    assert_eq!(owes().await, [false, false]);
}

#[tokio::test]
async fn a_gate_is_waited_for_by_those_of_every_event_that_it_served() {
    let bench = Bench::new().await;
    bench.push(&EventDocument { event: NEXT_EVENT, ..event(1) }).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (mut here, mut moved) = (bench.gate().await, bench.gate().await);
    let created = CreateGate { name: "There".to_owned(), event: NEXT_EVENT, lanes: lanes() };
    let created = admin.create_gate(&created).await.unwrap();
    let _there = bench.enrolled((created.gate, created.code.parse().unwrap())).await;
    let decided = bench.clock.now();
    let assigned = AssignGate { gate: moved.gate, event: NEXT_EVENT, lanes: lanes(), decided };
    admin.assign_gate(&assigned).await.unwrap();
    restored(&bench).await;
    log_in(&bench, &mut here, Some(0)).await;
    assert!(!is_answered(&bench, &here, 1).await);
    log_in(&bench, &mut moved, Some(0)).await;
    // The other event's gate has told nothing, and could tell nothing of this event.
    assert!(is_answered(&bench, &here, 2).await);
}
