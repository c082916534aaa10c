use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use countermark_service::contract::{
    After, CloseOffer, GrantStanding, Page, PushEventDocument, SignedIssue, Warrant, paths,
};
use countermark_service::outbox::enqueue;
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::{AccountId, TransferId};
use countermark_shared::wire::Base64;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::issue::ISSUE;
use crate::testing::{BUYER, EVENT, STRANGER, World, euros, offer};

const FULL: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Checked };

/// What auth says of a ticket that it signed.
fn signed(world: &World, warrant: Warrant, account: AccountId, text: &Value) -> SignedIssue {
    let ticket = world.verified(text);
    let body = ticket.body();
    let signature = Some(Base64(body.authorise(&crate::testing::authority()).to_bytes()));
    SignedIssue { warrant, account, body: Base64(body.to_bytes()), signature }
}

fn knows(world: &World, issues: Vec<SignedIssue>, paid: Vec<PaidOrder>) {
    let auth = &mut world.peers.lock().unwrap().auth;
    (auth.issues, auth.paid) = (issues, paid);
    // Whatever it would be asked to sign: the order has ended.
    auth.refusals = vec![(StatusCode::CONFLICT, "grant-closed")];
}

async fn run(world: &World, sql: &'static str) {
    sqlx::raw_sql(sql).execute(&world.state.pool).await.unwrap();
}

async fn order_of(world: &World) -> OrderId {
    OrderId(sqlx::query_scalar("SELECT id FROM orders").fetch_one(&world.state.pool).await.unwrap())
}

fn paid(order: OrderId) -> PaidOrder {
    PaidOrder { order, account: BUYER, payment: "p".to_owned() }
}

/// The backup knew the order as paid; by now its ticket is on its owner's phone.
#[tokio::test]
async fn an_order_that_was_issued_since_gets_the_tickets_that_it_had() {
    let world = World::selling(FULL).await;
    let sold = world.one_ticket(FULL).await;
    let order = order_of(&world).await;
    run(&world, "DELETE FROM tickets; DELETE FROM outbox; UPDATE orders SET state = 'paid', ended_at = NULL").await;
    knows(&world, vec![signed(&world, Warrant::Order(order), BUYER, &sold["text"])], vec![paid(order)]);
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    assert_eq!((recovered.adopted, &recovered.left, recovered.lost.len()), (1, &Vec::new(), 0));
    assert!(recovered.unpaid.is_empty());
    assert_eq!(go_on(&world.state, &world.asked_admin()).await.unwrap().adopted, 0, "once");

    let mut connection = world.state.pool.acquire().await.unwrap();
    enqueue(&mut connection, ISSUE, &order.to_string(), &order, world.clock.now()).await.unwrap();
    drop(connection);
    world.state.outbox.poke();
    let issued = world.until(order, "issued").await["tickets"][0].clone();
    assert_eq!((&issued["text"], &issued["slot"]), (&sold["text"], &sold["slot"]));
    assert_eq!(world.peers.lock().unwrap().auth.refusals.len(), 1, "auth was asked to sign something");
}

/// The backup knew the order as reserved: auth's word that it was paid is not enough, and the provider's is.
#[tokio::test]
async fn an_order_that_was_paid_since_waits_for_the_providers_word() {
    let form = TicketForm::default();
    let world = World::selling(form).await;
    let sold = world.one_ticket(form).await;
    let order = order_of(&world).await;
    run(
        &world,
        "DELETE FROM tickets; DELETE FROM outbox; DELETE FROM payments;
         UPDATE orders SET state = 'reserved', ended_at = NULL, paid_at = NULL, payment = NULL",
    )
    .await;
    knows(&world, vec![signed(&world, Warrant::Order(order), BUYER, &sold["text"])], vec![paid(order)]);
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    assert_eq!((recovered.adopted, recovered.unpaid), (1, vec![paid(order)]));
    let before = world.read_order(order).await;
    assert_eq!((&before["state"], &before["tickets"]), (&json!("reserved"), &json!([])));

    // Long after the reservation would have ended.
    world.clock.advance(Duration::from_hours(3));
    assert_eq!(crate::expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 0);
    assert_eq!(world.pay("p", order, euros(1000)).await, StatusCode::NO_CONTENT);
    assert_eq!(world.until(order, "issued").await["tickets"][0]["text"], sold["text"]);
}

