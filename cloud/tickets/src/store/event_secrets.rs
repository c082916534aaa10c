//! Table `event_secrets`.

use std::collections::BTreeSet;

use countermark_shared::id::{EventId, SealingGeneration};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::number;
use crate::error::Error;

/// Stores a sealed secret, unless the event has one of that generation.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    event: EventId,
    generation: SealingGeneration,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO event_secrets (event, generation, sealed, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (event, generation) DO NOTHING",
        i64::from(event.0),
        i16::from(generation.0),
        sealed,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The events whose oldest secret is of that generation or a later one.
pub(crate) async fn since(
    connection: &mut PgConnection,
    generation: SealingGeneration,
) -> Result<BTreeSet<EventId>, Error> {
    let events = sqlx::query_scalar!(
        "SELECT event FROM event_secrets GROUP BY event HAVING min(generation) >= $1",
        i16::from(generation.0),
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| Ok(EventId(number(event, "event_secrets", "event")?))).collect()
}

/// The sealed secrets of an event, by generation.
pub(crate) async fn of_event(
    connection: &mut PgConnection,
    event: EventId,
) -> Result<Vec<(SealingGeneration, Vec<u8>)>, Error> {
    let rows = sqlx::query!(
        "SELECT generation, sealed FROM event_secrets WHERE event = $1 ORDER BY generation",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok((SealingGeneration(number(row.generation, "event_secrets", "generation")?), row.sealed)))
        .collect()
}
