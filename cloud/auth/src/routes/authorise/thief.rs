//! A thief with all of tickets' keys and its database, auth honest: they call auth as tickets does, and make the issuer's signature on
//! whatever they like. Each test is one way to want auth's signature for more than what was granted and paid for.

use countermark_service::contract::{CloseGrant, ConfirmTransfer};
use countermark_service::service_call::CallError;
use countermark_shared::documents::{EventDocument, HolderName, TicketForm};
use countermark_shared::id::{EventId, Generation, ProductId, SealingGeneration, Slot, TransferId, Zones};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::{Live, Sealed, Validity};
use futures_util::future::join_all;
use uuid::Uuid;

use super::*;
use crate::testing::{
    Auth, Buyer, LIVE, event_of, formed, held_by, order, other_device, other_issuing_key, signed_for, terms_of,
};

/// Live, sealed, and its holder is checked: every field that a body can have.
const CHECKED: TicketForm = TicketForm { live_window_seconds: 30, holder: HolderName::Checked };

struct Scene {
    auth: Auth,
    event: EventDocument,
    anna: Buyer,
    bert: Buyer,
}

impl Scene {
    async fn with(form: TicketForm) -> Self {
        let event = event_of(form);
        let auth = Auth::with(&event).await;
        let (anna, bert) = (auth.buyer().await, auth.buyer().await);
        Self { auth, event, anna, bert }
    }

    async fn asked(&self, warrant: Warrant, body: &TicketBody) -> Result<Authorised, CallError> {
        self.auth.tickets().await.authorise(&signed_for(warrant, body)).await
    }

    async fn refused(&self, warrant: Warrant, body: &TicketBody, slug: &str) {
        let signed = self.signed().await;
        let answer = self.asked(warrant, body).await;
        assert_eq!(answer.as_ref().err().and_then(CallError::slug), Some(slug), "{answer:?} {body:?}");
        assert_eq!(self.signed().await, signed, "{body:?}");
    }

    async fn signed(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM authorisations").fetch_one(&self.auth.state.pool).await.unwrap()
    }

    fn thiefs_key() -> VerifyingKey {
        other_device().verifying_key()
    }
}

/// The body with one thing changed, for each thing that neither a grant nor a transfer leaves to tickets.
fn forgeries(good: &TicketBody) -> Vec<TicketBody> {
    let live = |window: u8| Some(Live { window: window.try_into().unwrap(), ..good.live.unwrap() });
    let sealed = |check_id| Some(Sealed { check_id, ..good.sealed.unwrap() });
    let (from, until) = (good.validity.from(), good.validity.until());
    let second = std::time::Duration::from_secs(1);
    vec![
        TicketBody { event: EventId(8), ..good.clone() },
        TicketBody { product: ProductId(2), ..good.clone() },
        TicketBody { product: ProductId(2), zones: Zones(0b10), ..good.clone() },
        TicketBody { zones: Zones(0b11), ..good.clone() },
        TicketBody { places: 2.try_into().unwrap(), ..good.clone() },
        TicketBody { entries: good.entries + 1, ..good.clone() },
        TicketBody { validity: Validity::between(from - second, until).unwrap(), ..good.clone() },
        TicketBody { validity: Validity::between(from, until + second).unwrap(), ..good.clone() },
        TicketBody { live: None, ..good.clone() },
        TicketBody { live: live(29), ..good.clone() },
        TicketBody { live: live(255), ..good.clone() },
        TicketBody { sealed: None, ..good.clone() },
        TicketBody { sealed: sealed(false), ..good.clone() },
        TicketBody { live: None, sealed: None, ..good.clone() },
        TicketBody { generation: Generation(good.generation.0 - 1), ..good.clone() },
        TicketBody { generation: Generation(good.generation.0 + 1), ..good.clone() },
        TicketBody { generation: Generation(255), ..good.clone() },
        held_by(good, Scene::thiefs_key()),
    ]
}

#[tokio::test]
async fn no_field_of_a_first_issue_is_theirs_to_choose_but_seat_and_sealed_text() {
    let scene = Scene::with(CHECKED).await;
    let warrant = Warrant::Order(scene.auth.bought(&scene.anna, &scene.event, 1).await);
    let good = scene.auth.body_for(warrant, &scene.event, (1, 1)).await;
    for forged in forgeries(&good) {
        scene.refused(warrant, &forged, "not-granted").await;
    }
    // A device that Anna has, but did not grant this order to.
    let device = scene.auth.device(&scene.anna, 50).await.verifying_key();
    scene.refused(warrant, &held_by(&good, device), "not-granted").await;
    // Anna's own key, for another seat.
    scene.refused(warrant, &TicketBody { slot: Slot(2), ..good.clone() }, "not-granted").await;
    scene.asked(warrant, &good).await.unwrap();
}

