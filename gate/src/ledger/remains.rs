//! What can still be read of a damaged ledger. An error is where it ends, and nothing else; no index is asked.

use rusqlite::{Connection, Row, params};

use super::store::{StoredRow, document, stored_row};
use crate::documents::Stored;

/// Rows in order, for as long as they can be read and `keep` takes them. Its errors are the only ones.
pub(super) fn rows(
    connection: &Connection,
    mut keep: impl FnMut(StoredRow) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let Ok(mut statement) = connection.prepare(
        "SELECT sequence, row, hash, persons, proved, event, slot, generation, act, ticket, outcome
         FROM journal NOT INDEXED ORDER BY sequence",
    ) else {
        return Ok(());
    };
    let Ok(rows) = statement.query_map([], stored_row) else { return Ok(()) };
    for row in rows.map_while(Result::ok) {
        if !keep(row)? {
            break;
        }
    }
    Ok(())
}

/// Documents, each by itself: a list that cannot be read takes no other with it.
pub(super) fn documents(connection: &Connection) -> Vec<Stored> {
    let numbers = || -> rusqlite::Result<Vec<i64>> {
        let mut statement = connection.prepare("SELECT rowid FROM held_document NOT INDEXED ORDER BY rowid")?;
        let numbers = statement.query_map([], |row| row.get(0))?;
        Ok(numbers.map_while(Result::ok).collect())
    };
    let read = |number| -> rusqlite::Result<Option<Stored>> {
        connection
            .prepare_cached(
                "SELECT kind, sequence, envelope, record, content FROM held_document NOT INDEXED WHERE rowid = ?1",
            )?
            .query_row([number], document)
    };
    numbers().unwrap_or_default().into_iter().filter_map(|number| read(number).ok().flatten()).collect()
}

/// Admissions of which it was not known yet that people passed.
pub(super) fn unfinished(connection: &Connection) -> Vec<u64> {
    let read = || -> rusqlite::Result<Vec<u64>> {
        let mut statement = connection.prepare("SELECT sequence FROM unfinished ORDER BY sequence")?;
        let sequences = statement.query_map([], |row| row.get::<_, i64>(0))?;
        Ok(sequences.map_while(Result::ok).map(i64::unsigned_abs).collect())
    };
    read().unwrap_or_default()
}

/// Puts those who may overrule the gate into another ledger, with the salt of their PINs; without it they must be made anew.
pub(super) fn copy_supervisors(connection: &Connection, new: &Connection) -> rusqlite::Result<()> {
    let salt = connection.query_row("SELECT salt FROM pin_salt", [], |row| row.get::<_, Vec<u8>>(0));
    let Ok(salt) = salt else { return Ok(()) };
    new.execute("INSERT INTO pin_salt (id, salt) VALUES (1, ?1)", [salt])?;
    let Ok(mut statement) = connection.prepare("SELECT number, name, pin FROM supervisor NOT INDEXED ORDER BY number")
    else {
        return Ok(());
    };
    let supervisor = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let Ok(supervisors) = statement.query_map([], supervisor) else { return Ok(()) };
    for supervisor in supervisors.map_while(Result::ok) {
        let (number, name, pin): (u16, String, Option<Vec<u8>>) = supervisor;
        new.execute("INSERT INTO supervisor (number, name, pin) VALUES (?1, ?2, ?3)", params![number, name, pin])?;
    }
    Ok(())
}
