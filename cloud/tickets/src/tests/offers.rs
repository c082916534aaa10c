//! What a front end is told before an order is paid.

use axum::http::StatusCode;
use countermark_service::contract::{CloseOffer, GrantStanding, TicketsClient};
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::ProductId;
use serde_json::{Value, json};

use crate::testing::{BUYER, EVENT, World, event, offer};

async fn listed(world: &World) -> Value {
    world.call(BUYER, "GET", "/v1/events/7/offers", Value::Null).await.1
}

#[tokio::test]
async fn an_offer_says_what_an_order_needs() {
    for (live_window_seconds, holder, names) in
        [(0, HolderName::Unnamed, "unnamed"), (15, HolderName::Sealed, "sealed"), (15, HolderName::Checked, "checked")]
    {
        let world = World::selling(TicketForm { live_window_seconds, holder }).await;
        world.publish(&offer(1, 2, false, 100)).await;
        let offers = listed(&world).await;
        let told = (&offers[0]["live_window_seconds"], &offers[0]["names"], offers.as_array().unwrap().len());
        assert_eq!(told, (&json!(live_window_seconds), &json!(names), 1));
    }
}

#[tokio::test]
async fn what_cannot_be_ordered_any_more_is_not_offered() {
    let world = World::new().await;
    world.publish(&offer(1, 2, false, 100)).await;
    let mut newer = event(TicketForm::default());
    newer.version = 2;
    newer.products[0].product = ProductId(2);
    world.push(&newer).await;
    assert_eq!(listed(&world).await, json!([]));
    sqlx::query("DELETE FROM event_documents").execute(&world.state.pool).await.unwrap();
    assert_eq!(listed(&world).await, json!([]));
}

/// Found in review: a buyer was told to grant what cannot be granted, or met an internal error.
#[tokio::test]
async fn an_order_that_auth_takes_no_payment_for_says_why() {
    let world = World::new().await;
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    let (_, order) = world.order(&duo, 1, "k").await;
    let path = format!("/v1/orders/{}/payment", order["order"].as_str().unwrap());
    let refused = async |word: &str| {
        let (status, problem) = world.call(BUYER, "POST", &path, Value::Null).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");
        assert_eq!(problem["type"], "urn:countermark:problem:not-payable");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    };
    for (standing, word) in [(GrantStanding::Closed, "ended"), (GrantStanding::Paid, "Do not pay again")] {
        world.grant(&order, standing);
        refused(word).await;
    }
    world.grant(&order, GrantStanding::Open);
    for slug in ["document-refused", "terms-refused"] {
        world.peers.lock().unwrap().auth.grant_refusals = vec![(StatusCode::UNPROCESSABLE_ENTITY, slug)];
        refused("document does not allow it any more").await;
    }
    assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_closed_offer_is_ordered_no_more_and_its_orders_are_honoured() {
    let world = World::new().await;
    let (wrong, right) = (offer(1, 2, false, 100), offer(2, 2, false, 100));
    world.publish(&wrong).await;
    let (_, waiting) = world.order(&wrong, 1, "k").await;
    let tickets = TicketsClient(world.admin().clone());
    for _ in 0..2 {
        tickets.close_offer(&CloseOffer { offer: wrong.offer }).await.unwrap();
    }
    world.publish(&right).await;
    // Found in review: sent again after its end, it was said to be on sale.
    assert_eq!(tickets.publish_offer(&wrong).await.unwrap_err().slug(), Some("offer-closed"));
    let listed = listed(&world).await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["offer"]), (1, &json!(right.offer)));
    let (status, problem) = world.order(&wrong, 1, "another").await;
    assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("urn:countermark:problem:not-on-sale")));

    assert_eq!(world.order(&wrong, 1, "k").await.1, waiting, "sent again, it is the order that was placed");
    let order = world.grant(&waiting, GrantStanding::Open);
    let path = format!("/v1/orders/{order}/payment");
    assert_eq!(world.call(BUYER, "POST", &path, Value::Null).await.0, StatusCode::OK);
    world.grant(&waiting, GrantStanding::Paid);
    world.pay("payment", order, wrong.price).await;
    world.until(order, "issued").await;
    let figures = tickets.sales(EVENT).await.unwrap().offers;
    let told = figures.iter().map(|offer| (offer.offer, offer.closed, offer.sold));
    assert_eq!(told.collect::<Vec<_>>(), [(wrong.offer, true, 2), (right.offer, false, 0)]);

    let nothing = CloseOffer { offer: offer(3, 2, false, 100).offer };
    assert_eq!(tickets.close_offer(&nothing).await.unwrap_err().slug(), Some("not-found"));
}
