//! What a gate is to do.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::problem::ProblemDocument;
use countermark_shared::wire::paths;

use super::answer::{Held, Keep};
use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::assignments;

/// The gate's newest assignment: its lanes, its lease, and the event secrets that it alone can unwrap.
#[utoipa::path(
    get,
    path = paths::ASSIGNMENT,
    operation_id = "read_assignment",
    params(Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(state: State, gate: Gate, held: Held) -> Result<Response, Error> {
    let newest = assignments::newest(&mut *state.pool.acquire().await?, gate.gate).await?;
    let newest = newest.ok_or(Error::NotPublished { document: "assignment" })?;
    Ok(held.answer(newest.standing.hash, newest.bytes, Keep::Nobody))
}

#[cfg(test)]
mod tests;
