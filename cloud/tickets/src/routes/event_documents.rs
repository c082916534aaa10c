//! Taking an event document from admin.

use countermark_service::contract::{EventDocumentPushed, PushEventDocument, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;

use crate::error::Error;
use crate::state::State;

/// Takes an organiser-signed event document, if it holds by itself and is not older than the one in force.
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
pub(super) async fn push(
    state: State,
    Json(PushEventDocument { document }): Json<PushEventDocument>,
) -> Result<Json<EventDocumentPushed>, Error> {
    Ok(Json(event_documents::take(&state.pool, &document.0, &state.bundle, state.clock.now()).await?))
}
