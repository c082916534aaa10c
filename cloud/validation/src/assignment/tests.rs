use countermark_shared::documents::{HolderName, KeyStatus, LeaseState, Window};
use countermark_shared::id::ProductId;

use super::*;
use crate::state::Trusted;
use crate::testing::{self, Bench};

fn secret(generation: u8, wrapping: u8) -> WrappedSecret {
    WrappedSecret { generation, encapsulated: [wrapping; 32].into(), ciphertext: [wrapping; 48].into() }
}

fn assignment(lease: Lease, secrets: &[WrappedSecret]) -> Assignment {
    let (name, lanes) = ("North".to_owned(), testing::lanes());
    let (gate, event) = (GateId(1), testing::EVENT);
    Assignment {
        gate,
        version: 4,
        issued: testing::bundle().issued,
        event,
        name,
        lanes,
        lease,
        secrets: secrets.to_vec(),
    }
}

#[test]
fn a_lease_ends_twelve_hours_after_the_last_window_and_names_one() {
    let mut event = testing::event(1);
    let first = event.products[0].clone();
    let end = first.until;
    event.products.push(Product { product: ProductId(2), until: end - LEASE, ..first.clone() });
    assert_eq!(lease(&event, false), Lease { until: end + LEASE, names_until: end + NAMES, suspended: false });
    let moved = end + Duration::from_hours(240);
    event.products[1].moved = Some(Window { from: first.from, until: moved });
    assert_eq!(lease(&event, true), Lease { until: moved + LEASE, names_until: moved + NAMES, suspended: true });
    // What was sold does not count where it was moved.
    event.products = vec![Product { moved: Some(Window { from: first.from, until: end - NAMES }), ..first }];
    assert_eq!(lease(&event, false).names_until, end);
}

#[test]
fn an_event_seals_names_where_a_product_does() {
    for (holder, seals) in [(HolderName::Unnamed, false), (HolderName::Sealed, true), (HolderName::Checked, true)] {
        let mut event = testing::event(1);
        event.products.push(Product { product: ProductId(2), ..event.products[0].clone() });
        event.products[1].form.holder = holder;
        assert_eq!(seals_names(&event), seals, "{holder:?}");
    }
}

#[test]
fn a_secret_keeps_its_wrapping_and_goes_when_names_do() {
    let held = lease(&testing::event(1), false);
    let suspended = Lease { suspended: true, ..held };
    let current = assignment(held, &[secret(1, 10)]);
    for (lease, names, offered, expected) in [
        (held, true, vec![], vec![secret(1, 10)]),
        // Wrapped again, it says the same.
        (held, true, vec![secret(1, 11)], vec![secret(1, 10)]),
        (held, true, vec![secret(2, 12), secret(1, 11)], vec![secret(1, 10), secret(2, 12)]),
        // An answer to an earlier question takes nothing away.
        (held, true, vec![secret(0, 12)], vec![secret(0, 12), secret(1, 10)]),
        (held, false, vec![secret(2, 12)], vec![]),
        (suspended, true, vec![secret(2, 12)], vec![]),
    ] {
        assert_eq!(revised(&current, lease, names, &offered), assignment(lease, &expected), "{lease:?} {offered:?}");
    }
}

#[tokio::test]
async fn a_moved_event_moves_the_lease_and_the_same_document_moves_nothing() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let before = bench.assignment(&gate).await;
    let mut event = testing::event(2);
    bench.push(&event).await;
    assert_eq!(bench.assignment(&gate).await, before, "its end is the same");
    let until = event.products[0].until + Duration::from_hours(24 * 7);
    event.version = 3;
    event.products[0].moved = Some(Window { from: event.products[0].from, until });
    for _ in 0..2 {
        bench.push(&event).await;
        let after = bench.assignment(&gate).await;
        assert_eq!(
            (after.version, after.lease),
            (2, Lease { until: until + LEASE, names_until: until + NAMES, suspended: false })
        );
        assert_eq!(after.lease.at(until), LeaseState::Held);
    }
}

/// Two transactions that did not see each other: the gate was made by the document before.
#[tokio::test]
async fn a_gate_that_was_made_while_its_event_moved_is_put_right_when_it_enrols() {
    let bench = Bench::new().await;
    let made = bench.create_gate().await;
    let mut event = testing::event(2);
    event.products[0].until = event.products[0].until + Duration::from_hours(2);
    bench.push(&event).await;
    sqlx::query("DELETE FROM assignments WHERE version = 2").execute(&bench.state.pool).await.unwrap();
    let gate = bench.enrolled(made).await;
    assert_eq!(bench.assignment(&gate).await.lease, lease(&event, false));
}

/// The list key was stolen: gates take nothing that it signed, so that what they are to do is signed anew.
#[tokio::test]
async fn what_a_revoked_key_signed_is_signed_anew() {
    let bench = Bench::new().await;
    let damaged = bench.gate().await;
    sqlx::query("UPDATE assignments SET bytes = 'damaged'").execute(&bench.state.pool).await.unwrap();
    let gate = bench.gate().await;
    assert!(damaged.gate < gate.gate);
    let before = bench.assignment(&gate).await;
    let mut bundle = testing::with_list_key(testing::bundle(), 6);
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == testing::key(5).verifying_key()) {
        trusted.status = KeyStatus::Revoked;
    }
    bundle.version = 2;
    let own_keys = [6, 5].map(|seed| testing::key(seed).verifying_key()).to_vec();
    let state = bench.state_with(Trusted::new(testing::authentic(&bundle), testing::key(6), own_keys));
    for _ in 0..2 {
        revise_all(&state).await.unwrap();
        let newest = assignments::newest(&mut state.pool.acquire().await.unwrap(), gate.gate).await.unwrap().unwrap();
        let accepted = Assignment::accept(&newest.bytes, &bundle, gate.gate, None, bench.clock.now()).unwrap();
        assert_eq!(accepted.into_document(), Assignment { version: 2, issued: bench.clock.now(), ..before.clone() });
    }
}
