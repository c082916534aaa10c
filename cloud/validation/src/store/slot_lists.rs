//! Slot lists as published.

use countermark_shared::documents::{Authentic, Document, DocumentHash, SlotList};
use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// The newest list of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Last {
    pub(crate) sequence: u64,
    pub(crate) issued: Timestamp,
    pub(crate) hash: DocumentHash,
}

/// The events for which a list may be due: a seat has changed, or a gate was heard of after `listening` and no list was issued
/// after `stale`.
pub(crate) async fn due(
    connection: &mut PgConnection,
    listening: Timestamp,
    stale: Timestamp,
) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!(
        r#"SELECT DISTINCT event AS "event!" FROM seat_changes
           UNION
           SELECT DISTINCT event FROM gates
           WHERE last_seen > $1
             AND NOT EXISTS (SELECT FROM slot_lists WHERE slot_lists.event = gates.event AND slot_lists.issued_at > $2)"#,
        OffsetDateTime::from(listening),
        OffsetDateTime::from(stale),
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| column::number(event, "event").map(EventId)).collect()
}

/// Whether this transaction alone may publish the event's list until it ends.
pub(crate) async fn try_lock(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let locked = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtext('slot_lists'), $1) AS "locked!""#,
        event.0.cast_signed(),
    )
    .fetch_one(connection)
    .await?;
    Ok(locked)
}

/// The newest list.
pub(crate) async fn last(connection: &mut PgConnection, event: EventId) -> Result<Option<Last>, Error> {
    let row = sqlx::query!(
        "SELECT sequence, issued_at, hash FROM slot_lists WHERE event = $1 ORDER BY sequence DESC LIMIT 1",
        i64::from(event.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Last {
            sequence: column::number(row.sequence, "slot_lists.sequence")?,
            issued: row.issued_at.into(),
            hash: DocumentHash(column::bytes(row.hash, "slot_lists.hash")?),
        })
    })
    .transpose()
}

/// The bytes of a list.
pub(crate) async fn bytes(
    connection: &mut PgConnection,
    event: EventId,
    sequence: u64,
) -> Result<Option<Vec<u8>>, Error> {
    let bytes = sqlx::query_scalar!(
        "SELECT bytes FROM slot_lists WHERE event = $1 AND sequence = $2",
        i64::from(event.0),
        sequence.cast_signed(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(bytes)
}

/// Stores a list.
pub(crate) async fn insert(connection: &mut PgConnection, list: &Authentic<SlotList>) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO slot_lists (event, sequence, issued_at, hash, bytes) VALUES ($1, $2, $3, $4, $5)",
        i64::from(list.document().event().0),
        list.document().revision().sequence.cast_signed(),
        OffsetDateTime::from(list.document().issued()),
        &list.hash().0[..],
        list.bytes(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the lists up to `sequence`.
pub(crate) async fn prune(connection: &mut PgConnection, event: EventId, sequence: u64) -> Result<(), Error> {
    sqlx::query!(
        "DELETE FROM slot_lists WHERE event = $1 AND sequence <= $2",
        i64::from(event.0),
        sequence.cast_signed(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
