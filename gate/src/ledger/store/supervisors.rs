//! The SQL of supervisors and of wrong PINs.

use countermark_shared::id::SupervisorId;
use countermark_shared::time::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use crate::ledger::pin::{PinHash, Salt};
use crate::ledger::supervisors::{Desk, Supervisor};
use crate::ledger::throttle::Throttle;

/// Why somebody was not made a supervisor.
#[derive(Debug)]
pub(in crate::ledger) enum NotAdded {
    /// Somebody has this PIN.
    Taken,
    /// There was one for each number.
    NoNumber,
    /// The database failed.
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for NotAdded {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

/// Those who are, by number.
pub(in crate::ledger) fn supervisors(connection: &Connection) -> rusqlite::Result<Vec<Supervisor>> {
    connection
        .prepare_cached("SELECT number, name FROM supervisor WHERE pin IS NOT NULL ORDER BY number")?
        .query_map([], |row| Ok(Supervisor { number: SupervisorId(row.get(0)?), name: row.get(1)? }))?
        .collect()
}

/// Whether there is anybody.
pub(in crate::ledger) fn has_supervisors(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM supervisor WHERE pin IS NOT NULL)")?
        .query_row([], |row| row.get(0))
}

/// Whose PIN it is.
pub(in crate::ledger) fn supervisor_of(
    connection: &Connection,
    pin: &PinHash,
) -> rusqlite::Result<Option<SupervisorId>> {
    connection
        .prepare_cached("SELECT number FROM supervisor WHERE pin = ?1")?
        .query_row([pin.as_bytes()], |row| row.get(0).map(SupervisorId))
        .optional()
}

/// Gives somebody the next number. Those of who was removed are not given again: rows have them.
pub(in crate::ledger) fn add_supervisor(
    connection: &Connection,
    name: &str,
    pin: &PinHash,
) -> Result<SupervisorId, NotAdded> {
    let last: u16 = connection
        .prepare_cached("SELECT coalesce(max(number), 0) FROM supervisor")?
        .query_row([], |row| row.get(0))?;
    let number = last.checked_add(1).ok_or(NotAdded::NoNumber)?;
    let added = connection
        .prepare_cached("INSERT INTO supervisor (number, name, pin) VALUES (?1, ?2, ?3)")?
        .execute(params![number, name, pin.as_bytes()]);
    match added {
        Ok(_) => Ok(SupervisorId(number)),
        // The number is new, and the rest is as the table wants it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Err(NotAdded::Taken),
        Err(error) => Err(error.into()),
    }
}

/// Whether there was such a one.
pub(in crate::ledger) fn remove_supervisor(connection: &Connection, number: SupervisorId) -> rusqlite::Result<bool> {
    let removed = connection
        .prepare_cached("UPDATE supervisor SET pin = NULL WHERE number = ?1 AND pin IS NOT NULL")?
        .execute([number.0])?;
    Ok(removed > 0)
}

/// What this gate's PINs are hashed with, once there was a first one.
pub(in crate::ledger) fn pin_salt(connection: &Connection) -> rusqlite::Result<Option<Salt>> {
    connection.prepare_cached("SELECT salt FROM pin_salt")?.query_row([], |row| row.get(0)).optional()
}

/// The first one stays.
pub(in crate::ledger) fn put_pin_salt(connection: &Connection, salt: &Salt) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO pin_salt (id, salt) VALUES (1, ?1) ON CONFLICT DO NOTHING")?
        .execute([salt])?;
    Ok(())
}

pub(in crate::ledger) fn throttle(connection: &Connection, desk: Desk) -> rusqlite::Result<Throttle> {
    let read =
        |row: &rusqlite::Row<'_>| Ok(Throttle { wrong: row.get(0)?, last: Timestamp::from_unix_millis(row.get(1)?) });
    let stored = connection
        .prepare_cached("SELECT wrong, last FROM wrong_pins WHERE desk = ?1")?
        .query_row([desk.number()], read)
        .optional()?;
    Ok(stored.unwrap_or_default())
}

pub(in crate::ledger) fn put_throttle(connection: &Connection, desk: Desk, throttle: Throttle) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO wrong_pins (desk, wrong, last) VALUES (?1, ?2, ?3)
             ON CONFLICT (desk) DO UPDATE SET wrong = excluded.wrong, last = excluded.last",
        )?
        .execute(params![desk.number(), throttle.wrong, throttle.last.unix_millis()])?;
    Ok(())
}
