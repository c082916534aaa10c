//! The ledger's SQL, and nothing else. Only rows of verified tickets carry a seat, so what is found by seat is proved.

mod documents;
mod guests;
mod indexes;
mod leases;
mod seats;
mod supervisors;

use countermark_shared::id::{EventId, Generation, Slot};
use countermark_shared::journal::{Act, ChainHash, JournalRow, Subject};
use countermark_shared::ticket::sealed_beginnings;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{RowOutcome, RowResult};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) use documents::{
    document, documents, drop_documents, drop_steps, put_document, put_record, step_count, steps,
};
pub(super) use guests::{
    StoredHalf, drop_guests, guest_list, guests_at, guests_of, has_guest, has_guests, missed_codes, put_guest,
    put_guest_list, put_missed_codes,
};
pub(super) use indexes::Indexed;
#[cfg(test)]
pub(super) use indexes::names as index_names;
pub(super) use leases::{leases, put_lease};
pub(super) use seats::{
    cut_off_unfinished, finish, history, is_kept, last_verdicts, put_unfinished, row, seats_held, ticket_text,
    unanswered_claims,
};
pub(super) use supervisors::{
    NotAdded, add_supervisor, has_supervisors, pin_salt, put_pin_salt, put_throttle, remove_supervisor, supervisor_of,
    supervisors, throttle,
};

/// How far the journal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) hash: ChainHash,
}

/// A row as it lies on disk: its bytes, and the columns that repeat what they say.
#[derive(Clone, Debug)]
pub(super) struct StoredRow {
    pub(super) sequence: u64,
    pub(super) row: Vec<u8>,
    pub(super) hash: ChainHash,
    pub(super) columns: Columns,
    pub(super) ticket: Option<String>,
    /// Whether it has a ticket, legible or not.
    pub(super) has_text: bool,
    pub(super) outcome: Option<RowOutcome>,
}

/// What facts are found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    persons: u8,
    proved: bool,
    seat: Option<(u32, u32, u8)>,
    act: Option<ActName>,
}

/// What an act is called in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ActName(&'static str);

impl ActName {
    const ALL: [&'static str; 7] = ["undo", "actuated", "overrule", "claim", "claimed", "hold", "release"];

    fn of(act: Act) -> Self {
        Self(match act {
            Act::Undo { .. } => "undo",
            Act::Actuated { .. } => "actuated",
            Act::Overrule { .. } => "overrule",
            Act::Claim { .. } => "claim",
            Act::Claimed { .. } => "claimed",
            Act::Hold => "hold",
            Act::Release => "release",
        })
    }
}

impl FromSql for ActName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::ALL.into_iter().find(|name| *name == text).map(Self).ok_or(FromSqlError::InvalidType)
    }
}

impl Columns {
    /// What the columns of a row must say.
    pub(super) fn of(row: &JournalRow) -> Self {
        let seat = match row.subject {
            Subject::Ticket { event, slot, generation } => Some((event.0, slot.0, generation.0)),
            Subject::Payload { hash: _ } => None,
        };
        Self { persons: row.persons, proved: row.proved, seat, act: row.act.map(ActName::of) }
    }
}

/// Where it ends.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let last = connection
        .prepare_cached("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1")?
        .query_row([], head_of)
        .optional()?;
    last.map_or_else(|| anchor(connection), Ok)
}

/// Where it begins: after this row.
pub(super) fn anchor(connection: &Connection) -> rusqlite::Result<Head> {
    connection
        .prepare_cached("SELECT sequence, hash FROM journal_anchor")?
        .query_row([], head_of)
        .optional()
        .map(|anchor| anchor.unwrap_or(Head { sequence: 0, hash: ChainHash::START }))
}

fn head_of(row: &Row<'_>) -> rusqlite::Result<Head> {
    Ok(Head { sequence: row.get::<_, Number>(0)?.0, hash: ChainHash(row.get(1)?) })
}

/// Has an empty journal begin after this row.
pub(super) fn begin_after(connection: &Connection, anchor: Head) -> rusqlite::Result<()> {
    prune(connection, anchor)?;
    connection.prepare_cached("UPDATE journal_head SET sequence = ?1")?.execute([Number(anchor.sequence)]).map(drop)
}

/// Drops the rows up to `last`, after which the journal begins from then on.
pub(super) fn prune(connection: &Connection, last: Head) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM journal WHERE sequence <= ?1")?.execute([Number(last.sequence)])?;
    connection
        .prepare_cached(
            "INSERT INTO journal_anchor (id, sequence, hash) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
        )?
        .execute(params![Number(last.sequence), last.hash.0])?;
    Ok(())
}

/// The last row, as it was noted apart from the rows; none where the journal is known not to be the whole of it.
pub(super) fn noted_head(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT sequence FROM journal_head")?
        .query_row([], |row| row.get::<_, Option<Number>>(0))
        .optional()
        .map(|noted| noted.flatten().map(|number| number.0))
}

