//! What an owner offers, sees and withdraws.

use serde_json::json;

use super::*;
use crate::testing::{Auth, Buyer, LIVE, event, event_of};

async fn listed(auth: &Auth, (_, token): &Buyer) -> serde_json::Value {
    let answer = auth.get("/v1/transfers", Some(token)).await;
    assert_eq!(answer.outcome(), (200, None));
    answer.body
}

async fn withdraw(auth: &Auth, (_, token): &Buyer, slot: u32) -> (u16, Option<String>) {
    let answer = auth.delete(&format!("/v1/transfers/7/{slot}"), Some(token)).await;
    (answer.status.as_u16(), answer.slug().map(str::to_owned))
}

fn refused(status: u16, slug: &str) -> (u16, Option<String>) {
    (status, Some(slug.to_owned()))
}

#[tokio::test]
async fn an_owner_offers_a_ticket_and_sees_no_code_again() {
    let auth = Auth::start().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event(), 1).await;
    let offered = auth.offer(&anna, 1).await;
    let until = auth.state.clock.now() + OPEN_FOR;
    let code = offered.body["code"].as_str().unwrap();
    assert_eq!((offered.outcome(), &offered.body["until"]), ((201, None), &json!(until)));
    assert!(code.parse::<TransferCode>().is_ok());
    let offers = json!([{ "event": 7, "slot": 1, "until": until }]);
    assert_eq!(listed(&auth, &anna).await, json!({ "offers": offers, "given": [], "received": [] }));
    assert_eq!(listed(&auth, &bert).await, json!({ "offers": [], "given": [], "received": [] }));

    let accepted = auth.accept(&bert, code, None).await.body;
    let transfer =
        json!([{ "transfer": accepted["transfer"], "event": 7, "slot": 1, "accepted": auth.state.clock.now() }]);
    assert_eq!(listed(&auth, &anna).await, json!({ "offers": [], "given": transfer, "received": [] }));
    assert_eq!(listed(&auth, &bert).await, json!({ "offers": [], "given": [], "received": transfer }));
}

#[tokio::test]
async fn only_a_code_s_hash_is_stored() {
    let auth = Auth::start().await;
    let anna = auth.buyer().await;
    auth.ticket(&anna, &event(), 1).await;
    let code: TransferCode = auth.code(&anna, 1).await.parse().unwrap();
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT code FROM transfer_offers").fetch_one(&auth.state.pool).await.unwrap();
    assert_eq!(stored, code.hash().0);
}

#[tokio::test]
async fn a_new_offer_ends_the_one_before() {
    let auth = Auth::start().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event(), 1).await;
    let (old, new) = (auth.code(&anna, 1).await, auth.code(&anna, 1).await);
    assert_eq!(listed(&auth, &anna).await["offers"].as_array().unwrap().len(), 1);
    assert_eq!(auth.accept(&bert, &old, None).await.outcome(), (404, Some("code-unknown")));
    assert_eq!(auth.accept(&bert, &new, None).await.outcome(), (200, None));
}

#[tokio::test]
async fn an_offer_is_withdrawn_until_it_is_accepted() {
    let auth = Auth::start().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event(), 1).await;
    assert_eq!(withdraw(&auth, &anna, 1).await, refused(404, "transfer-unknown"));
    let code = auth.code(&anna, 1).await;
    assert_eq!(withdraw(&auth, &bert, 1).await, refused(404, "transfer-unknown"));
    assert_eq!(withdraw(&auth, &anna, 1).await, (204, None));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (404, Some("code-unknown")));

    let code = auth.code(&anna, 1).await;
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (200, None));
    assert_eq!(withdraw(&auth, &anna, 1).await, refused(409, "transferred"));
    assert_eq!(withdraw(&auth, &bert, 1).await, refused(404, "transfer-unknown"));
}

#[tokio::test]
async fn only_the_owner_offers_and_nobody_what_is_passed_on() {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    assert_eq!(auth.offer(&anna, 1).await.outcome(), (404, Some("ticket-unknown")));
    auth.ticket(&anna, &event, 1).await;
    assert_eq!(auth.offer(&bert, 1).await.outcome(), (404, Some("ticket-unknown")));
    let transfer = auth.passed_on(&anna, &bert, 1).await;
    assert_eq!(auth.offer(&anna, 1).await.outcome(), (409, Some("transferred")));
    // Not before there is a ticket of his.
    assert_eq!(auth.offer(&bert, 1).await.outcome(), (404, Some("ticket-unknown")));
    auth.reissued(transfer, &bert, &event, 1).await;
    assert_eq!(auth.offer(&anna, 1).await.outcome(), (404, Some("ticket-unknown")));
    assert_eq!(auth.offer(&bert, 1).await.outcome(), (201, None));
}

#[tokio::test]
async fn the_last_issue_of_a_seat_is_not_passed_on() {
    let auth = Auth::start().await;
    let anna = auth.buyer().await;
    let first = auth.ticket(&anna, &event(), 1).await;
    let sql = "INSERT INTO authorisations (event, slot, generation, order_id, body, authorised_at)
               SELECT event, slot, $1, order_id, $2, authorised_at FROM authorisations WHERE generation = 1";
    for (generation, expected) in [(254, (201, None)), (255, (409, Some("last-generation")))] {
        let body = countermark_shared::ticket::TicketBody { generation: Generation(generation), ..first.clone() };
        let row = sqlx::query(sql).bind(i16::from(generation)).bind(body.to_bytes());
        row.execute(&auth.state.pool).await.unwrap();
        assert_eq!(auth.offer(&anna, 1).await.outcome(), expected, "{generation}");
    }
}

#[tokio::test]
async fn an_offer_waits_for_whoever_decides_about_the_seat() {
    let auth = Auth::start().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event(), 1).await;
    let code: TransferCode = auth.code(&anna, 1).await.parse().unwrap();
    let mut first = auth.state.pool.begin().await.unwrap();
    let seat = (EventId(7), Slot(1));
    locks::seat(&mut first, seat.0, seat.1).await.unwrap();
    let transfer = Transfer {
        transfer: TransferId(uuid::Uuid::nil()),
        event: seat.0,
        slot: seat.1,
        replaces: Generation(1),
        owner: anna.0,
        recipient: bert.0,
        holder: None,
        accepted: auth.state.clock.now(),
    };
    transfers::insert(&mut first, &transfer, &code.hash()).await.unwrap();
    transfer_offers::delete(&mut first, seat.0, seat.1, anna.0).await.unwrap();
    assert_eq!(auth.after(first, auth.offer(&anna, 1)).await.outcome(), (409, Some("transferred")));
}
