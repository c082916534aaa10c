//! Whom to believe: the newest trust bundle, and the way to it from one set of roots to the next.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::extract::Path;
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::{DocumentKind, DocumentSet};
use countermark_shared::wire::paths;

use super::answer::{self, Held, Keep};
use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::bundles;

/// The newest trust bundle, for a gate that has none: it knows its roots by its enrolment code.
#[utoipa::path(
    get,
    path = paths::BUNDLE,
    operation_id = "read_trust_bundle",
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
    )
)]
pub(crate) async fn newest(state: State, _: Gate, held: Held) -> Response {
    let bundle = &state.trust.bundle;
    held.answer(bundle.hash(), bundle.bytes().to_vec(), Keep::Nobody)
}

/// The trust bundles after that version which changed the roots, in order, and the newest, as one set of documents. A gate whose
/// enrolment code is older than the roots of today asks for those after 0.
#[utoipa::path(
    get,
    path = paths::BUNDLES,
    operation_id = "read_trust_bundles",
    params(("version" = u32, Path, description = "The version that the gate holds")),
    responses(
        (
            status = 200,
            description = "The signed documents, each with its kind; none where there is nothing newer.",
            body = inline(Binary),
            content_type = "application/cbor"
        ),
        (status = 400, description = "`invalid-request`: no version", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn after(state: State, _: Gate, Path(version): Path<u32>) -> Result<Response, Error> {
    let bundles = bundles::steps_after(&mut *state.pool.acquire().await?, version).await?;
    let set = DocumentSet::of(bundles.iter().map(|bundle| (DocumentKind::TrustBundle, bundle.as_slice())));
    Ok(answer::document(set.encode(), Keep::Nobody))
}

#[cfg(test)]
mod tests;
