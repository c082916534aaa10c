//! An organiser's document is published.

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::contract::{EventDocumentPushed, PushEventDocument};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Authentic, EventDocument};
use serde_json::json;

use crate::distribution;
use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record};
use crate::state::State;

/// Takes the document into force and has it brought to auth, tickets and validation. The same document again is well.
#[utoipa::path(
    post,
    path = "/v1/event-documents",
    operation_id = "publish_event_document",
    request_body = PushEventDocument,
    responses(
        (status = 201, description = "In force here, and on its way to the others.", body = EventDocumentPushed),
        (status = 422, description = "`document-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn publish(
    state: State,
    caller: Caller,
    Json(request): Json<PushEventDocument>,
) -> Result<(StatusCode, Json<EventDocumentPushed>), Error> {
    let bytes = request.document.0;
    let intent = intent(&state, &bytes);
    let acting = state.clone();
    let pushed = on_record(&state, caller, intent, async move {
        let accepted = accept(&acting, &bytes).await?;
        acting.outbox.poke();
        let document = accepted.document();
        let pushed = EventDocumentPushed { event: document.event, version: document.version, hash: accepted.hash() };
        Ok(Done { detail: json!({ "hash": pushed.hash }), answer: pushed })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(pushed)))
}

/// What the record says of a document before it is taken: what it says of itself, if an organiser signed it.
fn intent(state: &State, bytes: &[u8]) -> Intent {
    let offered = EventDocument::accept(bytes, state.bundle.document(), None, state.clock.now());
    let (subject, detail) = match offered {
        Ok(offered) => (
            format!("event {}", offered.document().event),
            json!({ "version": offered.document().version, "hash": offered.hash() }),
        ),
        Err(refusal) => ("a document that is not believed".to_owned(), json!({ "why": refusal.to_string() })),
    };
    Intent { act: Act::PublishEventDocument, subject, detail }
}

async fn accept(state: &State, bytes: &[u8]) -> Result<Authentic<EventDocument>, Error> {
    let now = state.clock.now();
    let bundle = state.bundle.document();
    transaction(&state.pool, "publish an event document", |mut transaction| {
        Box::pin(async move {
            let accepted = event_documents::accept(&mut transaction, bytes, bundle, now).await?;
            distribution::enqueue(&mut transaction, accepted.hash(), now).await?;
            Ok(accepted)
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use countermark_shared::wire::Base64;
    use serde_json::Value;

    use super::*;
    use crate::record::Outcome;
    use crate::testing::{self, Bench};

    #[tokio::test]
    async fn a_document_that_no_organiser_signed_is_refused_on_the_record() {
        let bench = Bench::new().await;
        for document in [testing::event_document(1, &testing::key(66)), b"no document".to_vec(), Vec::new()] {
            let request = PushEventDocument { document: Base64(document) };
            let answer = bench.post("/v1/event-documents", &request).await;
            answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "document-refused");
        }
        assert!(bench.pending().await.is_empty());
        bench.get("/v1/events/7").await.is_problem(StatusCode::NOT_FOUND, "event-unknown");
        let log = bench.log().await;
        assert_eq!(log.len(), 6);
        assert_eq!(log[1].outcome, Outcome::Refused);
        assert_eq!(log[1].subject, "a document that is not believed");
        assert!(log[1].detail["why"].as_str().unwrap().contains("not signed by any key"), "{log:?}");
    }

    #[tokio::test]
    async fn an_older_version_does_not_come_back() {
        let bench = Bench::new().await;
        let publish = async |version| {
            let document = Base64(testing::event_document(version, &testing::key(4)));
            bench.post("/v1/event-documents", &PushEventDocument { document }).await
        };
        let pushed: EventDocumentPushed = publish(2).await.json();
        publish(1).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "document-refused");
        let event: Value = bench.get("/v1/events/7").await.json();
        assert_eq!((&event["hash"], &event["document"]["version"]), (&json!(pushed.hash), &json!(2)));
        let log = bench.log().await;
        let said: Vec<_> = log.iter().map(|entry| (entry.subject.as_str(), entry.outcome, entry.intent)).collect();
        assert_eq!(
            said,
            [
                ("event 7", Outcome::Intended, None),
                ("event 7", Outcome::Done, Some(log[0].entry)),
                ("event 7", Outcome::Intended, None),
                ("event 7", Outcome::Refused, Some(log[2].entry)),
            ]
        );
        assert_eq!(log[0].detail, json!({ "version": 2, "hash": pushed.hash }));
        assert!(log.iter().all(|entry| entry.account == Bench::administrator().account));
    }
}
