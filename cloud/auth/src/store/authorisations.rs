//! Tables `authorisations` and `reauthorisations`: append-only. View `issues`: each issue with the body that counts.

use countermark_service::contract::{SeatIssue, Warrant};
use countermark_service::transaction::violated;
use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot, TransferId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::verifying_key;
use crate::error::Error;

/// What was signed for a seat's issue.
#[derive(PartialEq, Eq)]
pub(crate) struct Authorisation {
    pub(crate) warrant: Warrant,
    pub(crate) body: TicketBody,
}

/// The newest issue of a seat.
pub(crate) struct Newest {
    pub(crate) body: TicketBody,
    /// Who granted its order, or accepted its transfer.
    pub(crate) owner: AccountId,
    /// The owner's device that was granted to hold it; none: their account itself.
    pub(crate) device: Option<VerifyingKey>,
    /// Whether a recipient has accepted a transfer of it: the next issue is theirs.
    pub(crate) is_passed_on: bool,
}

/// What was signed for a seat's issue.
pub(crate) async fn find(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    generation: Generation,
) -> Result<Option<Authorisation>, Error> {
    let row = sqlx::query!(
        r#"SELECT order_id, transfer, body AS "body!" FROM issues WHERE event = $1 AND slot = $2 AND generation = $3"#,
        i64::from(event.0),
        i64::from(slot.0),
        i16::from(generation.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok(Authorisation { warrant: warrant(row.order_id, row.transfer)?, body: read(&row.body)? }))
        .transpose()
}

/// At most `limit` issues after one, in order, each with whose it is.
pub(crate) async fn page(
    connection: &mut PgConnection,
    after: Option<SeatIssue>,
    limit: u16,
) -> Result<Vec<(Authorisation, AccountId)>, Error> {
    let (event, slot, generation) = after.map_or((-1, -1, -1), |SeatIssue { event, slot, generation }| {
        (event.0.into(), slot.0.into(), generation.0.into())
    });
    let rows = sqlx::query!(
        r#"SELECT issue.order_id, issue.transfer, issue.body AS "body!",
                  coalesce(grants.account, received.recipient) AS "owner!"
           FROM issues AS issue
           LEFT JOIN grants ON grants.order_id = issue.order_id
           LEFT JOIN transfers AS received ON received.transfer = issue.transfer
           WHERE (issue.event, issue.slot, issue.generation) > ($1, $2, $3)
           ORDER BY issue.event, issue.slot, issue.generation LIMIT $4"#,
        event,
        slot,
        generation,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let authorisation = Authorisation { warrant: warrant(row.order_id, row.transfer)?, body: read(&row.body)? };
            Ok((authorisation, AccountId(row.owner)))
        })
        .collect()
}

fn warrant(order: Option<Uuid>, transfer: Option<Uuid>) -> Result<Warrant, Error> {
    match (order, transfer) {
        (Some(order), None) => Ok(Warrant::Order(OrderId(order))),
        (None, Some(transfer)) => Ok(Warrant::Transfer(TransferId(transfer))),
        (Some(_), Some(_)) | (None, None) => Err(Error::Corrupt { column: "order_id or transfer" }),
    }
}

/// The newest issue of a seat, if auth has signed any.
pub(crate) async fn newest(connection: &mut PgConnection, event: EventId, slot: Slot) -> Result<Option<Newest>, Error> {
    let row = sqlx::query!(
        r#"SELECT issue.body AS "body!", coalesce(grants.account, received.recipient) AS "owner!",
                  coalesce(grants.holder, received.holder) AS device,
                  EXISTS (SELECT FROM transfers AS given
                          WHERE (given.event, given.slot, given.replaces)
                              = (issue.event, issue.slot, issue.generation)) AS "is_passed_on!"
           FROM issues AS issue
           LEFT JOIN grants ON grants.order_id = issue.order_id
           LEFT JOIN transfers AS received ON received.transfer = issue.transfer
           WHERE issue.event = $1 AND issue.slot = $2
           ORDER BY issue.generation DESC LIMIT 1"#,
        i64::from(event.0),
        i64::from(slot.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let device = row.device.map(verifying_key).transpose()?;
        Ok(Newest { body: read(&row.body)?, owner: AccountId(row.owner), device, is_passed_on: row.is_passed_on })
    })
    .transpose()
}

fn read(body: &[u8]) -> Result<TicketBody, Error> {
    TicketBody::from_bytes(body).map_err(|_| Error::Corrupt { column: "body" })
}

/// Writes down what is about to be signed. [`Error::SlotTaken`] when another order was faster.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    warrant: Warrant,
    body: &TicketBody,
    now: Timestamp,
) -> Result<(), Error> {
    let (order, transfer) = match warrant {
        Warrant::Order(order) => (Some(order.0), None),
        Warrant::Transfer(transfer) => (None, Some(transfer.0)),
    };
    sqlx::query!(
        "INSERT INTO authorisations (event, slot, generation, order_id, transfer, body, authorised_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        order,
        transfer,
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

/// Writes down what is about to be signed in place of what no gate believes any more. Under [`locks::seat`](super::locks::seat).
pub(crate) async fn insert_again(
    connection: &mut PgConnection,
    body: &TicketBody,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO reauthorisations (event, slot, generation, body, authorised_at) VALUES ($1, $2, $3, $4, $5)",
        i64::from(body.event.0),
        i64::from(body.slot.0),
        i16::from(body.generation.0),
        &body.to_bytes()[..],
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}