/// Whether every row is there that this gate wrote, as far as it can know.
pub(super) fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(noted_head(connection)? == Some(head(connection)?.sequence))
}

/// Notes that rows are missing: none follows.
pub(super) fn close_journal(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE journal_head SET sequence = NULL")?.execute([]).map(drop)
}

/// Appends a row onto the chain of a journal that is whole.
pub(super) fn append(
    connection: &Connection,
    row: &JournalRow,
    previous: ChainHash,
    ticket: Option<&str>,
) -> rusqlite::Result<()> {
    let bytes = row.to_bytes();
    // A row that no start could read again would be the last of this ledger.
    JournalRow::from_bytes(&bytes).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let hash = previous.next(&bytes);
    let Columns { persons, proved, seat, act } = Columns::of(row);
    let (event, slot, generation) = seat.map_or((None, None, None), |(e, s, g)| (Some(e), Some(s), Some(g)));
    let advanced = connection
        .prepare_cached("UPDATE journal_head SET sequence = ?1 WHERE sequence = ?1 - 1")?
        .execute([Number(row.sequence)])?;
    if advanced != 1 {
        return Err(rusqlite::Error::StatementChangedRows(advanced));
    }
    connection
        .prepare_cached(
            "INSERT INTO journal (sequence, row, hash, persons, proved, event, slot, generation, act, ticket)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            Number(row.sequence),
            bytes,
            hash.0,
            persons,
            proved,
            event,
            slot,
            generation,
            act.map(|act| act.0),
            ticket
        ])?;
    Ok(())
}

/// The highest generation of the seat of which a ticket was proved in full here, admitted or not.
pub(super) fn highest_proved(
    connection: &Connection,
    event: EventId,
    slot: Slot,
) -> rusqlite::Result<Option<Generation>> {
    connection
        .prepare_cached("SELECT max(generation) FROM journal WHERE event = ?1 AND slot = ?2 AND proved = 1")?
        .query_row([event.0, slot.0], |row| row.get::<_, Option<u8>>(0))
        .map(|generation| generation.map(Generation))
}

pub(super) fn first_unsettled(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT min(sequence) FROM journal WHERE outcome IS NULL")?
        .query_row([], |row| row.get::<_, Option<Number>>(0))
        .map(|first| first.map(|number| number.0))
}

/// How many rows there are from the first on that validation has not answered for. It answers in their order, so none of them has an answer; and this is
/// asked after each scan, when to count the rows of three days would take longer than to write one.
pub(super) fn unsettled(connection: &Connection) -> rusqlite::Result<u64> {
    let Some(first) = first_unsettled(connection)? else { return Ok(0) };
    Ok((head(connection)?.sequence + 1).saturating_sub(first))
}

/// Rows that validation put aside.
pub(super) fn contested(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT count(*) FROM journal WHERE outcome IN ('fork', 'unreadable', 'unproved')")?
        .query_row([], |row| row.get::<_, Number>(0))
        .map(|number| number.0)
}

/// Whether validation has another row of this gate under one of these numbers.
pub(super) fn is_forked(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        // The first condition is the index's, which SQLite does not use without it.
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM journal
             WHERE outcome IN ('fork', 'unreadable', 'unproved') AND outcome = 'fork')",
        )?
        .query_row([], |row| row.get(0))
}

/// The chain before a row that is there, or that comes next.
pub(super) fn chain_before(connection: &Connection, sequence: u64) -> rusqlite::Result<ChainHash> {
    let before = connection
        .prepare_cached("SELECT hash FROM journal WHERE sequence = ?1 - 1")?
        .query_row([Number(sequence)], |row| row.get(0).map(ChainHash))
        .optional()?;
    before.map_or_else(|| anchor(connection).map(|anchor| anchor.hash), Ok)
}

pub(super) fn rows_from(connection: &Connection, first: u64, limit: usize) -> rusqlite::Result<Vec<StoredRow>> {
    connection
        .prepare_cached(
            "SELECT sequence, row, hash, persons, proved, event, slot, generation, act, ticket, outcome FROM journal
             WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2",
        )?
        .query_map(params![Number(first), i64::try_from(limit).unwrap_or(i64::MAX)], stored_row)?
        .collect()
}

/// Reads the rows after one, in order, for as long as `goes_on` says so.
pub(super) fn read_rows(
    connection: &Connection,
    after: u64,
    mut goes_on: impl FnMut(StoredRow) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, row, hash, persons, proved, event, slot, generation, act, ticket, outcome FROM journal
         WHERE sequence > ?1 ORDER BY sequence",
    )?;
    for stored in statement.query_map([Number(after)], stored_row)? {
        if !goes_on(stored?) {
            break;
        }
    }
    Ok(())
}

