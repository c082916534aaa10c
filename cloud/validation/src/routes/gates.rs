//! Admin makes gates.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::{CreateGate, GateCreated, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Assignment, Authentic, Document, EventDocument, Lease};
use countermark_shared::enrolment::EnrolmentCode;
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;

use crate::assignment;
use crate::error::Error;
use crate::state::State;
use crate::store::{assignments, gates};

/// How long an enrolment code may be spent.
const CODE_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Makes a gate with its signed assignment and its enrolment code, which is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = paths::GATES,
    operation_id = "create_gate",
    request_body = CreateGate,
    responses(
        (status = 201, description = "The gate waits for its enrolment.", body = GateCreated),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`gate-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    state: State,
    Json(request): Json<CreateGate>,
) -> Result<(StatusCode, Json<GateCreated>), Error> {
    let bundle = state.trust.bundle.document();
    let now = state.clock.now();
    // Before its number is known, so that a refused gate takes none.
    let refused = |why: &str| Error::GateRefused { why: why.to_owned() };
    let draft = draft(&request, now);
    draft.check().map_err(refused)?;
    if draft.name.chars().any(char::is_control) {
        return Err(refused("an entrance's name has no control characters"));
    }
    let code = EnrolmentCode::new(state.randomness.bytes(), bundle.root_fingerprint());
    let (code_hash, until) = (code.secret_hash(), now + CODE_LIFETIME);
    let (state, draft, code_hash) = (&state, &draft, &code_hash);
    let gate = transaction(&state.pool, "make a gate", |mut transaction| {
        Box::pin(async move {
            let event: Option<Authentic<EventDocument>> =
                event_documents::in_force(&mut transaction, draft.event, bundle, now).await?;
            let event = event.ok_or(Error::EventUnknown)?;
            let lease = assignment::lease(event.document(), false);
            let gate = gates::insert(&mut transaction, draft.event, &draft.name, code_hash, until, now).await?;
            let assignment = Assignment { gate, lease, ..draft.clone() };
            assignments::insert(&mut transaction, &assignment::sign(state, &assignment)?).await?;
            Ok::<_, Error>(gate)
        })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(GateCreated { gate, code: code.to_string(), until })))
}

fn draft(request: &CreateGate, now: Timestamp) -> Assignment {
    let CreateGate { name, event, lanes } = request.clone();
    let lease = Lease { until: now, names_until: now, suspended: false };
    Assignment { gate: GateId(0), version: 1, issued: now, event, name, lanes, lease, secrets: Vec::new() }
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::ValidationClient;
    use countermark_service::service_name::ServiceName;
    use countermark_shared::documents::{Direction, Lane};
    use countermark_shared::id::{EventId, LaneId, Zones};

    use super::*;
    use crate::testing::{self, Bench, EVENT};

    #[tokio::test]
    async fn what_no_gate_would_accept_is_refused_and_leaves_nothing() {
        let bench = Bench::new().await;
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        let good = CreateGate { name: "North".to_owned(), event: EVENT, lanes: testing::lanes() };
        let lane = |lane, zones| Lane { lane: LaneId(lane), direction: Direction::Entry, zones: Zones(zones) };
        for bad in [
            CreateGate { name: String::new(), ..good.clone() },
            CreateGate { name: "N".repeat(101), ..good.clone() },
            CreateGate { name: "North\0".to_owned(), ..good.clone() },
            CreateGate { lanes: vec![], ..good.clone() },
            CreateGate { lanes: vec![lane(1, 0)], ..good.clone() },
            CreateGate { lanes: vec![lane(2, 1), lane(1, 1)], ..good.clone() },
            CreateGate { lanes: (0..33).map(|number| lane(number, 1)).collect(), ..good.clone() },
        ] {
            assert_eq!(admin.create_gate(&bad).await.err().unwrap().slug(), Some("gate-refused"), "{bad:?}");
        }
        let elsewhere = CreateGate { event: EventId(8), ..good.clone() };
        assert_eq!(admin.create_gate(&elsewhere).await.err().unwrap().slug(), Some("event-unknown"));
        assert!(admin.admissions(EVENT).await.unwrap().gates.is_empty());
    }

    #[tokio::test]
    async fn each_call_makes_a_gate_with_a_code_of_its_own() {
        let bench = Bench::new().await;
        let ((first, first_code), (second, second_code)) = (bench.create_gate().await, bench.create_gate().await);
        assert_ne!(first, second);
        assert_ne!(first_code.secret_hash(), second_code.secret_hash());
        assert!(first_code.names(testing::bundle().root_fingerprint()));
        let stored: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT code_hash FROM gates ORDER BY gate").fetch_all(&bench.state.pool).await.unwrap();
        assert_eq!(stored, [first_code.secret_hash(), second_code.secret_hash()]);
    }
}
