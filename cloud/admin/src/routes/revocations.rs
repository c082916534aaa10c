//! A ticket is withdrawn.

use countermark_service::caller::Caller;
use countermark_service::contract::{RevokeTicket, RevokedTicket};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::{EventId, Slot};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record, sentence};
use crate::state::State;

/// Withdraw the ticket of a seat.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revocation {
    /// The event.
    pub(crate) event: EventId,
    /// The seat.
    pub(crate) slot: Slot,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
}

/// Has tickets withdraw a ticket. A ticket that is revoked already is well.
#[utoipa::path(
    post,
    path = "/v1/tickets/revoke",
    operation_id = "revoke_ticket",
    request_body = Revocation,
    responses(
        (status = 200, description = "It is revoked; its way to the gates has begun.", body = RevokedTicket),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`ticket-unknown` to tickets", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    state: State,
    caller: Caller,
    Json(request): Json<Revocation>,
) -> Result<Json<RevokedTicket>, Error> {
    let Revocation { event, slot, reason } = request;
    let reason = sentence(&reason)?;
    let intent = Intent {
        act: Act::RevokeTicket,
        subject: format!("seat {slot} of event {event}"),
        detail: json!({ "event": event, "slot": slot, "reason": reason }),
    };
    let tickets = state.tickets.clone();
    on_record(&state, caller, intent, async move {
        let revoked = tickets.revoke(&RevokeTicket { event, slot }).await?;
        Ok(Done { detail: json!({ "generation": revoked.generation }), answer: revoked })
    })
    .await
    .map(Json)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::paths;
    use serde_json::Value;

    use super::*;
    use crate::record::Outcome;
    use crate::testing::{self, Bench};

    fn because(reason: &str) -> Value {
        json!({ "event": 7, "slot": 42, "reason": reason })
    }

    #[tokio::test]
    async fn a_ticket_is_withdrawn_with_the_reason_on_the_record() {
        let mut bench = Bench::new().await;
        let revoked = json!({ "slot": 42, "generation": 2 });
        bench.tickets.answers(paths::REVOKE, StatusCode::OK, revoked.clone());
        let answer = bench.post("/v1/tickets/revoke", &because(" Reported stolen. ")).await;
        assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::OK, revoked));
        assert_eq!(bench.tickets.called().await.1, json!({ "event": 7, "slot": 42 }));
        let log = bench.log().await;
        assert_eq!(
            (log[0].subject.as_str(), &log[0].detail["reason"]),
            ("seat 42 of event 7", &json!("Reported stolen."))
        );
        assert_eq!((log[1].outcome, &log[1].detail["generation"]), (Outcome::Done, &json!(2)));
    }

    #[tokio::test]
    async fn an_act_without_a_reason_is_none() {
        let mut bench = Bench::new().await;
        for reason in [String::new(), "  ".to_owned(), "x".repeat(501), "because\0".to_owned()] {
            let answer = bench.post("/v1/tickets/revoke", &because(&reason)).await;
            answer.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
        assert!(bench.tickets.is_quiet());
        assert!(bench.log().await.is_empty());
    }

    #[tokio::test]
    async fn an_unknown_seat_is_refused_by_tickets() {
        let bench = Bench::new().await;
        bench.tickets.answers(paths::REVOKE, StatusCode::NOT_FOUND, testing::problem(404, "ticket-unknown"));
        let answer = bench.post("/v1/tickets/revoke", &because(&"é".repeat(500))).await;
        answer.is_problem(StatusCode::NOT_FOUND, "ticket-unknown");
        assert_eq!(bench.log().await[1].outcome, Outcome::Refused);
    }
}
