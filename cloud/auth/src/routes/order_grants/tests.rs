//! What confirming an order takes, that no concurrency takes more, and what its end gives back.

use std::time::Duration;

use countermark_service::contract::Terms;
use countermark_service::service_call::CallError;
use countermark_shared::id::{AccountId, ProductId, Zones};
use futures_util::future::{join_all, try_join_all};

use super::*;
use crate::testing::{Auth, confirmation, event, order, request, terms, tickets};

/// So many tickets of the seated product.
fn seated(count: u16) -> Terms {
    Terms { product: ProductId(2), zones: Zones(0b10), ..tickets(count) }
}

/// An order that a new buyer has granted, as tickets confirms it.
async fn granted(auth: &Auth, number: u128, terms: &Terms) -> ConfirmGrant {
    let (account, token) = auth.buyer().await;
    assert_eq!(auth.grant(&token, order(number), terms).await.status, StatusCode::CREATED);
    confirmation(account, order(number), terms)
}

/// Whether it was confirmed; `false` when the capacity is reached.
fn has_places(answer: &Result<Grant, CallError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.slug(), Some("capacity-reached"), "{error}");
            false
        }
    }
}

#[tokio::test]
async fn an_order_is_confirmed_paid_and_closed_for_good() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let confirmation = granted(&auth, 1, &terms()).await;
    let ConfirmGrant { order, account, terms } = confirmation.clone();
    let expected = |standing| Grant { order, account, terms: terms.clone(), standing };
    for _ in 0..2 {
        assert_eq!(tickets.confirm_grant(&confirmation).await.unwrap(), expected(GrantStanding::Open));
    }
    auth.pay(order, &terms).await;
    assert_eq!(tickets.confirm_grant(&confirmation).await.unwrap(), expected(GrantStanding::Paid));
    for _ in 0..2 {
        tickets.close_grant(&CloseGrant { order }).await.unwrap();
        assert_eq!(tickets.confirm_grant(&confirmation).await.unwrap(), expected(GrantStanding::Closed));
    }
}

#[tokio::test]
async fn closing_what_is_unknown_is_well_and_stays_unknown() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let unknown = confirmation(AccountId(uuid::Uuid::nil()), order(1), &terms());
    assert_eq!(tickets.confirm_grant(&unknown).await.unwrap_err().slug(), Some("grant-unknown"));
    for _ in 0..2 {
        tickets.close_grant(&CloseGrant { order: order(1) }).await.unwrap();
        assert_eq!(tickets.confirm_grant(&unknown).await.unwrap_err().slug(), Some("grant-unknown"));
    }
}

#[tokio::test]
async fn thirty_at_once_for_ten_places_get_ten() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let one = tickets(1);
    // Grants hold nothing: each of the thirty is made.
    let confirmations = join_all((1..=30).map(|number| granted(&auth, number, &one))).await;
    let answers = join_all(confirmations.iter().map(|confirmation| client.confirm_grant(confirmation))).await;
    assert_eq!(answers.iter().filter(|answer| has_places(answer)).count(), 10);
    // Those who have their places keep them, and are told so again.
    for (confirmation, answer) in confirmations.iter().zip(&answers) {
        assert_eq!(has_places(&client.confirm_grant(confirmation).await), answer.is_ok());
    }
}

#[tokio::test]
async fn one_order_confirmed_many_times_at_once_takes_its_places_once() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let (half, other_half) = (granted(&auth, 1, &tickets(5)).await, granted(&auth, 2, &tickets(5)).await);
    try_join_all((0..8).map(|_| client.confirm_grant(&half))).await.unwrap();
    assert!(has_places(&client.confirm_grant(&other_half).await));
}

#[tokio::test]
async fn whoever_counts_waits_for_whoever_counted_before() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let (all, one) = (granted(&auth, 1, &tickets(10)).await, granted(&auth, 2, &tickets(1)).await);
    let mut first = auth.state.pool.begin().await.unwrap();
    locks::capacity(&mut first, all.terms.event).await.unwrap();
    grants::confirm(&mut first, all.order, auth.state.clock.now()).await.unwrap();
    assert!(!has_places(&auth.after(first, client.confirm_grant(&one)).await));
}

