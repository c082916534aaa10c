//! A ticket's way to another account, and everything that may come between.

use axum::http::StatusCode;
use countermark_service::contract::{ReportSlot, ReportedState, RevokeTicket, RevokedTicket, paths};
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::{AccountId, Generation, Slot, TransferId};
use countermark_shared::ticket::{Live, TicketBody};
use serde_json::{Value, json};
use uuid::Uuid;

use super::figures;
use crate::testing::{BUYER, EVENT, STRANGER, World, secret_of};

const STATIC: TicketForm = TicketForm { live_window_seconds: 0, holder: HolderName::Unnamed };
const FULL: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Checked };
const THIRD: AccountId = AccountId(Uuid::from_u128(3));

fn transfer(number: u128) -> TransferId {
    TransferId(Uuid::from_u128(number))
}

fn zoe() -> Value {
    json!({ "name": "Zoë Çelik", "seat": "4" })
}

fn slot(ticket: &Value) -> Slot {
    serde_json::from_value(ticket["slot"].clone()).unwrap()
}

fn problem(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["type"].as_str().unwrap_or_default().trim_start_matches("urn:countermark:problem:"))
}

async fn read(world: &World, who: AccountId, ticket: &Value, rest: &str) -> (StatusCode, Value) {
    world.call(who, "GET", &format!("/v1/tickets/{}{rest}", ticket["ticket"].as_str().unwrap()), Value::Null).await
}

async fn revoke(world: &World, ticket: &Value) -> Generation {
    let request = RevokeTicket { event: EVENT, slot: slot(ticket) };
    let RevokedTicket { generation, .. } = world.admin().post(paths::REVOKE, &request).await.unwrap();
    generation
}

/// What validation lists of the seat in the end: the highest generation's word, revoked above issued.
async fn listed(world: &World, ticket: &Value, generation: u8, state: ReportedState) {
    let seat = slot(ticket);
    let last = |reports: &[ReportSlot]| {
        reports.iter().filter(|report| report.slot == seat).map(|report| (report.generation, report.state)).max()
    };
    world
        .until_peers("validation never heard the last of the seat", |peers| {
            last(&peers.reports) == Some((Generation(generation), state))
        })
        .await;
}

#[tokio::test]
async fn a_transfer_makes_the_next_issue_of_the_same_seat() {
    for form in [STATIC, FULL] {
        let world = World::selling(form).await;
        let old = world.one_ticket(form).await;
        world.accept(transfer(1), STRANGER, &old);
        let name = if form.is_sealed() { zoe() } else { Value::Null };
        let (status, new) = world.take_over(STRANGER, transfer(1), name).await;
        assert_eq!(status, StatusCode::CREATED, "{new}");
        assert_eq!((&new["generation"], &new["state"]), (&json!(2), &json!("valid")));

        let (before, after) = (world.verified(&old["text"]), world.verified(&new["text"]));
        let holder = secret_of(STRANGER).holder_key(EVENT, slot(&old), Generation(2)).verifying_key();
        let expected = TicketBody {
            generation: Generation(2),
            live: before.body().live.map(|live| Live { holder, ..live }),
            sealed: after.body().sealed,
            ..before.body().clone()
        };
        assert_eq!(*after.body(), expected);
        if form.is_sealed() {
            assert_eq!(world.name_on(&new["text"]).await, ("Zoë Çelik".into(), "4".into()));
            let check = |body: &TicketBody| body.sealed.unwrap().check_id;
            assert_eq!(check(before.body()), check(after.body()));
        }
        assert_eq!(read(&world, STRANGER, &new, "").await.1, new);
        assert_eq!(read(&world, BUYER, &new, "").await.0, StatusCode::NOT_FOUND);
        listed(&world, &old, 2, ReportedState::Issued).await;
        assert_eq!((figures(&world).await.issued, figures(&world).await.revoked), (1, 0));
    }
}

#[tokio::test]
async fn the_old_ticket_is_passed_on_for_its_owner() {
    let world = World::new().await;
    let order = world.buy_one(STATIC).await;
    let old = world.until(order, "issued").await["tickets"][0].clone();
    world.accept(transfer(1), STRANGER, &old);
    let (_, new) = world.take_over(STRANGER, transfer(1), Value::Null).await;
    let (_, seen) = read(&world, BUYER, &old, "").await;
    assert_eq!((&seen["state"], &seen["text"]), (&json!("transferred"), &Value::Null));
    for kind in ["/text", "/code.png"] {
        assert_eq!(problem(&read(&world, BUYER, &old, kind).await), (409, "ticket-transferred"));
    }
    let tickets = world.read_order(order).await["tickets"].clone();
    assert_eq!(tickets, json!([seen]));

    // And back again: both are the buyer's, of one order.
    world.accept(transfer(2), BUYER, &new);
    let (status, back) = world.take_over(BUYER, transfer(2), Value::Null).await;
    assert_eq!((status, &back["generation"]), (StatusCode::CREATED, &json!(3)));
    assert_eq!(world.read_order(order).await["tickets"], json!([seen, back]));
    assert_eq!(read(&world, STRANGER, &new, "").await.1["state"], "transferred");
}

