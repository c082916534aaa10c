//! Table `tickets`: a row for each issue of a seat, which has its slot first and its body later.

use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot, TransferId};
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{InvalidRow, number};
use crate::error::Error;

pub(super) const TABLE: &str = "tickets";

/// A ticket to be: it has its slot, and no body yet.
#[derive(Clone, Copy)]
pub(crate) struct Allotted {
    pub(crate) id: Uuid,
    pub(crate) number: u16,
    pub(crate) slot: Slot,
}

/// A ticket that has the issuer's signature, and perhaps the authority's.
#[derive(Clone)]
pub(crate) struct StoredTicket {
    pub(crate) id: Uuid,
    /// Whose it is.
    pub(crate) account: AccountId,
    /// The transfer that made it; none of the first issue of a seat.
    pub(crate) transfer: Option<TransferId>,
    pub(crate) body: TicketBody,
    pub(crate) issuer: Signature,
    pub(crate) authority: Option<Signature>,
    pub(crate) revoked_at: Option<Timestamp>,
    /// When the next issue of the seat replaced it.
    pub(crate) transferred_at: Option<Timestamp>,
}

impl StoredTicket {
    /// The whole ticket, once it has both signatures.
    pub(crate) fn complete(&self) -> Option<UnverifiedTicket> {
        Some(UnverifiedTicket::new(self.body.clone(), self.issuer, self.authority?))
    }
}

struct Row {
    id: Uuid,
    account: Uuid,
    transfer: Option<Uuid>,
    body: Vec<u8>,
    issuer_signature: Vec<u8>,
    authority_signature: Option<Vec<u8>>,
    revoked_at: Option<OffsetDateTime>,
    transferred_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for StoredTicket {
    type Error = InvalidRow;

    fn try_from(row: Row) -> Result<Self, InvalidRow> {
        Ok(Self {
            id: row.id,
            account: AccountId(row.account),
            transfer: row.transfer.map(TransferId),
            body: TicketBody::from_bytes(&row.body).map_err(|_| InvalidRow::of(TABLE, "body")())?,
            issuer: signature(row.issuer_signature)?,
            authority: row.authority_signature.map(signature).transpose()?,
            revoked_at: row.revoked_at.map(Timestamp::from),
            transferred_at: row.transferred_at.map(Timestamp::from),
        })
    }
}

pub(super) fn signature(bytes: Vec<u8>) -> Result<Signature, InvalidRow> {
    let bytes: [u8; 64] = bytes.try_into().map_err(|_| InvalidRow::of(TABLE, "signature")())?;
    Ok(Signature::from_bytes(&bytes))
}

fn read(rows: Vec<Row>) -> Result<Vec<StoredTicket>, Error> {
    Ok(rows.into_iter().map(StoredTicket::try_from).collect::<Result<_, _>>()?)
}

/// Stores that a ticket of an order is to have this slot.
pub(crate) async fn allot(
    connection: &mut PgConnection,
    order: OrderId,
    ticket: Allotted,
    event: EventId,
    generation: Generation,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO tickets (id, order_id, account, number, event, slot, generation)
         SELECT $1, id, account, $3, $4, $5, $6 FROM orders WHERE id = $2",
        ticket.id,
        order.0,
        number::<i16, _>(ticket.number, TABLE, "number")?,
        i64::from(event.0),
        i64::from(ticket.slot.0),
        i16::from(generation.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The numbers of an order's tickets that have a slot.
pub(crate) async fn numbers(connection: &mut PgConnection, order: OrderId) -> Result<Vec<u16>, Error> {
    let numbers = sqlx::query_scalar!("SELECT number FROM tickets WHERE order_id = $1 AND transfer IS NULL", order.0)
        .fetch_all(connection)
        .await?;
    Ok(numbers.into_iter().map(|value| number(value, TABLE, "number")).collect::<Result<_, _>>()?)
}

/// The tickets of an order that have no body yet, by number.
pub(crate) async fn without_body(connection: &mut PgConnection, order: OrderId) -> Result<Vec<Allotted>, Error> {
    let rows = sqlx::query!(
        "SELECT id, number, slot FROM tickets WHERE order_id = $1 AND transfer IS NULL AND body IS NULL ORDER BY number",
        order.0,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Allotted {
                id: row.id,
                number: number(row.number, TABLE, "number")?,
                slot: Slot(number(row.slot, TABLE, "slot")?),
            })
        })
        .collect()
}

/// Stores the body of an allotted ticket with the issuer's signature, once: of several that are made at once, the first is the ticket.
pub(crate) async fn sign(
    connection: &mut PgConnection,
    ticket: Uuid,
    body: &TicketBody,
    issuer: Signature,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE tickets SET body = $2, issuer_signature = $3 WHERE id = $1 AND body IS NULL",
        ticket,
        &body.to_bytes()[..],
        &issuer.to_bytes()[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a transfer makes of a ticket.
pub(crate) struct Replacement<'a> {
    /// The ticket that it replaces.
    pub(crate) old: Uuid,
    pub(crate) transfer: TransferId,
    /// The recipient.
    pub(crate) account: AccountId,
    pub(crate) body: &'a TicketBody,
    pub(crate) issuer: Signature,
}

/// Stores the next issue of a seat, of the same order and number.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    id: Uuid,
    replacement: Replacement<'_>,
) -> Result<(), Error> {
    let Replacement { old, transfer, account, body, issuer } = replacement;
    sqlx::query!(
        "INSERT INTO tickets (id, order_id, account, number, event, slot, generation, body, issuer_signature, transfer)
         SELECT $1, order_id, $3, number, event, slot, $4, $5, $6, $7 FROM tickets WHERE id = $2",
        id,
        old,
        account.0,
        i16::from(body.generation.0),
        &body.to_bytes()[..],
        &issuer.to_bytes()[..],
        transfer.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The first issues of an order's seats that have a body, by number.
pub(crate) async fn first_issues(connection: &mut PgConnection, order: OrderId) -> Result<Vec<StoredTicket>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets WHERE order_id = $1 AND transfer IS NULL AND body IS NOT NULL ORDER BY number"#,
        order.0,
    )
    .fetch_all(connection)
    .await?;
    read(rows)
}

/// What an account has, or had, of an issued order's seats, by number.
pub(crate) async fn of_order(
    connection: &mut PgConnection,
    order: OrderId,
    account: AccountId,
) -> Result<Vec<StoredTicket>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets t JOIN orders o ON o.id = t.order_id
           WHERE o.id = $1 AND o.state = 'issued' AND t.account = $2 AND body IS NOT NULL
           ORDER BY number, generation"#,
        order.0,
        account.0,
    )
    .fetch_all(connection)
    .await?;
    read(rows)
}

