//! Which events have a document here, and the documents as they came.

use countermark_shared::documents::DocumentHash;
use countermark_shared::id::EventId;
use sqlx::PgConnection;

use crate::error::Error;

/// At most `limit` events after the event `after`, by number.
pub(crate) async fn page(
    connection: &mut PgConnection,
    after: Option<EventId>,
    limit: u16,
) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!(
        "SELECT DISTINCT event FROM event_documents WHERE event > $1 ORDER BY event LIMIT $2",
        after.map_or(-1, |event| i64::from(event.0)),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    events
        .into_iter()
        .map(|event| u32::try_from(event).map(EventId).map_err(|_| Error::Corrupt { column: "event_documents.event" }))
        .collect()
}

/// The document of that name, as it was received.
pub(crate) async fn bytes(connection: &mut PgConnection, hash: DocumentHash) -> Result<Option<Vec<u8>>, Error> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM event_documents WHERE hash = $1", &hash.0[..])
        .fetch_optional(connection)
        .await?;
    Ok(bytes)
}