#[tokio::test]
async fn the_same_transfer_is_the_same_ticket_and_nobody_elses() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (404, "transfer-unknown"));
    world.accept(transfer(1), STRANGER, &old);
    let (one, other) =
        tokio::join!(world.take_over(STRANGER, transfer(1), zoe()), world.take_over(STRANGER, transfer(1), zoe()));
    assert_eq!((one.0, &one.1), (StatusCode::CREATED, &other.1));
    for name in [zoe(), Value::Null, json!({ "name": "Somebody" })] {
        assert_eq!(world.take_over(STRANGER, transfer(1), name).await, one);
    }
    for who in [BUYER, THIRD] {
        assert_eq!(problem(&world.take_over(who, transfer(1), zoe()).await), (404, "transfer-unknown"));
    }
    assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 2);
}

#[tokio::test]
async fn a_name_comes_exactly_where_the_ticket_carries_one() {
    let sealed = World::selling(FULL).await;
    let ticket = sealed.one_ticket(FULL).await;
    sealed.accept(transfer(1), STRANGER, &ticket);
    assert_eq!(problem(&sealed.take_over(STRANGER, transfer(1), Value::Null).await), (422, "names-required"));
    let refused = sealed.take_over(STRANGER, transfer(1), json!("Lovelace")).await;
    assert!(refused.0 == StatusCode::UNPROCESSABLE_ENTITY && !refused.1.to_string().contains("Lovelace"));
    assert_eq!(sealed.take_over(STRANGER, transfer(1), zoe()).await.0, StatusCode::CREATED);

    let unnamed = World::new().await;
    let ticket = unnamed.one_ticket(STATIC).await;
    unnamed.accept(transfer(1), STRANGER, &ticket);
    assert_eq!(problem(&unnamed.take_over(STRANGER, transfer(1), zoe()).await), (422, "names-not-taken"));
}

#[tokio::test]
async fn a_crash_before_any_step_repeats_to_the_same_end() {
    for (table, when) in [
        ("tickets", "NEW.generation = 2 AND NEW.authority_signature IS NULL"),
        ("tickets", "NEW.authority_signature IS NOT NULL"),
        ("tickets", "NEW.transferred_at IS NOT NULL"),
        ("outbox", "NEW.kind = 'report-slot'"),
    ] {
        let world = World::selling(FULL).await;
        let old = world.one_ticket(FULL).await;
        world.until_peers("the first issue was never reported", |peers| peers.reports.len() == 1).await;
        world.accept(transfer(1), STRANGER, &old);
        world.break_at(table, when).await;
        assert_eq!(world.take_over(STRANGER, transfer(1), zoe()).await.0, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "valid", "{when}");
        world.mend().await;
        let (status, new) = world.take_over(STRANGER, transfer(1), zoe()).await;
        assert_eq!((status, &new["generation"]), (StatusCode::CREATED, &json!(2)), "{when}");
        assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 2, "{when}: a second body of one generation");
        listed(&world, &old, 2, ReportedState::Issued).await;
    }
}

#[tokio::test]
async fn auth_may_be_away_or_lose_its_answer() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    world.accept(transfer(1), STRANGER, &old);
    {
        let auth = &mut world.peers.lock().unwrap().auth;
        auth.holder_refusals = vec![(StatusCode::SERVICE_UNAVAILABLE, "unavailable")];
        auth.lost = 1;
    }
    for _ in 0..2 {
        assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (503, "unavailable"));
        assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "valid");
    }
    // What waits for auth is stored: another name comes too late.
    let (_, new) = world.take_over(STRANGER, transfer(1), json!({ "name": "Somebody" })).await;
    assert_eq!(world.name_on(&new["text"]).await.0, "Zoë Çelik");
    assert_eq!(world.peers.lock().unwrap().auth.authorised.last(), Some(world.verified(&new["text"]).body()));
}