#[tokio::test]
async fn a_static_product_gets_neither_live_nor_sealed_tickets() {
    let scene = Scene::with(TicketForm::default()).await;
    let warrant = Warrant::Order(scene.auth.bought(&scene.anna, &scene.event, 1).await);
    let good = scene.auth.body_for(warrant, &scene.event, (1, 1)).await;
    for form in [LIVE, CHECKED, TicketForm { live_window_seconds: 0, ..CHECKED }] {
        scene.refused(warrant, &formed(&good, form, Scene::thiefs_key()), "not-granted").await;
    }
}

#[tokio::test]
async fn a_seat_that_is_signed_for_stays_as_it_is() {
    let scene = Scene::with(CHECKED).await;
    let warrant = Warrant::Order(scene.auth.bought(&scene.anna, &scene.event, 1).await);
    let good = scene.auth.body_for(warrant, &scene.event, (1, 1)).await;
    scene.asked(warrant, &good).await.unwrap();
    let other_text = Sealed { ciphertext: [9; 56], generation: SealingGeneration(2), ..good.sealed.unwrap() };
    scene.refused(warrant, &TicketBody { sealed: Some(other_text), ..good.clone() }, "slot-taken").await;
    let other_key = TicketBody { issuing_key: other_issuing_key().id(), ..good.clone() };
    scene.refused(warrant, &other_key, "slot-taken").await;

    let berts = Warrant::Order(scene.auth.bought(&scene.bert, &scene.event, 2).await);
    let body = scene.auth.body_for(berts, &scene.event, (1, 1)).await;
    scene.refused(berts, &body, "slot-taken").await;
}

