//! What the event's gates did, as it was published. Whoever reads it learns how many came, so that only the event's own gates do.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::extract::Path;
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::EventId;
use countermark_shared::wire::paths;

use super::answer::{self, Keep};
use super::slot_lists::own_revision;
use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::feed;

/// The batch of that number, for ever the same. An epoch begins with a snapshot, at 0, and has no batch there.
#[utoipa::path(
    get,
    path = paths::FEED_BATCH,
    operation_id = "read_feed_batch",
    params(
        ("event" = EventId, Path, description = "The gate's event"),
        ("epoch" = u32, Path, description = "The batch's epoch"),
        ("sequence" = u64, Path, description = "The batch's number within the epoch"),
    ),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 400, description = "`invalid-request`: no number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn batch(state: State, gate: Gate, Path(path): Path<(EventId, u32, u64)>) -> Result<Response, Error> {
    let not_published = Error::NotPublished { document: "batch of the admission feed" };
    let Some(revision) = own_revision(&gate, path) else { return Err(not_published) };
    let batch = feed::batch(&mut *state.pool.acquire().await?, gate.event, revision).await?;
    Ok(answer::document(batch.ok_or(not_published)?, Keep::TheGate))
}

/// The last snapshot up to that batch, for ever the same; at most 32 batches lead on from it.
#[utoipa::path(
    get,
    path = paths::FEED_SNAPSHOT,
    operation_id = "read_feed_snapshot",
    params(
        ("event" = EventId, Path, description = "The gate's event"),
        ("epoch" = u32, Path, description = "The batch's epoch"),
        ("sequence" = u64, Path, description = "The batch's number within the epoch"),
    ),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 400, description = "`invalid-request`: no number", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn snapshot(
    state: State,
    gate: Gate,
    Path(path): Path<(EventId, u32, u64)>,
) -> Result<Response, Error> {
    let not_published = Error::NotPublished { document: "snapshot of the admission feed" };
    let Some(revision) = own_revision(&gate, path) else { return Err(not_published) };
    let snapshot = feed::snapshot(&mut *state.pool.acquire().await?, gate.event, revision).await?;
    Ok(answer::document(snapshot.ok_or(not_published)?, Keep::TheGate))
}

#[cfg(test)]
mod tests;
