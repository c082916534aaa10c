//! The issuing key is revoked while a ticket waits for auth's signature, or for auth's answer. Found in review: the order stayed paid for
//! ever, and a transfer failed every time.

use axum::http::StatusCode;
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::TransferId;
use countermark_shared::keys::KeyId;
use countermark_shared::ticket::TicketBody;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::testing::{STRANGER, World, revoked};

const FULL: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Checked };

/// A key that was revoked, and one that the bundle does not know any more.
fn gone() -> [KeyId; 2] {
    [revoked().verifying_key().id(), KeyId([0xff; 4])]
}

/// As if the bodies that wait had been made while that key was this service's.
async fn issued_with(world: &World, key: KeyId) {
    sqlx::query("UPDATE tickets SET body = overlay(body PLACING $1 FROM 3 FOR 4) WHERE authority_signature IS NULL")
        .bind(&key.0[..])
        .execute(&world.state.pool)
        .await
        .unwrap();
}

/// As if auth had signed them then, and its answer had been lost.
async fn signed_before(world: &World) {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM tickets WHERE authority_signature IS NULL")
        .fetch_all(&world.state.pool)
        .await
        .unwrap();
    let bodies = bodies.iter().map(|body| TicketBody::from_bytes(body).unwrap());
    world.peers.lock().unwrap().auth.authorised.extend(bodies);
}

#[tokio::test]
async fn an_order_ends_issued_in_the_same_seat() {
    for key in gone() {
        for is_written_down in [false, true] {
            let world = World::selling(FULL).await;
            world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "payment-not-confirmed")];
            let order = world.buy_one(FULL).await;
            world.until_failed().await;
            issued_with(&world, key).await;
            if is_written_down && key == gone()[0] {
                signed_before(&world).await;
            }
            let slot: i64 = sqlx::query_scalar("SELECT slot FROM tickets").fetch_one(&world.state.pool).await.unwrap();
            let ticket = world.until_retried(order, "issued").await["tickets"][0].clone();
            assert_eq!(world.name_on(&ticket["text"]).await.0, "Ada Lovelace");
            if key == gone()[0] {
                assert_eq!(ticket["slot"], slot);
                assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 1);
            }
        }
    }
}

#[tokio::test]
async fn a_transfer_is_carried_out_in_the_same_generation() {
    for is_written_down in [false, true] {
        let world = World::selling(FULL).await;
        let old = world.one_ticket(FULL).await;
        let transfer = TransferId(Uuid::from_u128(1));
        world.accept(transfer, STRANGER, &old);
        world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::SERVICE_UNAVAILABLE, "unavailable")];
        let name = json!({ "name": "Zoë Çelik" });
        assert_eq!(world.take_over(STRANGER, transfer, name.clone()).await.0, StatusCode::SERVICE_UNAVAILABLE);
        issued_with(&world, gone()[0]).await;
        if is_written_down {
            signed_before(&world).await;
        }
        let (status, new): (_, Value) = world.take_over(STRANGER, transfer, name).await;
        assert_eq!((status, &new["generation"]), (StatusCode::CREATED, &json!(2)), "{new}");
        assert_eq!(world.name_on(&new["text"]).await.0, "Zoë Çelik");
    }
}
