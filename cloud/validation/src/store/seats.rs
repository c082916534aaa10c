//! Tickets' word about each seat, and which of it no slot list says yet.

use countermark_service::contract::{ReportSlot, ReportedState};
use countermark_shared::id::{EventId, Generation, Slot};
use sqlx::PgConnection;

use super::column;
use crate::error::Error;

/// A seat's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
    pub(crate) revoked: bool,
}

/// Takes a report, unless something later is known: a higher generation, or the same one revoked.
pub(crate) async fn merge(connection: &mut PgConnection, report: &ReportSlot) -> Result<(), Error> {
    let revoked = match report.state {
        ReportedState::Issued => false,
        ReportedState::Revoked => true,
    };
    sqlx::query!(
        "WITH changed AS (
             INSERT INTO seats (event, slot, generation, revoked) VALUES ($1, $2, $3, $4)
             ON CONFLICT (event, slot) DO UPDATE SET generation = excluded.generation, revoked = excluded.revoked
             WHERE (excluded.generation, excluded.revoked) > (seats.generation, seats.revoked)
             RETURNING event
         )
         INSERT INTO seat_changes (event) SELECT event FROM changed",
        i64::from(report.event.0),
        i64::from(report.slot.0),
        i16::from(report.generation.0),
        revoked,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the marks of all changes that have committed by now. Whether there was any.
pub(crate) async fn take_changes(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let taken =
        sqlx::query!("DELETE FROM seat_changes WHERE event = $1", i64::from(event.0)).execute(connection).await?;
    Ok(taken.rows_affected() > 0)
}

/// All seats of an event.
pub(crate) async fn all(connection: &mut PgConnection, event: EventId) -> Result<Vec<Seat>, Error> {
    let rows =
        sqlx::query!("SELECT slot, generation, revoked FROM seats WHERE event = $1 ORDER BY slot", i64::from(event.0),)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Seat {
                slot: Slot(column::number(row.slot, "seats.slot")?),
                generation: Generation(column::number(row.generation.into(), "seats.generation")?),
                revoked: row.revoked,
            })
        })
        .collect()
}
