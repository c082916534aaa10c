//! The SQL of the documents that are held.

use countermark_shared::documents::ContentHash;
use rusqlite::{Connection, Row, params};

use super::Number;
use crate::documents::{DocumentKind, Record, Stored};

/// What is held, in the order in which one makes the next believable, steps by their sequence.
pub(in crate::ledger) fn documents(connection: &Connection) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = connection.prepare("SELECT kind, sequence, envelope, record, content FROM held_document")?;
    let rows = statement.query_map([], document)?;
    let mut documents = rows.filter_map(Result::transpose).collect::<rusqlite::Result<Vec<_>>>()?;
    // SQLite would sort megabytes, in a file.
    documents.sort_by_key(|stored| (stored.kind, stored.sequence));
    Ok(documents)
}

/// The steps of a kind that are held after the stored snapshot, in their order.
pub(in crate::ledger) fn steps(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<Vec<Stored>> {
    let mut statement = connection.prepare(
        "SELECT kind, sequence, envelope, record, content FROM held_document WHERE kind = ?1 ORDER BY sequence",
    )?;
    let rows = statement.query_map([kind.code()], document)?;
    rows.filter_map(Result::transpose).collect()
}

/// None where a newer program held a kind that this one does not know.
pub(in crate::ledger) fn document(row: &Row<'_>) -> rusqlite::Result<Option<Stored>> {
    let Some(kind) = DocumentKind::of_code(&row.get::<_, String>(0)?) else { return Ok(None) };
    Ok(Some(Stored {
        kind,
        sequence: row.get::<_, Number>(1)?.0,
        envelope: row.get(2)?,
        record: row.get(3)?,
        content: row.get::<_, Option<[u8; 32]>>(4)?.map(ContentHash),
    }))
}

/// How many steps of a kind are held.
pub(in crate::ledger) fn step_count(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM held_document WHERE kind = ?1")?
        .query_row([kind.code()], |row| row.get::<_, Number>(0))
        .map(|number| number.0)
}

/// Drops the steps of a kind that lead no further than `sequence`.
pub(in crate::ledger) fn drop_steps(
    connection: &Connection,
    kind: DocumentKind,
    sequence: u64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM held_document WHERE kind = ?1 AND sequence <= ?2")?
        .execute(params![kind.code(), Number(sequence)])?;
    Ok(())
}

/// Holds a document in the place of the one before; of steps, beside the others.
pub(in crate::ledger) fn put_document(
    connection: &Connection,
    kind: DocumentKind,
    sequence: u64,
    envelope: &[u8],
    record: &Record,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO held_document (kind, sequence, envelope, record, content) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (kind, sequence)
             DO UPDATE SET envelope = excluded.envelope, record = excluded.record, content = excluded.content",
        )?
        .execute(params![
            kind.code(),
            Number(sequence),
            envelope,
            record.record,
            record.content.map(|content| content.0)
        ])?;
    Ok(())
}

/// Makes a restart begin from what follows today from a document that is held.
pub(in crate::ledger) fn put_record(
    connection: &Connection,
    kind: DocumentKind,
    record: &Record,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE held_document SET record = ?2, content = ?3 WHERE kind = ?1")?
        .execute(params![kind.code(), record.record, record.content.map(|content| content.0)])?;
    Ok(())
}

pub(in crate::ledger) fn drop_documents(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM held_document WHERE kind = ?1")?.execute([kind.code()])?;
    Ok(())
}
