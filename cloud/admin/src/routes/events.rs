//! Events as published, and how far their documents have come.

use countermark_service::event_documents;
use countermark_service::extract::{Json, Path, Query};
use countermark_service::outbox::{self, PendingEntry};
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::{DocumentHash, EventDocument};
use countermark_shared::id::EventId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::distribution::{Reach, reach};
use crate::error::Error;
use crate::state::State;
use crate::store::events;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PublishedEvent {
    /// The document in force.
    document: EventDocument,
    /// Its name.
    hash: DocumentHash,
    /// Which services it has reached.
    reach: Vec<Reach>,
}

/// Some of the events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventPage {
    /// By number.
    events: Vec<PublishedEvent>,
    /// Ask for the events after this one; nothing when there are no more.
    next: Option<EventId>,
}

/// Which events.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventQuery {
    /// Those after this one.
    after: Option<EventId>,
    /// How many at most, 1 to 200; 50 unless said.
    limit: Option<u16>,
}

/// The events, by number.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "list_events",
    params(EventQuery),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = 400, description = "`invalid-request`: a page has 1 to 200 entries", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(state: State, Query(query): Query<EventQuery>) -> Result<Json<EventPage>, Error> {
    let limit = page::limit(query.limit)?;
    let mut connection = state.pool.acquire().await?;
    let numbers = events::page(&mut connection, query.after, limit).await?;
    let pending = outbox::pending(&mut connection).await?;
    let next = numbers.last().copied().filter(|_| numbers.len() == usize::from(limit));
    let mut events = Vec::with_capacity(numbers.len());
    for event in numbers {
        events.extend(published(&state, &mut connection, event, &pending).await?);
    }
    Ok(Json(EventPage { events, next }))
}

/// One event.
#[utoipa::path(
    get,
    path = "/v1/events/{event}",
    operation_id = "read_event",
    params(("event" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "The event.", body = PublishedEvent),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn event(state: State, Path(event): Path<EventId>) -> Result<Json<PublishedEvent>, Error> {
    let mut connection = state.pool.acquire().await?;
    let pending = outbox::pending(&mut connection).await?;
    published(&state, &mut connection, event, &pending).await?.map(Json).ok_or(Error::EventUnknown)
}

async fn published(
    state: &State,
    connection: &mut PgConnection,
    event: EventId,
    pending: &[PendingEntry],
) -> Result<Option<PublishedEvent>, Error> {
    let in_force = event_documents::in_force(connection, event, state.bundle.document(), state.clock.now()).await?;
    Ok(in_force.map(|document| PublishedEvent {
        hash: document.hash(),
        reach: reach(document.hash(), pending),
        document: document.into_document(),
    }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::PushEventDocument;
    use countermark_shared::wire::Base64;

    use super::*;
    use crate::testing::{self, Bench};

    #[tokio::test]
    async fn events_come_in_pages() {
        let bench = Bench::new().await;
        let empty: EventPage = bench.get("/v1/events").await.json();
        assert_eq!(empty, EventPage { events: vec![], next: None });
        for event in [9, 7, 8] {
            let document = Base64(testing::document_of(EventId(event), 1, &testing::key(4)));
            let answer = bench.post("/v1/event-documents", &PushEventDocument { document }).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        }
        let numbers = |page: &EventPage| page.events.iter().map(|it| it.document.event.0).collect::<Vec<_>>();
        let first: EventPage = bench.get("/v1/events?limit=2").await.json();
        assert_eq!((numbers(&first), first.next), (vec![7, 8], Some(EventId(8))));
        let second: EventPage = bench.get("/v1/events?limit=2&after=8").await.json();
        assert_eq!((numbers(&second), second.next), (vec![9], None));
        for query in ["limit=0", "limit=201", "limit=x", "page=2"] {
            let answer = bench.get(&format!("/v1/events?{query}")).await;
            answer.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
    }
}
