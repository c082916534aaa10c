//! A gate is taken out of service, and put back.

use std::future::Future;

use countermark_service::caller::Caller;
use countermark_service::contract::{GateSuspension, ResumeGate, SuspendGate};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::service_call::CallError;
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record, sentence};
use crate::state::State;

/// Take a gate out of service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suspension {
    /// The gate.
    pub(crate) gate: GateId,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
    /// How much of what it told is believed. There is no answer that goes without saying: who forgets to ask believes a thief.
    pub(crate) believed: Believed,
}

/// How much of what a suspended gate told is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Believed {
    /// All that it told before: it was in known hands. What it proves from now on counts once it is resumed.
    EverythingSoFar,
    /// It was stolen or lost: what the cloud received up to the last instant at which it was surely in known hands. What came since is not
    /// believed any more, by no gate either, and it cannot be resumed: the box is enrolled anew.
    Until(Timestamp),
}

/// Put a gate back into service.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resumption {
    /// The gate.
    pub(crate) gate: GateId,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
}

/// Has validation suspend a gate: it lets nobody in and opens no names until it is resumed. It hears of it when it next reaches the
/// cloud; people leave through it all the same. One that is suspended already is well.
#[utoipa::path(
    post,
    path = "/v1/gates/suspend",
    operation_id = "suspend_gate",
    request_body = Suspension,
    responses(
        (status = 200, description = "It is suspended; its way to the gate has begun.", body = GateSuspension),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`gate-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn suspend(
    state: State,
    caller: Caller,
    Json(Suspension { gate, reason, believed }): Json<Suspension>,
) -> Result<Json<GateSuspension>, Error> {
    let (validation, decided) = (state.validation.clone(), state.clock.now());
    let reason = sentence(&reason)?;
    let (believed_until, detail) = match believed {
        Believed::EverythingSoFar => (None, json!({ "gate": gate, "reason": reason })),
        Believed::Until(until) => (Some(until), json!({ "gate": gate, "reason": reason, "believed_until": until })),
    };
    decide(&state, caller, Act::SuspendGate, gate, detail, async move {
        validation.suspend_gate(&SuspendGate { gate, decided, believed_until }).await
    })
    .await
}

/// Has validation put a gate back into service; what was in doubt about it counts as looked into. One that is not suspended is well.
#[utoipa::path(
    post,
    path = "/v1/gates/resume",
    operation_id = "resume_gate",
    request_body = Resumption,
    responses(
        (status = 200, description = "It is in service; its way to the gate has begun.", body = GateSuspension),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`gate-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`gate-retracted`: it was in other hands; enrol the box as a new gate", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resume(
    state: State,
    caller: Caller,
    Json(Resumption { gate, reason }): Json<Resumption>,
) -> Result<Json<GateSuspension>, Error> {
    let (validation, decided) = (state.validation.clone(), state.clock.now());
    let detail = json!({ "gate": gate, "reason": sentence(&reason)? });
    decide(&state, caller, Act::ResumeGate, gate, detail, async move {
        validation.resume_gate(&ResumeGate { gate, decided }).await
    })
    .await
}

