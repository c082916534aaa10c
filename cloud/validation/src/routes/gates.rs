//! Admin makes gates, and has them serve one event after the other.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::{AssignGate, AssignedGate, CreateGate, GateCreated, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Assignment, Authentic, Document, EventDocument, Lease};
use countermark_shared::enrolment::EnrolmentCode;
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;

use crate::error::Error;
use crate::state::State;
use crate::store::{assignments, feed, finding_marks, gates};
use crate::{assignment, secrets};

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

/// Has a gate serve an event at these lanes: its next assignment says so. It keeps its journal; what it did at the event before stays that event's, however late it
/// is told. Names of that event go from it.
#[utoipa::path(
    post,
    path = paths::ASSIGN_GATE,
    operation_id = "assign_gate",
    request_body = AssignGate,
    responses(
        (status = 200, description = "It is assigned, now or before; or a later decision was known, and stands.", body = AssignedGate),
        (status = 404, description = "`gate-unknown`, `event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`gate-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn assign(state: State, Json(request): Json<AssignGate>) -> Result<Json<AssignedGate>, Error> {
    let (now, state, request) = (state.clock.now(), &state, &request);
    // A clock ahead of this one must not make later decisions look earlier.
    let decided = request.decided.min(now);
    let assignment = transaction(&state.pool, "assign a gate", |mut transaction| {
        Box::pin(async move {
            let gate = gates::lock(&mut transaction, request.gate).await?.ok_or(Error::GateUnknown)?;
            if gate.assignment_decided.is_some_and(|last| last > decided) {
                return Ok(assignment::in_force(state, &mut transaction, gate.gate).await?.into_document());
            }
            let assignment =
                assignment::reassign(state, &mut transaction, &gate, request.event, request.lanes.clone()).await?;
            gates::assign(&mut transaction, gate.gate, assignment.event, decided).await?;
            secrets::ask(&mut transaction, gate.gate, &format!("assignment-{}", assignment.version), now).await?;
            // The event's other gates hear what is thought of it; what is marked of its journal is looked at there from now on.
            feed::mark_change(&mut transaction, gate.gate, &[], now).await?;
            finding_marks::rows(&mut transaction, gate.gate, (1, 0)).await?;
            Ok::<_, Error>(assignment)
        })
    })
    .await?;
    state.outbox.poke();
    let Assignment { gate, event, lanes, version, .. } = assignment;
    Ok(Json(AssignedGate { gate, event, lanes, version }))
}

fn draft(request: &CreateGate, now: Timestamp) -> Assignment {
    let CreateGate { name, event, lanes } = request.clone();
    let lease = Lease { until: now, names_until: now, suspended: false };
    Assignment { gate: GateId(0), version: 1, issued: now, event, name, lanes, lease, secrets: Vec::new() }
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::findings::FindingQuery;
    use countermark_service::contract::{ReportedState, ValidationClient};
    use countermark_service::service_name::ServiceName;
    use countermark_shared::documents::{Direction, Lane};
    use countermark_shared::id::{EventId, Generation, LaneId, Slot, Zones};
    use countermark_shared::journal::{JournalRow, Subject};
    use countermark_shared::verdict::Reason;
    use countermark_shared::wire::RowOutcome::{Stored, Unproved};

    use super::*;
    use crate::settler::Settler;
    use crate::testing::{self, Bench, EVENT, NEXT_EVENT, TestGate, ticket_of};

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

    /// The gate lets two in by a ticket of the event, and two of them out at a lane.
    fn serve(gate: &mut TestGate, event: EventId, slot: u32, out: u8) {
        let ticket = ticket_of(event, slot, 1).to_text();
        let subject = Subject::Ticket { event, slot: Slot(slot), generation: Generation(1) };
        let passed = JournalRow { subject, persons: 2, proved: true, ..gate.next() };
        gate.write(&JournalRow { reason: Reason::Admitted, ..passed.clone() }, Some(&ticket));
        let sequence = gate.next().sequence;
        let (lane, direction, reason) = (LaneId(out), Direction::Exit, Reason::Exit);
        gate.write(&JournalRow { sequence, lane, direction, reason, ..passed }, None);
    }

    #[tokio::test]
    async fn a_gate_is_moved_and_what_it_did_before_is_told_to_the_event_where_it_did() {
        let bench = Bench::new().await;
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        bench.push(&EventDocument { event: NEXT_EVENT, ..testing::event(1) }).await;
        let mut gate = bench.gate().await;
        serve(&mut gate, EVENT, 42, 2);
        let out = Lane { lane: LaneId(3), direction: Direction::Exit, zones: Zones(1) };
        let moved = |gate, event, lanes| AssignGate { gate, event, lanes, decided: bench.clock.now() };
        let next = moved(gate.gate, NEXT_EVENT, vec![testing::lanes().remove(0), out]);
        for _ in 0..2 {
            let assigned = admin.assign_gate(&next).await.unwrap();
            assert_eq!((assigned.event, assigned.lanes, assigned.version), (NEXT_EVENT, next.lanes.clone(), 2));
        }
        // One that was decided before and comes after it changes nothing.
        let before = AssignGate {
            decided: bench.clock.now() - Duration::from_secs(1),
            ..moved(gate.gate, EVENT, testing::lanes())
        };
        assert_eq!(admin.assign_gate(&before).await.unwrap().event, NEXT_EVENT);
        let assignment = bench.assignment(&gate).await;
        assert_eq!((assignment.event, assignment.lanes, assignment.version), (NEXT_EVENT, next.lanes.clone(), 2));

        // It hears of it late, and tells all at once. Its lanes out are those that it had there.
        serve(&mut gate, NEXT_EVENT, 5, 3);
        serve(&mut gate, NEXT_EVENT, 6, 4);
        assert_eq!(bench.upload(&mut gate).await, [Stored, Stored, Stored, Stored, Stored, Unproved]);
        for (event, admitted, moved_to) in [(EVENT, 2, Some(NEXT_EVENT)), (NEXT_EVENT, 4, None)] {
            let figures = admin.admissions(event).await.unwrap();
            let [of_gate] = &figures.gates[..] else { panic!("{figures:?}") };
            assert_eq!((figures.admitted, of_gate.admitted, of_gate.moved_to), (admitted, admitted, moved_to));
        }
        let told: Vec<(i64, Vec<i64>)> =
            sqlx::query_as("SELECT event, sequences FROM feed_changes WHERE sequences <> '{}' ORDER BY event")
                .fetch_all(&bench.state.pool)
                .await
                .unwrap();
        assert_eq!(told, [(7, vec![1, 2, 3, 4, 5]), (9, vec![1, 2, 3, 4, 5])]);

        for (refused, slug) in [
            (moved(GateId(99), EVENT, testing::lanes()), "gate-unknown"),
            (moved(gate.gate, EventId(8), testing::lanes()), "event-unknown"),
            (moved(gate.gate, EVENT, vec![]), "gate-refused"),
        ] {
            assert_eq!(admin.assign_gate(&refused).await.unwrap_err().slug(), Some(slug));
        }
    }

    /// What is wrong with its journal is one finding, wherever it serves when it is found again.
    #[tokio::test]
    async fn a_moved_gates_journal_is_found_wrong_once() {
        let bench = Bench::new().await;
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        bench.push(&EventDocument { event: NEXT_EVENT, ..testing::event(1) }).await;
        let mut gate = bench.gate().await;
        bench.report(42, 1, ReportedState::Issued).await;
        let settler = Settler::new(bench.state.clone());
        gate.refuse("junk");
        gate.rows.clear();
        gate.refuse("after a gap");
        bench.upload(&mut gate).await;
        settler.settle_some(EVENT).await.unwrap();
        let next =
            AssignGate { gate: gate.gate, event: NEXT_EVENT, lanes: testing::lanes(), decided: bench.clock.now() };
        admin.assign_gate(&next).await.unwrap();
        serve(&mut gate, EVENT, 42, 2);
        bench.upload(&mut gate).await;
        for event in [EVENT, NEXT_EVENT] {
            settler.settle_some(event).await.unwrap();
        }
        let found = async |event| admin.findings(event, &FindingQuery::default()).await.unwrap().findings.len();
        assert_eq!((found(EVENT).await, found(NEXT_EVENT).await), (1, 0));
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
