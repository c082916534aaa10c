//! What administrators decided, for a service that was restored from a backup. Owns how the record is read as what the other services were
//! told; refuses to know what they make of it.

use countermark_service::contract::{
    After, BlockReason, BlockSeat, Decision, Page, PushEventDocument, ResumeGate, RevokeTicket, SuspendGate,
    UnblockSeat, paths,
};
use countermark_service::extract::Json;
use countermark_shared::documents::DocumentHash;
use countermark_shared::id::{EventId, GateId, OfferId, Slot};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::offers::NewOffer;
use crate::error::Error;
use crate::record::Act;
use crate::state::State;
use crate::store::audit::{self, Intended};
use crate::store::events;

/// With a document each of 100 kB a page is within what an answer may have.
const PAGE: u16 = 50;

/// What was decided, in order: everything that was done, or may have been, and that another service was told of. A gate is not: its code
/// is given once.
#[utoipa::path(
    post,
    path = paths::DECISIONS,
    operation_id = "read_decisions",
    request_body = After<i64>,
    responses((status = 200, description = "A page.", body = Page<Decision, i64>))
)]
pub(crate) async fn read(
    state: State,
    Json(After { after }): Json<After<i64>>,
) -> Result<Json<Page<Decision, i64>>, Error> {
    let mut connection = state.pool.acquire().await?;
    let intended = audit::intended(&mut connection, after, PAGE).await?;
    let Page { items: intended, next } = Page::of(intended, PAGE, |last| last.entry);
    let mut items = Vec::with_capacity(intended.len());
    for intended in intended {
        items.extend(decision(&mut connection, intended).await?);
    }
    Ok(Json(Page { items, next }))
}

async fn decision(connection: &mut PgConnection, intended: Intended) -> Result<Option<Decision>, Error> {
    let Intended { entry: _, at: decided, act, subject, detail } = intended;
    Ok(Some(match act {
        Act::PublishEventDocument => {
            let bytes = match detail.get("hash") {
                Some(hash) => events::bytes(connection, read_as::<DocumentHash>(hash)?).await?,
                // It was not believed.
                None => None,
            };
            return Ok(bytes.map(|bytes| Decision::Document(PushEventDocument { document: Base64(bytes) })));
        }
        Act::PublishOffer => {
            let offer = subject.strip_prefix("offer ").and_then(|offer| Uuid::parse_str(offer).ok());
            Decision::Offer(read_as::<NewOffer>(&detail)?.called(offer.map(OfferId).ok_or(UNREADABLE)?))
        }
        // A gate is known by its enrolment, and what people made of findings is of the rows that were lost.
        Act::CreateGate | Act::AcknowledgeFinding | Act::ResolveFinding => return Ok(None),
        Act::RevokeTicket => {
            let (event, slot) = seat(&subject)?;
            Decision::Revoke(RevokeTicket { event, slot })
        }
        Act::BlockSeat => {
            let (event, slot) = seat(&subject)?;
            let reason = read_as::<BlockReason>(detail.get("reason").ok_or(UNREADABLE)?)?;
            Decision::Block(BlockSeat { event, slot, reason, decided })
        }
        Act::UnblockSeat => {
            let (event, slot) = seat(&subject)?;
            Decision::Unblock(UnblockSeat { event, slot, decided })
        }
        Act::SuspendGate => {
            let believed_until = detail.get("believed_until").map(read_as::<Timestamp>).transpose()?;
            Decision::Suspend(SuspendGate { gate: gate(&subject)?, decided, believed_until })
        }
        Act::ResumeGate => Decision::Resume(ResumeGate { gate: gate(&subject)?, decided }),
    }))
}

const UNREADABLE: Error = Error::Corrupt { column: "audit_log.subject or detail" };

/// As the routes write it: `seat 3 of event 7`.
fn seat(subject: &str) -> Result<(EventId, Slot), Error> {
    let (slot, event) =
        subject.strip_prefix("seat ").and_then(|seat| seat.split_once(" of event ")).ok_or(UNREADABLE)?;
    let number = |text: &str| text.parse::<u32>().map_err(|_| UNREADABLE);
    Ok((EventId(number(event)?), Slot(number(slot)?)))
}

/// As the routes write it: `gate 3`.
fn gate(subject: &str) -> Result<GateId, Error> {
    let number = subject.strip_prefix("gate ").and_then(|gate| gate.parse().ok());
    number.map(GateId).ok_or(UNREADABLE)
}

