//! Gates are made, and looked at.

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::contract::{CreateGate, GateCreated, GateFigures};
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record};
use crate::state::State;

/// An event's gates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Gates {
    /// By number.
    pub(crate) gates: Vec<GateFigures>,
}

/// Makes a gate. The code is in this answer and nowhere else: hand it to field staff, who have seven days. A second request makes a
/// second gate.
#[utoipa::path(
    post,
    path = "/v1/gates",
    operation_id = "create_gate",
    request_body = CreateGate,
    responses(
        (status = 201, description = "The gate waits for its enrolment.", body = GateCreated),
        (status = 404, description = "`event-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`gate-refused` by validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    state: State,
    caller: Caller,
    Json(request): Json<CreateGate>,
) -> Result<(StatusCode, Json<GateCreated>), Error> {
    let intent = Intent {
        act: Act::CreateGate,
        subject: format!("event {}", request.event),
        detail: json!({ "name": request.name, "lanes": request.lanes }),
    };
    let validation = state.validation.clone();
    let created = on_record(&state, caller, intent, async move {
        let created = validation.create_gate(&request).await?;
        Ok(Done { detail: json!({ "gate": created.gate, "until": created.until }), answer: created })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// The event's gates, as validation knows them.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/gates",
    operation_id = "list_gates",
    params(("event" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "The gates.", body = Gates),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(state: State, Path(event): Path<EventId>) -> Result<Json<Gates>, Error> {
    let gates = state.validation.admissions(event).await?.gates;
    Ok(Json(Gates { gates }))
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::paths;
    use serde_json::Value;

    use super::*;
    use crate::record::Outcome;
    use crate::testing::{self, Bench};

    fn north() -> Value {
        json!({ "name": "North", "event": 7, "lanes": [{ "lane": 1, "direction": "entry", "zones": 1 }] })
    }

    #[tokio::test]
    async fn a_code_is_in_the_answer_and_nowhere_else() {
        let mut bench = Bench::new().await;
        let created = json!({ "gate": 3, "code": "SECRET-CODE", "until": "2027-01-22T08:00:00Z" });
        bench.validation.answers(paths::GATES, StatusCode::CREATED, created.clone());
        let answer = bench.post("/v1/gates", &north()).await;
        assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::CREATED, created));
        assert_eq!(bench.validation.called().await.1, north());
        let log = bench.log().await;
        assert_eq!((log[0].subject.as_str(), log[1].outcome), ("event 7", Outcome::Done));
        assert_eq!(log[1].detail["gate"], 3);
        assert!(!bench.get("/v1/audit").await.text().contains("SECRET"));
    }

    #[tokio::test]
    async fn a_refusal_of_validation_is_passed_on() {
        let bench = Bench::new().await;
        bench.validation.answers(paths::GATES, StatusCode::NOT_FOUND, testing::problem(404, "event-unknown"));
        bench.post("/v1/gates", &north()).await.is_problem(StatusCode::NOT_FOUND, "event-unknown");
        assert_eq!(bench.log().await[1].outcome, Outcome::Refused);
    }

    #[tokio::test]
    async fn gates_are_those_that_validation_knows() {
        let bench = Bench::new().await;
        let gate = json!({
            "gate": 3, "name": "North", "enrolled": null, "last_seen": null, "suspended": false, "scans": 5, "admitted": 4, "doubtful": 1,
        });
        let path = paths::ADMISSIONS.replace("{event}", "7");
        bench.validation.answers(&path, StatusCode::OK, json!({ "admitted": 4, "gates": [gate] }));
        assert_eq!(bench.get("/v1/events/7/gates").await.json::<Value>(), json!({ "gates": [gate] }));
    }

    #[tokio::test]
    async fn nobody_knows_the_gates_while_validation_is_down() {
        let mut bench = Bench::new().await;
        bench.validation.close().await;
        bench.get("/v1/events/7/gates").await.is_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    }
}
