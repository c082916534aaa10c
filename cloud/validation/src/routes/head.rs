//! What a gate should hold: the one thing it polls.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::problem::ProblemDocument;
use countermark_shared::wire::paths;

use super::answer::{self, Keep};
use crate::error::Error;
use crate::head;
use crate::session::Gate;
use crate::state::State;

/// The gate's newest head, good for a quarter of an hour: the same one for five seconds, unless something has changed.
#[utoipa::path(
    get,
    path = paths::HEAD,
    operation_id = "read_head",
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(state: State, gate: Gate) -> Result<Response, Error> {
    Ok(answer::document(head::newest(&state, &gate).await?, Keep::Nobody))
}
