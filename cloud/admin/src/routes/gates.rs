//! Gates are made, moved from one event to another, and looked at.

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::contract::{AssignGate, AssignedGate, CreateGate, GateCreated, GateFigures};
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::Lane;
use countermark_shared::enrolment::EnrolmentCode;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::invitation::Invitation;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
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

/// A gate that waits for its enrolment.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewGate {
    /// The gate, its code, and when that ends.
    #[serde(flatten)]
    pub(crate) gate: GateCreated,
    /// Code and address in one: the text of a QR code that the gate reads by itself (`countermark-gate enroll --scan`).
    pub(crate) invitation: String,
    /// That QR code, as an SVG picture. Whoever sees it can enrol in the gate's place.
    pub(crate) invitation_svg: String,
}

/// What a gate is to serve.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duty {
    /// The gate.
    pub(crate) gate: GateId,
    /// The event.
    pub(crate) event: EventId,
    /// Its lanes there: all of them, each with its direction and where it leads.
    pub(crate) lanes: Vec<Lane>,
}

impl NewGate {
    fn new(gate: GateCreated, gates_url: &Url) -> Result<Self, Error> {
        let code: EnrolmentCode = gate.code.parse().map_err(invitation_error)?;
        let address = gates_url.as_str().trim_end_matches('/');
        let invitation = Invitation::new(address, code).map_err(invitation_error)?.to_string();
        let picture = QrCode::with_error_correction_level(&invitation, EcLevel::M).map_err(invitation_error)?;
        let invitation_svg = picture.render::<svg::Color<'_>>().min_dimensions(480, 480).build();
        Ok(Self { gate, invitation, invitation_svg })
    }
}

fn invitation_error(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Invitation { source: Box::new(source) }
}

/// Makes a gate. The code is in this answer and nowhere else: hand it to field staff, or show them the invitation; they have seven days. A
/// second request makes a second gate.
#[utoipa::path(
    post,
    path = "/v1/gates",
    operation_id = "create_gate",
    request_body = CreateGate,
    responses(
        (status = 201, description = "The gate waits for its enrolment.", body = NewGate),
        (status = 404, description = "`event-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`gate-refused` by validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    state: State,
    caller: Caller,
    Json(request): Json<CreateGate>,
) -> Result<(StatusCode, Json<NewGate>), Error> {
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
    Ok((StatusCode::CREATED, Json(NewGate::new(created, &state.gates_url)?)))
}

/// Has validation assign a gate to an event and lanes, which may be those it has: its box stays enrolled, and hears of it when it next reaches the cloud. Until
/// then it serves what it served. What it did there stays that event's, however late it is told; names of that event leave the box. Suspended, it stays so.
#[utoipa::path(
    post,
    path = "/v1/gates/assign",
    operation_id = "assign_gate",
    request_body = Duty,
    responses(
        (status = 200, description = "It is assigned; its way to the gate has begun. A later decision stands.", body = AssignedGate),
        (status = 404, description = "`gate-unknown`, `event-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`gate-refused` by validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn assign(state: State, caller: Caller, Json(duty): Json<Duty>) -> Result<Json<AssignedGate>, Error> {
    let (validation, decided) = (state.validation.clone(), state.clock.now());
    let detail = serde_json::to_value(&duty)?;
    let intent = Intent { act: Act::AssignGate, subject: format!("gate {}", duty.gate), detail };
    on_record(&state, caller, intent, async move {
        let Duty { gate, event, lanes } = duty;
        let assigned = validation.assign_gate(&AssignGate { gate, event, lanes, decided }).await?;
        // What is, not what was asked for: somebody may have decided otherwise since.
        Ok(Done { detail: json!({ "event": assigned.event, "version": assigned.version }), answer: assigned })
    })
    .await
    .map(Json)
}

/// The gates that serve the event, or served it, as validation knows them.
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
    use countermark_shared::id::GateId;
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
        let code = EnrolmentCode::new([7; 16], bench.state.bundle.document().root_fingerprint()).to_string();
        let created = json!({ "gate": 3, "code": code, "until": "2027-01-22T08:00:00Z" });
        bench.validation.answers(paths::GATES, StatusCode::CREATED, created);
        let answer = bench.post("/v1/gates", &north()).await;
        let NewGate { gate, invitation, invitation_svg } = answer.json();
        assert_eq!((answer.status, gate.gate, &gate.code), (StatusCode::CREATED, GateId(3), &code));
        let read: Invitation = invitation.parse().unwrap_or_else(|_| panic!("{invitation} is no invitation"));
        assert_eq!((read.address(), read.code().to_string()), ("https://gates.example.org", code.clone()));
        assert!(invitation_svg.contains("<svg"));
        assert_eq!(bench.validation.called().await.1, north());
        let log = bench.log().await;
        assert_eq!((log[0].subject.as_str(), log[1].outcome), ("event 7", Outcome::Done));
        assert_eq!(log[1].detail["gate"], 3);
        let audit = bench.get("/v1/audit").await.text();
        assert!(!audit.contains(&code) && !audit.contains(&invitation));
    }

    #[tokio::test]
    async fn a_gate_is_moved_with_it_on_the_record() {
        let mut bench = Bench::new().await;
        let lanes = json!([{ "lane": 1, "direction": "entry", "zones": 1 }]);
        let duty = json!({ "gate": 3, "event": 8, "lanes": lanes });
        let assigned = json!({ "gate": 3, "event": 8, "lanes": lanes, "version": 2 });
        bench.validation.answers(paths::ASSIGN_GATE, StatusCode::OK, assigned.clone());
        assert_eq!(bench.post("/v1/gates/assign", &duty).await.json::<Value>(), assigned);
        let asked = json!({ "gate": 3, "event": 8, "lanes": lanes, "decided": bench.clock.now() });
        assert_eq!(bench.validation.called().await, (paths::ASSIGN_GATE.to_owned(), asked));
        for (status, slug) in
            [(StatusCode::NOT_FOUND, "event-unknown"), (StatusCode::UNPROCESSABLE_ENTITY, "gate-refused")]
        {
            bench.validation.answers(paths::ASSIGN_GATE, status, testing::problem(status.as_u16(), slug));
            bench.post("/v1/gates/assign", &duty).await.is_problem(status, slug);
        }
        let log = bench.log().await;
        let acts: Vec<_> = log.iter().map(|entry| (entry.act, entry.outcome)).collect();
        let tried = |outcome| [(Act::AssignGate, Outcome::Intended), (Act::AssignGate, outcome)];
        assert_eq!(acts, [Outcome::Done, Outcome::Refused, Outcome::Refused].map(tried).concat());
        assert_eq!((log[0].subject.as_str(), &log[0].detail), ("gate 3", &duty));
        assert_eq!(log[1].detail, json!({ "event": 8, "version": 2 }));
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
            "gate": 3, "name": "North", "key": null, "enrolled": null, "last_seen": null, "suspended": false, "owes": false, "moved_to": null, "scans": 5, "admitted": 4, "doubtful": 1, "taken_back": 2, "forgiven": 3,
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
