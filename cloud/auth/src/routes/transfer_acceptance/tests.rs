//! Who gets an offered ticket, and who does not.

use axum::http::header::RETRY_AFTER;
use futures_util::future::join_all;

use super::*;
use crate::testing::{Answer, Auth, Buyer, LIVE, event, event_of};

const UNKNOWN: (u16, Option<&str>) = (404, Some("code-unknown"));

/// Anna with a live ticket, and Bert.
async fn scene() -> (Auth, Buyer, Buyer) {
    let event = event_of(LIVE);
    let auth = Auth::with(&event).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event, 1).await;
    (auth, anna, bert)
}

fn wrong_code(number: u8) -> String {
    TransferCode::new([number; 16]).to_string()
}

async fn transfers(auth: &Auth) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM transfers").fetch_one(&auth.state.pool).await.unwrap()
}

#[tokio::test]
async fn a_code_is_accepted_once_and_the_same_account_is_told_again() {
    let (auth, anna, bert) = scene().await;
    let code = auth.code(&anna, 1).await;
    let first = auth.accept(&bert, &code, None).await;
    assert_eq!(first.outcome(), (200, None));
    assert_eq!((&first.body["event"], &first.body["slot"]), (&7.into(), &1.into()));
    let again = auth.accept(&bert, &code.to_lowercase().replace('-', " "), None).await;
    assert_eq!((again.outcome(), &again.body), ((200, None), &first.body));
    // Even when its time is over: whoever lost the answer has the ticket all the same.
    auth.state.clock.advance(Duration::from_hours(8 * 24));
    assert_eq!(auth.accept(&bert, &code, None).await.body, first.body);
    for other in [&anna, &auth.buyer().await] {
        assert_eq!(auth.accept(other, &code, None).await.outcome(), UNKNOWN);
    }
    assert_eq!(transfers(&auth).await, 1);
}

#[tokio::test]
async fn of_many_who_accept_at_once_one_has_the_ticket() {
    let (auth, anna, _) = scene().await;
    let code = auth.code(&anna, 1).await;
    let buyers = join_all((0..6).map(|_| auth.buyer())).await;
    let answers = join_all(buyers.iter().map(|buyer| auth.accept(buyer, &code, None))).await;
    assert_eq!(answers.iter().filter(|answer| answer.outcome() == (200, None)).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.outcome() == UNKNOWN).count(), 5);
    assert_eq!(transfers(&auth).await, 1);
}

/// Whoever lost the device that holds a ticket takes it from themselves, and then with another again.
#[tokio::test]
async fn an_owner_accepts_their_own_ticket_with_another_holder() {
    let (auth, anna, _) = scene().await;
    let event = event_of(LIVE);
    let (lost, new) = (auth.device(&anna, 50).await.verifying_key(), auth.device(&anna, 51).await.verifying_key());
    for (issue, holder, expected) in [(2, Some(lost), Some(lost)), (3, Some(new), Some(new)), (4, None, None)] {
        let code = auth.code(&anna, 1).await;
        let accepted = auth.accept(&anna, &code, holder).await;
        assert_eq!(accepted.outcome(), (200, None), "{issue}");
        assert_eq!(auth.accept(&anna, &code, holder).await.body, accepted.body);
        assert_eq!(auth.present(&anna, 1).await.outcome(), (409, Some("transferred")));
        let transfer = accepted.body["transfer"].as_str().unwrap().parse().unwrap();
        let body = auth.reissued(transfer, &anna, &event, 1).await;
        assert!(expected.is_none_or(|key| body.live.unwrap().holder == key), "{issue}");
        assert_eq!(body.generation.0, issue);
        let code = auth.code(&anna, 1).await;
        assert_eq!(auth.accept(&anna, &code, holder).await.outcome(), (409, Some("own-transfer")), "{issue}");
    }
    assert_eq!(auth.present(&anna, 1).await.outcome(), (200, None));
    let transfers = auth.get("/v1/transfers", Some(&anna.1)).await.body;
    let lengths = ["given", "received"].map(|name| transfers[name].as_array().unwrap().len());
    assert_eq!(lengths, [0, 3]);
}

/// A front end knows from the answer what tickets is to be sent.
#[tokio::test]
async fn the_answer_says_what_the_ticket_is_like() {
    for (holder, names) in
        [(HolderName::Unnamed, "unnamed"), (HolderName::Sealed, "sealed"), (HolderName::Checked, "checked")]
    {
        for live_window_seconds in [0, 30] {
            let event = event_of(TicketForm { live_window_seconds, holder });
            let auth = Auth::with(&event).await;
            let (anna, bert) = (auth.buyer().await, auth.buyer().await);
            auth.ticket(&anna, &event, 1).await;
            let code = auth.code(&anna, 1).await;
            for _first_and_again in 0..2 {
                let accepted = auth.accept(&bert, &code, None).await.body;
                let told = (&accepted["live_window_seconds"], &accepted["names"]);
                assert_eq!(told, (&live_window_seconds.into(), &names.into()));
            }
        }
    }
}