pub(super) fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let seat: (Option<u32>, Option<u32>, Option<u8>) = (row.get(5)?, row.get(6)?, row.get(7)?);
    let seat = match seat {
        (Some(event), Some(slot), Some(generation)) => Some((event, slot, generation)),
        (None, ..) | (_, None, _) | (.., None) => None,
    };
    let text = row.get_ref(9)?;
    Ok(StoredRow {
        sequence: row.get::<_, Number>(0)?.0,
        row: row.get(1)?,
        hash: ChainHash(row.get(2)?),
        columns: Columns { persons: row.get(3)?, proved: row.get(4)?, seat, act: row.get(8)? },
        // No chain holds it: one that a damaged page made illegible is none, and validation says that the row is unproved.
        ticket: text.as_str_or_null().ok().flatten().map(str::to_owned),
        has_text: text != ValueRef::Null,
        outcome: row.get::<_, Option<Outcome>>(10)?.map(|Outcome(outcome)| outcome),
    })
}

/// Notes validation's first answer for a row; how many rows that changed.
pub(super) fn settle(connection: &Connection, result: &RowResult) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE journal SET outcome = ?2 WHERE sequence = ?1 AND outcome IS NULL")?
        .execute(params![Number(result.sequence), Outcome(result.outcome)])
}

/// Forgets validation's answers for the rows after one; how many rows that changed.
pub(super) fn unsettle(connection: &Connection, known_up_to: u64) -> rusqlite::Result<usize> {
    // What is beyond all numbers of rows is beyond this journal.
    let Ok(known_up_to) = i64::try_from(known_up_to) else { return Ok(0) };
    connection
        .prepare_cached("UPDATE journal SET outcome = NULL WHERE sequence > ?1 AND outcome IS NOT NULL")?
        .execute([known_up_to])
}

/// Drops the texts of sealed tickets that validation has, be it with rows that it put aside, but for those of the event that is `kept`; how many there
/// were. What names nobody stays: a validation that was restored from a backup is shown it again.
pub(super) fn drop_texts(connection: &Connection, kept: Option<EventId>) -> rusqlite::Result<usize> {
    let [one, two, three, four] = sealed_beginnings();
    connection
        .prepare_cached(
            "UPDATE journal SET ticket = NULL
             WHERE ticket IS NOT NULL AND outcome IN ('stored', 'known', 'fork', 'unproved')
               AND (?5 IS NULL OR event IS NOT ?5) AND substr(ticket, 1, length(?1)) IN (?1, ?2, ?3, ?4)",
        )?
        .execute(params![one, two, three, four, kept.map(|event| event.0)])
}

/// Whether a row is of another event.
pub(super) fn tells_of_another(connection: &Connection, event: EventId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE slot IS NOT NULL AND event < ?1)
                 OR EXISTS (SELECT 1 FROM journal WHERE slot IS NOT NULL AND event > ?1)",
        )?
        .query_row([event.0], |row| row.get(0))
}

/// Whether validation has not answered yet for a row of another event.
pub(super) fn owes_of_another(connection: &Connection, event: EventId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM journal WHERE outcome IS NULL AND slot IS NOT NULL AND event <> ?1)",
        )?
        .query_row([event.0], |row| row.get(0))
}

/// Leaves nothing in the write-ahead log of what was overwritten; whether that was done.
pub(super) fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    // Of the three numbers it gives the first says whether something stood in its way.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0).map(|is_busy| !is_busy))
}

/// The instant below which no clock is believed, as far as it was written down.
pub(super) fn clock_floor(connection: &Connection) -> rusqlite::Result<Timestamp> {
    let floor = connection.prepare("SELECT floor FROM clock_floor")?.query_row([], |row| row.get(0)).optional()?;
    Ok(Timestamp::from_unix_millis(floor.unwrap_or(0)))
}

/// It never sinks.
pub(super) fn raise_clock_floor(connection: &Connection, floor: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO clock_floor (id, floor) VALUES (1, ?1)
             ON CONFLICT (id) DO UPDATE SET floor = excluded.floor WHERE excluded.floor > floor",
        )?
        .execute([floor.unix_millis()])?;
    Ok(())
}

/// An answer of validation, as the database spells it.
#[derive(Clone, Copy)]
struct Outcome(RowOutcome);

impl Outcome {
    const ALL: [RowOutcome; 5] =
        [RowOutcome::Stored, RowOutcome::Known, RowOutcome::Fork, RowOutcome::Unreadable, RowOutcome::Unproved];

    const fn spelt(self) -> &'static str {
        match self.0 {
            RowOutcome::Stored => "stored",
            RowOutcome::Known => "known",
            RowOutcome::Fork => "fork",
            RowOutcome::Unreadable => "unreadable",
            RowOutcome::Unproved => "unproved",
        }
    }
}

impl FromSql for Outcome {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::ALL.map(Self).into_iter().find(|outcome| outcome.spelt() == text).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Outcome {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.spelt().into())
    }
}

/// SQLite's integers are signed; a number of ours that is not one there is an error, never another number.
struct Number(u64);

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        i64::try_from(self.0)
            .map(ToSqlOutput::from)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }
}
