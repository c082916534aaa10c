//! Table `authorisations`: append-only.

use countermark_service::transaction::violated;
use countermark_shared::id::OrderId;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::error::Error;

/// What was signed for a seat's issue.
#[derive(PartialEq, Eq)]
pub(crate) struct Authorisation {
    pub(crate) order: OrderId,
    pub(crate) body: Vec<u8>,
}

/// What was signed for the seat's issue that a body names.
pub(crate) async fn find(
    connection: &mut PgConnection,
    body: &TicketBody,
) -> Result<Option<Authorisation>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT order_id, body FROM authorisations WHERE event = $1 AND slot = $2 AND generation = $3",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Authorisation { order: OrderId(row.order_id), body: row.body }))
}

/// Writes down what is about to be signed. [`Error::SlotTaken`] when another order was faster.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    order: OrderId,
    body: &TicketBody,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO authorisations (event, slot, generation, order_id, body, authorised_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        order.0,
        &body.to_bytes()[..],
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await
    .map_err(|error| match violated(&error) {
        Some("authorisations_seat") => Error::SlotTaken,
        _ => error.into(),
    })?;
    Ok(())
}
