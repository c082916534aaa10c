//! Tickets of every form, and every point at which making one may stop.

use axum::http::StatusCode;
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::Generation;
use countermark_shared::ticket::Live;
use serde_json::{Value, json};

use crate::testing::{BUYER, EVENT, World, secret_of};

const FULL: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Checked };

#[tokio::test]
async fn tickets_are_of_the_form_that_was_sold() {
    for (live_window_seconds, holder, length) in [
        (0, HolderName::Unnamed, 35),
        (15, HolderName::Unnamed, 68),
        (0, HolderName::Sealed, 108),
        (15, HolderName::Checked, 141),
    ] {
        let form = TicketForm { live_window_seconds, holder };
        let world = World::selling(form).await;
        let ticket = world.one_ticket(form).await;
        let verified = world.verified(&ticket["text"]);
        let body = verified.body();
        assert_eq!(body.to_bytes().len(), length);
        assert_eq!(
            (&ticket["live"], &ticket["sealed"], &ticket["state"]),
            (&json!(form.is_live()), &json!(form.is_sealed()), &json!("valid"))
        );
        assert_eq!(ticket["window_seconds"].as_u64(), form.is_live().then_some(15));
        let holder = secret_of(BUYER).holder_key(EVENT, body.slot, Generation(1)).verifying_key();
        assert_eq!(body.live, crate::body::window(form).map(|window| Live { window, holder }));
        assert_eq!(body.sealed.map(|sealed| sealed.check_id), form.is_sealed().then(|| form.checks_id()));
        if form.is_sealed() {
            assert_eq!(world.name_on(&ticket["text"]).await, ("Ada Lovelace".into(), "3".into()));
        }
    }
}

/// The power fails before each commit of the issue job; whatever was stored stays as it was.
#[tokio::test]
async fn a_crash_before_any_step_repeats_to_the_same_end() {
    for (table, when) in [
        ("tickets", "NEW.body IS NULL"),
        ("tickets", "NEW.body IS NOT NULL AND NEW.authority_signature IS NULL"),
        ("tickets", "NEW.authority_signature IS NOT NULL"),
        ("orders", "NEW.state = 'issued'"),
        ("outbox", "NEW.kind = 'close-grant'"),
    ] {
        let world = World::selling(FULL).await;
        world.break_at(table, when).await;
        let order = world.buy_one(FULL).await;
        world.until_failed().await;
        let stored = bodies(&world).await;
        world.mend().await;
        let ticket = world.until_retried(order, "issued").await["tickets"][0].clone();
        assert_eq!(world.name_on(&ticket["text"]).await.0, "Ada Lovelace");
        let made = bodies(&world).await;
        assert_eq!(made.len(), 1, "{when}");
        assert!(stored.iter().all(|body| made.contains(body)), "{when}: what was sealed once was sealed again");
        assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 1, "{when}");
        world.until_peers("validation never heard of the seat", |peers| peers.reports.len() == 1).await;
    }
}

async fn bodies(world: &World) -> Vec<Vec<u8>> {
    let bodies = sqlx::query_scalar("SELECT body FROM tickets WHERE body IS NOT NULL");
    bodies.fetch_all(&world.state.pool).await.unwrap()
}

#[tokio::test]
async fn auth_may_be_away_or_lose_its_answers() {
    let world = World::selling(FULL).await;
    {
        let auth = &mut world.peers.lock().unwrap().auth;
        auth.holder_refusals = vec![(StatusCode::SERVICE_UNAVAILABLE, "unavailable")];
        auth.lost = 2;
    }
    let order = world.buy_one(FULL).await;
    let ticket = world.until_retried(order, "issued").await["tickets"][0].clone();
    let auth = &world.peers.lock().unwrap().auth;
    assert_eq!(auth.authorised, [world.verified(&ticket["text"]).body().clone()]);
    assert_eq!((auth.lost, auth.holder_refusals.len()), (0, 0));
}

#[tokio::test]
async fn auths_no_to_a_holder_is_final() {
    let world = World::selling(FULL).await;
    world.peers.lock().unwrap().auth.holder_refusals = vec![(StatusCode::NOT_FOUND, "grant-unknown")];
    let order = world.buy_one(FULL).await;
    let order = world.until(order, "refund-due").await;
    assert!(order["why"].as_str().unwrap().contains("grant-unknown"), "{order}");
}

#[tokio::test]
async fn an_order_whose_document_nobody_believes_is_paid_back() {
    let world = World::selling(FULL).await;
    world.break_at("tickets", "true").await;
    let order = world.buy_one(FULL).await;
    world.until_failed().await;
    sqlx::query("DELETE FROM event_documents").execute(&world.state.pool).await.unwrap();
    world.mend().await;
    let order = world.until_retried(order, "refund-due").await;
    assert!(order["why"].as_str().unwrap().contains("not believed"), "{order}");
    assert!(world.peers.lock().unwrap().auth.authorised.is_empty());
}

/// Another seat, or other keys: both are sealed anew, with the name as it was given, and never twice under one key.
#[tokio::test]
async fn a_discarded_body_keeps_its_name() {
    for rotated in [true, false] {
        let world = World::selling(FULL).await;
        world.break_at("tickets", "NEW.authority_signature IS NOT NULL").await;
        let order = world.buy_one(FULL).await;
        world.until_failed().await;
        world.peers.lock().unwrap().auth.authorised.clear();
        let slug = if rotated {
            let rotate = "UPDATE tickets SET body = overlay(body PLACING '\\xffffffff'::bytea FROM 3 FOR 4)";
            sqlx::query(rotate).execute(&world.state.pool).await.unwrap();
            "key-not-active"
        } else {
            "slot-taken"
        };
        let before = bodies(&world).await;
        world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, slug)];
        world.mend().await;
        let ticket: Value = world.until_retried(order, "issued").await["tickets"][0].clone();
        assert_eq!(world.name_on(&ticket["text"]).await, ("Ada Lovelace".into(), "3".into()), "{slug}");
        let after = bodies(&world).await;
        // Version, flags, keys, event, slot: what the sealing key follows from is not the same.
        assert!(after.len() == 1 && after[0][..18] != before[0][..18], "{slug}");
    }
}