/// As if the second body had been made before: its issuing key is one that there is no more.
async fn rotate_away(world: &World) {
    sqlx::query(
        "UPDATE tickets SET body = overlay(body PLACING '\\xffffffff'::bytea FROM 3 FOR 4) WHERE generation = 2",
    )
    .execute(&world.state.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_body_whose_key_was_rotated_away_is_made_anew_in_the_same_generation() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    world.accept(transfer(1), STRANGER, &old);
    let refuse = |slug| world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, slug)];
    // With today's keys it is auth's bundle that lags: the body stays.
    refuse("key-not-active");
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (503, "unavailable"));
    rotate_away(&world).await;
    refuse("key-not-active");
    let (status, new) = world.take_over(STRANGER, transfer(1), zoe()).await;
    assert_eq!((status, &new["generation"]), (StatusCode::CREATED, &json!(2)));
    assert_eq!(world.name_on(&new["text"]).await.0, "Zoë Çelik");
}

/// What was sealed once stays, whatever auth says of it: another name under the same key would give away both.
#[tokio::test]
async fn auths_no_leaves_the_ticket_with_its_owner() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    world.accept(transfer(1), STRANGER, &old);
    let conflict = |slug| (StatusCode::CONFLICT, slug);
    world.peers.lock().unwrap().auth.holder_refusals = vec![conflict("not-granted")];
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (409, "transfer-refused"));
    for (slug, expected) in [
        ("not-granted", (409, "transfer-refused")),
        ("slot-taken", (409, "transfer-refused")),
        ("transfer-unknown", (404, "transfer-unknown")),
    ] {
        world.peers.lock().unwrap().auth.refusals = vec![conflict(slug)];
        assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), expected);
        assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "valid");
    }
    let (status, new) = world.take_over(STRANGER, transfer(1), json!({ "name": "Somebody" })).await;
    assert_eq!((status, world.name_on(&new["text"]).await.0.as_str()), (StatusCode::CREATED, "Zoë Çelik"));
}

#[tokio::test]
async fn of_two_recipients_of_one_issue_one_has_the_ticket() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    world.accept(transfer(1), STRANGER, &old);
    world.accept(transfer(2), THIRD, &old);
    let (one, other) =
        tokio::join!(world.take_over(STRANGER, transfer(1), zoe()), world.take_over(THIRD, transfer(2), zoe()));
    let made = [&one, &other].into_iter().filter(|answer| answer.0 == StatusCode::CREATED).count();
    assert_eq!(made, 1, "{one:?} {other:?}");
    let refused = if one.0 == StatusCode::CREATED { other } else { one };
    assert!(matches!(problem(&refused), (409, "transfer-outdated" | "transfer-under-way")), "{refused:?}");
    assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 2);
    let again = (world.take_over(STRANGER, transfer(1), zoe()).await, world.take_over(THIRD, transfer(2), zoe()).await);
    let outdated = [&again.0, &again.1].into_iter().filter(|answer| problem(answer) == (409, "transfer-outdated"));
    assert_eq!(outdated.count(), 1);
}

#[tokio::test]
async fn a_transfer_under_way_keeps_another_out() {
    let world = World::new().await;
    let old = world.one_ticket(STATIC).await;
    world.accept(transfer(1), STRANGER, &old);
    world.accept(transfer(2), THIRD, &old);
    world.peers.lock().unwrap().auth.lost = 1;
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), Value::Null).await), (503, "unavailable"));
    assert_eq!(problem(&world.take_over(THIRD, transfer(2), Value::Null).await), (409, "transfer-under-way"));
    assert_eq!(world.take_over(STRANGER, transfer(1), Value::Null).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_revoked_ticket_is_not_passed_on() {
    let world = World::new().await;
    let old = world.one_ticket(STATIC).await;
    world.accept(transfer(1), STRANGER, &old);
    assert_eq!(revoke(&world, &old).await, Generation(1));
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), Value::Null).await), (409, "ticket-revoked"));
    assert_eq!(world.peers.lock().unwrap().auth.authorised.len(), 1);
    assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "revoked");
}

#[tokio::test]
async fn a_seat_is_passed_on_254_times_at_most() {
    let world = World::new().await;
    let old = world.one_ticket(STATIC).await;
    // As if it had been: the generation is the body's nineteenth byte.
    sqlx::query("UPDATE tickets SET generation = 255, body = overlay(body PLACING '\\xff'::bytea FROM 19 FOR 1)")
        .execute(&world.state.pool)
        .await
        .unwrap();
    world.accept(transfer(1), STRANGER, &json!({ "slot": old["slot"], "generation": 255 }));
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), Value::Null).await), (409, "last-generation"));
    assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "valid");
}