#[tokio::test]
async fn nobody_accepts_their_own_ticket_as_it_is() {
    let (auth, anna, bert) = scene().await;
    let code = auth.code(&anna, 1).await;
    assert_eq!(auth.accept(&anna, &code, None).await.outcome(), (409, Some("own-transfer")));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (200, None));
}

#[tokio::test]
async fn a_code_ends_after_seven_days() {
    let (auth, anna, bert) = scene().await;
    let code = auth.code(&anna, 1).await;
    auth.state.clock.advance(Duration::from_hours(7 * 24) - Duration::from_secs(1));
    assert_eq!(auth.accept(&anna, &code, None).await.outcome(), (409, Some("own-transfer")));
    auth.state.clock.advance(Duration::from_secs(1));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), UNKNOWN);
    assert_eq!(transfers(&auth).await, 0);
}

#[tokio::test]
async fn the_recipient_names_a_device_of_their_own_and_stays_with_it() {
    let (auth, anna, bert) = scene().await;
    let device = auth.device(&bert, 50).await.verifying_key();
    let foreign = auth.device(&anna, 51).await.verifying_key();
    let code = auth.code(&anna, 1).await;
    assert_eq!(auth.accept(&bert, &code, Some(foreign)).await.outcome(), (422, Some("holder-unknown")));
    assert_eq!(auth.accept(&bert, &code, Some(device)).await.outcome(), (200, None));
    assert_eq!(auth.accept(&bert, &code, Some(device)).await.outcome(), (200, None));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (409, Some("accepted-otherwise")));
}

#[tokio::test]
async fn a_static_ticket_is_accepted_for_no_device() {
    let auth = Auth::start().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    auth.ticket(&anna, &event(), 1).await;
    let device = auth.device(&bert, 50).await.verifying_key();
    let code = auth.code(&anna, 1).await;
    assert_eq!(auth.accept(&bert, &code, Some(device)).await.outcome(), (422, Some("holder-not-needed")));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (200, None));
}

#[tokio::test]
async fn wrong_codes_are_few_however_they_are_tried() {
    let (auth, anna, bert) = scene().await;
    let tried: Vec<_> = (0..14).map(wrong_code).collect();
    let answers = join_all(tried.iter().map(|code| auth.accept(&bert, code, None))).await;
    let of = |outcome: (u16, Option<&str>)| answers.iter().filter(|answer| answer.outcome() == outcome).count();
    assert_eq!((of(UNKNOWN), of((429, Some("too-many-wrong-codes")))), (10, 4));

    auth.state.clock.advance(Duration::from_mins(5));
    let code = auth.code(&anna, 1).await;
    let refused: Answer = auth.accept(&bert, &code, None).await;
    assert_eq!(refused.outcome(), (429, Some("too-many-wrong-codes")));
    assert_eq!(refused.headers[RETRY_AFTER], "600");
    // Only whoever tries is kept waiting.
    auth.state.clock.advance(Duration::from_mins(10));
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), (200, None));
}

#[tokio::test]
async fn what_is_no_code_is_not_tried() {
    let (auth, anna, bert) = scene().await;
    for _ in 0..11 {
        assert_eq!(auth.accept(&bert, "hello", None).await.outcome(), (422, Some("code-refused")));
    }
    assert_eq!(auth.accept(&bert, &auth.code(&anna, 1).await, None).await.outcome(), (200, None));
}

/// The owner withdraws while the recipient waits for the seat: what was found before the wait counts no more.
#[tokio::test]
async fn an_offer_that_ends_while_it_is_accepted_is_gone() {
    let (auth, anna, bert) = scene().await;
    let code = auth.code(&anna, 1).await;
    let mut first = auth.state.pool.begin().await.unwrap();
    let seat = (crate::testing::EVENT, Slot(1));
    locks::seat(&mut first, seat.0, seat.1).await.unwrap();
    assert!(transfer_offers::delete(&mut first, seat.0, seat.1, anna.0).await.unwrap());
    assert_eq!(auth.after(first, auth.accept(&bert, &code, None)).await.outcome(), UNKNOWN);
    assert_eq!(transfers(&auth).await, 0);
}

/// Nothing can change an offer's issue but its acceptance; should a row ever say otherwise, nothing is accepted.
#[tokio::test]
async fn an_offer_dies_with_the_issue_it_is_for() {
    let (auth, anna, bert) = scene().await;
    let code = auth.code(&anna, 1).await;
    let sql = "INSERT INTO authorisations (event, slot, generation, order_id, body, authorised_at)
               SELECT event, slot, 2, order_id, overlay(body placing '\\x02' from 19 for 1), authorised_at
               FROM authorisations";
    sqlx::query(sql).execute(&auth.state.pool).await.unwrap();
    assert_eq!(auth.accept(&bert, &code, None).await.outcome(), UNKNOWN);
}

#[tokio::test]
async fn a_transfer_is_final() {
    let (auth, anna, bert) = scene().await;
    auth.passed_on(&anna, &bert, 1).await;
    for sql in ["UPDATE transfers SET slot = 2", "DELETE FROM transfers", "TRUNCATE transfers CASCADE"] {
        let error = sqlx::query(sql).execute(&auth.state.pool).await.unwrap_err();
        assert!(error.to_string().contains("are final"), "{error}");
    }
}
