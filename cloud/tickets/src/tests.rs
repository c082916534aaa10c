//! Buying, from the offer to the picture, and everything that may come between.

mod guests;
mod issuing;
mod lists;
mod migration;
mod names;
mod offers;
mod revocation;
mod secrets;
mod showing;
mod thief;
mod transfers;

use std::collections::HashSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use countermark_service::contract::{GrantStanding, OfferFigures, ReportedState, RevokeTicket, SalesFigures, paths};
use countermark_service::service_name::ServiceName;
use countermark_shared::decision::examine;
use countermark_shared::documents::Text;
use countermark_shared::id::{AccountId, OrderId, Slot};
use countermark_shared::money::Money;
use serde_json::{Value, json};

use crate::expire;
use crate::testing::{BUYER, EVENT, Peers, STRANGER, World, euros, offer};

/// An order that was granted and paid.
async fn buy(world: &World, quantity: u8) -> OrderId {
    let (status, order) = world.order(&offer(1, 2, false, 100), quantity, "buy").await;
    assert_eq!(status, StatusCode::CREATED, "{order}");
    let id = world.grant(&order, GrantStanding::Open);
    assert_eq!(world.pay("p1", id, amount(&order)).await, StatusCode::NO_CONTENT);
    id
}

fn amount(order: &Value) -> Money {
    serde_json::from_value(order["terms"]["amount"].clone()).unwrap()
}

#[tokio::test]
async fn an_order_becomes_its_tickets() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    let id = buy(&world, 2).await;
    let order = world.until(id, "issued").await;

    let tickets = order["tickets"].as_array().unwrap();
    assert_eq!(tickets.len(), 4);
    let slots: HashSet<_> = tickets.iter().map(|ticket| ticket["slot"].as_u64().unwrap()).collect();
    assert_eq!(slots.len(), 4);
    for ticket in tickets {
        let verified = examine(ticket["text"].as_str().unwrap(), EVENT, &world.state.key_ring).unwrap();
        assert_eq!(verified.body().places.get(), 1);
    }
    world.until_peers("validation never heard of all four seats", |peers| peers.reports.len() >= 4).await;
}

#[tokio::test]
async fn a_family_with_one_code_gets_one_ticket() {
    let world = World::new().await;
    let family = offer(2, 4, true, 8);
    world.publish(&family).await;
    let (_, order) = world.order(&family, 1, "family").await;
    let id = world.grant(&order, GrantStanding::Open);
    world.pay("p1", id, amount(&order)).await;
    let order = world.until(id, "issued").await;
    assert_eq!(order["tickets"].as_array().unwrap().len(), 1);
    assert_eq!(order["tickets"][0]["places"], 4);
}

