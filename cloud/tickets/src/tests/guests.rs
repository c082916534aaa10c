//! The guest list: who is on it, in which order, and who may read it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::{ListGuests, RevokeTicket, RevokedTicket, paths};
use countermark_service::service_call::CallError;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{EventDocument, HolderName, TicketForm};
use countermark_shared::id::{EventId, OrderId, SealingGeneration, TransferId};
use countermark_shared::order_code::OrderCode;
use countermark_shared::sealing::EventSecret;
use countermark_shared::ticket::{HalfTicket, UnverifiedTicket, VerifiedHalf};
use countermark_shared::wire::{Guest, GuestCursor, GuestPage, MAX_GUESTS_PER_PAGE};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::event_secrets;
use crate::testing::{EVENT, STRANGER, World, event};

const SEALED: TicketForm = TicketForm { live_window_seconds: 0, holder: HolderName::Sealed };
const LIVE: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Sealed };

fn with_guests(form: TicketForm, version: u32) -> EventDocument {
    EventDocument { version, names_at_gates: true, find_by_order: true, ..event(form) }
}

/// A world whose event has a guest list.
async fn world(form: TicketForm) -> World {
    let world = World::selling(form).await;
    world.push(&with_guests(form, 2)).await;
    world
}

async fn ask(world: &World, after: Option<GuestCursor>) -> GuestPage {
    let client = world.as_service(ServiceName::Validation);
    client.post(paths::GUESTS, &ListGuests { event: EVENT, after }).await.unwrap()
}

async fn guests(world: &World) -> Vec<Guest> {
    let page = ask(world, None).await;
    assert_eq!(page.next, None);
    page.guests
}

async fn secrets(world: &World) -> Vec<EventSecret> {
    event_secrets::all(&world.state, &mut world.state.pool.acquire().await.unwrap(), EVENT).await.unwrap()
}

/// A guest as a gate believes it.
fn half(world: &World, guest: &Guest) -> VerifiedHalf {
    world.state.key_ring.verify_half(&HalfTicket::from_bytes(&guest.half.0).unwrap()).unwrap()
}

/// The names that a gate finds which has these guests and secrets.
async fn found(world: &World, guests: &[Guest], code: &Value) -> Vec<String> {
    let code: OrderCode = code.as_str().unwrap().parse().unwrap();
    let mut names = Vec::new();
    for secret in secrets(world).await {
        let tag = secret.order_tag(code);
        for guest in guests.iter().filter(|guest| guest.tag.0 == tag) {
            names.push(secret.open_half(&half(world, guest)).unwrap().name().to_owned());
        }
    }
    names
}

async fn bought(world: &World, form: TicketForm) -> Value {
    let order = world.buy_one(form).await;
    world.until(order, "issued").await
}

#[tokio::test]
async fn a_buyer_is_found_by_the_code_that_the_order_shows() {
    for form in [SEALED, LIVE] {
        let world = world(form).await;
        let order = bought(&world, form).await;
        let id: OrderId = serde_json::from_value(order["order"].clone()).unwrap();
        assert_eq!(order["code"], json!(OrderCode::of(id).to_string()));
        let guests = guests(&world).await;
        assert_eq!(found(&world, &guests, &order["code"]).await, ["Ada Lovelace"]);
        assert_eq!(found(&world, &guests, &json!("7KQ2M-4XD9P")).await, [""; 0]);

        // It is half of the ticket that the buyer has, and no ticket itself.
        let ticket = UnverifiedTicket::parse(order["tickets"][0]["text"].as_str().unwrap()).unwrap();
        let half = HalfTicket::from_bytes(&guests[0].half.0).unwrap();
        assert_eq!((half.body(), half.issuer()), (ticket.body(), ticket.issuer()));
        assert!(UnverifiedTicket::from_bytes(&guests[0].half.0).is_err());
        let (name, authority) = (b"Ada Lovelace", ticket.authority().to_bytes());
        let page = serde_json::to_vec(&GuestPage { guests, next: None }).unwrap();
        for secret in [&name[..], &authority, id.0.as_bytes(), order["code"].as_str().unwrap().as_bytes()] {
            assert!(!page.windows(secret.len()).any(|window| window == secret));
        }
    }
}

#[tokio::test]
async fn only_the_organiser_makes_a_guest_list() {
    let world = World::selling(SEALED).await;
    bought(&world, SEALED).await;
    assert_eq!(guests(&world).await.len(), 0);
    world.push(&with_guests(SEALED, 2)).await;
    assert_eq!(guests(&world).await.len(), 1, "those who bought before are guests, too");
    world.push(&EventDocument { version: 3, ..event(SEALED) }).await;
    assert_eq!(guests(&world).await.len(), 0);
}

#[tokio::test]
async fn only_validation_reads_it_and_only_of_events_that_are_known() {
    let world = world(SEALED).await;
    let read = async |who, event| {
        let answer: Result<GuestPage, CallError> =
            world.as_service(who).post(paths::GUESTS, &ListGuests { event, after: None }).await;
        answer.err().and_then(|error| error.slug().map(str::to_owned))
    };
    assert_eq!(read(ServiceName::Validation, EVENT).await, None);
    assert_eq!(read(ServiceName::Validation, EventId(8)).await.as_deref(), Some("event-unknown"));
    for other in [ServiceName::Auth, ServiceName::Admin, ServiceName::Tickets] {
        assert_eq!(read(other, EVENT).await.as_deref(), Some("forbidden"), "{other}");
    }
}

