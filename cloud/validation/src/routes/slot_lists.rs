//! What is said of every seat, as it was published. Whoever reads it learns how many were sold, so that only the event's own gates do.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::extract::Path;
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::Revision;
use countermark_shared::id::EventId;
use countermark_shared::wire::paths;

use super::answer::{self, Keep};
use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::publications;

/// The step that leads to that revision, for ever the same. There is none to the first of an epoch; where there is none the snapshot leads on.
#[utoipa::path(
    get,
    path = paths::SLOT_DELTA,
    operation_id = "read_slot_delta",
    params(
        ("event" = EventId, Path, description = "The gate's event"),
        ("epoch" = u32, Path, description = "The revision's epoch"),
        ("sequence" = u64, Path, description = "The revision's number within the epoch"),
    ),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 400, description = "`invalid-request`: no revision", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delta(state: State, gate: Gate, Path(path): Path<(EventId, u32, u64)>) -> Result<Response, Error> {
    let not_published = Error::NotPublished { document: "slot delta" };
    let Some(revision) = own_revision(&gate, path) else { return Err(not_published) };
    let delta = publications::delta(&mut *state.pool.acquire().await?, gate.event, revision).await?;
    Ok(answer::document(delta.ok_or(not_published)?, Keep::TheGate))
}

/// The last snapshot up to that revision, for ever the same; at most 32 steps lead on from it.
#[utoipa::path(
    get,
    path = paths::SLOT_SNAPSHOT,
    operation_id = "read_slot_snapshot",
    params(
        ("event" = EventId, Path, description = "The gate's event"),
        ("epoch" = u32, Path, description = "The revision's epoch"),
        ("sequence" = u64, Path, description = "The revision's number within the epoch"),
    ),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 400, description = "`invalid-request`: no revision", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn snapshot(
    state: State,
    gate: Gate,
    Path(path): Path<(EventId, u32, u64)>,
) -> Result<Response, Error> {
    let not_published = Error::NotPublished { document: "slot list" };
    let Some(revision) = own_revision(&gate, path) else { return Err(not_published) };
    let snapshot = publications::snapshot(&mut *state.pool.acquire().await?, gate.event, revision).await?;
    Ok(answer::document(snapshot.ok_or(not_published)?, Keep::TheGate))
}

/// Of another event's lists and feed a gate learns not even whether there are any.
pub(super) fn own_revision(gate: &Gate, (event, epoch, sequence): (EventId, u32, u64)) -> Option<Revision> {
    (event == gate.event).then_some(Revision { epoch, sequence })
}

#[cfg(test)]
mod tests;