#[tokio::test]
async fn an_order_that_is_lost_is_told_and_its_seats_are_never_sold_again() {
    let form = TicketForm::default();
    let world = World::selling(form).await;
    let sold = world.one_ticket(form).await;
    let order = order_of(&world).await;
    let slot: Slot = serde_json::from_value(sold["slot"].clone()).unwrap();
    let rest = "UPDATE slot_blocks SET next_slot = 0; DELETE FROM free_slots; DELETE FROM tickets; DELETE FROM outbox;
                DELETE FROM payments; DELETE FROM orders";
    run(&world, rest).await;
    knows(&world, vec![signed(&world, Warrant::Order(order), BUYER, &sold["text"])], vec![paid(order)]);
    {
        let peers = &mut world.peers.lock().unwrap();
        peers.reports.clear();
        peers.decisions = vec![Decision::Revoke(RevokeTicket { event: EVENT, slot })];
    }
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    let lost = LostOrder { payment: Some("p".to_owned()), seats: vec![(EVENT, slot, Generation(1))] };
    assert_eq!((recovered.adopted, recovered.lost), (0, [(order, lost)].into()));
    let next = u64::from(1 + SPARE_BLOCKS) * 256;
    assert_eq!(recovered.next_slots, [(EVENT, next)].into());

    // Its report may have been lost, and that it was revoked.
    let heard = |peers: &crate::testing::Peers| {
        let of_seat = peers.reports.iter().filter(|report| report.slot == slot).map(|report| report.state);
        of_seat.collect::<BTreeSet<_>>() == [ReportedState::Issued, ReportedState::Revoked].into()
    };
    world.state.outbox.poke();
    world.until_peers("validation never heard of the lost order's seat", heard).await;

    world.peers.lock().unwrap().auth.refusals.clear();
    let next_sold = world.one_ticket(form).await;
    assert!(next_sold["slot"].as_u64().unwrap() >= next, "{next_sold}");
}

/// Auth alone makes no ticket, not even when this service has lost its memory.
#[tokio::test]
async fn what_would_not_have_been_sold_here_is_left_to_people() {
    let form = TicketForm::default();
    let world = World::selling(form).await;
    let family = offer(4, 2, false, 10);
    world.publish(&family).await;
    let (_, order) = world.order(&family, 1, "family").await;
    let order = world.grant(&order, GrantStanding::Open);
    let sold = world.one_ticket(form).await;
    let ticket = world.verified(&sold["text"]);
    let of = |slot, change: fn(&mut TicketBody)| {
        let mut body = TicketBody { slot: Slot(slot), ..ticket.body().clone() };
        change(&mut body);
        let signature = Some(Base64(body.authorise(&crate::testing::authority()).to_bytes()));
        let warrant = Warrant::Order(order);
        SignedIssue { warrant, account: BUYER, body: Base64(body.to_bytes()), signature }
    };
    let stranger = crate::testing::key(77);
    let body = TicketBody { slot: Slot(5003), ..ticket.body().clone() };
    let forged = SignedIssue { signature: Some(Base64(body.authorise(&stranger).to_bytes())), ..of(5003, |_| {}) };
    let transfer = SignedIssue { warrant: Warrant::Transfer(TransferId(Uuid::nil())), ..of(5004, |_| {}) };
    let issues = vec![
        of(5001, |body| body.zones.0 = 7),
        of(5002, |body| body.generation.0 = 2),
        forged,
        transfer,
        of(5005, |_| {}),
        of(5006, |_| {}),
        of(5007, |_| {}),
    ];
    knows(&world, issues, Vec::new());
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    let left = [
        "issue 1 of seat 5001 of event 7: its order was for something else",
        "issue 2 of seat 5002 of event 7: its order was for something else",
        "issue 1 of seat 5003 of event 7: gates would not believe it",
        "issue 1 of seat 5004 of event 7: the issue that it replaced is not known here",
        "issue 1 of seat 5007 of event 7: its order has all its tickets",
    ];
    assert_eq!((recovered.adopted, recovered.left), (2, left.map(str::to_owned).to_vec()));

    knows(&world, vec![of(16_000_000, |_| {})], Vec::new());
    let refused = go_on(&world.state, &world.asked_admin()).await.unwrap_err();
    assert!(matches!(refused, RecoverError::Absurd { .. }), "{refused}");
}