#[tokio::test]
async fn a_ticket_is_its_buyers_as_text_and_as_picture() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    let id = buy(&world, 1).await;
    let order = world.until(id, "issued").await;
    let ticket = &order["tickets"][0];
    let path = format!("/v1/tickets/{}", ticket["ticket"].as_str().unwrap());
    assert_eq!(world.call(BUYER, "GET", &path, Value::Null).await.1["text"], ticket["text"]);
    let (_, png) = world.call_raw(BUYER, "GET", &format!("{path}/code.png"), Value::Null, "k").await;
    let picture = image::load_from_memory(&png).unwrap().into_luma8();
    let (width, height) = picture.dimensions();
    let read = rxing::helpers::detect_in_luma(picture.into_raw(), width, height, None).unwrap();
    assert_eq!(read.getText(), ticket["text"].as_str().unwrap());

    for path in [path.clone(), format!("{path}/code.png"), format!("/v1/orders/{id}")] {
        assert_eq!(world.call(STRANGER, "GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn places_are_never_sold_twice() {
    let world = World::new().await;
    let solo = offer(3, 1, false, 10);
    world.publish(&solo).await;
    let buyers = (0..25).map(|number| AccountId(uuid::Uuid::from_u128(100 + number)));
    let outcomes = futures_util::future::join_all(buyers.map(|buyer| world.order_by(buyer, &solo, 1, "k"))).await;
    let placed = outcomes.iter().filter(|(status, _)| *status == StatusCode::CREATED).count();
    assert_eq!(placed, 10);
    for (status, problem) in outcomes.iter().filter(|(status, _)| *status != StatusCode::CREATED) {
        assert_eq!((*status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:countermark:problem:sold-out")));
        assert_eq!(problem["left"], 0);
    }
}

#[tokio::test]
async fn nobody_holds_the_stock_without_paying() {
    let world = World::new().await;
    let solo = offer(3, 1, false, 10);
    world.publish(&solo).await;
    for number in 0..5 {
        assert_eq!(world.order(&solo, 1, &number.to_string()).await.0, StatusCode::CREATED);
    }
    let (status, problem) = world.order(&solo, 1, "one too many").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    let (status, problem) = world.order(&solo, 1, "one-too-many").await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("urn:countermark:problem:too-many-open-orders"))
    );
    assert_eq!(world.order_by(STRANGER, &solo, 1, "k").await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_payment_made_during_an_outage_is_waited_for() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    let (_, order) = world.order(&duo, 1, "k").await;
    let id = world.grant(&order, GrantStanding::Open);
    world.call(BUYER, "POST", &format!("/v1/orders/{id}/payment"), Value::Null).await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(expire::sweep(&world.state.pool, false, world.clock.now()).await.unwrap(), 0);
    assert_eq!(world.pay("p1", id, amount(&order)).await, StatusCode::NO_CONTENT);
    world.until(id, "issued").await;
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    let (first, second) = tokio::join!(world.order(&duo, 1, "same"), world.order(&duo, 1, "same"));
    assert_eq!(first.1["order"], second.1["order"]);
    assert_eq!(world.order(&duo, 2, "same").await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.order(&duo, 1, "").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(world.order(&duo, 11, "many").await.0, StatusCode::BAD_REQUEST);
    let figures: SalesFigures = world.admin().get(&paths::SALES.replace("{event}", "7")).await.unwrap();
    assert_eq!(figures.offers[0].reserved, 2);
}

#[tokio::test]
async fn a_payment_is_opened_only_for_what_was_granted() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    let (_, order) = world.order(&duo, 1, "k").await;
    let path = format!("/v1/orders/{}/payment", order["order"].as_str().unwrap());
    let (status, problem) = world.call(BUYER, "POST", &path, Value::Null).await;
    assert_eq!((status, &problem["terms"]), (StatusCode::CONFLICT, &order["terms"]));

    let mut cheaper = order.clone();
    cheaper["terms"]["amount"]["minor"] = json!(1);
    let id = world.grant(&cheaper, GrantStanding::Open);
    assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await.0, StatusCode::CONFLICT);

    world.grant(&order, GrantStanding::Open);
    world.peers.lock().unwrap().auth.is_full = true;
    let (status, problem) = world.call(BUYER, "POST", &path, Value::Null).await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:countermark:problem:capacity-reached")));
    world.peers.lock().unwrap().auth.is_full = false;
    assert_eq!(world.call(STRANGER, "POST", &path, Value::Null).await.0, StatusCode::NOT_FOUND);
    let (status, opened) = world.call(BUYER, "POST", &path, Value::Null).await;
    assert_eq!((status, opened["page"].as_str().unwrap()), (StatusCode::OK, &*format!("https://pay.example/p-{id}")));

    // The places are held as long as the page can be paid, and a little longer.
    world.clock.advance(Duration::from_mins(16));
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 0);
    world.clock.advance(Duration::from_mins(5));
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_buyers_token_for_another_service_opens_nothing_here() {
    let world = World::new().await;
    let path = "/v1/orders/00000000-0000-0000-0000-000000000009";
    for audience in ServiceName::ALL {
        let token = format!("Bearer {}", world.token_for(audience, BUYER));
        let (status, _) =
            world.send(Request::get(path).header("authorization", token).body(Body::empty()).unwrap()).await;
        let expected = match audience {
            // It is let in, and finds no such order.
            ServiceName::Tickets => StatusCode::NOT_FOUND,
            ServiceName::Auth | ServiceName::Validation | ServiceName::Admin => StatusCode::UNAUTHORIZED,
        };
        assert_eq!(status, expected, "for {audience}");
    }
}

/// Found in review: each look at the payment page held the order's places anew.
#[tokio::test]
async fn asking_for_the_payment_page_again_holds_nothing_longer() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    let (_, order) = world.order(&duo, 1, "k").await;
    let id = world.grant(&order, GrantStanding::Open);
    let path = format!("/v1/orders/{id}/payment");
    let (_, first) = world.call(BUYER, "POST", &path, Value::Null).await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(6));
        assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await, (StatusCode::OK, first.clone()));
    }
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 0);
    // 15 minutes to pay and 5 to hear of it, since the first time.
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await.0, StatusCode::CONFLICT);
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_not_paid_in_time_goes_back_on_sale_and_late_money_is_owed_back() {
    let world = World::new().await;
    let solo = offer(3, 1, false, 1);
    world.publish(&solo).await;
    let (_, order) = world.order(&solo, 1, "first").await;
    let id = world.grant(&order, GrantStanding::Open);
    assert_eq!(world.order(&solo, 1, "second").await.0, StatusCode::CONFLICT);
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 1);
    assert_eq!(world.order(&solo, 1, "third").await.0, StatusCode::CREATED);

    assert_eq!(world.pay("late", id, amount(&order)).await, StatusCode::NO_CONTENT);
    assert_eq!(world.read_order(id).await["state"], "refund-due");
    assert_eq!(figures(&world).await.refunds_due, 1);
}

