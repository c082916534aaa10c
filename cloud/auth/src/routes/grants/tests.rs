//! What is granted, and to whom.

use countermark_service::contract::CloseGrant;
use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::testing::{Auth, confirmation, event, order, terms, tickets};

const GRANTED: (u16, Option<&str>) = (201, None);

async fn by_a_new_buyer(auth: &Auth, number: u128, terms: &Terms) -> crate::testing::Answer {
    let (_, token) = auth.buyer().await;
    auth.grant(&token, order(number), terms).await
}

#[tokio::test]
async fn a_grant_is_made_once_and_told_again() {
    let auth = Auth::start().await;
    let (account, token) = auth.buyer().await;
    let granted = auth.grant(&token, order(1), &terms()).await;
    assert_eq!(granted.outcome(), GRANTED);
    let expected = Grant { order: order(1), account, terms: terms(), standing: GrantStanding::Open };
    assert_eq!(granted.body, json!(expected));

    let again = auth.grant(&token, order(1), &terms()).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &granted.body));
    let other = auth.grant(&token, order(1), &tickets(1)).await;
    assert_eq!(other.outcome(), (409, Some("grant-exists")));
    let other = by_a_new_buyer(&auth, 1, &terms()).await;
    assert_eq!(other.outcome(), (409, Some("grant-exists")));
}

#[tokio::test]
async fn terms_are_held_against_the_document_in_force() {
    let auth = Auth::without_event().await;
    let (_, token) = auth.buyer().await;
    let grant = async |number, terms: &Terms| auth.grant(&token, order(number), terms).await;
    assert_eq!(grant(1, &terms()).await.outcome(), (409, Some("document-unknown")));
    auth.publish(&event()).await;
    let free = Terms { tickets: 0, ..terms() };
    let answer = grant(1, &free).await;
    assert_eq!(answer.outcome(), (422, Some("terms-refused")));
    assert_eq!(answer.body["detail"], "An order has at least one ticket.");
    assert_eq!(grant(1, &terms()).await.outcome(), GRANTED);

    auth.publish(&EventDocument { version: 2, ..event() }).await;
    assert_eq!(grant(2, &terms()).await.outcome(), (409, Some("document-replaced")));
    // What was granted under the old one stays.
    assert_eq!(grant(1, &terms()).await.outcome(), (200, None));
}

#[tokio::test]
async fn who_comes_too_late_is_told_before_the_payment() {
    let auth = Auth::start().await;
    auth.confirmed_order(&auth.buyer().await, 1, &tickets(10)).await;
    assert_eq!(by_a_new_buyer(&auth, 2, &tickets(1)).await.outcome(), (409, Some("capacity-reached")));
}

/// Found in review: an order id that tickets never gave out held the places of a whole event for a day, unpaid.
#[tokio::test]
async fn a_made_up_order_of_a_stranger_does_not_keep_the_next_buyer_out() {
    let auth = Auth::start().await;
    assert_eq!(by_a_new_buyer(&auth, 1, &tickets(10)).await.outcome(), GRANTED);
    auth.confirmed_order(&auth.buyer().await, 2, &tickets(10)).await;
}

#[tokio::test]
async fn an_account_has_few_unpaid_grants_however_it_asks() {
    let auth = Auth::start().await;
    let (account, token) = auth.buyer().await;
    let one = tickets(1);
    let answers = join_all((1..=9).map(|number| auth.grant(&token, order(number), &one))).await;
    let granted = answers.iter().filter(|answer| answer.outcome() == GRANTED).count();
    let refused = answers.iter().filter(|answer| answer.outcome() == (429, Some("too-many-open-grants"))).count();
    assert_eq!((granted, refused), (5, 4));

    let first = (1..=9).map(order).zip(&answers).find(|(_, answer)| answer.outcome() == GRANTED).unwrap().0;
    auth.tickets().await.confirm_grant(&confirmation(account, first, &one)).await.unwrap();
    auth.pay(first, &one).await;
    assert_eq!(auth.grant(&token, order(10), &one).await.outcome(), GRANTED);
}

#[tokio::test]
async fn an_order_that_ended_ungranted_is_granted_no_more() {
    let auth = Auth::start().await;
    auth.tickets().await.close_grant(&CloseGrant { order: order(1) }).await.unwrap();
    assert_eq!(by_a_new_buyer(&auth, 1, &terms()).await.outcome(), (409, Some("grant-closed")));
}

#[tokio::test]
async fn unknown_fields_are_refused() {
    let auth = Auth::start().await;
    let (_, token) = auth.buyer().await;
    let body = json!({ "order": order(1), "terms": terms(), "account": order(2) });
    assert_eq!(auth.post("/v1/grants", Some(&token), body).await.outcome(), (422, Some("invalid-request")));
}