/// A seat that was passed on since the backup: made anew it would be sealed with the recipient's next spelling, under the same key.
#[tokio::test]
async fn a_transfer_that_was_made_since_is_taken_over_as_it_was_sealed() {
    let world = World::selling(FULL).await;
    let old = world.one_ticket(FULL).await;
    let transfer = TransferId(Uuid::from_u128(1));
    world.accept(transfer, STRANGER, &old);
    let (status, new) =
        world.take_over(STRANGER, transfer, json!({ "name": "Zo\u{eb} \u{c7}elik", "seat": "4" })).await;
    assert_eq!(status, StatusCode::CREATED, "{new}");
    run(&world, "DELETE FROM tickets WHERE generation = 2; UPDATE tickets SET transferred_at = NULL").await;
    let order = order_of(&world).await;
    let first = signed(&world, Warrant::Order(order), BUYER, &old["text"]);
    let second = signed(&world, Warrant::Transfer(transfer), STRANGER, &new["text"]);
    knows(&world, vec![second, first], vec![paid(order)]);
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    assert_eq!((recovered.adopted, recovered.left), (1, Vec::new()));

    let (_, again) = world.take_over(STRANGER, transfer, json!({ "name": "Zoe Celik", "seat": "4" })).await;
    assert_eq!((&again["text"], &again["generation"]), (&new["text"], &json!(2)));
    let guests = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM tickets WHERE issued_at IS NOT NULL");
    assert_eq!(guests.fetch_one(&world.state.pool).await.unwrap(), 2, "both issues are on the guest list");
}

/// The first document of the event came after the backup, and with it the secret that gates have.
#[tokio::test]
async fn names_are_sealed_with_another_secret_where_the_first_was_lost() {
    let world = World::selling(FULL).await;
    let document: Vec<u8> =
        sqlx::query_scalar("SELECT bytes FROM event_documents").fetch_one(&world.state.pool).await.unwrap();
    run(&world, "DELETE FROM event_documents; DELETE FROM event_secrets").await;
    let offer = offer(9, 1, false, 10);
    world.peers.lock().unwrap().decisions = vec![
        Decision::Document(PushEventDocument { document: Base64(document) }),
        Decision::Offer(offer.clone()),
        Decision::Revoke(RevokeTicket { event: EVENT, slot: Slot(3) }),
    ];
    let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
    assert_eq!((recovered.decisions, recovered.sealed_anew), (2, [EVENT].into()));
    let gone = "the revocation of seat 3 of event 7: auth knows no ticket of it";
    assert_eq!(recovered.left, [gone]);
    let sold = world.one_ticket(FULL).await;
    assert_eq!(world.verified(&sold["text"]).body().sealed.unwrap().generation, SECOND);
    let again = go_on(&world.state, &world.asked_admin()).await.unwrap();
    assert_eq!(again.sealed_anew, [EVENT].into(), "whoever lost the first answer is told again");
}

/// Found in review: the document was in force by then, with a new secret under the number of the lost one.
#[tokio::test]
async fn names_are_sealed_with_another_secret_by_whoever_goes_on_after_a_break_off() {
    let world = World::selling(FULL).await;
    let document: Vec<u8> =
        sqlx::query_scalar("SELECT bytes FROM event_documents").fetch_one(&world.state.pool).await.unwrap();
    run(&world, "DELETE FROM event_documents; DELETE FROM event_secrets").await;
    let decided = Decision::Document(PushEventDocument { document: Base64(document) });
    // Admin is gone before its second page.
    let breaks_off = Router::new().route(
        paths::DECISIONS,
        post({
            let decided = decided.clone();
            async move |Json(After { after }): Json<After<i64>>| match after {
                None => Ok(Json(Page { items: vec![decided], next: Some(1) })),
                Some(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
            }
        }),
    );
    let broken_off = go_on(&world.state, &world.other_admin(breaks_off).await).await.unwrap_err();
    assert!(matches!(broken_off, RecoverError::Call(_)), "{broken_off}");
    world.peers.lock().unwrap().decisions = vec![decided];
    assert_eq!(go_on(&world.state, &world.asked_admin()).await.unwrap().sealed_anew, [EVENT].into());
    let sold = world.one_ticket(FULL).await;
    assert_eq!(world.verified(&sold["text"]).body().sealed.unwrap().generation, SECOND);
}

/// Admin tells of an offer and then of its end, also where the backup knows both.
#[tokio::test]
async fn an_offer_whose_end_the_backup_knows_stays_closed() {
    let world = World::selling(FULL).await;
    let offer = offer(9, 1, false, 10);
    let end = CloseOffer { offer: offer.offer };
    world.peers.lock().unwrap().decisions = vec![Decision::Offer(offer), Decision::Close(end)];
    for _ in 0..2 {
        let recovered = go_on(&world.state, &world.asked_admin()).await.unwrap();
        assert_eq!((recovered.decisions, recovered.left), (2, vec![]));
    }
    let offers = world.call(BUYER, "GET", "/v1/events/7/offers", Value::Null).await.1;
    assert_eq!(offers, json!([]));
}
