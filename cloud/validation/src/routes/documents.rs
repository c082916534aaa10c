//! Documents by their name, for whoever knows it: 256 bits that nobody guesses. No caller is asked for, so that any cache may serve them.

use axum::response::Response;
use countermark_service::api::Binary;
use countermark_service::event_documents::{self, EventDocumentError};
use countermark_service::extract::Path;
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::DocumentHash;
use countermark_shared::wire::paths;
use sqlx::PgConnection;

use super::answer::{Held, Keep};
use crate::error::Error;
use crate::state::State;
use crate::store::bundles;

/// A trust bundle or an event document. What it says is for ever the same; a trust bundle may gain signatures.
#[utoipa::path(
    get,
    path = paths::DOCUMENT,
    operation_id = "read_document",
    params(("hash" = DocumentHash, Path, description = "The document's name, as a head gives it"), Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
        (status = 400, description = "`invalid-request`: no hash", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(state: State, Path(hash): Path<DocumentHash>, held: Held) -> Result<Response, Error> {
    let named = named(&state, &mut *state.pool.acquire().await?, hash).await?;
    let (bytes, keep) = named.ok_or(Error::NotPublished { document: "document" })?;
    Ok(held.answer(hash, bytes, keep))
}

/// The document, and who may keep it for how long: roots may sign a bundle again, what an organiser signed is never replaced.
async fn named(
    state: &State,
    connection: &mut PgConnection,
    hash: DocumentHash,
) -> Result<Option<(Vec<u8>, Keep)>, Error> {
    if let Some(bundle) = bundles::by_hash(connection, hash).await? {
        return Ok(Some((bundle, Keep::ForAMinute)));
    }
    match event_documents::by_hash(connection, hash, state.trust.bundle.document(), state.clock.now()).await {
        Ok(document) => Ok(document.map(|document| (document.bytes().to_vec(), Keep::Anybody))),
        // Its organiser is not believed any more, and what they said is not passed on.
        Err(EventDocumentError::Refused(_)) => Ok(None),
        Err(error @ (EventDocumentError::OtherSignatures { .. } | EventDocumentError::Database(_))) => {
            Err(error.into())
        }
    }
}

#[cfg(test)]
mod tests;
