//! Finding again what one bought.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_shared::documents::TicketForm;
use countermark_shared::id::TransferId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::testing::{BUYER, STRANGER, World};

async fn listed(world: &World, who: countermark_shared::id::AccountId, path: &str) -> Value {
    let (status, list) = world.call(who, "GET", path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    list
}

/// All entries of a list, page by page.
async fn pages(world: &World, name: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = format!("/v1/{name}");
    loop {
        let page = listed(world, BUYER, &path).await;
        pages.push(page[name].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { return pages };
        path = format!("/v1/{name}?before={next}");
    }
}

#[tokio::test]
async fn a_buyer_finds_orders_and_tickets_again_and_nobody_else_does() {
    let world = World::new().await;
    let first = world.one_ticket(TicketForm::default()).await;
    world.clock.advance(Duration::from_secs(1));
    let second = world.one_ticket(TicketForm::default()).await;

    assert_eq!(listed(&world, BUYER, "/v1/tickets").await, json!({ "tickets": [second, first] }));
    let orders = listed(&world, BUYER, "/v1/orders").await["orders"].clone();
    let created: Vec<_> = orders.as_array().unwrap().iter().map(|order| &order["paid_at"]).collect();
    assert!(created.len() == 2 && created[0].as_str() > created[1].as_str(), "{orders}");
    assert_eq!(listed(&world, STRANGER, "/v1/tickets").await, json!({ "tickets": [] }));
    assert_eq!(listed(&world, STRANGER, "/v1/orders").await, json!({ "orders": [] }));
    // Another's cursor is none.
    let stolen = format!("/v1/tickets?before={}", second["ticket"].as_str().unwrap());
    assert_eq!(listed(&world, STRANGER, &stolen).await, json!({ "tickets": [] }));
    let refused = world.call(BUYER, "GET", "/v1/tickets?before=yesterday", Value::Null).await;
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_ticket_that_was_passed_on_is_listed_with_its_new_owner() {
    let world = World::new().await;
    let old = world.one_ticket(TicketForm::default()).await;
    let transfer = TransferId(Uuid::from_u128(1));
    world.accept(transfer, STRANGER, &old);
    let (_, new) = world.take_over(STRANGER, transfer, Value::Null).await;
    assert_eq!(listed(&world, BUYER, "/v1/tickets").await, json!({ "tickets": [] }));
    assert_eq!(listed(&world, STRANGER, "/v1/tickets").await, json!({ "tickets": [new] }));
}

/// Whoever lost the device that holds a ticket takes it over from themselves.
#[tokio::test]
async fn a_ticket_that_its_owner_accepted_replaces_its_last_issue() {
    let world = World::new().await;
    let old = world.one_ticket(TicketForm::default()).await;
    let transfer = TransferId(Uuid::from_u128(1));
    world.accept(transfer, BUYER, &old);
    let (status, new) = world.take_over(BUYER, transfer, Value::Null).await;
    assert_eq!((status, &new["generation"]), (StatusCode::CREATED, &json!(2)));
    assert_eq!(listed(&world, BUYER, "/v1/tickets").await, json!({ "tickets": [new] }));
}

#[tokio::test]
async fn pages_hold_each_entry_once() {
    let world = World::new().await;
    world.one_ticket(TicketForm::default()).await;
    sqlx::query(
        "INSERT INTO orders SELECT gen_random_uuid(), account, number::text, offer, quantity, persons, terms, created_at, state,
                                   reserved_until, payment_page, payment, paid_at, ended_at, why, names_hash
         FROM orders, generate_series(1, 110) AS number",
    )
    .execute(&world.state.pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO tickets (id, order_id, number, event, slot, generation, body, issuer_signature, authority_signature, account)
         SELECT gen_random_uuid(), order_id, number + each, event, 1000000 + each, generation, body, issuer_signature,
                authority_signature, account
         FROM tickets, generate_series(1, 110) AS each",
    )
    .execute(&world.state.pool)
    .await
    .unwrap();
    for (list, entry) in [("orders", "order"), ("tickets", "ticket")] {
        let pages = pages(&world, list).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 11], "{list}");
        let names: std::collections::HashSet<_> =
            pages.iter().flatten().map(|found| found[entry].to_string()).collect();
        assert_eq!(names.len(), 111, "{list}");
    }
}
