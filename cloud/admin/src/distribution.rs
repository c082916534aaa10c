//! Bringing event documents to the services that need them. Owns who they are and what has reached them; refuses to know what they
//! do with a document: each verifies it by itself.

use countermark_service::contract::{PushEventDocument, push_event_document};
use countermark_service::event_documents;
use countermark_service::outbox::{self, EnqueueError, Entry, PendingEntry, Retry, Worker};
use countermark_service::service_call::ServiceClient;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::DocumentHash;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::state::State;

/// The services that check tickets, grants or orders against the document.
const TARGETS: [ServiceName; 3] = [ServiceName::Auth, ServiceName::Tickets, ServiceName::Validation];

/// What the outbox calls a push.
const PUSH: &str = "push-event-document";

#[derive(Serialize, Deserialize)]
struct Push {
    target: ServiceName,
    document: DocumentHash,
}

/// Whether a document has reached a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reach {
    /// The service.
    pub(crate) service: ServiceName,
    /// Whether it has confirmed the document.
    pub(crate) reached: bool,
    /// How often bringing it failed.
    pub(crate) failures: u32,
    /// Why it failed last.
    pub(crate) last_error: Option<String>,
}

/// Has the document brought to every target. Within the transaction that accepts it; poke the outbox after the commit.
pub(crate) async fn enqueue(
    connection: &mut PgConnection,
    document: DocumentHash,
    now: Timestamp,
) -> Result<(), EnqueueError> {
    for target in TARGETS {
        outbox::enqueue(connection, PUSH, &key(target, document), &Push { target, document }, now).await?;
    }
    Ok(())
}

/// Which targets the document has reached, by what is still pending.
pub(crate) fn reach(document: DocumentHash, pending: &[PendingEntry]) -> Vec<Reach> {
    let reach_of = |service| {
        let key = key(service, document);
        let entry = pending.iter().find(|entry| entry.kind == PUSH && entry.key == key);
        Reach {
            service,
            reached: entry.is_none(),
            failures: entry.map_or(0, |entry| entry.attempts),
            last_error: entry.and_then(|entry| entry.last_error.clone()),
        }
    };
    TARGETS.map(reach_of).to_vec()
}

/// The worker that brings them.
pub(crate) fn worker(state: State) -> Worker {
    let State { pool, clock, randomness, outbox, .. } = state.clone();
    Worker::new(outbox, pool, clock, randomness, &[PUSH], move |entry| {
        let state = state.clone();
        async move { carry_out(&state, &entry).await }
    })
}

async fn carry_out(state: &State, entry: &Entry) -> Result<(), Retry> {
    let Push { target, document } = entry.payload()?;
    let now = state.clock.now();
    let mut connection = state.pool.acquire().await?;
    let bundle = state.bundle.document();
    let document = event_documents::by_hash(&mut connection, document, bundle, now)
        .await?
        .ok_or_else(|| Retry::because("the document is not stored here"))?;
    let in_force = event_documents::in_force(&mut connection, document.document().event, bundle, now).await?;
    drop(connection);
    // A newer one is on its way, which the target may have: it would refuse this one for ever.
    if in_force.is_some_and(|newest| newest.hash() != document.hash()) {
        return Ok(());
    }
    let request = PushEventDocument { document: Base64(document.bytes().to_vec()) };
    let target = client(state, target).ok_or_else(|| Retry::because("admin has the document already"))?;
    push_event_document(target, &request).await?;
    Ok(())
}

fn client(state: &State, target: ServiceName) -> Option<&ServiceClient> {
    match target {
        ServiceName::Auth => Some(&state.auth),
        ServiceName::Tickets => Some(&state.tickets.0),
        ServiceName::Validation => Some(&state.validation.0),
        ServiceName::Admin => None,
    }
}

fn key(target: ServiceName, document: DocumentHash) -> String {
    format!("{target}/{document}")
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::paths;
    use serde_json::json;

    use super::*;
    use crate::testing::{self, Bench, EVENT};

    async fn publish(bench: &Bench, version: u32) -> Vec<u8> {
        let bytes = testing::event_document(version, &testing::key(4));
        let request = PushEventDocument { document: Base64(bytes.clone()) };
        let answer = bench.post("/v1/event-documents", &request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        bytes
    }

    async fn reach_of(bench: &Bench) -> Vec<Reach> {
        let event: serde_json::Value = bench.get("/v1/events/7").await.json();
        serde_json::from_value(event["reach"].clone()).unwrap()
    }

    fn accepts(bench: &mut Bench) {
        let pushed = json!({ "event": EVENT, "version": 1, "hash": "0".repeat(64) });
        for neighbour in bench.neighbours() {
            neighbour.answers(paths::EVENT_DOCUMENTS, StatusCode::OK, pushed.clone());
        }
    }

    #[tokio::test]
    async fn a_document_reaches_every_service_as_it_was_signed() {
        let mut bench = Bench::new().await;
        accepts(&mut bench);
        let bytes = publish(&bench, 1).await;
        publish(&bench, 1).await;
        assert!(reach_of(&bench).await.iter().all(|reach| !reach.reached));
        let work = bench.work();
        for neighbour in bench.neighbours() {
            let (path, body) = neighbour.called().await;
            assert_eq!(path, paths::EVENT_DOCUMENTS);
            let request: PushEventDocument = serde_json::from_value(body).unwrap();
            assert_eq!(request.document.0, bytes);
        }
        work.finish().await;
        let reached = |service| Reach { service, reached: true, failures: 0, last_error: None };
        assert_eq!(reach_of(&bench).await, TARGETS.map(reached));
        for neighbour in bench.neighbours() {
            assert!(neighbour.is_quiet(), "the same document was brought twice");
        }
    }

    #[tokio::test]
    async fn a_service_that_is_down_gets_it_later_and_the_administrator_sees_why() {
        let mut bench = Bench::new().await;
        accepts(&mut bench);
        bench.tickets.answers(
            paths::EVENT_DOCUMENTS,
            StatusCode::SERVICE_UNAVAILABLE,
            testing::problem(503, "unavailable"),
        );
        publish(&bench, 1).await;
        let work = bench.work();
        for neighbour in bench.neighbours() {
            neighbour.called().await;
        }
        work.finish().await;
        let reach = reach_of(&bench).await;
        assert_eq!(reach.iter().map(|reach| reach.reached).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(reach[1].failures, 1);
        assert!(reach[1].last_error.as_deref().unwrap().contains("tickets refused"), "{reach:?}");

        accepts(&mut bench);
        bench.clock.advance(std::time::Duration::from_mins(1));
        let work = bench.work();
        bench.tickets.called().await;
        work.finish().await;
        assert!(reach_of(&bench).await.iter().all(|reach| reach.reached));
    }

    #[tokio::test]
    async fn a_document_that_was_replaced_on_its_way_is_not_brought_any_more() {
        let mut bench = Bench::new().await;
        accepts(&mut bench);
        publish(&bench, 1).await;
        let newest = publish(&bench, 2).await;
        let work = bench.work();
        for neighbour in bench.neighbours() {
            let (_, body) = neighbour.called().await;
            let request: PushEventDocument = serde_json::from_value(body).unwrap();
            assert_eq!(request.document.0, newest);
        }
        work.finish().await;
        assert!(bench.pending().await.is_empty());
    }
}