async fn figures(world: &World) -> OfferFigures {
    let mut figures: SalesFigures = world.admin().get(&paths::SALES.replace("{event}", "7")).await.unwrap();
    figures.offers.remove(0)
}

#[tokio::test]
async fn every_other_payment_is_recorded_once_and_owed_back() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    let (_, order) = world.order(&offer(1, 2, false, 100), 1, "k").await;
    let id = world.grant(&order, GrantStanding::Open);
    assert_eq!(world.pay("short", id, euros(1)).await, StatusCode::NO_CONTENT);
    assert_eq!(world.read_order(id).await["state"], "reserved");
    for _ in 0..2 {
        assert_eq!(world.pay("whole", id, amount(&order)).await, StatusCode::NO_CONTENT);
    }
    world.until(id, "issued").await;
    assert_eq!(world.pay("again", id, amount(&order)).await, StatusCode::NO_CONTENT);
    let figures = figures(&world).await;
    assert_eq!((figures.sold, figures.issued, figures.refunds_due), (2, 2, 2));
    assert_eq!(world.pay("nobody's", OrderId(uuid::Uuid::nil()), euros(1)).await, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn auth_may_be_slow_but_its_no_is_final() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    world.peers.lock().unwrap().auth.refusals =
        vec![(StatusCode::CONFLICT, "payment-not-confirmed"), (StatusCode::CONFLICT, "grant-closed")];
    let (_, order) = world.order(&offer(1, 2, false, 100), 1, "buy").await;
    let id = world.grant(&order, GrantStanding::Open);
    world.pay("p1", id, amount(&order)).await;
    // The clock stands still, so the retry becomes due only as the test moves it.
    world.until_refused().await;
    let order = world.until(id, "refund-due").await;
    assert!(order["why"].as_str().unwrap().contains("grant-closed"), "{order}");
    let figures = figures(&world).await;
    assert_eq!((figures.sold, figures.issued, figures.refunds_due), (0, 0, 1));
}

