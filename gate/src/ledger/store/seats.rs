//! The SQL of what was done with a seat, and of what staff may still do about it.

use std::collections::BTreeMap;

use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::journal::{Act, JournalRow};
use countermark_shared::verdict::Reason;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Number;
use crate::ledger::history::{History, Unended};

/// The rows by which somebody passed with the seat, and what was done about it, in order, whatever the generation.
pub(in crate::ledger) fn history(connection: &Connection, event: EventId, slot: Slot) -> rusqlite::Result<History> {
    let mut statement = connection.prepare_cached(
        "SELECT journal.row, unfinished.cut_off FROM journal LEFT JOIN unfinished USING (sequence)
         WHERE event = ?1 AND slot = ?2 AND (persons > 0 OR act IS NOT NULL) ORDER BY journal.sequence",
    )?;
    let mut stored = statement.query([event.0, slot.0])?;
    let (mut rows, mut unended) = (Vec::new(), BTreeMap::new());
    while let Some(row) = stored.next()? {
        let read = journal_row(row)?;
        if let Some(cut_off) = row.get::<_, Option<bool>>(1)? {
            unended.insert(read.sequence, if cut_off { Unended::CutOff } else { Unended::UnderWay });
        }
        rows.push(read);
    }
    Ok(History::new(rows, unended))
}

/// One row, if there is such a one.
pub(in crate::ledger) fn row(connection: &Connection, sequence: u64) -> rusqlite::Result<Option<JournalRow>> {
    connection
        .prepare_cached("SELECT row FROM journal WHERE sequence = ?1")?
        .query_row([Number(sequence)], journal_row)
        .optional()
}

/// The last rows that are verdicts, the newest first.
pub(in crate::ledger) fn last_verdicts(connection: &Connection, most: usize) -> rusqlite::Result<Vec<JournalRow>> {
    connection
        .prepare_cached(
            "SELECT row FROM journal WHERE act IS NULL OR act IN ('overrule', 'claimed') ORDER BY sequence DESC LIMIT ?1",
        )?
        .query_map([i64::try_from(most).unwrap_or(i64::MAX)], journal_row)?
        .collect()
}

/// The ticket's text as it was sold, where the journal has it.
pub(in crate::ledger) fn ticket_text(
    connection: &Connection,
    event: EventId,
    slot: Slot,
    generation: Generation,
) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT ticket FROM journal WHERE event = ?1 AND slot = ?2 AND generation = ?3 AND ticket IS NOT NULL",
        )?
        .query_row(params![event.0, slot.0, generation.0], |row| row.get(0))
        .optional()
}

/// Whether the journal has the ticket's text already: it comes with the first scan of a seat and generation. A seat that was found by its order was
/// not scanned.
pub(in crate::ledger) fn is_kept(
    connection: &Connection,
    event: EventId,
    slot: Slot,
    generation: Generation,
) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "SELECT row FROM journal
         WHERE event = ?1 AND slot = ?2 AND generation = ?3 AND (act IS NULL OR act = 'claim') ORDER BY sequence",
    )?;
    for row in statement.query_map(params![event.0, slot.0, generation.0], journal_row)? {
        if row?.reason != Reason::FoundByOrder {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Seats that were held back at some time, and may be still.
pub(in crate::ledger) fn seats_held(connection: &Connection) -> rusqlite::Result<Vec<(EventId, Slot)>> {
    connection
        .prepare_cached("SELECT DISTINCT event, slot FROM journal WHERE act = 'hold'")?
        .query_map([], |row| Ok((EventId(row.get(0)?), Slot(row.get(1)?))))?
        .collect()
}

/// Claims that have had no verdict, in order.
pub(in crate::ledger) fn unanswered_claims(connection: &Connection) -> rusqlite::Result<Vec<JournalRow>> {
    let mut statement =
        connection.prepare_cached("SELECT row FROM journal WHERE act IN ('claim', 'claimed') ORDER BY sequence")?;
    let mut claims = BTreeMap::new();
    for row in statement.query_map([], journal_row)? {
        let row = row?;
        match row.act.and_then(Act::of) {
            Some(answered) => claims.remove(&answered),
            None => claims.insert(row.sequence, row),
        };
    }
    Ok(claims.into_values().collect())
}

/// Notes an admission of which it is not known yet that people passed.
pub(in crate::ledger) fn put_unfinished(connection: &Connection, sequence: u64) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT INTO unfinished (sequence) VALUES (?1)")?.execute([Number(sequence)])?;
    Ok(())
}

/// Notes that it is known how an admission ended.
pub(in crate::ledger) fn finish(connection: &Connection, sequence: u64) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM unfinished WHERE sequence = ?1")?.execute([Number(sequence)])?;
    Ok(())
}

/// Notes that nobody will tell any more how those that are unfinished ended.
pub(in crate::ledger) fn cut_off_unfinished(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE unfinished SET cut_off = 1 WHERE cut_off = 0", [])?;
    Ok(())
}

fn journal_row(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    // Every row was read when the ledger was opened: one that cannot be read now is a disk that fails.
    let unreadable = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error));
    JournalRow::from_bytes(&row.get::<_, Vec<u8>>(0)?).map_err(unreadable)
}
