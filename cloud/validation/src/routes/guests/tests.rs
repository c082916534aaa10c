use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::{SuspendGate, ValidationClient};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::EventDocument;
use countermark_shared::id::{Generation, Slot};
use countermark_shared::wire::{Base64, Guest};

use super::*;
use crate::testing::{self, Bench, EVENT};

fn with_guests(version: u32) -> EventDocument {
    EventDocument { find_by_order: true, ..testing::named_event(version) }
}

/// A page that tickets may answer: whatever it says goes through.
fn page(bench: &Bench) -> GuestPage {
    let now = bench.clock.now();
    let guest = Guest { issued: now, tag: Base64([7; 16]), half: Base64(b"half a ticket".to_vec()) };
    let next = GuestCursor { issued: now, slot: Slot(3), generation: Generation(1) };
    GuestPage { guests: vec![guest], next: Some(next) }
}

/// A bench whose event has a guest list, which tickets tells.
async fn told() -> (Bench, GuestPage) {
    let bench = Bench::new().await;
    bench.push(&with_guests(2)).await;
    let page = page(&bench);
    bench.guests.lock().unwrap().page = Some(page.clone());
    (bench, page)
}

fn asked(bench: &Bench) -> Vec<ListGuests> {
    bench.guests.lock().unwrap().asked.clone()
}

#[tokio::test]
async fn a_gate_reads_the_guests_of_its_own_event() {
    let (bench, page) = told().await;
    let gate = bench.gate().await;
    assert!(bench.get(paths::GUESTS, &gate.token).await.json::<GuestPage>() == page);
    let next = format!("{}?after={}", paths::GUESTS, page.next.unwrap());
    assert!(bench.get(&next, &gate.token).await.json::<GuestPage>() == page);
    let ask = |after| ListGuests { event: EVENT, after };
    assert_eq!(asked(&bench), [ask(None), ask(page.next)]);
    for nowhere in ["?after=yesterday", "?after=1.2.3.4", "?before=1.2.3"] {
        let answer = bench.get(&format!("{}{nowhere}", paths::GUESTS), &gate.token).await;
        answer.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
}

#[tokio::test]
async fn nobody_is_asked_where_gates_have_no_guest_list() {
    let (bench, _) = told().await;
    let gate = bench.gate().await;
    let guests = async || bench.get(paths::GUESTS, &gate.token).await.json::<GuestPage>().guests.len();
    assert_eq!(guests().await, 1);
    bench.push(&testing::named_event(3)).await;
    assert_eq!(guests().await, 0, "the organiser takes it back");
    bench.push(&with_guests(4)).await;
    assert_eq!(guests().await, 1);

    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let (gate, decided) = (gate.gate, bench.clock.now());
    admin.suspend_gate(&SuspendGate { gate, decided, believed_until: None }).await.unwrap();
    assert_eq!(guests().await, 0, "the gate may be in other hands");
    assert_eq!(asked(&bench).len(), 2);
}

#[tokio::test]
async fn once_names_are_over_there_are_no_guests() {
    let (bench, _) = told().await;
    let names_until = assignment::lease(&with_guests(2), false).names_until;
    let gate = bench.gate().await;
    bench.clock.advance((names_until - Duration::from_millis(1)).since(bench.clock.now()));
    let token = bench.log_in(&gate).await;
    let guests = async || bench.get(paths::GUESTS, &token).await.json::<GuestPage>().guests.len();
    assert_eq!(guests().await, 1);
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(guests().await, 0);
}

#[tokio::test]
async fn where_tickets_cannot_answer_the_gate_asks_again() {
    let (bench, _) = told().await;
    let gate = bench.gate().await;
    bench.guests.lock().unwrap().page = None;
    bench.get(paths::GUESTS, &gate.token).await.is_problem(StatusCode::NOT_FOUND, "event-unknown");
    bench.guests.lock().unwrap().is_away = true;
    bench.get(paths::GUESTS, &gate.token).await.is_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
}