/// A ticket of an issued order, if it is, or was, this account's.
pub(crate) async fn of_account(
    connection: &mut PgConnection,
    ticket: Uuid,
    account: AccountId,
) -> Result<Option<StoredTicket>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets t JOIN orders o ON o.id = t.order_id
           WHERE t.id = $1 AND o.state = 'issued' AND t.account = $2 AND body IS NOT NULL"#,
        ticket,
        account.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredTicket::try_from).transpose()?)
}

/// What an account has of issued orders' seats, the newest first: of each the newest issue. Those older than `before` only, if that is,
/// or was, one of the account's.
pub(crate) async fn newest_of(
    connection: &mut PgConnection,
    account: AccountId,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<StoredTicket>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets t JOIN orders o ON o.id = t.order_id
           WHERE t.account = $1 AND o.state = 'issued' AND authority_signature IS NOT NULL AND transferred_at IS NULL
             AND ($2::uuid IS NULL OR position < (SELECT position FROM tickets WHERE account = $1 AND id = $2))
           ORDER BY position DESC LIMIT $3"#,
        account.0,
        before,
        most,
    )
    .fetch_all(connection)
    .await?;
    read(rows)
}

/// The ticket that a transfer made, if there is one.
pub(crate) async fn of_transfer(
    connection: &mut PgConnection,
    transfer: TransferId,
) -> Result<Option<StoredTicket>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets WHERE transfer = $1 AND body IS NOT NULL"#,
        transfer.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredTicket::try_from).transpose()?)
}

