//! A thief with all of auth's keys and its database; tickets is honest. Each test tries to have more than was paid for.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use countermark_service::contract::{
    GrantStanding, RevokeTicket, RevokedTicket, WrapEventSecrets, WrappedEventSecrets, paths,
};
use countermark_service::service_name::ServiceName;
use countermark_service::webhook::{self, Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::{AccountId, GateId, OrderId, Slot, TransferId};
use countermark_shared::sealing::UnwrappingKey;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::testing::{BUYER, EVENT, STRANGER, World, euros, key, offer};

const THIEF: AccountId = AccountId(Uuid::from_u128(66));
const LIVE: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Unnamed };

fn transfer(number: u128) -> TransferId {
    TransferId(Uuid::from_u128(number))
}

async fn stolen(form: TicketForm) -> World {
    let world = World::selling(form).await;
    world.peers.lock().unwrap().auth.is_stolen = true;
    world
}

/// Seats with both signatures whose newest issue is not replaced: what gates would admit.
async fn seats(world: &World) -> i64 {
    let seats = "SELECT count(*) FROM tickets WHERE authority_signature IS NOT NULL AND transferred_at IS NULL";
    sqlx::query_scalar(seats).fetch_one(&world.state.pool).await.unwrap()
}

#[tokio::test]
async fn auths_word_that_an_order_is_paid_pays_nothing() {
    let world = stolen(LIVE).await;
    let solo = offer(3, 1, false, 10);
    world.publish(&solo).await;
    let (_, order) = world.order_by(THIEF, &solo, 1, "k").await;
    let id = world.grant(&order, GrantStanding::Paid);
    let opened = world.call(THIEF, "POST", &format!("/v1/orders/{id}/payment"), Value::Null).await;
    assert_eq!(opened.0, StatusCode::CONFLICT);

    // The webhook, signed with any key that auth has.
    for signer in [key(3), key(7), key(10 + ServiceName::Auth as u8)] {
        let now = world.clock.now();
        let data = Payment { payment: "p1".into(), reference: id, amount: euros(1000) };
        let event = PaymentEvent { kind: PaymentEventKind::Succeeded, timestamp: now, data };
        let body = serde_json::to_vec(&event).unwrap();
        let request = Request::post("/v1/payment-events")
            .header(webhook::ID, "p1")
            .header(webhook::TIMESTAMP, now.unix_seconds())
            .header(webhook::SIGNATURE, webhook::sign(&signer, "p1", now, &body))
            .body(Body::from(body));
        assert_eq!(world.send(request.unwrap()).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, order) = world.call(THIEF, "GET", &format!("/v1/orders/{id}"), Value::Null).await;
    assert_eq!((status, &order["state"]), (StatusCode::OK, &json!("reserved")));
    assert_eq!(seats(&world).await, 0);
}

/// The thief tells the provider a smaller sum, and tickets a grant of smaller terms.
#[tokio::test]
async fn less_money_buys_nothing() {
    let world = stolen(LIVE).await;
    let solo = offer(3, 1, false, 10);
    world.publish(&solo).await;
    let (_, order) = world.order(&solo, 1, "k").await;
    let mut cheaper = order.clone();
    cheaper["terms"]["amount"]["minor"] = json!(1);
    let id = world.grant(&cheaper, GrantStanding::Open);
    let opened = world.call(BUYER, "POST", &format!("/v1/orders/{id}/payment"), Value::Null).await;
    assert_eq!(opened.0, StatusCode::CONFLICT);
    assert_eq!(world.pay("p1", id, euros(1)).await, StatusCode::NO_CONTENT);
    assert_eq!(world.read_order(id).await["state"], "reserved");
    assert_eq!(seats(&world).await, 0);
}

#[tokio::test]
async fn a_grant_of_more_tickets_makes_as_many_as_were_sold() {
    let world = stolen(LIVE).await;
    let solo = offer(3, 1, false, 10);
    world.publish(&solo).await;
    let (_, order) = world.order(&solo, 1, "k").await;
    let mut more = order.clone();
    more["terms"]["tickets"] = json!(100);
    more["terms"]["places"] = json!(200);
    let id = world.grant(&more, GrantStanding::Paid);
    world.pay("p1", id, euros(1000)).await;
    let issued = world.until(id, "issued").await;
    assert_eq!((seats(&world).await, &issued["tickets"][0]["places"]), (1, &json!(1)));
}

#[tokio::test]
async fn transfers_that_auth_invents_make_no_seat_more() {
    let world = stolen(LIVE).await;
    let ticket = world.one_ticket(LIVE).await;
    let slot = &ticket["slot"];
    // A seat that was never sold; an issue to come; one of no order.
    for (number, seat, generation) in [(1, json!(99_999), 1), (2, slot.clone(), 2), (3, slot.clone(), 254)] {
        world.accept(transfer(number), THIEF, &json!({ "slot": seat, "generation": generation }));
        let (status, _) = world.take_over(THIEF, transfer(number), Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
    // The same issue, passed on to many: one has it, and the owner no more.
    for number in 10..20 {
        world.accept(transfer(number), THIEF, &ticket);
    }
    let attempts = (10..20).map(|number| world.take_over(THIEF, transfer(number), Value::Null));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::CREATED).count(), 1);
    assert_eq!(seats(&world).await, 1);
    let path = format!("/v1/tickets/{}", ticket["ticket"].as_str().unwrap());
    assert_eq!(world.call(BUYER, "GET", &path, Value::Null).await.1["state"], "transferred");

    // The recipient's transfer shows nobody else the ticket.
    let made = answers.iter().position(|(status, _)| *status == StatusCode::CREATED).unwrap();
    let made = transfer(10 + u128::try_from(made).unwrap());
    assert_eq!(world.take_over(STRANGER, made, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn transfers_revive_nothing() {
    let world = stolen(LIVE).await;
    let ticket = world.one_ticket(LIVE).await;
    let revoke = RevokeTicket { event: EVENT, slot: serde_json::from_value::<Slot>(ticket["slot"].clone()).unwrap() };
    let _: RevokedTicket = world.admin().post(paths::REVOKE, &revoke).await.unwrap();
    world.accept(transfer(1), THIEF, &ticket);
    assert_eq!(world.take_over(THIEF, transfer(1), Value::Null).await.0, StatusCode::CONFLICT);

    // Of an order that came to nothing.
    world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "not-granted")];
    let order: OrderId = world.buy_one(LIVE).await;
    world.until(order, "refund-due").await;
    let slots: Vec<i64> = sqlx::query_scalar("SELECT slot FROM tickets WHERE order_id = $1")
        .bind(order.0)
        .fetch_all(&world.state.pool)
        .await
        .unwrap();
    world.accept(transfer(2), THIEF, &json!({ "slot": slots[0], "generation": 1 }));
    assert_eq!(world.take_over(THIEF, transfer(2), Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 1);
}

/// With auth's service key: what only others may ask.
#[tokio::test]
async fn auths_own_calls_open_nothing() {
    let world = stolen(LIVE).await;
    let auth = world.as_service(ServiceName::Auth);
    let publish = auth.post::<_, ()>(paths::OFFERS, &offer(9, 1, false, 10)).await.unwrap_err();
    let revoke = RevokeTicket { event: EVENT, slot: Slot(0) };
    let revoke = auth.post::<_, RevokedTicket>(paths::REVOKE, &revoke).await.unwrap_err();
    let wrapping_key = UnwrappingKey::new(Zeroizing::new([5; 32])).wrapping_key();
    let secrets = WrapEventSecrets { event: EVENT, gate: GateId(1), wrapping_key };
    let secrets = auth.post::<_, WrappedEventSecrets>(paths::EVENT_SECRETS, &secrets).await.unwrap_err();
    for refused in [publish, revoke, secrets] {
        assert_eq!(refused.slug(), Some("forbidden"));
    }
}

/// A signature that no gate would take is not stored, and nothing is told to validation.
#[tokio::test]
async fn a_signature_that_is_none_makes_no_ticket() {
    let mut world = stolen(LIVE).await;
    // Gates believe another authority than the thief's.
    let mut bundle = (*world.state.bundle).clone();
    for trusted in &mut bundle.keys {
        if trusted.key.id() == world.state.authority_key {
            trusted.key = key(99).verifying_key();
        }
    }
    let issued = world.one_ticket(LIVE).await;
    world.state.key_ring = std::sync::Arc::new(countermark_shared::key_ring::KeyRing::of(&bundle));
    world.accept(transfer(1), THIEF, &issued);
    let request = crate::transfer::Request { transfer: transfer(1), recipient: THIEF, name: None };
    assert!(crate::transfer::carry_out(&world.state, &request).await.is_err());
    assert_eq!(seats(&world).await, 1);
    let path = format!("/v1/tickets/{}", issued["ticket"].as_str().unwrap());
    assert_eq!(world.call(BUYER, "GET", &path, Value::Null).await.1["state"], "valid");
}
