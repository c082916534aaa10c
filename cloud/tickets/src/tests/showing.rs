//! What an owner shows at the gate.

use axum::http::StatusCode;
use countermark_shared::decision::examine;
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::Generation;
use countermark_shared::ticket::Presented;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde_json::{Value, json};

use crate::testing::{BUYER, EVENT, NOW, STRANGER, World, secret_of};

const LIVE: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Unnamed };
const FULL: TicketForm = TicketForm { live_window_seconds: 15, holder: HolderName::Checked };

/// Auth's presentation of a ticket: the query for it.
fn presented(world: &World, ticket: &Value, encode: impl Fn(&[u8]) -> String) -> String {
    let verified = world.verified(&ticket["text"]);
    let body = verified.body();
    let holder = secret_of(BUYER).holder_key(EVENT, body.slot, Generation(1));
    let presentation = body.present(&holder, NOW).unwrap();
    let proof = encode(&presentation.signature().to_bytes()).replace('+', "%2B");
    format!("at={}&proof={proof}", NOW.unix_seconds())
}

fn path(ticket: &Value) -> String {
    format!("/v1/tickets/{}", ticket["ticket"].as_str().unwrap())
}

async fn get(world: &World, path: &str) -> (StatusCode, Vec<u8>) {
    world.call_raw(BUYER, "GET", path, Value::Null, "k").await
}

fn scanned(png: &[u8]) -> String {
    let picture = image::load_from_memory(png).unwrap().into_luma8();
    let (width, height) = picture.dimensions();
    rxing::helpers::detect_in_luma(picture.into_raw(), width, height, None).unwrap().getText().to_owned()
}

#[tokio::test]
async fn a_live_ticket_is_shown_with_its_holders_proof() {
    for (form, printed, shown) in [(LIVE, 298, 400), (FULL, 408, 510)] {
        let world = World::selling(form).await;
        let ticket = world.one_ticket(form).await;
        let path = path(&ticket);
        for encoding in [BASE64, HEXLOWER_PERMISSIVE] {
            let encode = |bytes: &[u8]| encoding.encode(bytes);
            let query = presented(&world, &ticket, encode);
            let (status, text) = get(&world, &format!("{path}/text?{query}")).await;
            assert_eq!((status, text.len()), (StatusCode::OK, shown));
            let text = String::from_utf8(text).unwrap();
            let verified = examine(&text, EVENT, &world.state.key_ring).unwrap();
            assert_eq!(verified.presented(), Presented::Proved { at: NOW });
            assert_eq!(scanned(&get(&world, &format!("{path}/code.png?{query}")).await.1), text);
        }
        let (_, bare) = get(&world, &format!("{path}/text")).await;
        assert_eq!(
            (bare.len(), String::from_utf8(bare).unwrap().as_str()),
            (printed, ticket["text"].as_str().unwrap())
        );
        assert_eq!(scanned(&get(&world, &format!("{path}/code.png")).await.1), ticket["text"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_proof_that_is_not_the_holders_is_never_drawn() {
    let world = World::selling(LIVE).await;
    let (ticket, other) = (world.one_ticket(LIVE).await, world.one_ticket(LIVE).await);
    let own = presented(&world, &ticket, |bytes| HEXLOWER_PERMISSIVE.encode(bytes));
    let later = own.replace("at=1800000000", "at=1800000001");
    assert_ne!(own, later);
    let foreign = presented(&world, &other, |bytes| HEXLOWER_PERMISSIVE.encode(bytes));
    for query in [later, foreign, format!("at=1800000000&proof={}", "00".repeat(64))] {
        for kind in ["text", "code.png"] {
            let (status, body) = get(&world, &format!("{}/{kind}?{query}", path(&ticket))).await;
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
            assert_eq!(problem["type"], json!("urn:countermark:problem:presentation-refused"));
        }
    }
    for query in ["at=1800000000", "proof=00", "at=x&proof=00", "when=1"] {
        let (status, _) = get(&world, &format!("{}/text?{query}", path(&ticket))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let stranger = world.call(STRANGER, "GET", &format!("{}/text?{own}", path(&ticket)), Value::Null).await;
    assert_eq!(stranger.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_static_ticket_takes_no_proof() {
    let world = World::new().await;
    let ticket = world.one_ticket(TicketForm::default()).await;
    let query = format!("at=1800000000&proof={}", "00".repeat(64));
    let (status, body) = get(&world, &format!("{}/text?{query}", path(&ticket))).await;
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().starts_with("Show the ticket without a proof"), "{problem}");
}
