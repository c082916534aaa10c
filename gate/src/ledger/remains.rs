//! What can still be read of a damaged ledger. An error is where it ends, and nothing else; no index is asked.

use rusqlite::Connection;

use super::store::{StoredRow, document, stored_row};
use crate::documents::Stored;

/// Rows in order, for as long as they can be read and `keep` takes them. Its errors are the only ones.
pub(super) fn rows(
    connection: &Connection,
    mut keep: impl FnMut(StoredRow) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let Ok(mut statement) = connection.prepare(
        "SELECT sequence, row, hash, persons, proved, event, slot, generation, ticket, outcome
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