#[tokio::test]
async fn the_event_is_full_before_its_products_are() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let one_code = Terms { places: 2.try_into().unwrap(), tickets: 1, ..seated(2) };
    let mut confirmations = Vec::new();
    for (number, terms) in (1..).zip([&tickets(10), &tickets(1), &seated(3), &one_code, &seated(1)]) {
        confirmations.push(granted(&auth, number, terms).await);
    }
    let mut outcomes = Vec::new();
    for confirmation in &confirmations {
        outcomes.push(has_places(&client.confirm_grant(confirmation).await));
    }
    assert_eq!(outcomes, [true, false, false, true, false]);
}

/// Whoever makes a real order, and grants more for it than was ordered, would hold places that tickets never sold.
#[tokio::test]
async fn a_grant_that_is_not_the_orders_holds_nothing() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let all = granted(&auth, 1, &tickets(10)).await;
    let ordered = [
        ConfirmGrant { terms: tickets(1), ..all.clone() },
        ConfirmGrant { account: AccountId(uuid::Uuid::nil()), ..all.clone() },
    ];
    for ordered in ordered {
        let grant = client.confirm_grant(&ordered).await.unwrap();
        assert_eq!((grant.account, &grant.terms, grant.standing), (all.account, &all.terms, GrantStanding::Open));
    }
    let next = granted(&auth, 2, &tickets(10)).await;
    assert!(has_places(&client.confirm_grant(&next).await));
}

#[tokio::test]
async fn an_ended_order_frees_the_places_that_were_not_signed_for() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let (eight, seven) = (granted(&auth, 2, &tickets(8)).await, granted(&auth, 3, &tickets(7)).await);
    let paid = auth.paid_order(1, &tickets(10)).await;
    for slot in 1..=3 {
        client.authorise(&request(paid, &auth.body(slot))).await.unwrap();
    }
    assert!(!has_places(&client.confirm_grant(&seven).await));
    client.close_grant(&CloseGrant { order: paid }).await.unwrap();
    assert!(!has_places(&client.confirm_grant(&eight).await));
    assert!(has_places(&client.confirm_grant(&seven).await));
}

#[tokio::test]
async fn an_unpaid_grant_ends_after_a_day_and_a_paid_one_does_not() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let (unpaid, unconfirmed) = (granted(&auth, 1, &tickets(5)).await, granted(&auth, 2, &tickets(1)).await);
    client.confirm_grant(&unpaid).await.unwrap();
    let paid = auth.paid_order(3, &tickets(5)).await;
    auth.state.clock.advance(Duration::from_hours(24) - Duration::from_secs(1));
    assert!(!has_places(&client.confirm_grant(&unconfirmed).await));
    auth.state.clock.advance(Duration::from_secs(1));
    for overdue in [&unpaid, &unconfirmed] {
        assert_eq!(client.confirm_grant(overdue).await.unwrap().standing, GrantStanding::Closed);
    }
    let next = granted(&auth, 4, &tickets(5)).await;
    assert!(has_places(&client.confirm_grant(&next).await));
    let mut connection = auth.state.pool.acquire().await.unwrap();
    let grant = grants::find(&mut connection, paid, auth.state.clock.now()).await.unwrap().unwrap();
    assert_eq!(grant.standing, GrantStanding::Paid);
}

#[tokio::test]
async fn what_was_granted_under_the_document_before_is_confirmed_and_under_none_is_not() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let (first, second) = (granted(&auth, 1, &terms()).await, granted(&auth, 2, &terms()).await);
    auth.publish(&countermark_shared::documents::EventDocument { version: 2, ..event() }).await;
    assert!(has_places(&client.confirm_grant(&first).await));
    sqlx::query("DELETE FROM event_documents").execute(&auth.state.pool).await.unwrap();
    assert_eq!(client.confirm_grant(&second).await.unwrap_err().slug(), Some("document-unknown"));
}

#[tokio::test]
async fn nothing_is_paid_or_signed_for_before_it_is_confirmed() {
    let auth = Auth::start().await;
    let ConfirmGrant { order, terms, .. } = granted(&auth, 1, &terms()).await;
    auth.pay(order, &terms).await;
    for sql in [
        "UPDATE grants SET authorised = 1, payment = (SELECT payment FROM payments)",
        "UPDATE grants SET payment = (SELECT payment FROM payments)",
    ] {
        let error = sqlx::query(sql).execute(&auth.state.pool).await.unwrap_err();
        assert_eq!(countermark_service::transaction::violated(&error), Some("grants_confirmed_first"), "{error}");
    }
}
