//! What administrators decided, for a service that was restored from a backup. Owns how the record is read as what the other services were
//! told; refuses to know what they make of it.

use countermark_service::contract::{
    After, AssignGate, BlockReason, BlockSeat, CloseOffer, Decision, Page, PushEventDocument, ResumeGate, RevokeTicket,
    SuspendGate, UnblockSeat, paths,
};
use countermark_service::extract::Json;
use countermark_shared::documents::DocumentHash;
use countermark_shared::id::{EventId, GateId, OfferId, Slot};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::Deserialize;
use sqlx::PgConnection;

use super::gates::Duty;
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
    let decided = intended.at;
    Ok(Some(match intended.act {
        Act::PublishEventDocument => {
            let Published { hash } = intended.says()?;
            let bytes = match hash {
                Some(hash) => events::bytes(connection, hash).await?,
                // It was not believed.
                None => None,
            };
            return Ok(bytes.map(|bytes| Decision::Document(PushEventDocument { document: Base64(bytes) })));
        }
        Act::PublishOffer => Decision::Offer(intended.says()?),
        Act::CloseOffer => {
            let Closed { offer } = intended.says()?;
            Decision::Close(CloseOffer { offer })
        }
        // A gate is known by its enrolment, and what people made of findings is of the rows that were lost.
        Act::CreateGate | Act::AcknowledgeFinding | Act::ResolveFinding => return Ok(None),
        Act::RevokeTicket => {
            let Seat { event, slot } = intended.says()?;
            Decision::Revoke(RevokeTicket { event, slot })
        }
        Act::BlockSeat => {
            let (Seat { event, slot }, Reason { reason }) = (intended.says()?, intended.says()?);
            Decision::Block(BlockSeat { event, slot, reason, decided })
        }
        Act::UnblockSeat => {
            let Seat { event, slot } = intended.says()?;
            Decision::Unblock(UnblockSeat { event, slot, decided })
        }
        Act::AssignGate => {
            let Duty { gate, event, lanes } = intended.says()?;
            Decision::Assign(AssignGate { gate, event, lanes, decided })
        }
        Act::SuspendGate => {
            let Suspended { gate, believed_until } = intended.says()?;
            Decision::Suspend(SuspendGate { gate, decided, believed_until })
        }
        Act::ResumeGate => {
            let Suspended { gate, believed_until: _ } = intended.says()?;
            Decision::Resume(ResumeGate { gate, decided })
        }
    }))
}

/// Members of details, as the routes write them.
#[derive(Deserialize)]
struct Published {
    #[serde(default)]
    hash: Option<DocumentHash>,
}

#[derive(Deserialize)]
struct Closed {
    offer: OfferId,
}

#[derive(Deserialize)]
struct Seat {
    event: EventId,
    slot: Slot,
}

#[derive(Deserialize)]
struct Reason {
    reason: BlockReason,
}

#[derive(Deserialize)]
struct Suspended {
    gate: GateId,
    #[serde(default)]
    believed_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::paths;
    use countermark_shared::documents::{Direction, Lane};
    use countermark_shared::id::{LaneId, Zones};
    use serde_json::{Value, json};

    use super::*;
    use crate::record::Intent;
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
        let lanes = json!([{ "lane": 1, "direction": "exit", "zones": 1 }]);
        let duty = json!({ "gate": 4, "event": 8, "lanes": lanes });
        let assigned = json!({ "gate": 4, "event": 8, "lanes": lanes, "version": 2 });
        bench.validation.answers(paths::ASSIGN_GATE, StatusCode::OK, assigned);
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
            ("/v1/gates/assign", duty),
            ("/v1/tickets/revoke", of_seat("It was stolen.")),
        ] {
            bench.post(path, &body).await;
        }
        let published = bench.post_with("/v1/offers", &[("idempotency-key", "a")], &offer).await.json::<Value>();
        bench.tickets.answers(paths::CLOSE_OFFER, StatusCode::NO_CONTENT, Value::Null);
        bench.post("/v1/offers/close", &json!({ "offer": published["offer"], "reason": "A zero is missing." })).await;
        let (event, slot, decided) = (EventId(7), Slot(42), bench.clock.now());
        let decisions = decisions(&bench).await;
        let out = Lane { lane: LaneId(1), direction: Direction::Exit, zones: Zones(1) };
        let [told @ .., Decision::Offer(published), Decision::Close(closed)] = &decisions[..] else {
            panic!("{decisions:?}")
        };
        assert_eq!(
            told,
            [
                Decision::Document(PushEventDocument { document: Base64(document) }),
                Decision::Block(BlockSeat { event, slot, reason: BlockReason::Misconduct, decided }),
                Decision::Suspend(SuspendGate { gate: GateId(3), decided, believed_until: None }),
                Decision::Resume(ResumeGate { gate: GateId(4), decided }),
                Decision::Assign(AssignGate { gate: GateId(4), event: EventId(8), lanes: vec![out], decided }),
                Decision::Revoke(RevokeTicket { event, slot }),
            ]
        );
        assert_eq!(closed.offer, published.offer);
        assert_eq!(bench.tickets.called().await.0, paths::REVOKE);
        assert_eq!(bench.tickets.called().await, (paths::OFFERS.to_owned(), json!(published)));
    }

    #[tokio::test]
    async fn what_the_record_does_not_say_is_not_guessed() {
        let bench = Bench::new().await;
        let intent = Intent {
            act: Act::RevokeTicket,
            subject: "seat 42 of event 7".to_owned(),
            detail: json!({ "reason": "It was stolen." }),
        };
        let mut connection = bench.state.pool.acquire().await.unwrap();
        let account = Bench::administrator().account;
        let written = audit::intend(&mut connection, account, &intent, bench.clock.now()).await.unwrap();
        let read = read(bench.state.clone(), Json(After { after: None })).await;
        assert!(matches!(read, Err(Error::RecordUnreadable { entry, .. }) if entry == written));
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
