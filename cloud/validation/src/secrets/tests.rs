use std::time::Duration;

use countermark_service::outbox;
use countermark_service::serve::Shutdown;
use countermark_shared::documents::HolderName;
use countermark_shared::id::SealingGeneration;
use countermark_shared::sealing::{EventSecret, Wrapped};

use super::*;
use crate::testing::{self, Bench, EVENT, TestGate};

/// What the gate can open.
async fn opened(bench: &Bench, gate: &TestGate) -> Vec<u8> {
    let assignment = bench.assignment(gate).await;
    let unwrap = |secret: &WrappedSecret| {
        let wrapped = Wrapped { encapsulated: *secret.encapsulated, ciphertext: *secret.ciphertext };
        let generation = SealingGeneration(secret.generation);
        let key = testing::unwrapping_key();
        let secret = EventSecret::unwrap(&wrapped, gate.gate, &key, EVENT, generation).unwrap();
        assert_eq!(secret.bytes(), &[generation.0; 32]);
        generation.0
    };
    assignment.secrets.iter().map(unwrap).collect()
}

fn wraps(bench: &Bench, generations: Option<&[u8]>) {
    *bench.sealing.lock().unwrap() = generations.map(<[u8]>::to_vec);
}

/// The occasions that wait for the outbox.
async fn waiting(bench: &Bench) -> Vec<String> {
    let pending = outbox::pending(&mut bench.state.pool.acquire().await.unwrap()).await.unwrap();
    pending.into_iter().map(|entry| format!("{} {}", entry.kind, entry.key)).collect()
}

#[tokio::test]
async fn an_answer_makes_the_next_assignment_once() {
    let bench = Bench::new().await;
    bench.push(&testing::named_event(2)).await;
    let gate = bench.gate().await;
    wraps(&bench, Some(&[0]));
    for _ in 0..2 {
        assign(&bench.state, gate.gate).await.unwrap();
        assert_eq!((opened(&bench, &gate).await, bench.assignment(&gate).await.version), (vec![0], 2));
    }
    wraps(&bench, Some(&[0, 1]));
    for _ in 0..2 {
        assign(&bench.state, gate.gate).await.unwrap();
        assert_eq!((opened(&bench, &gate).await, bench.assignment(&gate).await.version), (vec![0, 1], 3));
    }
}

#[tokio::test]
async fn enrolling_does_not_wait_for_tickets_and_the_secret_follows() {
    let bench = Bench::new().await;
    bench.push(&testing::named_event(2)).await;
    let gate = bench.gate().await;
    assert_eq!(waiting(&bench).await, [format!("wrap-event-secrets {}/enrolment", gate.gate)]);
    assert!(assign(&bench.state, gate.gate).await.is_err(), "tickets does not know the event yet");
    // Its document has arrived there, but its secret is not made.
    wraps(&bench, Some(&[]));
    assert!(assign(&bench.state, gate.gate).await.is_err());
    assert_eq!(opened(&bench, &gate).await, [0_u8; 0]);

    wraps(&bench, Some(&[3]));
    let (switch, shutdown) = Shutdown::by_hand();
    let working = tokio::spawn(worker(bench.state.clone()).run(shutdown));
    while !waiting(&bench).await.is_empty() {
        bench.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    switch.request();
    working.await.unwrap();
    assert_eq!(opened(&bench, &gate).await, [3]);
}

#[tokio::test]
async fn a_product_that_becomes_sealed_gets_its_secret_and_it_goes_when_gates_are_given_no_names() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    // Nothing is asked for: tickets would say that it knows nothing.
    assign(&bench.state, gate.gate).await.unwrap();
    let asked_before = waiting(&bench).await;
    bench.push(&testing::named_event(2)).await;
    assert_eq!(waiting(&bench).await.len(), asked_before.len() + 1);
    wraps(&bench, Some(&[0]));
    assign(&bench.state, gate.gate).await.unwrap();
    assert_eq!(opened(&bench, &gate).await, [0]);
    bench.push(&testing::event(3)).await;
    assert_eq!(opened(&bench, &gate).await, [0_u8; 0]);
    assign(&bench.state, gate.gate).await.unwrap();
    assert_eq!(bench.assignment(&gate).await.version, 3);
}

/// Tickets that were sold while the product was sealed are still shown.
#[tokio::test]
async fn a_product_that_is_no_longer_sealed_leaves_the_gate_its_secret() {
    let bench = Bench::new().await;
    bench.push(&testing::named_event(2)).await;
    let gate = bench.gate().await;
    wraps(&bench, Some(&[0]));
    assign(&bench.state, gate.gate).await.unwrap();
    let mut event = testing::named_event(3);
    event.products[0].form.holder = HolderName::Unnamed;
    bench.push(&event).await;
    let later = bench.gate().await;
    assign(&bench.state, later.gate).await.unwrap();
    assert_eq!((opened(&bench, &gate).await, opened(&bench, &later).await), (vec![0], vec![0]));
    // Where nothing was ever sealed, none is an answer.
    wraps(&bench, Some(&[]));
    assign(&bench.state, later.gate).await.unwrap();
}

#[tokio::test]
async fn a_gate_that_has_not_enrolled_is_given_nothing() {
    let bench = Bench::new().await;
    bench.push(&testing::named_event(2)).await;
    let (gate, _) = bench.create_gate().await;
    assign(&bench.state, gate).await.unwrap();
    assert!(assign(&bench.state, GateId(99)).await.is_err());
}
