//! Journals: what is stored at a number, what a gate has proved, and writing many rows in one statement.

use std::collections::HashMap;

use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::ChainHash;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;
use crate::journal::{Aside, Entry, Link, Seat};

/// What the gate's journal holds at those numbers.
pub(crate) async fn links(
    connection: &mut PgConnection,
    gate: GateId,
    sequences: &[u64],
) -> Result<HashMap<u64, Link>, Error> {
    // Beyond what a column holds nothing is stored.
    let sequences: Vec<_> = sequences.iter().filter_map(|sequence| i64::try_from(*sequence).ok()).collect();
    let rows = sqlx::query!(
        "SELECT sequence, row, chain FROM journal WHERE gate = $1 AND sequence = ANY($2)",
        i64::from(gate.0),
        &sequences,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let sequence = column::number(row.sequence, "journal.sequence")?;
            let chain = ChainHash(column::bytes(row.chain, "journal.chain")?);
            Ok((sequence, Link { row: row.row, chain }))
        })
        .collect()
}

/// The last row that the gate has sent, in its journal or aside; 0 before the first.
pub(crate) async fn known_up_to(connection: &mut PgConnection, gate: GateId) -> Result<u64, Error> {
    let last = sqlx::query_scalar!(
        r#"SELECT greatest((SELECT max(sequence) FROM journal WHERE gate = $1),
                           (SELECT max(sequence) FROM journal_aside WHERE gate = $1 AND sequence <= $2::bigint)::bigint,
                           0) AS "last!""#,
        i64::from(gate.0),
        i64::MAX,
    )
    .fetch_one(connection)
    .await?;
    column::number(last, "journal.sequence")
}

/// For how many persons the gate's earlier rows have proved those seats.
pub(crate) async fn proofs(
    connection: &mut PgConnection,
    gate: GateId,
    seats: &[Seat],
) -> Result<HashMap<Seat, u8>, Error> {
    let events: Vec<_> = seats.iter().map(|seat| i64::from(seat.event.0)).collect();
    let slots: Vec<_> = seats.iter().map(|seat| i64::from(seat.slot.0)).collect();
    let generations: Vec<_> = seats.iter().map(|seat| i16::from(seat.generation.0)).collect();
    let rows = sqlx::query!(
        r#"SELECT event AS "event!", slot AS "slot!", generation AS "generation!", max(proved_places) AS "places!"
           FROM journal JOIN unnest($2::int8[], $3::int8[], $4::int2[]) AS asked (event, slot, generation)
               USING (event, slot, generation)
           WHERE gate = $1 AND proved_places IS NOT NULL
           GROUP BY event, slot, generation"#,
        i64::from(gate.0),
        &events,
        &slots,
        &generations,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let seat = Seat {
                event: EventId(column::number(row.event, "journal.event")?),
                slot: Slot(column::number(row.slot, "journal.slot")?),
                generation: Generation(column::number(row.generation.into(), "journal.generation")?),
            };
            Ok((seat, column::number(row.places.into(), "journal.proved_places")?))
        })
        .collect()
}

/// Stores rows.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    gate: GateId,
    entries: &[Entry],
    now: Timestamp,
) -> Result<(), Error> {
    let of = |entry: &Entry| entry.row.sequence.cast_signed();
    let sequences: Vec<_> = entries.iter().map(of).collect();
    let rows: Vec<&[u8]> = entries.iter().map(|entry| &entry.bytes[..]).collect();
    let chains: Vec<&[u8]> = entries.iter().map(|entry| &entry.chain.0[..]).collect();
    let after_gap: Vec<_> = entries.iter().map(|entry| entry.after_gap).collect();
    let at: Vec<_> = entries.iter().map(|entry| OffsetDateTime::from(entry.row.at)).collect();
    let events: Vec<_> = entries.iter().map(|entry| entry.seat.map(|seat| i64::from(seat.event.0))).collect();
    let slots: Vec<_> = entries.iter().map(|entry| entry.seat.map(|seat| i64::from(seat.slot.0))).collect();
    let generations: Vec<_> = entries.iter().map(|entry| entry.seat.map(|seat| i16::from(seat.generation.0))).collect();
    let persons: Vec<_> = entries.iter().map(|entry| i16::from(entry.row.persons)).collect();
    let passed: Vec<_> = entries.iter().map(|entry| entry.passed).collect();
    let tickets: Vec<_> = entries.iter().map(|entry| entry.ticket.as_deref().map(str::as_bytes)).collect();
    let proved: Vec<_> = entries.iter().map(|entry| entry.proved_places.map(i16::from)).collect();
    let believed: Vec<_> = entries.iter().map(|entry| entry.believed).collect();
    sqlx::query!(
        "INSERT INTO journal (gate, sequence, row, chain, after_gap, at, event, slot, generation, persons, ticket,
                              proved_places, passed, believed, received_at)
         SELECT $1, entry.*, $15
         FROM unnest($2::int8[], $3::bytea[], $4::bytea[], $5::bool[], $6::timestamptz[], $7::int8[], $8::int8[],
                     $9::int2[], $10::int2[], $11::bytea[], $12::int2[], $13::int2[], $14::bool[]) AS entry",
        i64::from(gate.0),
        &sequences,
        &rows as &[&[u8]],
        &chains as &[&[u8]],
        &after_gap,
        &at,
        &events as &[Option<i64>],
        &slots as &[Option<i64>],
        &generations as &[Option<i16>],
        &persons,
        &tickets as &[Option<&[u8]>],
        &proved as &[Option<i16>],
        &passed,
        &believed,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps rows aside, each once however often it comes.
pub(crate) async fn set_aside(
    connection: &mut PgConnection,
    gate: GateId,
    aside: &[Aside],
    now: Timestamp,
) -> Result<(), Error> {
    let sequences: Vec<_> = aside.iter().map(|row| row.sequence.to_string()).collect();
    let rows: Vec<&[u8]> = aside.iter().map(|row| &row.bytes[..]).collect();
    let reasons: Vec<_> = aside.iter().map(|row| row.reason.as_str().to_owned()).collect();
    let details: Vec<_> = aside.iter().map(|row| row.detail.clone()).collect();
    sqlx::query!(
        "INSERT INTO journal_aside (gate, sequence, row, reason, detail, received_at)
         SELECT $1, aside.sequence::numeric, aside.row, aside.reason, aside.detail, $6
         FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[]) AS aside (sequence, row, reason, detail)
         ON CONFLICT ON CONSTRAINT journal_aside_once DO NOTHING",
        i64::from(gate.0),
        &sequences,
        &rows as &[&[u8]],
        &reasons,
        &details,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}
