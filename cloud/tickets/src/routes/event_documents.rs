//! Taking an event document from admin.

use countermark_service::contract::{EventDocumentPushed, PushEventDocument, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Authentic, EventDocument};
use countermark_shared::id::SealingGeneration;

use crate::error::Error;
use crate::event_secrets;
use crate::state::State;

/// Takes an organiser-signed event document, if it holds by itself and is not older than the one in force. With the first that has
/// sealed tickets comes the secret that seals them.
#[utoipa::path(
    post,
    path = paths::EVENT_DOCUMENTS,
    request_body = PushEventDocument,
    operation_id = "push_event_document",
    responses(
        (status = 200, description = "It is in force, or was already.", body = EventDocumentPushed),
        (status = 422, description = "`document-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn push(
    state: State,
    Json(PushEventDocument { document }): Json<PushEventDocument>,
) -> Result<Json<EventDocumentPushed>, Error> {
    let accepted = take(&state, &document.0, event_secrets::FIRST).await?;
    let document = accepted.document();
    Ok(Json(EventDocumentPushed { event: document.event, version: document.version, hash: accepted.hash() }))
}

/// Takes the document, and with the first that has sealed tickets makes the event's secret, of that generation: both or neither.
pub(crate) async fn take(
    state: &State,
    bytes: &[u8],
    sealing: SealingGeneration,
) -> Result<Authentic<EventDocument>, Error> {
    let now = state.clock.now();
    transaction(&state.pool, "take an event document", |mut connection| {
        Box::pin(async move {
            let accepted = event_documents::accept(&mut connection, bytes, &state.bundle, now).await?;
            if event_secrets::are_needed(accepted.document()) {
                event_secrets::ensure(state, &mut connection, accepted.document().event, sealing).await?;
            }
            Ok(accepted)
        })
    })
    .await
}
