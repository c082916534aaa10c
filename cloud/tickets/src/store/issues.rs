//! Table `tickets` by seat and generation: what a recovery asks of each issue, here and from elsewhere.

use countermark_service::contract::{ReportSlot, ReportedState, SeatIssue, SignedIssue, Warrant};
use countermark_shared::id::{AccountId, OrderId, TransferId};
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use sqlx::PgConnection;
use uuid::Uuid;

use super::InvalidRow;
use super::tickets::{TABLE, seat, signature};
use crate::error::Error;

/// What is stored of an issue of a seat.
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) order: OrderId,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) is_authorised: bool,
}

/// What is stored of an issue of a seat, if anything is.
pub(crate) async fn find(connection: &mut PgConnection, issue: SeatIssue) -> Result<Option<Known>, Error> {
    let row = sqlx::query!(
        r#"SELECT id, order_id, body, authority_signature IS NOT NULL AS "is_authorised!" FROM tickets
           WHERE event = $1 AND slot = $2 AND generation = $3"#,
        i64::from(issue.event.0),
        i64::from(issue.slot.0),
        i16::from(issue.generation.0),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Known {
        id: row.id,
        order: OrderId(row.order_id),
        body: row.body,
        is_authorised: row.is_authorised,
    }))
}

/// What there is to report of at most `limit` issues of seats after one, in order.
pub(crate) async fn reports(
    connection: &mut PgConnection,
    after: Option<SeatIssue>,
    limit: u16,
) -> Result<Vec<ReportSlot>, Error> {
    let (event, slot, generation) = key(after);
    let rows = sqlx::query!(
        r#"SELECT t.event, slot, generation, issued_at, revoked_at
           FROM tickets t JOIN orders o ON o.id = t.order_id
           WHERE (t.event, slot, generation) > ($1, $2, $3) AND body IS NOT NULL
             AND (revoked_at IS NOT NULL OR (authority_signature IS NOT NULL AND o.state = 'issued'))
           ORDER BY t.event, slot, generation LIMIT $4"#,
        event,
        slot,
        generation,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (event, slot, generation) = seat(row.event, row.slot, row.generation)?;
            let (issued, revoked) = (row.issued_at.map(Timestamp::from), row.revoked_at.map(Timestamp::from));
            let state = if revoked.is_some() { ReportedState::Revoked } else { ReportedState::Issued };
            Ok(ReportSlot { event, slot, generation, state, issued, revoked })
        })
        .collect()
}

/// At most `limit` issues of seats after one that have auth's signature, in order.
pub(crate) async fn authorised(
    connection: &mut PgConnection,
    after: Option<SeatIssue>,
    limit: u16,
) -> Result<Vec<(SeatIssue, SignedIssue)>, Error> {
    let (event, slot, generation) = key(after);
    let rows = sqlx::query!(
        r#"SELECT order_id, transfer, account, body AS "body!", authority_signature AS "signature!" FROM tickets
           WHERE (event, slot, generation) > ($1, $2, $3) AND authority_signature IS NOT NULL
           ORDER BY event, slot, generation LIMIT $4"#,
        event,
        slot,
        generation,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let transfer = row.transfer.map(|transfer| Warrant::Transfer(TransferId(transfer)));
            let TicketBody { event, slot, generation, .. } =
                TicketBody::from_bytes(&row.body).map_err(|_| InvalidRow::of(TABLE, "body")())?;
            let signed = SignedIssue {
                warrant: transfer.unwrap_or(Warrant::Order(OrderId(row.order_id))),
                account: AccountId(row.account),
                body: Base64(row.body),
                signature: Some(Base64(signature(row.signature)?.to_bytes())),
            };
            Ok((SeatIssue { event, slot, generation }, signed))
        })
        .collect()
}

/// Before the first there is none.
fn key(after: Option<SeatIssue>) -> (i64, i64, i16) {
    after.map_or((-1, -1, -1), |SeatIssue { event, slot, generation }| {
        (event.0.into(), slot.0.into(), generation.0.into())
    })
}