/// Waits for, and then keeps, the sole right to replace or revoke the tickets of a seat until the transaction ends.
pub(crate) async fn lock_seat(connection: &mut PgConnection, event: EventId, slot: Slot) -> Result<(), Error> {
    let seat = format!("seat {event}/{slot}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", seat).execute(connection).await?;
    Ok(())
}

/// Every issue of a seat, by generation, if it is of an issued order.
pub(crate) async fn of_seat(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
) -> Result<Vec<StoredTicket>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.account, transfer, body AS "body!", issuer_signature AS "issuer_signature!", authority_signature,
                  revoked_at, transferred_at
           FROM tickets t JOIN orders o ON o.id = t.order_id
           WHERE t.event = $1 AND t.slot = $2 AND o.state = 'issued' AND body IS NOT NULL
           ORDER BY generation"#,
        i64::from(event.0),
        i64::from(slot.0),
    )
    .fetch_all(connection)
    .await?;
    read(rows)
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

/// Notes that these issues are their owners' now; of those that were before it stays.
pub(crate) async fn hand_over(connection: &mut PgConnection, tickets: &[Uuid], now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE tickets SET issued_at = $2 WHERE id = ANY($1) AND issued_at IS NULL",
        tickets,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that this issue of a seat replaced those before it.
pub(crate) async fn end_earlier(connection: &mut PgConnection, body: &TicketBody, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE tickets SET transferred_at = $4 WHERE event = $1 AND slot = $2 AND generation < $3 AND transferred_at IS NULL",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a body that auth will never sign.
pub(crate) async fn discard_unauthorised(connection: &mut PgConnection, ticket: Uuid) -> Result<(), Error> {
    sqlx::query!("DELETE FROM tickets WHERE id = $1 AND authority_signature IS NULL", ticket)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets a body that auth will never sign, and leaves its ticket the slot. One that was made anew meanwhile stays.
pub(crate) async fn discard_body(connection: &mut PgConnection, ticket: &StoredTicket) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE tickets SET body = NULL, issuer_signature = NULL
         WHERE id = $1 AND body = $2 AND authority_signature IS NULL",
        ticket.id,
        &ticket.body.to_bytes()[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Revokes whatever auth may have signed of an order that was never issued; the answer is what there is to report.
pub(crate) async fn revoke_order(
    connection: &mut PgConnection,
    order: OrderId,
    now: Timestamp,
) -> Result<Vec<(EventId, Slot, Generation)>, Error> {
    let rows = sqlx::query!(
        "UPDATE tickets SET revoked_at = coalesce(revoked_at, $2) WHERE order_id = $1 AND body IS NOT NULL
         RETURNING event, slot, generation",
        order.0,
        OffsetDateTime::from(now),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| seat(row.event, row.slot, row.generation)).collect()
}

/// Revokes the newest ticket of a seat, and with it one that a transfer is about to make: auth may have signed that too. The answer is
/// the highest generation that is revoked; nothing when no ticket of the seat was issued.
pub(crate) async fn revoke_slot(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    now: Timestamp,
) -> Result<Option<Generation>, Error> {
    let generations = sqlx::query_scalar!(
        "UPDATE tickets SET revoked_at = coalesce(revoked_at, $3)
         WHERE event = $1 AND slot = $2 AND generation >= (
             SELECT max(generation) FROM tickets WHERE event = $1 AND slot = $2 AND authority_signature IS NOT NULL
         ) RETURNING generation",
        i64::from(event.0),
        i64::from(slot.0),
        OffsetDateTime::from(now),
    )
    .fetch_all(connection)
    .await?;
    let highest = generations.into_iter().max();
    Ok(highest.map(|generation| number(generation, TABLE, "generation").map(Generation)).transpose()?)
}

pub(super) fn seat(event: i64, slot: i64, generation: i16) -> Result<(EventId, Slot, Generation), Error> {
    Ok((
        EventId(number(event, TABLE, "event")?),
        Slot(number(slot, TABLE, "slot")?),
        Generation(number(generation, TABLE, "generation")?),
    ))
}
