//! Tickets' word about each seat, what administrators decided about it, and which of it no slot list says yet.

use std::collections::BTreeSet;

use countermark_service::contract::{BlockReason, ReportSlot, ReportedState};
use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// A seat's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
    pub(crate) revoked: bool,
    /// Kept when the seat is revoked, which is the stronger word.
    pub(crate) blocked: Option<BlockReason>,
}

/// What an administrator decided about a seat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) blocked: Option<BlockReason>,
    pub(crate) decided: Timestamp,
}

struct Row {
    slot: i64,
    generation: i16,
    revoked: bool,
    blocked: Option<i16>,
}

impl TryFrom<Row> for Seat {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            slot: Slot(column::number(row.slot, "seats.slot")?),
            generation: Generation(column::number(row.generation.into(), "seats.generation")?),
            revoked: row.revoked,
            blocked: row.blocked.map(reason).transpose()?,
        })
    }
}

fn reason(code: i16) -> Result<BlockReason, Error> {
    let column = "seats.blocked";
    BlockReason::of_code(column::number(code.into(), column)?).ok_or(Error::Corrupt { column })
}

/// Takes a report. A seat's generation only rises, and it is revoked for good, so that reports may come in any order. What was so before it was
/// told, as after a backup, is so since then.
pub(crate) async fn merge(connection: &mut PgConnection, report: &ReportSlot, now: Timestamp) -> Result<(), Error> {
    let revoked = match report.state {
        ReportedState::Issued => false,
        ReportedState::Revoked => true,
    };
    let since = |told: Option<Timestamp>| OffsetDateTime::from(told.map_or(now, |told| told.min(now)));
    sqlx::query!(
        "WITH changed AS (
             INSERT INTO seats (event, slot, generation, revoked, generation_told_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, CASE WHEN $4 THEN $6::timestamptz END)
             ON CONFLICT (event, slot) DO UPDATE
             SET generation = greatest(excluded.generation, seats.generation), revoked = excluded.revoked OR seats.revoked,
                 generation_told_at = CASE WHEN excluded.generation > seats.generation
                                           THEN excluded.generation_told_at ELSE seats.generation_told_at END,
                 revoked_at = coalesce(seats.revoked_at, excluded.revoked_at)
             WHERE excluded.generation > seats.generation OR excluded.revoked > seats.revoked
             RETURNING event, slot
         ), marked AS (
             INSERT INTO finding_marks (event, slot) SELECT event, slot FROM changed
         )
         INSERT INTO seat_changes (event, slot, at) SELECT event, slot, $7 FROM changed",
        i64::from(report.event.0),
        i64::from(report.slot.0),
        i16::from(report.generation.0),
        revoked,
        since(report.issued),
        since(report.revoked),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A seat, locked until the transaction ends, and when it was last decided about; nothing when no report named it.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
) -> Result<Option<(Seat, Option<Timestamp>)>, Error> {
    let row = sqlx::query!(
        "SELECT slot, generation, revoked, blocked, block_decided_at FROM seats WHERE event = $1 AND slot = $2
         FOR NO KEY UPDATE",
        i64::from(event.0),
        i64::from(slot.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let seat = Row { slot: row.slot, generation: row.generation, revoked: row.revoked, blocked: row.blocked };
        Ok((Seat::try_from(seat)?, row.block_decided_at.map(Timestamp::from)))
    })
    .transpose()
}

/// Writes a decision down; whether it is the latest is the caller's to know.
pub(crate) async fn decide(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    decision: Decision,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE seats SET blocked = $3, block_decided_at = $4 WHERE event = $1 AND slot = $2",
        i64::from(event.0),
        i64::from(slot.0),
        decision.blocked.map(|reason| i16::from(reason.code())),
        OffsetDateTime::from(decision.decided),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Has the next list say what has changed of the seat, and settling look at it.
pub(crate) async fn mark_change(
    connection: &mut PgConnection,
    event: EventId,
    slot: Slot,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "WITH marked AS (INSERT INTO finding_marks (event, slot) VALUES ($1, $2))
         INSERT INTO seat_changes (event, slot, at) VALUES ($1, $2, $3)",
        i64::from(event.0),
        i64::from(slot.0),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the marks of changes that have committed by now, the first `limit` of them; the answer is the seats, each once.
pub(crate) async fn take_changes(
    connection: &mut PgConnection,
    event: EventId,
    limit: usize,
) -> Result<BTreeSet<Slot>, Error> {
    let slots = sqlx::query_scalar!(
        "DELETE FROM seat_changes WHERE change IN (
             SELECT change FROM seat_changes WHERE event = $1 ORDER BY change LIMIT $2
         ) RETURNING slot",
        i64::from(event.0),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    slots.into_iter().map(|slot| column::number(slot, "seat_changes.slot").map(Slot)).collect()
}

/// These seats of an event, as they are.
pub(crate) async fn some(
    connection: &mut PgConnection,
    event: EventId,
    slots: &BTreeSet<Slot>,
) -> Result<Vec<Seat>, Error> {
    let slots: Vec<_> = slots.iter().map(|slot| i64::from(slot.0)).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT slot, generation, revoked, blocked FROM seats WHERE event = $1 AND slot = ANY($2)",
        i64::from(event.0),
        &slots,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Seat::try_from).collect()
}

/// All seats of an event, for its first list of an epoch; takes the marks of all their changes.
pub(crate) async fn all(connection: &mut PgConnection, event: EventId) -> Result<Vec<Seat>, Error> {
    // Before the seats are read: a change that is not seen here is not forgotten either.
    sqlx::query!("DELETE FROM seat_changes WHERE event = $1", i64::from(event.0)).execute(&mut *connection).await?;
    let rows = sqlx::query_as!(
        Row,
        "SELECT slot, generation, revoked, blocked FROM seats WHERE event = $1 ORDER BY slot",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Seat::try_from).collect()
}
