//! What a gate should hold: the one thing it polls.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::problem::ProblemDocument;
use countermark_shared::wire::paths;

use super::answer::{Held, Keep};
use crate::error::Error;
use crate::head;
use crate::session::Gate;
use crate::state::State;

/// The gate's newest head, good for a quarter of an hour: the same one for a minute, unless something has changed.
#[utoipa::path(
    get,
    path = paths::HEAD,
    operation_id = "read_head",
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
    let newest = head::newest(&state, &gate).await?;
    Ok(held.answer(newest.hash(), newest.bytes().to_vec(), Keep::Nobody))
}