/// Auth may have signed the new body already: it is revoked at its own generation, so that no list says good of it.
#[tokio::test]
async fn a_revocation_ends_a_transfer_under_way() {
    for is_signed in [true, false] {
        let world = World::selling(FULL).await;
        let old = world.one_ticket(FULL).await;
        world.accept(transfer(1), STRANGER, &old);
        if is_signed {
            world.peers.lock().unwrap().auth.lost = 1;
        } else {
            world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::SERVICE_UNAVAILABLE, "unavailable")];
        }
        assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (503, "unavailable"));
        for _ in 0..2 {
            assert_eq!(revoke(&world, &old).await, Generation(2));
        }
        for _ in 0..2 {
            assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (409, "ticket-revoked"));
        }
        listed(&world, &old, 2, ReportedState::Revoked).await;
        assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "revoked");
        let figures = figures(&world).await;
        assert_eq!((figures.issued, figures.revoked), (0, 1));
    }
}

/// Auth answers, with its signature or with its no, and the ticket was revoked since it was asked.
#[tokio::test]
async fn a_revocation_while_auth_signs_comes_in_time() {
    for refusal in [None, Some((StatusCode::CONFLICT, "key-not-active"))] {
        let world = World::selling(FULL).await;
        let old = world.one_ticket(FULL).await;
        world.accept(transfer(1), STRANGER, &old);
        if refusal.is_some() {
            // The body waits and names a key of yesterday: it would be made anew.
            world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::SERVICE_UNAVAILABLE, "unavailable")];
            world.take_over(STRANGER, transfer(1), zoe()).await;
            rotate_away(&world).await;
        }
        let (admin, request) = (world.admin().clone(), RevokeTicket { event: EVENT, slot: slot(&old) });
        let revoke = async move {
            let _: RevokedTicket = admin.post(paths::REVOKE, &request).await.unwrap();
        };
        {
            let auth = &mut world.peers.lock().unwrap().auth;
            auth.refusals.extend(refusal);
            auth.meanwhile = Some(Box::pin(revoke));
        }
        for _ in 0..2 {
            assert_eq!(problem(&world.take_over(STRANGER, transfer(1), zoe()).await), (409, "ticket-revoked"));
        }
        listed(&world, &old, 2, ReportedState::Revoked).await;
        assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "revoked");
    }
}

#[tokio::test]
async fn after_a_transfer_it_is_the_new_ticket_that_is_revoked() {
    let world = World::new().await;
    let old = world.one_ticket(STATIC).await;
    world.accept(transfer(1), STRANGER, &old);
    let (_, new) = world.take_over(STRANGER, transfer(1), Value::Null).await;
    assert_eq!(revoke(&world, &old).await, Generation(2));
    listed(&world, &old, 2, ReportedState::Revoked).await;
    assert_eq!(read(&world, STRANGER, &new, "").await.1["state"], "revoked");
    assert_eq!(world.take_over(STRANGER, transfer(1), Value::Null).await.1["state"], "revoked");
    assert_eq!(read(&world, BUYER, &old, "").await.1["state"], "transferred");
}

#[tokio::test]
async fn a_revocation_at_the_same_time_always_wins() {
    let world = World::new().await;
    for number in 1..=8 {
        let old = world.one_ticket(STATIC).await;
        world.accept(transfer(number), STRANGER, &old);
        let (answer, revoked) =
            tokio::join!(world.take_over(STRANGER, transfer(number), Value::Null), revoke(&world, &old));
        let again = world.take_over(STRANGER, transfer(number), Value::Null).await;
        match answer.0 {
            StatusCode::CREATED => assert_eq!((revoked, &again.1["state"]), (Generation(2), &json!("revoked"))),
            _ => assert_eq!([problem(&answer), problem(&again)], [(409, "ticket-revoked"); 2]),
        }
        listed(&world, &old, revoked.0, ReportedState::Revoked).await;
    }
}

#[tokio::test]
async fn what_is_not_issued_yet_is_not_passed_on() {
    let world = World::new().await;
    world.break_at("orders", "NEW.state = 'issued'").await;
    let order = world.buy_one(STATIC).await;
    world.until_failed().await;
    let body = world.peers.lock().unwrap().auth.authorised[0].clone();
    world.accept(transfer(1), STRANGER, &json!({ "slot": body.slot, "generation": 1 }));
    assert_eq!(problem(&world.take_over(STRANGER, transfer(1), Value::Null).await), (404, "transfer-unknown"));
    world.mend().await;
    world.until_retried(order, "issued").await;
    assert_eq!(world.take_over(STRANGER, transfer(1), Value::Null).await.0, StatusCode::CREATED);
}