#[tokio::test]
async fn a_slot_that_auth_knows_already_is_not_used_again() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "slot-taken")];
    let id = buy(&world, 1).await;
    let order = world.until(id, "issued").await;
    assert_eq!(order["tickets"].as_array().unwrap().len(), 2);
}

/// Found in review: the same body was offered to auth for ever.
#[tokio::test]
async fn a_body_whose_key_was_rotated_away_is_made_anew() {
    for rotated in [true, false] {
        let world = World::new().await;
        let solo = offer(3, 1, false, 10);
        world.publish(&solo).await;
        world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "payment-not-confirmed")];
        let (_, order) = world.order(&solo, 1, "k").await;
        let id = world.grant(&order, GrantStanding::Open);
        world.pay("p1", id, amount(&order)).await;
        world.until_refused().await;
        if rotated {
            // As if the body had been made before: its issuing key is one that there is no more.
            sqlx::query("UPDATE tickets SET body = overlay(body PLACING '\\xffffffff'::bytea FROM 3 FOR 4)")
                .execute(&world.state.pool)
                .await
                .unwrap();
        }
        let slot: i64 = sqlx::query_scalar("SELECT slot FROM tickets").fetch_one(&world.state.pool).await.unwrap();
        world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "key-not-active")];
        world.until_refused().await;
        let order = world.until_retried(id, "issued").await;
        let ticket = &order["tickets"][0];
        assert!(examine(ticket["text"].as_str().unwrap(), EVENT, &world.state.key_ring).is_ok());
        // With today's keys the body stays: then it is auth's bundle that lags.
        assert_eq!(ticket["slot"] != slot, rotated);
    }
}

#[tokio::test]
async fn a_revoked_ticket_is_reported() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    let id = buy(&world, 1).await;
    let order = world.until(id, "issued").await;
    let slot = Slot(u32::try_from(order["tickets"][0]["slot"].as_u64().unwrap()).unwrap());
    let revoke = RevokeTicket { event: EVENT, slot };
    for _ in 0..2 {
        let _: Value = world.admin().post(paths::REVOKE, &revoke).await.unwrap();
    }
    let is_reported = |peers: &Peers| {
        peers.reports.iter().any(|report| report.slot == slot && report.state == ReportedState::Revoked)
    };
    world.until_peers("validation never heard of the revocation", is_reported).await;
    assert!(!world.read_order(id).await["tickets"][0]["revoked_at"].is_null());
    let unknown = RevokeTicket { event: EVENT, slot: Slot(99_999) };
    let refused = world.admin().post::<_, Value>(paths::REVOKE, &unknown).await.unwrap_err();
    assert_eq!(refused.slug(), Some("ticket-unknown"));
}

#[tokio::test]
async fn offers_stay_within_the_organisers_word() {
    let world = World::new().await;
    let good = offer(1, 2, false, 100);
    world.publish(&good).await;
    world.publish(&good).await;
    let mut others: Vec<_> = std::iter::repeat_n(good.clone(), 6).collect();
    others[0].price = euros(1999);
    others[1].stock = 1001;
    others[2].stock = 1;
    others[3].product = countermark_shared::id::ProductId(2);
    others[4].event = countermark_shared::id::EventId(8);
    others[5].sales.until = others[5].sales.from;
    for refused in others {
        let error = world.admin().post::<_, ()>(paths::OFFERS, &refused).await.unwrap_err();
        assert_eq!(error.slug(), Some("offer-refused"), "{refused:?}");
    }
    let renamed =
        countermark_service::contract::PublishOffer { name: Text { en: "Other".into(), fr: "Autre".into() }, ..good };
    let error = world.admin().post::<_, ()>(paths::OFFERS, &renamed).await.unwrap_err();
    assert_eq!(error.slug(), Some("offer-exists"));
}

#[tokio::test]
async fn nothing_is_sold_outside_its_sales_window() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    world.clock.advance(Duration::from_hours(8));
    let (status, problem) = world.order(&duo, 1, "late").await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:countermark:problem:not-on-sale")));
}