#[tokio::test]
async fn there_are_no_more_tickets_than_were_granted() {
    let scene = Scene::with(LIVE).await;
    let warrant = Warrant::Order(scene.auth.bought(&scene.anna, &scene.event, 1).await);
    let mut requests = Vec::new();
    for slot in 1..=4 {
        requests.push(signed_for(warrant, &scene.auth.body_for(warrant, &scene.event, (slot, 1)).await));
    }
    let tickets = scene.auth.tickets().await;
    let answers = join_all(requests.iter().map(|request| tickets.authorise(request))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(scene.signed().await, 1);
}

#[tokio::test]
async fn what_is_unknown_unpaid_or_closed_is_not_signed_for() {
    let scene = Scene::with(LIVE).await;
    let (auth, warrant) = (&scene.auth, Warrant::Order(order(1)));
    let body = formed(&auth.body(1), LIVE, Scene::thiefs_key());
    scene.refused(warrant, &body, "grant-unknown").await;
    auth.confirmed_order(&scene.anna, 1, &terms_of(&scene.event, 1)).await;
    scene.refused(warrant, &body, "payment-not-confirmed").await;
    auth.pay(order(1), &terms_of(&scene.event, 1)).await;
    auth.tickets().await.close_grant(&CloseGrant { order: order(1) }).await.unwrap();
    scene.refused(warrant, &body, "grant-closed").await;
}

/// Bert paid, and the thief would have Anna hold what he bought, or hold it themselves.
#[tokio::test]
async fn an_order_makes_tickets_of_its_own_account_only() {
    let scene = Scene::with(LIVE).await;
    let annas = Warrant::Order(scene.auth.bought(&scene.anna, &scene.event, 1).await);
    let berts = Warrant::Order(scene.auth.bought(&scene.bert, &scene.event, 2).await);
    let body = scene.auth.body_for(annas, &scene.event, (1, 1)).await;
    scene.refused(berts, &body, "not-granted").await;
    scene.asked(annas, &body).await.unwrap();
}

#[tokio::test]
async fn a_transfer_that_nobody_accepted_moves_nothing() {
    let scene = Scene::with(LIVE).await;
    let body = scene.auth.ticket(&scene.anna, &scene.event, 1).await;
    let next = TicketBody { generation: Generation(2), ..body };
    let invented = Warrant::Transfer(TransferId(Uuid::from_u128(1)));
    scene.refused(invented, &next, "transfer-unknown").await;
    scene.auth.code(&scene.anna, 1).await;
    scene.refused(invented, &next, "transfer-unknown").await;
    // The order itself makes no second issue either.
    scene.refused(Warrant::Order(order(1)), &next, "not-granted").await;
}

#[tokio::test]
async fn a_transfer_changes_nothing_but_keys_generation_holder_and_sealed_text() {
    let scene = Scene::with(CHECKED).await;
    let old = scene.auth.ticket(&scene.anna, &scene.event, 1).await;
    let warrant = Warrant::Transfer(scene.auth.passed_on(&scene.anna, &scene.bert, 1).await);
    let good = scene.auth.body_for(warrant, &scene.event, (1, 2)).await;
    for forged in forgeries(&good) {
        scene.refused(warrant, &forged, "not-granted").await;
    }
    scene.refused(warrant, &TicketBody { slot: Slot(2), ..good.clone() }, "not-granted").await;
    // The last owner's key is not the next one's.
    scene.refused(warrant, &held_by(&good, old.live.unwrap().holder), "not-granted").await;
    // Nor is a device that the recipient did not name.
    let device = scene.auth.device(&scene.bert, 50).await.verifying_key();
    scene.refused(warrant, &held_by(&good, device), "not-granted").await;
    scene.asked(warrant, &good).await.unwrap();
    // Repeated with another text.
    let other_text = Sealed { ciphertext: [9; 56], ..good.sealed.unwrap() };
    scene.refused(warrant, &TicketBody { sealed: Some(other_text), ..good.clone() }, "slot-taken").await;
    scene.refused(warrant, &TicketBody { generation: Generation(3), ..good }, "not-granted").await;
}

#[tokio::test]
async fn a_transfer_is_its_recipients_alone() {
    let scene = Scene::with(LIVE).await;
    let (first, second) = (&scene.anna, &scene.bert);
    let third = scene.auth.buyer().await;
    for slot in [1, 2] {
        scene.auth.ticket(first, &scene.event, slot).await;
    }
    let to_second = scene.auth.passed_on(first, second, 1).await;
    let to_third = scene.auth.passed_on(first, &third, 2).await;
    // The second's warrant with what would be the third's, in either seat.
    let thirds = scene.auth.body_for(Warrant::Transfer(to_third), &scene.event, (2, 2)).await;
    scene.refused(Warrant::Transfer(to_second), &thirds, "not-granted").await;
    scene.refused(Warrant::Transfer(to_second), &TicketBody { slot: Slot(1), ..thirds.clone() }, "not-granted").await;
    let tickets = scene.auth.tickets().await;
    for account in [first.0, third.0] {
        let answer = tickets.confirm_transfer(&ConfirmTransfer { transfer: to_second, account }).await;
        assert_eq!(answer.unwrap_err().slug(), Some("transfer-unknown"));
    }
    scene.asked(Warrant::Transfer(to_third), &thirds).await.unwrap();
}

/// Every generation is replaced by the one after it, and an old warrant makes no newer one.
#[tokio::test]
async fn no_generation_is_skipped_or_made_twice() {
    let scene = Scene::with(LIVE).await;
    let (auth, event) = (&scene.auth, &scene.event);
    auth.ticket(&scene.anna, event, 1).await;
    let first = auth.passed_on(&scene.anna, &scene.bert, 1).await;
    let second_issue = auth.reissued(first, &scene.bert, event, 1).await;
    let second = auth.passed_on(&scene.bert, &scene.anna, 1).await;
    let third_issue = auth.body_for(Warrant::Transfer(second), event, (1, 3)).await;
    scene.refused(Warrant::Transfer(first), &third_issue, "not-granted").await;
    scene.refused(Warrant::Transfer(second), &second_issue, "not-granted").await;
    scene
        .refused(
            Warrant::Transfer(second),
            &TicketBody { generation: Generation(4), ..third_issue.clone() },
            "not-granted",
        )
        .await;
    scene.asked(Warrant::Transfer(second), &third_issue).await.unwrap();
    // What was signed is told again, and is not more than it was.
    let before = scene.signed().await;
    scene.asked(Warrant::Transfer(first), &second_issue).await.unwrap();
    assert_eq!(scene.signed().await, before);
}

/// Tickets' database and keys open no route that is a person's: a presentation needs the owner's token for auth.
#[tokio::test]
async fn a_ticket_is_shown_by_its_owner_only() {
    let scene = Scene::with(LIVE).await;
    scene.auth.ticket(&scene.anna, &scene.event, 1).await;
    assert_eq!(scene.auth.present(&scene.bert, 1).await.outcome(), (404, Some("ticket-unknown")));
    let token = scene.auth.token_for(countermark_service::service_name::ServiceName::Tickets, scene.anna.0);
    let stolen = (scene.anna.0, token);
    assert_eq!(scene.auth.present(&stolen, 1).await.outcome(), (401, Some("unauthenticated")));
    assert_eq!(scene.auth.offer(&stolen, 1).await.outcome(), (401, Some("unauthenticated")));
    assert_eq!(scene.auth.offer(&scene.bert, 1).await.outcome(), (404, Some("ticket-unknown")));
}
