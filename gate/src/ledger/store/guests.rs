//! The SQL of the guest list, and of codes by which nobody was found.

use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::sealing::ORDER_TAG_LENGTH;
use countermark_shared::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Number;
use crate::ledger::guests::GuestList;
use crate::ledger::throttle::Throttle;

/// Half a ticket as it lies on disk.
pub(in crate::ledger) struct StoredHalf {
    pub(in crate::ledger) slot: Slot,
    pub(in crate::ledger) generation: Generation,
    pub(in crate::ledger) half: Vec<u8>,
}

/// Whose list is held, and how far it goes.
pub(in crate::ledger) fn guest_list(connection: &Connection) -> rusqlite::Result<Option<GuestList>> {
    let list = |row: &Row<'_>| {
        Ok(GuestList {
            event: EventId(row.get(0)?),
            newest: row.get::<_, Option<i64>>(1)?.map(Timestamp::from_unix_millis),
            held: row.get::<_, Number>(2)?.0,
            is_cut: row.get(3)?,
        })
    };
    connection.prepare_cached("SELECT event, newest, held, is_cut FROM guest_list")?.query_row([], list).optional()
}

/// Notes whose list is held, and how far it goes.
pub(in crate::ledger) fn put_guest_list(connection: &Connection, list: &GuestList) -> rusqlite::Result<()> {
    let GuestList { event, newest, held, is_cut } = list;
    connection
        .prepare_cached(
            "INSERT INTO guest_list (id, event, newest, held, is_cut) VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET event = excluded.event, newest = excluded.newest, held = excluded.held,
                                            is_cut = excluded.is_cut",
        )?
        .execute(params![event.0, newest.map(Timestamp::unix_millis), Number(*held), is_cut])?;
    Ok(())
}

/// Whether there is any guest, of a list or on the way out.
pub(in crate::ledger) fn has_guests(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM guest)")?.query_row([], |row| row.get(0))
}

/// Puts a guest on the list, in the place of the same one; whether it is one more.
pub(in crate::ledger) fn put_guest(
    connection: &Connection,
    tag: &[u8; ORDER_TAG_LENGTH],
    guest: &StoredHalf,
) -> rusqlite::Result<bool> {
    let StoredHalf { slot, generation, half } = guest;
    let same = params![slot.0, generation.0, tag, half];
    let changed = connection
        .prepare_cached("UPDATE guest SET tag = ?3, half = ?4 WHERE slot = ?1 AND generation = ?2")?
        .execute(same)?;
    if changed > 0 {
        return Ok(false);
    }
    connection
        .prepare_cached("INSERT INTO guest (slot, generation, tag, half) VALUES (?1, ?2, ?3, ?4)")?
        .execute(same)?;
    Ok(true)
}

/// Whether the guest is on the list.
pub(in crate::ledger) fn has_guest(
    connection: &Connection,
    slot: Slot,
    generation: Generation,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM guest WHERE slot = ?1 AND generation = ?2)")?
        .query_row(params![slot.0, generation.0], |row| row.get(0))
}

/// The guests of that tag, by seat.
pub(in crate::ledger) fn guests_of(
    connection: &Connection,
    tag: &[u8; ORDER_TAG_LENGTH],
    most: usize,
) -> rusqlite::Result<Vec<StoredHalf>> {
    connection
        .prepare_cached("SELECT slot, generation, half FROM guest WHERE tag = ?1 ORDER BY slot, generation LIMIT ?2")?
        .query_map(params![tag, i64::try_from(most).unwrap_or(i64::MAX)], stored_half)?
        .collect()
}

/// What is held of a seat, of whatever order, by its issues.
pub(in crate::ledger) fn guests_at(connection: &Connection, slot: Slot) -> rusqlite::Result<Vec<StoredHalf>> {
    connection
        .prepare_cached("SELECT slot, generation, half FROM guest WHERE slot = ?1 ORDER BY generation")?
        .query_map([slot.0], stored_half)?
        .collect()
}

fn stored_half(row: &Row<'_>) -> rusqlite::Result<StoredHalf> {
    Ok(StoredHalf { slot: Slot(row.get(0)?), generation: Generation(row.get(1)?), half: row.get(2)? })
}

/// Has no list any more, and takes so many of its guests away; how many there were.
pub(in crate::ledger) fn drop_guests(connection: &Connection, most: usize) -> rusqlite::Result<usize> {
    connection.prepare_cached("DELETE FROM guest_list")?.execute([])?;
    connection
        .prepare_cached("DELETE FROM guest WHERE rowid IN (SELECT rowid FROM guest LIMIT ?1)")?
        .execute([i64::try_from(most).unwrap_or(i64::MAX)])
}

/// Codes by which nobody was found.
pub(in crate::ledger) fn missed_codes(connection: &Connection) -> rusqlite::Result<Throttle> {
    let read = |row: &Row<'_>| Ok(Throttle { wrong: row.get(0)?, last: Timestamp::from_unix_millis(row.get(1)?) });
    let stored = connection.prepare_cached("SELECT wrong, last FROM missed_codes")?.query_row([], read).optional()?;
    Ok(stored.unwrap_or_default())
}

pub(in crate::ledger) fn put_missed_codes(connection: &Connection, missed: Throttle) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO missed_codes (id, wrong, last) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET wrong = excluded.wrong, last = excluded.last",
        )?
        .execute(params![missed.wrong, missed.last.unix_millis()])?;
    Ok(())
}
