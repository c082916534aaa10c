//! A key is rotated away between the two signatures.

use countermark_service::contract::{AskHolderKey, ConfirmTransfer};
use countermark_shared::id::{Generation, Slot};
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::label::Label;

use super::*;
use crate::testing::{Auth, EVENT, LIVE, event_of, other_issuing_key, signed_for};

/// The newest authority key, after a rotation.
fn active_authority(state: &State) -> VerifyingKey {
    state.bundle.active(KeyRole::Authority).last().unwrap()
}

async fn signed(auth: &Auth) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM authorisations").fetch_one(&auth.state.pool).await.unwrap()
}

#[tokio::test]
async fn a_transfer_s_body_is_made_anew_with_the_same_generation() {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event, 1).await;
    let warrant = Warrant::Transfer(auth.passed_on(&anna, &bert, 1).await);
    let body = auth.body_for(warrant, &event, (1, 2)).await;

    let rotated = auth.rotated().await;
    let new = TicketBody {
        issuing_key: other_issuing_key().id(),
        authority_key: active_authority(&rotated).id(),
        ..body.clone()
    };
    for stale in [
        body.clone(),
        TicketBody { issuing_key: new.issuing_key, ..body.clone() },
        TicketBody { authority_key: new.authority_key, ..body },
    ] {
        let answer = authorise(rotated.clone(), Json(signed_for(warrant, &stale))).await;
        assert!(matches!(answer, Err(Error::KeyNotActive)), "{stale:?}");
    }
    assert_eq!(signed(&auth).await, 1);
    let Json(authorised) = authorise(rotated.clone(), Json(signed_for(warrant, &new))).await.unwrap();
    let signature = Signature::from_bytes(&authorised.signature.0);
    assert!(active_authority(&rotated).verifies(Label::Authorise, &new.to_bytes(), &signature));
}

/// Written down, and the answer lost: made anew, the body would be another, and the seat is taken by this one.
#[tokio::test]
async fn what_was_written_down_before_is_signed_after_with_the_key_it_names() {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    let order = Warrant::Order(auth.bought(&anna, &event, 1).await);
    let first = auth.body_for(order, &event, (1, 1)).await;
    let before = auth.tickets().await.authorise(&signed_for(order, &first)).await.unwrap();
    let transfer = Warrant::Transfer(auth.passed_on(&anna, &bert, 1).await);
    let second = auth.body_for(transfer, &event, (1, 2)).await;
    let before_second = auth.tickets().await.authorise(&signed_for(transfer, &second)).await.unwrap();

    let rotated = auth.rotated().await;
    for (warrant, body, before) in [(order, first, before), (transfer, second, before_second)] {
        let Json(after) = authorise(rotated.clone(), Json(signed_for(warrant, &body))).await.unwrap();
        assert_eq!(after, before);
    }
    assert_eq!(signed(&auth).await, 2);
}

/// Tickets may die after each step and begin again: each gives the same answer, and a ticket is made once.
#[tokio::test]
async fn each_step_of_a_transfer_may_be_repeated() {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event, 1).await;
    let transfer = auth.passed_on(&anna, &bert, 1).await;
    let (warrant, tickets) = (Warrant::Transfer(transfer), auth.tickets().await);
    let body = auth.body_for(warrant, &event, (1, 2)).await;
    let ask = AskHolderKey { warrant, event: EVENT, slot: Slot(1), generation: Generation(2) };
    let request = signed_for(warrant, &body);
    let at_once = futures_util::future::try_join_all((0..6).map(|_| tickets.authorise(&request))).await.unwrap();
    for _after_each_crash in 0..2 {
        let confirmed = tickets.confirm_transfer(&ConfirmTransfer { transfer, account: bert.0 }).await.unwrap();
        assert_eq!((confirmed.event, confirmed.slot, confirmed.replaces), (EVENT, Slot(1), Generation(1)));
        assert_eq!(tickets.holder_key(&ask).await.unwrap().holder, body.live.unwrap().holder);
        let authorised = tickets.authorise(&request).await.unwrap();
        assert!(at_once.iter().all(|answer| *answer == authorised));
    }
    assert_eq!(signed(&auth).await, 2);
}

/// Places were counted when the seat was sold, and the order has ended since.
#[tokio::test]
async fn a_transfer_takes_no_places_and_needs_no_open_order() {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event, 1).await;
    let order = crate::testing::order(1);
    auth.tickets().await.close_grant(&countermark_service::contract::CloseGrant { order }).await.unwrap();
    let transfer = auth.passed_on(&anna, &bert, 1).await;
    auth.reissued(transfer, &bert, &event, 1).await;
    let counted: (i32, i32) =
        sqlx::query_as("SELECT authorised, tickets FROM grants").fetch_one(&auth.state.pool).await.unwrap();
    assert_eq!(counted, (1, 1));
}
