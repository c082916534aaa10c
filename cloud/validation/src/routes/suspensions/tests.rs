use std::time::Duration;

use countermark_service::contract::ValidationClient;
use countermark_service::outbox;
use countermark_service::service_call::CallError;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::LeaseState;
use countermark_shared::id::Slot;
use countermark_shared::wire::RowOutcome::{Known, Stored, Unproved};

use super::*;
use crate::testing::{self, Bench, TestGate};

async fn decide_at(bench: &Bench, gate: GateId, suspended: bool, decided: Timestamp) -> Result<bool, CallError> {
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let standing = if suspended {
        admin.suspend_gate(&SuspendGate { gate, decided, believed_until: None }).await?
    } else {
        admin.resume_gate(&ResumeGate { gate, decided }).await?
    };
    assert_eq!(standing.gate, gate);
    Ok(standing.suspended)
}

/// The version of the gate's assignment, and what its lease permits.
async fn assigned(bench: &Bench, gate: &TestGate) -> (u32, LeaseState) {
    let assignment = bench.assignment(gate).await;
    (assignment.version, assignment.lease.at(bench.clock.now()))
}

#[tokio::test]
async fn a_suspended_gate_logs_in_and_hears_that_it_admits_nobody() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    assert_eq!(assigned(&bench, &gate).await, (1, LeaseState::Held));
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let shown = async || admin.admissions(testing::EVENT).await.unwrap().gates[0].suspended;
    assert!(!shown().await);
    for _ in 0..2 {
        assert!(decide_at(&bench, gate.gate, true, bench.clock.now()).await.unwrap());
        gate.token = bench.log_in(&gate).await;
        assert_eq!((assigned(&bench, &gate).await, shown().await), ((2, LeaseState::Suspended), true));
    }
    // A document that comes meanwhile does not resume it.
    let mut event = testing::event(2);
    event.products[0].until = event.products[0].until + Duration::from_hours(1);
    bench.push(&event).await;
    assert_eq!(assigned(&bench, &gate).await, (3, LeaseState::Suspended));
    for _ in 0..2 {
        assert!(!decide_at(&bench, gate.gate, false, bench.clock.now()).await.unwrap());
        assert_eq!(assigned(&bench, &gate).await, (4, LeaseState::Held));
    }
}

#[tokio::test]
async fn names_go_with_a_suspension_and_come_back_after_it() {
    let bench = Bench::new().await;
    bench.push(&testing::named_event(2)).await;
    let gate = bench.gate().await;
    *bench.sealing.lock().unwrap() = Some(vec![0]);
    let secrets = async || bench.assignment(&gate).await.secrets.len();
    secrets::assign(&bench.state, gate.gate).await.unwrap();
    assert_eq!(secrets().await, 1);
    decide_at(&bench, gate.gate, true, bench.clock.now()).await.unwrap();
    assert_eq!(secrets().await, 0);
    secrets::assign(&bench.state, gate.gate).await.unwrap();
    assert_eq!(secrets().await, 0);
    decide_at(&bench, gate.gate, false, bench.clock.now()).await.unwrap();
    let pending = outbox::pending(&mut bench.state.pool.acquire().await.unwrap()).await.unwrap();
    let key = format!("{}/assignment-4", gate.gate);
    assert!(pending.iter().any(|entry| entry.key == key), "{pending:?}");
    secrets::assign(&bench.state, gate.gate).await.unwrap();
    assert_eq!(secrets().await, 1);
}

#[tokio::test]
async fn the_later_decision_stands_whichever_arrives_first() {
    let bench = Bench::new().await;
    let gate = bench.gate().await.gate;
    let before = bench.clock.now();
    bench.clock.advance(Duration::from_secs(1));
    let now = bench.clock.now();
    for later in [true, false] {
        assert_eq!(decide_at(&bench, gate, later, now).await.unwrap(), later);
        assert_eq!(decide_at(&bench, gate, !later, before).await.unwrap(), later);
    }
    // A clock that is ahead cannot hold the gate for as long as it is ahead.
    assert!(decide_at(&bench, gate, true, now + Duration::from_hours(1)).await.unwrap());
    assert!(!decide_at(&bench, gate, false, now).await.unwrap());
}

#[tokio::test]
async fn only_admin_decides_and_only_about_gates_that_there_are() {
    let bench = Bench::new().await;
    let now = bench.clock.now();
    for suspended in [true, false] {
        let unknown = decide_at(&bench, GateId(99), suspended, now).await.unwrap_err();
        assert_eq!(unknown.slug(), Some("gate-unknown"));
    }
    let (gate, _) = bench.create_gate().await;
    let tickets = ValidationClient(bench.client(ServiceName::Tickets));
    let forbidden = tickets.suspend_gate(&SuspendGate { gate, decided: now, believed_until: None }).await.unwrap_err();
    assert_eq!(forbidden.slug(), Some("forbidden"));
    // One that has not enrolled yet will hear of it.
    assert!(decide_at(&bench, gate, true, now).await.unwrap());
}

/// Found in review: a gate that was stolen went on admitting guests of its own into the figures with the tickets it had seen; and what an honest one
/// had let in before it heard of its suspension counted for nothing for ever, so that its seats were free elsewhere.
#[tokio::test]
async fn what_a_suspended_gate_says_counts_once_it_is_resumed() {
    let bench = Bench::new().await;
    let mut gate = bench.gate().await;
    let admitted = async || {
        let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(testing::EVENT).await.unwrap();
        (figures.admitted, figures.gates[0].scans, figures.gates[0].doubtful)
    };
    gate.admit(1, Some(&testing::ticket(1, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    decide_at(&bench, gate.gate, true, bench.clock.now()).await.unwrap();
    gate.admit(2, Some(&testing::ticket(2, 1)));
    gate.refuse("junk");
    gate.admit(4, None);
    let said = gate.upload();
    assert_eq!(
        bench.upload(&mut gate).await,
        [Stored, Stored, Unproved],
        "nobody has to look into what is only withheld"
    );
    assert_eq!(admitted().await, (2, 4, 3));
    let waiting = async || {
        let mut connection = bench.state.pool.acquire().await.unwrap();
        let told = feed::take_changes(&mut connection, testing::EVENT, 1000).await.unwrap();
        let told: Vec<u64> = told.into_iter().flat_map(|change| change.sequences).collect();
        let marked = finding_marks::take(&mut connection, testing::EVENT, 1000, bench.clock.now()).await.unwrap();
        (told, marked.unwrap_or_default().slots.into_iter().collect::<Vec<_>>())
    };
    assert_eq!(waiting().await, (vec![1], vec![Slot(1)]));

    decide_at(&bench, gate.gate, false, bench.clock.now()).await.unwrap();
    assert_eq!(admitted().await, (4, 4, 1), "what no ticket proves stays in doubt");
    assert_eq!(waiting().await, (vec![2, 3], vec![Slot(2)]));
    assert_eq!(bench.send(&gate, &said).await, [Known; 3]);
    gate.admit(3, Some(&testing::ticket(3, 1)));
    assert_eq!(bench.upload(&mut gate).await, [Stored]);
    assert_eq!(admitted().await, (6, 5, 1));
}