async fn decide(
    state: &State,
    caller: Caller,
    act: Act,
    gate: GateId,
    detail: Value,
    ask: impl Future<Output = Result<GateSuspension, CallError>> + Send + 'static,
) -> Result<Json<GateSuspension>, Error> {
    let intent = Intent { act, subject: format!("gate {gate}"), detail };
    on_record(state, caller, intent, async move {
        let standing = ask.await?;
        // What is, not what was asked for: somebody may have decided otherwise since.
        let detail = json!({ "suspended": standing.suspended });
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

    const ROUTES: [(&str, &str, Act, bool); 2] = [
        ("/v1/gates/suspend", paths::SUSPEND_GATE, Act::SuspendGate, true),
        ("/v1/gates/resume", paths::RESUME_GATE, Act::ResumeGate, false),
    ];

    fn because(suspends: bool, reason: &str) -> Value {
        if suspends {
            json!({ "gate": 3, "reason": reason, "believed": "everything-so-far" })
        } else {
            json!({ "gate": 3, "reason": reason })
        }
    }

    #[tokio::test]
    async fn a_gate_is_suspended_and_resumed_with_both_on_the_record() {
        let mut bench = Bench::new().await;
        let decided = bench.clock.now();
        for (route, asked, act, suspended) in ROUTES {
            let standing = json!({ "gate": 3, "suspended": suspended });
            bench.validation.answers(asked, StatusCode::OK, standing.clone());
            let answer = bench.post(route, &because(suspended, " It was seen in a van. ")).await;
            assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::OK, standing));
            assert_eq!(bench.validation.called().await, (asked.to_owned(), json!({ "gate": 3, "decided": decided })));
            let log = bench.log().await;
            let [.., intent, outcome] = &log[..] else { panic!("{log:?}") };
            assert_eq!((intent.act, intent.outcome, intent.subject.as_str()), (act, Outcome::Intended, "gate 3"));
            assert_eq!(intent.detail, json!({ "gate": 3, "reason": "It was seen in a van." }));
            assert_eq!((outcome.act, outcome.outcome), (act, Outcome::Done));
            assert_eq!(outcome.detail, json!({ "suspended": suspended }));
        }
    }

    #[tokio::test]
    async fn of_a_stolen_gate_it_is_said_until_when_it_was_in_known_hands() {
        let mut bench = Bench::new().await;
        let decided = bench.clock.now();
        let until = "2026-11-22T19:00:00Z";
        bench.validation.answers(paths::SUSPEND_GATE, StatusCode::OK, json!({ "gate": 3, "suspended": true }));
        let request = json!({ "gate": 3, "reason": "It was stolen.", "believed": { "until": until } });
        assert_eq!(bench.post("/v1/gates/suspend", &request).await.status, StatusCode::OK);
        let asked = json!({ "gate": 3, "decided": decided, "believed_until": until });
        assert_eq!(bench.validation.called().await, (paths::SUSPEND_GATE.to_owned(), asked));
        let log = bench.log().await;
        assert_eq!(log[0].detail, json!({ "gate": 3, "reason": "It was stolen.", "believed_until": until }));
        bench.post("/v1/gates/resume", &request).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
    }

    #[tokio::test]
    async fn without_a_reason_nothing_is_asked_and_nothing_on_the_record() {
        let mut bench = Bench::new().await;
        for (route, _, _, suspends) in ROUTES {
            for reason in ["", " ", &"x".repeat(501)] {
                bench
                    .post(route, &because(suspends, reason))
                    .await
                    .is_problem(StatusCode::BAD_REQUEST, "invalid-request");
            }
            let answer = bench.post(route, &json!({ "gate": 3 })).await;
            answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
        }
        // Nor without a word on what it told.
        let answer = bench.post("/v1/gates/suspend", &because(false, "It is gone.")).await;
        answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
        assert!(bench.validation.is_quiet());
        assert!(bench.log().await.is_empty());
    }

    #[tokio::test]
    async fn validations_refusal_is_passed_on_and_its_silence_leaves_it_open() {
        let mut bench = Bench::new().await;
        for (route, asked, _, suspends) in ROUTES {
            bench.validation.answers(asked, StatusCode::NOT_FOUND, testing::problem(404, "gate-unknown"));
            bench.post(route, &because(suspends, "Why not.")).await.is_problem(StatusCode::NOT_FOUND, "gate-unknown");
            assert_eq!(bench.log().await.last().unwrap().outcome, Outcome::Refused);
        }
        bench.validation.close().await;
        for (route, _, _, suspends) in ROUTES {
            let answer = bench.post(route, &because(suspends, "Why not.")).await;
            answer.is_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            assert_eq!(bench.log().await.last().unwrap().outcome, Outcome::Unknown);
        }
    }
}
