//! Who may show which ticket, and how often.

use axum::http::header::RETRY_AFTER;
use countermark_shared::documents::EventDocument;
use countermark_shared::keys::Signature;
use countermark_shared::label::Label;
use countermark_shared::ticket::TicketBody;
use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::testing::{Answer, Auth, Buyer, LIVE, event, event_of, order, terms_of};

async fn scene() -> (Auth, EventDocument, Buyer) {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let anna = auth.buyer().await;
    (auth, event, anna)
}

/// Whether what was answered proves that the ticket's holder shows it at that moment.
fn proves(answer: &Answer, body: &TicketBody, at: Timestamp) -> bool {
    let proof: Base64<[u8; 64]> = serde_json::from_value(answer.body["proof"].clone()).unwrap();
    let seconds = u32::try_from(at.unix_seconds()).unwrap();
    let message = [&body.to_bytes()[..], &seconds.to_be_bytes()].concat();
    answer.body["at"] == json!(seconds)
        && answer.body["generation"] == json!(body.generation)
        && body.live.unwrap().holder.verifies(Label::Present, &message, &Signature::from_bytes(&proof.0))
}

#[tokio::test]
async fn an_owner_shows_a_live_ticket_by_auth_s_clock() {
    let (auth, event, anna) = scene().await;
    let body = auth.ticket(&anna, &event, 1).await;
    for _ in 0..2 {
        auth.state.clock.advance(Duration::from_millis(1500));
        let shown = auth.present(&anna, 1).await;
        assert_eq!(shown.outcome(), (200, None));
        assert!(proves(&shown, &body, auth.state.clock.now()), "{shown:?}");
    }
}

#[tokio::test]
async fn only_live_tickets_of_the_caller_s_own_are_shown() {
    let (auth, event, anna) = scene().await;
    let bert = auth.buyer().await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (404, Some("ticket-unknown")));
    auth.ticket(&anna, &event, 1).await;
    assert_eq!(auth.present(&bert, 1).await.outcome(), (404, Some("ticket-unknown")));
    assert_eq!(auth.present(&anna, 2).await.outcome(), (404, Some("ticket-unknown")));
}

#[tokio::test]
async fn a_static_ticket_is_shown_as_it_is() {
    let auth = Auth::start().await;
    let anna = auth.buyer().await;
    auth.ticket(&anna, &event(), 1).await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (409, Some("not-live")));
}

#[tokio::test]
async fn a_device_shows_what_it_holds_by_itself() {
    let (auth, event, anna) = scene().await;
    let device = auth.device(&anna, 50).await;
    let terms = terms_of(&event, 1);
    let grant = json!({ "order": order(1), "terms": terms, "holder": device.verifying_key() });
    assert_eq!(auth.post("/v1/grants", Some(&anna.1), grant).await.status, 201);
    auth.tickets().await.confirm_grant(&crate::testing::confirmation(anna.0, order(1), &terms)).await.unwrap();
    auth.pay(order(1), &terms).await;
    let warrant = countermark_service::contract::Warrant::Order(order(1));
    let body = auth.body_for(warrant, &event, (1, 1)).await;
    auth.tickets().await.authorise(&crate::testing::signed_for(warrant, &body)).await.unwrap();
    assert!(body.present(&device, auth.state.clock.now()).is_ok());
    assert_eq!(auth.present(&anna, 1).await.outcome(), (409, Some("device-held")));
    // A removed key still holds what it held.
    auth.delete(&format!("/v1/holder-keys/{}", device.verifying_key()), Some(&anna.1)).await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (409, Some("device-held")));
}

#[tokio::test]
async fn from_the_acceptance_of_a_transfer_the_last_owner_shows_nothing_and_then_the_next_does() {
    let (auth, event, anna) = scene().await;
    let bert = auth.buyer().await;
    auth.ticket(&anna, &event, 1).await;
    let code = auth.code(&anna, 1).await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (200, None));
    let accepted = auth.accept(&bert, &code, None).await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (409, Some("transferred")));
    assert_eq!(auth.present(&bert, 1).await.outcome(), (404, Some("ticket-unknown")));
    let transfer = accepted.body["transfer"].as_str().unwrap().parse().unwrap();
    let body = auth.reissued(transfer, &bert, &event, 1).await;
    assert!(proves(&auth.present(&bert, 1).await, &body, auth.state.clock.now()));
    assert_eq!(auth.present(&anna, 1).await.outcome(), (404, Some("ticket-unknown")));
}

#[tokio::test]
async fn an_account_shows_tickets_thirty_times_a_minute_however_it_asks() {
    let (auth, event, anna) = scene().await;
    let bert = auth.buyer().await;
    auth.ticket(&anna, &event, 1).await;
    auth.ticket(&bert, &event, 2).await;
    let answers = join_all((0..34).map(|_| auth.present(&anna, 1))).await;
    let of = |outcome: (u16, Option<&str>)| answers.iter().filter(|answer| answer.outcome() == outcome).count();
    assert_eq!((of((200, None)), of((429, Some("too-many-presentations")))), (30, 4));

    auth.state.clock.advance(Duration::from_millis(20_500));
    let refused = auth.present(&anna, 1).await;
    assert_eq!(refused.headers[RETRY_AFTER], "40");
    assert_eq!(auth.present(&bert, 2).await.outcome(), (200, None));
    auth.state.clock.advance(Duration::from_millis(39_500));
    assert_eq!(auth.present(&anna, 1).await.outcome(), (200, None));
}

#[tokio::test]
async fn what_is_refused_does_not_count() {
    let (auth, event, anna) = scene().await;
    for _ in 0..31 {
        assert_eq!(auth.present(&anna, 1).await.outcome(), (404, Some("ticket-unknown")));
    }
    auth.ticket(&anna, &event, 1).await;
    assert_eq!(auth.present(&anna, 1).await.outcome(), (200, None));
}
