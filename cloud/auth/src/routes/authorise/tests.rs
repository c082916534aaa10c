//! What is signed, and everything that is not.

use countermark_service::contract::{CloseGrant, Terms};
use countermark_service::service_call::CallError;
use countermark_shared::id::{Generation, Slot, Zones};
use countermark_shared::keys::Signature;
use countermark_shared::label::Label;
use futures_util::future::join_all;

use super::*;
use crate::testing::{Auth, body, order, other_issuing_key, request, retired_issuing_key, terms, tickets};

fn slug(answer: &Result<Authorised, CallError>) -> Option<&str> {
    answer.as_ref().err().and_then(CallError::slug)
}

async fn signed(auth: &Auth) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM authorisations").fetch_one(&auth.state.pool).await.unwrap()
}

#[tokio::test]
async fn a_paid_grants_body_is_signed_and_always_with_the_same_signature() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let order = auth.paid_order(1, &terms()).await;
    let body = auth.body(42);
    let first = tickets.authorise(&request(order, &body)).await.unwrap();
    let signature = Signature::from_bytes(&first.signature.0);
    assert!(auth.authority.verifies(Label::Authorise, &body.to_bytes(), &signature));
    assert_eq!(tickets.authorise(&request(order, &body)).await.unwrap(), first);
    // The repetition does not count: the second ticket is still to be had.
    assert!(tickets.authorise(&request(order, &auth.body(43))).await.is_ok());
    assert_eq!(signed(&auth).await, 2);
}

#[tokio::test]
async fn only_a_paid_and_open_grant_is_signed_for() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let ask = async || tickets.authorise(&request(order(1), &auth.body(1))).await;
    assert_eq!(slug(&ask().await), Some("grant-unknown"));
    auth.confirmed_order(&auth.buyer().await, 1, &terms()).await;
    assert_eq!(slug(&ask().await), Some("payment-not-confirmed"));
    auth.pay(order(1), &terms()).await;
    assert!(ask().await.is_ok());
    tickets.close_grant(&CloseGrant { order: order(1) }).await.unwrap();
    assert_eq!(slug(&ask().await), Some("grant-closed"));
    assert_eq!(signed(&auth).await, 1);
}

#[tokio::test]
async fn what_differs_from_the_grant_is_not_signed() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let order = auth.paid_order(1, &terms()).await;
    let good = auth.body(1);
    for (bad, expected) in [
        (TicketBody { zones: Zones(0b11), ..good.clone() }, "not-granted"),
        (TicketBody { places: 2.try_into().unwrap(), ..good.clone() }, "not-granted"),
        (TicketBody { generation: Generation(2), ..good.clone() }, "not-granted"),
        (TicketBody { issuing_key: retired_issuing_key().id(), ..good.clone() }, "key-not-active"),
        (TicketBody { issuing_key: auth.authority.id(), ..good.clone() }, "key-not-active"),
        (TicketBody { authority_key: good.issuing_key, ..good.clone() }, "key-not-active"),
        (body(1), "key-not-active"),
    ] {
        let answer = tickets.authorise(&request(order, &bad)).await;
        assert_eq!(slug(&answer), Some(expected), "{bad:?}");
    }
    for (place, value) in [(0, 2), (1, 1), (18, 0)] {
        let mut malformed = request(order, &good);
        malformed.body.0[place] = value;
        assert_eq!(slug(&tickets.authorise(&malformed).await), Some("not-granted"), "byte {place}");
    }
    assert_eq!(signed(&auth).await, 0);
}

#[tokio::test]
async fn an_order_has_as_many_tickets_as_were_granted() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let order = auth.paid_order(1, &terms()).await;
    let requests: Vec<_> = (1..=6).map(|slot| request(order, &auth.body(slot))).collect();
    let answers = join_all(requests.iter().map(|request| tickets.authorise(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
    assert_eq!(answers.iter().filter(|answer| slug(answer) == Some("not-granted")).count(), 4);
    assert_eq!(signed(&auth).await, 2);
}

#[tokio::test]
async fn a_seats_issue_has_one_body_and_one_order() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let (first, second) = (auth.paid_order(1, &terms()).await, auth.paid_order(2, &terms()).await);
    let body = auth.body(1);
    assert!(tickets.authorise(&request(first, &body)).await.is_ok());
    let other_body = TicketBody { issuing_key: other_issuing_key().id(), ..body.clone() };
    assert_eq!(slug(&tickets.authorise(&request(first, &other_body)).await), Some("slot-taken"));
    assert_eq!(slug(&tickets.authorise(&request(second, &body)).await), Some("slot-taken"));
    // A refusal takes nothing: both tickets of the second order are still to be had.
    for slot in [2, 3] {
        assert!(tickets.authorise(&request(second, &TicketBody { slot: Slot(slot), ..body.clone() })).await.is_ok());
    }
}

#[tokio::test]
async fn of_many_orders_that_want_a_seat_at_once_one_gets_it() {
    let auth = Auth::start().await;
    let client = auth.tickets().await;
    let one = tickets(1);
    let mut requests = Vec::new();
    for number in 1..=8 {
        requests.push(request(auth.paid_order(number, &one).await, &auth.body(1)));
    }
    let answers = join_all(requests.iter().map(|request| client.authorise(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| slug(answer) == Some("slot-taken")).count(), 7);
}

#[tokio::test]
async fn the_organisers_document_is_asked_again() {
    let auth = Auth::start().await;
    let tickets = auth.tickets().await;
    let order = auth.paid_order(1, &terms()).await;
    // Whoever can write to auth's database widens the grant, and still gets no signature.
    let wider = Terms { zones: Zones(0b11), ..terms() };
    sqlx::query("UPDATE grants SET zones = 3").execute(&auth.state.pool).await.unwrap();
    let body = TicketBody { zones: wider.zones, ..auth.body(1) };
    assert_eq!(slug(&tickets.authorise(&request(order, &body)).await), Some("not-granted"));

    sqlx::query("UPDATE grants SET zones = 1").execute(&auth.state.pool).await.unwrap();
    sqlx::query("UPDATE event_documents SET bytes = '\\x00'").execute(&auth.state.pool).await.unwrap();
    assert_eq!(slug(&tickets.authorise(&request(order, &auth.body(1))).await), Some("not-granted"));
    sqlx::query("DELETE FROM event_documents").execute(&auth.state.pool).await.unwrap();
    assert_eq!(slug(&tickets.authorise(&request(order, &auth.body(1))).await), Some("not-granted"));
}

#[tokio::test]
async fn an_order_keeps_the_document_it_was_granted_under() {
    let auth = Auth::start().await;
    let order = auth.paid_order(1, &terms()).await;
    let mut newer = crate::testing::event();
    newer.version = 2;
    newer.products[0].zones = Zones(0b100);
    auth.publish(&newer).await;
    assert!(auth.tickets().await.authorise(&request(order, &auth.body(1))).await.is_ok());
}

#[tokio::test]
async fn what_was_signed_is_final() {
    let auth = Auth::start().await;
    let order = auth.paid_order(1, &terms()).await;
    auth.tickets().await.authorise(&request(order, &auth.body(1))).await.unwrap();
    for sql in ["UPDATE authorisations SET slot = 2", "DELETE FROM authorisations", "TRUNCATE authorisations CASCADE"] {
        let error = sqlx::query(sql).execute(&auth.state.pool).await.unwrap_err();
        assert!(error.to_string().contains("are final"), "{error}");
    }
}
