//! Table `tickets`.

use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot};
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{InvalidRow, number};
use crate::error::Error;

const TABLE: &str = "tickets";

/// A ticket that has the issuer's signature, and perhaps the authority's.
pub(crate) struct StoredTicket {
    pub(crate) id: Uuid,
    pub(crate) number: u16,
    pub(crate) body: TicketBody,
    pub(crate) issuer: Signature,
    pub(crate) authority: Option<Signature>,
    pub(crate) revoked_at: Option<Timestamp>,
}

impl StoredTicket {
    /// The whole ticket, once it has both signatures.
    pub(crate) fn complete(&self) -> Option<UnverifiedTicket> {
        Some(UnverifiedTicket::new(self.body.clone(), self.issuer, self.authority?))
    }
}

struct Row {
    id: Uuid,
    number: i16,
    body: Vec<u8>,
    issuer_signature: Vec<u8>,
    authority_signature: Option<Vec<u8>>,
    revoked_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for StoredTicket {
    type Error = InvalidRow;

    fn try_from(row: Row) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.id,
            number: number(row.number, TABLE, "number")?,
            body: TicketBody::from_bytes(&row.body).map_err(|_| InvalidRow::of(TABLE, "body")())?,
            issuer: signature(row.issuer_signature)?,
            authority: row.authority_signature.map(signature).transpose()?,
            revoked_at: row.revoked_at.map(Timestamp::from),
        })
    }
}

fn signature(bytes: Vec<u8>) -> Result<Signature, InvalidRow> {
    let bytes: [u8; 64] = bytes.try_into().map_err(|_| InvalidRow::of(TABLE, "signature")())?;
    Ok(Signature::from_bytes(&bytes))
}

/// Stores a body with the issuer's signature.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    order: OrderId,
    id: Uuid,
    place: u16,
    body: &TicketBody,
    issuer: Signature,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO tickets (id, order_id, number, event, slot, generation, body, issuer_signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        order.0,
        number::<i16, _>(place, TABLE, "number")?,
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        &body.to_bytes()[..],
        &issuer.to_bytes()[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The tickets of an order, by number.
pub(crate) async fn of_order(connection: &mut PgConnection, order: OrderId) -> Result<Vec<StoredTicket>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, number, body, issuer_signature, authority_signature, revoked_at
         FROM tickets WHERE order_id = $1 ORDER BY number",
        order.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(StoredTicket::try_from).collect::<Result<_, _>>()?)
}

/// A ticket of an issued order, if it is this account's.
pub(crate) async fn of_account(
    connection: &mut PgConnection,
    ticket: Uuid,
    account: AccountId,
) -> Result<Option<StoredTicket>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT t.id, t.number, t.body, t.issuer_signature, t.authority_signature, t.revoked_at
         FROM tickets t JOIN orders o ON o.id = t.order_id
         WHERE t.id = $1 AND o.account = $2 AND o.state = 'issued'",
        ticket,
        account.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredTicket::try_from).transpose()?)
}

/// Stores the authority's signature, once.
pub(crate) async fn authorise(connection: &mut PgConnection, ticket: Uuid, authority: Signature) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE tickets SET authority_signature = $2 WHERE id = $1 AND authority_signature IS NULL",
        ticket,
        &authority.to_bytes()[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a body that auth will never sign because another ticket has its slot.
pub(crate) async fn discard_unauthorised(connection: &mut PgConnection, ticket: Uuid) -> Result<(), Error> {
    sqlx::query!("DELETE FROM tickets WHERE id = $1 AND authority_signature IS NULL", ticket)
        .execute(connection)
        .await?;
    Ok(())
}

/// Revokes what was authorised of an order; the answer is what there is to report.
pub(crate) async fn revoke_order(
    connection: &mut PgConnection,
    order: OrderId,
    now: Timestamp,
) -> Result<Vec<(EventId, Slot, Generation)>, Error> {
    let rows = sqlx::query!(
        "UPDATE tickets SET revoked_at = coalesce(revoked_at, $2) WHERE order_id = $1 RETURNING event, slot, generation",
        order.0,
        OffsetDateTime::from(now),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| seat(row.event, row.slot, row.generation)).collect()
}

/// Revokes the newest ticket of a seat that was issued; nothing when there is none.
pub(crate) async fn revoke_slot(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    now: Timestamp,
) -> Result<Option<Generation>, Error> {
    let generation = sqlx::query_scalar!(
        "UPDATE tickets SET revoked_at = coalesce(revoked_at, $3)
         WHERE id = (
             SELECT id FROM tickets WHERE event = $1 AND slot = $2 AND authority_signature IS NOT NULL
             ORDER BY generation DESC LIMIT 1 FOR UPDATE
         ) RETURNING generation",
        i64::from(event.0),
        i64::from(slot.0),
        OffsetDateTime::from(now),
    )
    .fetch_optional(connection)
    .await?;
    Ok(generation.map(|generation| number(generation, TABLE, "generation").map(Generation)).transpose()?)
}

fn seat(event: i64, slot: i64, generation: i16) -> Result<(EventId, Slot, Generation), Error> {
    Ok((
        EventId(number(event, TABLE, "event")?),
        Slot(number(slot, TABLE, "slot")?),
        Generation(number(generation, TABLE, "generation")?),
    ))
}
