//! Admin brings an organiser's document.

use countermark_service::contract::{EventDocumentPushed, PushEventDocument, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;

use crate::error::Error;
use crate::state::State;
use crate::store::{finding_marks, gates};
use crate::{assignment, secrets};

/// Verifies the document by this service's own trust. With it the event's gates are assigned for as long as it says, and what their
/// tickets seal; and who passed is held against its rules.
#[utoipa::path(
    post,
    path = paths::EVENT_DOCUMENTS,
    operation_id = "push_event_document",
    request_body = PushEventDocument,
    responses(
        (status = 200, description = "It is in force, or was already.", body = EventDocumentPushed),
        (status = 422, description = "`document-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn push(
    state: State,
    Json(PushEventDocument { document }): Json<PushEventDocument>,
) -> Result<Json<EventDocumentPushed>, Error> {
    let (bundle, now) = (state.trust.bundle.document(), state.clock.now());
    let (state, document) = (&state, &document.0);
    let pushed = transaction(&state.pool, "take an event document", |mut transaction| {
        Box::pin(async move {
            let accepted = event_documents::accept(&mut transaction, document, bundle, now).await?;
            let (event, version, hash) = (accepted.document().event, accepted.document().version, accepted.hash());
            for gate in gates::of_event(&mut transaction, event).await? {
                let gate = gates::lock(&mut transaction, gate).await?.ok_or(Error::GateUnknown)?;
                assignment::revise(state, &mut transaction, &gate, &[]).await?;
                secrets::ask(&mut transaction, gate.gate, &format!("event-document-{hash}"), now).await?;
            }
            finding_marks::event(&mut transaction, event).await?;
            Ok::<_, Error>(EventDocumentPushed { event, version, hash })
        })
    })
    .await?;
    state.outbox.poke();
    Ok(Json(pushed))
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::push_event_document;
    use countermark_service::service_name::ServiceName;
    use countermark_shared::wire::Base64;

    use super::*;
    use crate::testing::{self, Bench};

    #[tokio::test]
    async fn a_document_is_taken_once_and_never_goes_back() {
        let bench = Bench::new().await;
        let admin = bench.client(ServiceName::Admin);
        let pushed = async |version, organiser: u8| {
            let document = Base64(testing::event_document(version, &testing::key(organiser)));
            push_event_document(&admin, &PushEventDocument { document }).await
        };
        let second = pushed(2, 4).await.unwrap();
        assert_eq!((second.event, second.version), (testing::EVENT, 2));
        assert_eq!(pushed(2, 4).await.unwrap(), second);
        assert_eq!(pushed(1, 4).await.unwrap_err().slug(), Some("document-refused"));
        assert_eq!(pushed(3, 66).await.unwrap_err().slug(), Some("document-refused"));
    }
}
