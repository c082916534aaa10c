//! A seat is held back, and let in again.

use std::future::Future;

use countermark_service::caller::Caller;
use countermark_service::contract::{BlockReason, BlockSeat, SeatStanding, UnblockSeat};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::service_call::CallError;
use countermark_shared::id::{EventId, Slot};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record, sentence};
use crate::state::State;

/// Hold a seat back at the gates.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Block {
    /// The event.
    pub(crate) event: EventId,
    /// The seat.
    pub(crate) slot: Slot,
    /// Why.
    pub(crate) reason: BlockReason,
    /// More about it, for the record: 1 to 500 characters, or nothing.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) note: Option<String>,
}

/// Let a seat in again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unblock {
    /// The event.
    pub(crate) event: EventId,
    /// The seat.
    pub(crate) slot: Slot,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
}

/// Has validation block a seat. One that is blocked already is well; another reason replaces the first.
#[utoipa::path(
    post,
    path = "/v1/seats/block",
    operation_id = "block_seat",
    request_body = Block,
    responses(
        (status = 200, description = "It is blocked; its way to the gates has begun.", body = SeatStanding),
        (status = 400, description = "`invalid-request`: a note that is empty or too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`seat-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`seat-revoked`: that is final", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn block(
    state: State,
    caller: Caller,
    Json(request): Json<Block>,
) -> Result<Json<SeatStanding>, Error> {
    let Block { event, slot, reason, note } = request;
    let note = note.as_deref().map(sentence).transpose()?;
    let detail = json!({ "event": event, "slot": slot, "reason": reason, "note": note });
    let (validation, decided) = (state.validation.clone(), state.clock.now());
    decide(&state, caller, Act::BlockSeat, (event, slot), detail, async move {
        validation.block(&BlockSeat { event, slot, reason, decided }).await
    })
    .await
}

/// Has validation lift a seat's block. A seat that is not blocked is well.
#[utoipa::path(
    post,
    path = "/v1/seats/unblock",
    operation_id = "unblock_seat",
    request_body = Unblock,
    responses(
        (status = 200, description = "It is not blocked; its way to the gates has begun.", body = SeatStanding),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`seat-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`seat-revoked`: that is final", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unblock(
    state: State,
    caller: Caller,
    Json(request): Json<Unblock>,
) -> Result<Json<SeatStanding>, Error> {
    let Unblock { event, slot, reason } = request;
    let detail = json!({ "event": event, "slot": slot, "reason": sentence(&reason)? });
    let (validation, decided) = (state.validation.clone(), state.clock.now());
    decide(&state, caller, Act::UnblockSeat, (event, slot), detail, async move {
        validation.unblock(&UnblockSeat { event, slot, decided }).await
    })
    .await
}

async fn decide(
    state: &State,
    caller: Caller,
    act: Act,
    (event, slot): (EventId, Slot),
    detail: Value,
    ask: impl Future<Output = Result<SeatStanding, CallError>> + Send + 'static,
) -> Result<Json<SeatStanding>, Error> {
    let intent = Intent { act, subject: format!("seat {slot} of event {event}"), detail };
    on_record(state, caller, intent, async move {
        let standing = ask.await?;
        // What is, not what was asked for: somebody may have decided otherwise since.
        let detail = json!({ "generation": standing.generation, "blocked": standing.blocked });
        Ok(Done { answer: standing, detail })
    })
    .await
    .map(Json)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::paths;

    use super::*;
    use crate::record::Outcome;
    use crate::testing::{self, Bench};

    const BLOCK: &str = "/v1/seats/block";
    const UNBLOCK: &str = "/v1/seats/unblock";

    fn for_reason(reason: &str, note: Option<&str>) -> Value {
        json!({ "event": 7, "slot": 42, "reason": reason, "note": note })
    }

    fn because(reason: &str) -> Value {
        json!({ "event": 7, "slot": 42, "reason": reason })
    }

    #[tokio::test]
    async fn a_seat_is_blocked_and_let_in_again_with_both_on_the_record() {
        let mut bench = Bench::new().await;
        let decided = bench.clock.now();
        let blocked = json!({ "slot": 42, "generation": 2, "blocked": "lost-or-stolen" });
        bench.validation.answers(paths::BLOCK, StatusCode::OK, blocked.clone());
        let answer = bench.post(BLOCK, &for_reason("lost-or-stolen", Some(" She called. "))).await;
        assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::OK, blocked));
        let asked = json!({ "event": 7, "slot": 42, "reason": "lost-or-stolen", "decided": decided });
        assert_eq!(bench.validation.called().await, (paths::BLOCK.to_owned(), asked));

        let open = json!({ "slot": 42, "generation": 2, "blocked": null });
        bench.validation.answers(paths::UNBLOCK, StatusCode::OK, open.clone());
        let answer = bench.post(UNBLOCK, &because("She has found it.")).await;
        assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::OK, open));
        let asked = json!({ "event": 7, "slot": 42, "decided": decided });
        assert_eq!(bench.validation.called().await, (paths::UNBLOCK.to_owned(), asked));

        let log: Vec<_> = bench
            .log()
            .await
            .into_iter()
            .map(|entry| (entry.act, entry.outcome, entry.subject, entry.detail))
            .collect();
        let seat = || "seat 42 of event 7".to_owned();
        let intended = for_reason("lost-or-stolen", Some("She called."));
        let done = |blocked: Option<&str>| json!({ "generation": 2, "blocked": blocked });
        assert_eq!(
            log,
            [
                (Act::BlockSeat, Outcome::Intended, seat(), intended),
                (Act::BlockSeat, Outcome::Done, seat(), done(Some("lost-or-stolen"))),
                (Act::UnblockSeat, Outcome::Intended, seat(), because("She has found it.")),
                (Act::UnblockSeat, Outcome::Done, seat(), done(None)),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_no_reason_is_refused_and_not_on_the_record() {
        let mut bench = Bench::new().await;
        let unprocessable = (StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
        let bad = (StatusCode::BAD_REQUEST, "invalid-request");
        for (path, body, (status, slug)) in [
            (BLOCK, for_reason("refunded", None), unprocessable),
            (BLOCK, json!({ "event": 7, "slot": 42 }), unprocessable),
            (BLOCK, for_reason("misconduct", Some(" ")), bad),
            (BLOCK, for_reason("misconduct", Some(&"x".repeat(501))), bad),
            (UNBLOCK, because(""), bad),
            (UNBLOCK, json!({ "event": 7, "slot": 42 }), unprocessable),
        ] {
            bench.post(path, &body).await.is_problem(status, slug);
        }
        assert!(bench.validation.is_quiet());
        assert!(bench.log().await.is_empty());
    }

    #[tokio::test]
    async fn validations_refusal_is_passed_on_and_its_silence_leaves_it_open() {
        let mut bench = Bench::new().await;
        for (path, body) in [(BLOCK, for_reason("misconduct", None)), (UNBLOCK, because("It was somebody else."))] {
            for (status, slug) in [(StatusCode::CONFLICT, "seat-revoked"), (StatusCode::NOT_FOUND, "seat-unknown")] {
                let told = if path == BLOCK { paths::BLOCK } else { paths::UNBLOCK };
                bench.validation.answers(told, status, testing::problem(status.as_u16(), slug));
                bench.post(path, &body).await.is_problem(status, slug);
                assert_eq!(bench.log().await.last().unwrap().outcome, Outcome::Refused);
            }
        }
        bench.validation.close().await;
        let answer = bench.post(BLOCK, &for_reason("misconduct", None)).await;
        answer.is_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(bench.log().await.last().unwrap().outcome, Outcome::Unknown);
    }
}
