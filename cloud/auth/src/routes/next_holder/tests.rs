//! Who is to hold a ticket, and that nobody else is told.

use countermark_service::contract::{CloseGrant, Warrant};
use countermark_service::service_call::CallError;
use countermark_shared::documents::EventDocument;
use countermark_shared::id::{EventId, Generation, Slot, TransferId};

use super::*;
use crate::testing::{Auth, Buyer, EVENT, LIVE, event, event_of, order, terms_of};

async fn asked(auth: &Auth, warrant: Warrant, slot: u32, generation: u8) -> Result<HolderKey, CallError> {
    let issue = AskHolderKey { warrant, event: EVENT, slot: Slot(slot), generation: Generation(generation) };
    auth.tickets().await.holder_key(&issue).await
}

fn slug(answer: &Result<HolderKey, CallError>) -> Option<&str> {
    answer.as_ref().err().and_then(CallError::slug)
}

async fn live() -> (Auth, EventDocument, Buyer) {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let anna = auth.buyer().await;
    (auth, event, anna)
}

#[tokio::test]
async fn each_seat_of_an_account_has_a_key_of_its_own_which_stays() {
    let (auth, event, anna) = live().await;
    let warrant = Warrant::Order(auth.bought(&anna, &event, 1).await);
    let first = asked(&auth, warrant, 1, 1).await.unwrap();
    assert_eq!(asked(&auth, warrant, 1, 1).await.unwrap(), first);
    assert_ne!(asked(&auth, warrant, 2, 1).await.unwrap(), first);
    let bert = Warrant::Order(auth.bought(&auth.buyer().await, &event, 2).await);
    assert_ne!(asked(&auth, bert, 1, 1).await.unwrap(), first);
}

#[tokio::test]
async fn a_device_that_was_granted_holds_all_tickets_of_the_order() {
    let (auth, event, anna) = live().await;
    let device = auth.device(&anna, 50).await.verifying_key();
    let terms = terms_of(&event, 1);
    let grant = serde_json::json!({ "order": order(1), "terms": terms, "holder": device });
    assert_eq!(auth.post("/v1/grants", Some(&anna.1), grant).await.status, 201);
    let confirmation = crate::testing::confirmation(anna.0, order(1), &terms);
    auth.tickets().await.confirm_grant(&confirmation).await.unwrap();
    auth.pay(order(1), &terms).await;
    for slot in [1, 2] {
        assert_eq!(asked(&auth, Warrant::Order(order(1)), slot, 1).await.unwrap().holder, device);
    }
}

#[tokio::test]
async fn only_what_could_be_signed_is_answered() {
    let (auth, event, anna) = live().await;
    let warrant = Warrant::Order(order(1));
    assert_eq!(slug(&asked(&auth, warrant, 1, 1).await), Some("grant-unknown"));
    auth.confirmed_order(&anna, 1, &terms_of(&event, 1)).await;
    assert_eq!(slug(&asked(&auth, warrant, 1, 1).await), Some("payment-not-confirmed"));
    auth.pay(order(1), &terms_of(&event, 1)).await;
    assert!(asked(&auth, warrant, 1, 1).await.is_ok());
    assert_eq!(slug(&asked(&auth, warrant, 1, 2).await), Some("not-granted"));
    let elsewhere = AskHolderKey { warrant, event: EventId(8), slot: Slot(1), generation: Generation(1) };
    assert_eq!(slug(&auth.tickets().await.holder_key(&elsewhere).await), Some("not-granted"));
    auth.tickets().await.close_grant(&CloseGrant { order: order(1) }).await.unwrap();
    assert_eq!(slug(&asked(&auth, warrant, 1, 1).await), Some("grant-closed"));
    let transfer = Warrant::Transfer(TransferId(uuid::Uuid::nil()));
    assert_eq!(slug(&asked(&auth, transfer, 1, 2).await), Some("transfer-unknown"));
}

#[tokio::test]
async fn nobody_holds_a_static_ticket() {
    let auth = Auth::start().await;
    let warrant = Warrant::Order(auth.bought(&auth.buyer().await, &event(), 1).await);
    assert_eq!(slug(&asked(&auth, warrant, 1, 1).await), Some("not-granted"));
}

#[tokio::test]
async fn a_transfer_is_held_by_its_recipient_for_its_seat_and_next_issue_only() {
    let (auth, event, anna) = live().await;
    let body = auth.ticket(&anna, &event, 1).await;
    let bert = auth.buyer().await;
    let device = auth.device(&bert, 50).await.verifying_key();
    let accepted = auth.accept(&bert, &auth.code(&anna, 1).await, Some(device)).await;
    let transfer = Warrant::Transfer(accepted.body["transfer"].as_str().unwrap().parse().unwrap());
    assert_eq!(asked(&auth, transfer, 1, 2).await.unwrap().holder, device);
    for (slot, generation) in [(2, 2), (1, 1), (1, 3)] {
        assert_eq!(slug(&asked(&auth, transfer, slot, generation).await), Some("not-granted"), "{slot} {generation}");
    }

    let second = auth.ticket(&anna, &event, 2).await;
    let transfer = Warrant::Transfer(auth.passed_on(&anna, &bert, 2).await);
    let holder = asked(&auth, transfer, 2, 2).await.unwrap().holder;
    assert!(![body, second].iter().any(|old| old.live.unwrap().holder == holder));
    assert_ne!(holder, device);
}
