//! Table `tickets`, as the guest list reads it: sealed issues in the order in which they became their owners'.

use countermark_shared::id::{EventId, OrderId};
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{HalfTicket, TicketBody};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::GuestCursor;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::InvalidRow;
use crate::error::Error;

const TABLE: &str = "tickets";

/// An issue that somebody has, or had.
pub(crate) struct Issued {
    pub(crate) at: Timestamp,
    pub(crate) order: OrderId,
    pub(crate) half: HalfTicket,
}

/// At most `limit` sealed issues of an event after one, in order.
pub(crate) async fn after(
    connection: &mut PgConnection,
    event: EventId,
    after: GuestCursor,
    limit: usize,
) -> Result<Vec<Issued>, Error> {
    let rows = sqlx::query!(
        r#"SELECT order_id, issued_at AS "issued_at!", body AS "body!", issuer_signature AS "issuer_signature!" FROM tickets
           WHERE event = $1 AND octet_length(body) IN (108, 141) AND (issued_at, slot, generation) > ($2, $3, $4)
           ORDER BY issued_at, slot, generation LIMIT $5"#,
        i64::from(event.0),
        OffsetDateTime::from(after.issued),
        i64::from(after.slot.0),
        i16::from(after.generation.0),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let body = TicketBody::from_bytes(&row.body).map_err(|_| InvalidRow::of(TABLE, "body")())?;
            let issuer = row.issuer_signature.try_into().map_err(|_| InvalidRow::of(TABLE, "issuer_signature")())?;
            let half = HalfTicket::new(body, Signature::from_bytes(&issuer));
            let half = half.ok_or_else(InvalidRow::of(TABLE, "body"))?;
            Ok(Issued { at: row.issued_at.into(), order: OrderId(row.order_id), half })
        })
        .collect()
}
