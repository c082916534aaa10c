//! The organisers' documents, as admin brings them.

use countermark_service::contract::{EventDocumentPushed, PushEventDocument, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;

use crate::error::Error;
use crate::state::State;

/// Brings an event document. Auth verifies the organiser's signature by itself; grants are made under the newest.
///
/// Problem: `document-refused`.
#[utoipa::path(
    post,
    path = paths::EVENT_DOCUMENTS,
    operation_id = "push_event_document",
    request_body = PushEventDocument,
    responses(
        (status = 200, description = "In force.", body = EventDocumentPushed),
        (status = 422, description = "Refused.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn push(
    state: State,
    Json(PushEventDocument { document }): Json<PushEventDocument>,
) -> Result<Json<EventDocumentPushed>, Error> {
    Ok(Json(event_documents::take(&state.pool, &document.0, &state.bundle, state.clock.now()).await?))
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::push_event_document;
    use countermark_service::service_name::ServiceName;
    use countermark_shared::documents::{EventDocument, Signed};
    use countermark_shared::wire::Base64;

    use super::*;
    use crate::testing::{Auth, event, sealed, terms};

    #[tokio::test]
    async fn only_what_the_organiser_signed_is_taken_and_never_an_older_one() {
        let auth = Auth::without_event().await;
        let admin = auth.client(ServiceName::Admin).await;
        let push = async |bytes| push_event_document(&admin, &PushEventDocument { document: Base64(bytes) }).await;
        for _ in 0..2 {
            let pushed = push(sealed(&event())).await.unwrap();
            assert_eq!((pushed.event, pushed.version, pushed.hash), (event().event, 1, terms().document));
        }
        let second = EventDocument { version: 2, ..event() };
        assert_eq!(push(sealed(&second)).await.unwrap().version, 2);
        let third = EventDocument { version: 3, ..event() };
        let stranger = countermark_shared::keys::SigningKey::from_seed(&zeroize::Zeroizing::new([77; 32]));
        let forged = Signed::seal(&third, &[&stranger]).unwrap();
        for bytes in [sealed(&event()), forged, Vec::new()] {
            assert_eq!(push(bytes).await.unwrap_err().slug(), Some("document-refused"));
        }
    }
}
