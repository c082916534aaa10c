//! What the provider's word does, and what it does not.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use countermark_service::contract::CloseGrant;
use countermark_shared::id::OrderId;
use countermark_shared::money::Currency;
use serde_json::json;

use super::*;
use crate::testing::{Auth, confirmation, order, terms, tickets};

fn payment(name: &str, order: OrderId) -> Payment {
    Payment { payment: name.to_owned(), reference: order, amount: terms().amount }
}

async fn kept(auth: &Auth) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM payments").fetch_one(&auth.state.pool).await.unwrap()
}

async fn standing(auth: &Auth, order: OrderId) -> GrantStanding {
    let mut connection = auth.state.pool.acquire().await.unwrap();
    grants::find(&mut connection, order, auth.state.clock.now()).await.unwrap().unwrap().standing
}

async fn confirmed(auth: &Auth, number: u128) -> OrderId {
    auth.confirmed_order(&auth.buyer().await, number, &terms()).await;
    order(number)
}

#[tokio::test]
async fn forged_and_late_words_are_not_believed() {
    let auth = Auth::start().await;
    let order = confirmed(&auth, 1).await;
    let forged = auth.webhook(9, &payment("p", order)).await;
    assert_eq!(forged.outcome(), (401, Some("webhook-refused")));

    let event = PaymentEvent {
        kind: PaymentEventKind::Succeeded,
        timestamp: auth.state.clock.now(),
        data: payment("p", order),
    };
    let body = serde_json::to_vec(&event).unwrap();
    let provider = countermark_shared::keys::SigningKey::from_seed(&zeroize::Zeroizing::new([8; 32]));
    let sent = auth.state.clock.now();
    let signature = webhook::sign(&provider, "p", sent, &body);
    let request = |body: Vec<u8>| {
        Request::post("/v1/payment-events")
            .header(webhook::ID, "p")
            .header(webhook::TIMESTAMP, sent.unix_seconds())
            .header(webhook::SIGNATURE, &signature)
            .body(Body::from(body))
            .unwrap()
    };
    let altered = String::from_utf8(body.clone()).unwrap().replace("4000", "4001").into_bytes();
    assert_eq!(auth.send(request(altered)).await.outcome(), (401, Some("webhook-refused")));
    auth.state.clock.advance(Duration::from_secs(301));
    assert_eq!(auth.send(request(body)).await.outcome(), (401, Some("webhook-refused")));
    assert_eq!(auth.send(request(vec![b' '; webhook::LONGEST_BODY + 1])).await.outcome(), (413, Some("too-large")));
    assert_eq!((kept(&auth).await, standing(&auth, order).await), (0, GrantStanding::Open));
}

#[tokio::test]
async fn the_granted_amount_pays_and_a_repetition_changes_nothing() {
    let auth = Auth::start().await;
    let order = confirmed(&auth, 1).await;
    for _ in 0..2 {
        assert_eq!(auth.webhook(8, &payment("p", order)).await.outcome(), (204, None));
        assert_eq!((kept(&auth).await, standing(&auth, order).await), (1, GrantStanding::Paid));
    }
}

#[tokio::test]
async fn other_amounts_are_kept_and_pay_for_nothing() {
    let auth = Auth::start().await;
    let order = confirmed(&auth, 1).await;
    let Money { minor, currency } = terms().amount;
    for (index, amount) in [
        Money { minor: minor - 1, currency },
        Money { minor: minor + 1, currency },
        Money { minor, currency: Currency::parse("CHF").unwrap() },
    ]
    .into_iter()
    .enumerate()
    {
        let other = Payment { amount, ..payment(&format!("p{index}"), order) };
        assert_eq!(auth.webhook(8, &other).await.outcome(), (204, None));
    }
    assert_eq!((kept(&auth).await, standing(&auth, order).await), (3, GrantStanding::Open));
    for name in ["right", "second"] {
        assert_eq!(auth.webhook(8, &payment(name, order)).await.outcome(), (204, None));
    }
    assert_eq!((kept(&auth).await, standing(&auth, order).await), (5, GrantStanding::Paid));
    let paying: String = sqlx::query_scalar("SELECT payment FROM grants").fetch_one(&auth.state.pool).await.unwrap();
    assert_eq!(paying, "right");
}

#[tokio::test]
async fn one_payment_pays_for_one_order() {
    let auth = Auth::start().await;
    let (first, second) = (confirmed(&auth, 1).await, confirmed(&auth, 2).await);
    for order in [first, second] {
        assert_eq!(auth.webhook(8, &payment("p", order)).await.outcome(), (204, None));
    }
    assert_eq!(standing(&auth, first).await, GrantStanding::Paid);
    assert_eq!(standing(&auth, second).await, GrantStanding::Open);
}

#[tokio::test]
async fn a_payment_that_comes_first_waits_until_the_order_is_granted_and_confirmed() {
    let auth = Auth::start().await;
    let (account, token) = auth.buyer().await;
    let client = auth.tickets().await;
    let one = tickets(1);
    // Before the grant, after it, and of another amount.
    assert_eq!(auth.webhook(8, &payment("p1", order(1))).await.outcome(), (204, None));
    assert_eq!(auth.webhook(8, &payment("p3", order(3))).await.outcome(), (204, None));
    for (number, terms) in [(1, &terms()), (2, &terms()), (3, &one)] {
        assert_eq!(auth.grant(&token, order(number), terms).await.body["standing"], json!(GrantStanding::Open));
    }
    assert_eq!(auth.webhook(8, &payment("p2", order(2))).await.outcome(), (204, None));
    for (number, terms, expected) in
        [(1, &terms(), GrantStanding::Paid), (2, &terms(), GrantStanding::Paid), (3, &one, GrantStanding::Open)]
    {
        assert_eq!(standing(&auth, order(number)).await, GrantStanding::Open);
        let confirmed = client.confirm_grant(&confirmation(account, order(number), terms)).await.unwrap();
        assert_eq!((confirmed.standing, standing(&auth, order(number)).await), (expected, expected));
    }
}

#[tokio::test]
async fn money_that_comes_after_the_end_is_kept_and_opens_nothing() {
    let auth = Auth::start().await;
    let (closed, overdue) = (confirmed(&auth, 1).await, confirmed(&auth, 2).await);
    auth.tickets().await.close_grant(&CloseGrant { order: closed }).await.unwrap();
    auth.state.clock.advance(Duration::from_hours(24));
    for order in [closed, overdue] {
        assert_eq!(auth.webhook(8, &payment(&order.to_string(), order)).await.outcome(), (204, None));
        assert_eq!(standing(&auth, order).await, GrantStanding::Closed);
    }
    assert_eq!(kept(&auth).await, 2);
}

#[tokio::test]
async fn what_cannot_be_kept_is_said() {
    let auth = Auth::start().await;
    let too_much = Money { minor: u64::MAX, ..terms().amount };
    for bad in [payment(&"p".repeat(256), order(1)), Payment { amount: too_much, ..payment("p", order(1)) }] {
        assert_eq!(auth.webhook(8, &bad).await.outcome(), (422, Some("payment-event-refused")));
    }
    assert_eq!(kept(&auth).await, 0);
}

#[tokio::test]
async fn payments_are_final() {
    let auth = Auth::start().await;
    auth.webhook(8, &payment("p", order(1))).await;
    for sql in ["UPDATE payments SET amount = 1", "DELETE FROM payments", "TRUNCATE payments CASCADE"] {
        let error = sqlx::query(sql).execute(&auth.state.pool).await.unwrap_err();
        assert!(error.to_string().contains("are final"), "{error}");
    }
}