fn read_as<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(value).map_err(|_| UNREADABLE)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::paths;
    use serde_json::json;

    use super::*;
    use crate::testing::{self, Bench};

    async fn decisions(bench: &Bench) -> Vec<Decision> {
        let (mut decisions, mut after) = (Vec::new(), None);
        loop {
            let Json(page) = read(bench.state.clone(), Json(After { after })).await.unwrap();
            decisions.extend(page.items);
            after = page.next;
            if after.is_none() {
                return decisions;
            }
        }
    }

    /// What validation and tickets were told, and what they were to be told when they were away; not what they refused.
    #[tokio::test]
    async fn the_record_says_again_what_the_others_were_told() {
        let mut bench = Bench::new().await;
        let seat = json!({ "slot": 42, "generation": 2, "blocked": null });
        bench.validation.answers(paths::BLOCK, StatusCode::OK, seat.clone());
        bench.validation.answers(paths::UNBLOCK, StatusCode::CONFLICT, testing::problem(409, "seat-revoked"));
        bench.validation.answers(
            paths::SUSPEND_GATE,
            StatusCode::SERVICE_UNAVAILABLE,
            testing::problem(503, "unavailable"),
        );
        bench.validation.answers(paths::RESUME_GATE, StatusCode::OK, json!({ "gate": 4, "suspended": false }));
        bench.tickets.answers(paths::REVOKE, StatusCode::OK, json!({ "slot": 42, "generation": 2 }));
        bench.tickets.answers(paths::OFFERS, StatusCode::NO_CONTENT, Value::Null);
        let document = testing::event_document(1, &testing::key(4));
        let forged = testing::event_document(2, &testing::key(66));
        let offer = json!({
            "event": 7, "product": 1, "name": { "en": "Duo", "fr": "Duo" }, "price": { "minor": 5000, "currency": "EUR" },
            "persons": 2, "one_code": false, "stock": 30, "sales": { "from": bench.clock.now(), "until": bench.clock.now() + std::time::Duration::from_hours(1) },
        });
        let of_seat = |reason: &str| json!({ "event": 7, "slot": 42, "reason": reason });
        for (path, body) in [
            ("/v1/event-documents", json!({ "document": Base64(document.clone()) })),
            ("/v1/event-documents", json!({ "document": Base64(forged) })),
            ("/v1/seats/block", of_seat("misconduct")),
            ("/v1/seats/unblock", of_seat("He is sorry.")),
            ("/v1/gates/suspend", json!({ "gate": 3, "reason": "It is gone.", "believed": "everything-so-far" })),
            ("/v1/gates/resume", json!({ "gate": 4, "reason": "It is back." })),
            ("/v1/tickets/revoke", of_seat("It was stolen.")),
        ] {
            bench.post(path, &body).await;
        }
        bench.post_with("/v1/offers", &[("idempotency-key", "a")], &offer).await;
        let (event, slot, decided) = (EventId(7), Slot(42), bench.clock.now());
        let decisions = decisions(&bench).await;
        let [told @ .., Decision::Offer(published)] = &decisions[..] else { panic!("{decisions:?}") };
        assert_eq!(
            told,
            [
                Decision::Document(PushEventDocument { document: Base64(document) }),
                Decision::Block(BlockSeat { event, slot, reason: BlockReason::Misconduct, decided }),
                Decision::Suspend(SuspendGate { gate: GateId(3), decided, believed_until: None }),
                Decision::Resume(ResumeGate { gate: GateId(4), decided }),
                Decision::Revoke(RevokeTicket { event, slot }),
            ]
        );
        assert_eq!(bench.tickets.called().await.0, paths::REVOKE);
        assert_eq!(bench.tickets.called().await, (paths::OFFERS.to_owned(), json!(published)));
    }

    #[tokio::test]
    async fn a_long_record_is_read_page_by_page() {
        let bench = Bench::new().await;
        bench.validation.answers(paths::SUSPEND_GATE, StatusCode::OK, json!({ "gate": 3, "suspended": true }));
        let gates = 1..=u32::from(PAGE) * 2 + 1;
        for gate in gates.clone() {
            let drill = json!({ "gate": gate, "reason": "A drill.", "believed": "everything-so-far" });
            bench.post("/v1/gates/suspend", &drill).await;
        }
        let decided = bench.clock.now();
        let expected: Vec<_> = gates
            .map(|gate| Decision::Suspend(SuspendGate { gate: GateId(gate), decided, believed_until: None }))
            .collect();
        assert_eq!(decisions(&bench).await, expected);
    }
}
