//! Table `recovered_issues`: append-only. What auth signed for grants and transfers that it has lost.

use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::error::Error;

/// The body that was signed for an issue, if it is one of these.
pub(crate) async fn find(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    generation: Generation,
) -> Result<Option<Vec<u8>>, Error> {
    let body = sqlx::query_scalar!(
        "SELECT body FROM recovered_issues WHERE event = $1 AND slot = $2 AND generation = $3",
        i64::from(event.0),
        i64::from(slot.0),
        i16::from(generation.0),
    )
    .fetch_optional(connection)
    .await?;
    Ok(body)
}

/// Writes down what was signed for an issue.
pub(crate) async fn insert(connection: &mut PgConnection, body: &TicketBody, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO recovered_issues (event, slot, generation, product, places, body, recovered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        i32::from(body.product.0),
        i16::from(body.places.get()),
        &body.to_bytes()[..],
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}