#[tokio::test]
async fn who_has_no_ticket_yet_or_no_name_is_no_guest() {
    let world = world(SEALED).await;
    world.break_at("orders", "NEW.state = 'issued'").await;
    let order = world.buy_one(SEALED).await;
    world.until_failed().await;
    assert_eq!(guests(&world).await.len(), 0, "its order waits for the last step");
    world.mend().await;
    world.until_retried(order, "issued").await;
    assert_eq!(guests(&world).await.len(), 1);

    let nameless = self::world(TicketForm::default()).await;
    bought(&nameless, TicketForm::default()).await;
    assert_eq!(guests(&nameless).await.len(), 0);
}

#[tokio::test]
async fn a_ticket_that_was_passed_on_names_its_new_holder_and_keeps_its_code() {
    let world = world(SEALED).await;
    let order = bought(&world, SEALED).await;
    let (old, transfer) = (order["tickets"][0].clone(), TransferId(Uuid::from_u128(1)));
    let before = ask(&world, None).await.guests;
    world.clock.advance(Duration::from_mins(10));
    world.accept(transfer, STRANGER, &old);
    let (status, new) = world.take_over(STRANGER, transfer, json!({ "name": "Zoë Çelik", "seat": "4" })).await;
    assert_eq!(status, StatusCode::CREATED, "{new}");

    // A gate that knows the first issue hears of the second by asking for what came later.
    let (known, later) = (half(&world, &before[0]), GuestCursor::before(world.clock.now()));
    let news = ask(&world, Some(later)).await.guests;
    assert_eq!(found(&world, &news, &order["code"]).await, ["Zoë Çelik"]);
    let made = half(&world, &news[0]);
    assert_eq!((made.body().slot, made.body().generation.0), (known.body().slot, 2));
    assert_eq!(found(&world, &guests(&world).await, &order["code"]).await, ["Ada Lovelace", "Zoë Çelik"]);

    let revoke = RevokeTicket { event: EVENT, slot: known.body().slot };
    let _: RevokedTicket = world.admin().post(paths::REVOKE, &revoke).await.unwrap();
    assert_eq!(guests(&world).await.len(), 2, "that it is revoked is the slot list's to say");
}

#[tokio::test]
async fn each_sealing_generation_has_its_own_tags() {
    let world = world(SEALED).await;
    let first = bought(&world, SEALED).await;
    let mut connection = world.state.pool.acquire().await.unwrap();
    event_secrets::make(&world.state, &mut connection, EVENT, SealingGeneration(2)).await.unwrap();
    let second = bought(&world, SEALED).await;
    let listed = guests(&world).await;
    for order in [&first, &second] {
        assert_eq!(found(&world, &listed, &order["code"]).await, ["Ada Lovelace"]);
    }
    let generations: BTreeSet<_> =
        listed.iter().map(|guest| half(&world, guest).body().sealed.unwrap().generation.0).collect();
    assert_eq!(generations, BTreeSet::from([1, 2]));

    // What nobody can open is on no list, and holds up nobody.
    sqlx::query("DELETE FROM event_secrets WHERE generation = 1").execute(&mut *connection).await.unwrap();
    let listed = guests(&world).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(found(&world, &listed, &second["code"]).await, ["Ada Lovelace"]);
}

/// 1,100 copies of one ticket at a few instants, their slots counting down.
#[tokio::test]
async fn pages_follow_one_another_in_the_order_of_issue() {
    let world = world(SEALED).await;
    bought(&world, SEALED).await;
    sqlx::query(
        "INSERT INTO tickets (id, order_id, number, event, slot, generation, body, issuer_signature, account, issued_at)
         SELECT gen_random_uuid(), order_id, number + copy, event, 100000 - copy, generation,
                overlay(body PLACING int4send((100000 - copy)::int4) FROM 15), issuer_signature, account,
                issued_at + (copy / 300) * interval '1 second'
         FROM tickets, generate_series(1, 1099) AS copy",
    )
    .execute(&world.state.pool)
    .await
    .unwrap();
    let (mut read, mut after, mut pages) = (Vec::new(), None, Vec::new());
    loop {
        let page = ask(&world, after).await;
        pages.push(page.guests.len());
        read.extend(page.guests.iter().map(|guest| {
            let half = HalfTicket::from_bytes(&guest.half.0).unwrap();
            let (slot, generation) = (half.body().slot, half.body().generation);
            GuestCursor { issued: guest.issued, slot, generation }
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
        assert_eq!(after, read.last().copied());
    }
    assert_eq!(pages, [MAX_GUESTS_PER_PAGE, MAX_GUESTS_PER_PAGE, 100]);
    assert!(read.is_sorted_by(|a, b| a < b), "each once, in order");
    let last = read[1099];
    assert_eq!(ask(&world, Some(last)).await.guests.len(), 0);
    assert_eq!(ask(&world, Some(GuestCursor::before(last.issued))).await.guests.len(), 1099 - 899);
}
