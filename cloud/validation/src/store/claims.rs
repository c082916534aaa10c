//! Claims: what was answered, what passed elsewhere, and which of them are over.

use core::num::NonZeroU8;

use countermark_shared::decision::Passages;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::JournalRow;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::ClaimAnswered;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::{column, debts};
use crate::claim::{Elsewhere, Granted};
use crate::error::Error;
use crate::journal::{ClaimEnded, Seat};

/// One question of one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) gate: GateId,
    pub(crate) attempt: [u8; 16],
    /// The row of its journal by which it asks.
    pub(crate) sequence: i64,
    pub(crate) seat: Seat,
    pub(crate) persons: NonZeroU8,
}

/// Has claims on one seat wait for one another until the transaction ends, whatever their generations.
pub(crate) async fn lock_seat(connection: &mut PgConnection, seat: Seat) -> Result<(), Error> {
    // One number of 64 bits: locks by two numbers, which others take, never meet it.
    let Seat { event, slot: Slot(slot), generation: _ } = seat;
    let name = (u64::from(event.0) << 32 | u64::from(slot)).cast_signed();
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", name).fetch_one(connection).await?;
    Ok(())
}

/// What the gate was answered under that attempt, and what it had asked.
pub(crate) async fn answered(
    connection: &mut PgConnection,
    gate: GateId,
    attempt: [u8; 16],
) -> Result<Option<(Question, ClaimAnswered)>, Error> {
    let row = sqlx::query!(
        r#"SELECT sequence, event, slot, generation, asked, granted, others AS "others: Json<Passages>"
           FROM claims WHERE gate = $1 AND attempt = $2"#,
        i64::from(gate.0),
        &attempt[..],
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let seat = Seat {
            event: EventId(column::number(row.event, "claims.event")?),
            slot: Slot(column::number(row.slot, "claims.slot")?),
            generation: Generation(column::number(row.generation.into(), "claims.generation")?),
        };
        let persons = column::number(row.asked.into(), "claims.asked")?;
        let persons = NonZeroU8::new(persons).ok_or(Error::Corrupt { column: "claims.asked" })?;
        let question = Question { gate, attempt, sequence: row.sequence, seat, persons };
        let persons = column::number(row.granted.into(), "claims.granted")?;
        Ok((question, ClaimAnswered { persons, others: row.others.0 }))
    })
    .transpose()
}

/// What is known of the seat from all gates but this one: who owes, their believed rows, and what they were granted and no row of theirs has
/// ended. What suspended gates were granted has fallen.
pub(crate) async fn elsewhere(connection: &mut PgConnection, gate: GateId, seat: Seat) -> Result<Elsewhere, Error> {
    // Before the rows: what a gate tells that owes no more is there by then.
    let owing = debts::owing(connection, seat.event, gate).await?;
    // One statement, and so one instant: a grant whose end commits meanwhile is counted by itself or by its row, never by both or neither.
    let told = sqlx::query!(
        r#"SELECT gate AS "gate!", sequence AS "sequence!", row, granted, at
           FROM (
               SELECT gate, sequence, row, NULL::int2 AS granted, NULL::timestamptz AS at FROM journal
               WHERE event = $1 AND slot = $2 AND believed AND persons > 0
               UNION ALL
               SELECT gate, sequence, row, NULL, NULL FROM journal
               WHERE event = $1 AND slot = $2 AND believed AND persons = 0
               UNION ALL
               SELECT claims.gate, claims.sequence, NULL, claims.granted, claims.at FROM claims JOIN gates USING (gate)
               WHERE claims.event = $1 AND claims.slot = $2 AND claims.granted > 0 AND NOT gates.suspended
                 AND NOT EXISTS (
                     SELECT FROM claims_ended AS ended
                     WHERE (ended.gate, ended.attempt) = (claims.gate, claims.attempt)
                       AND (ended.event, ended.slot, ended.generation) = (claims.event, claims.slot, claims.generation)
                 )
           ) AS told
           WHERE gate <> $3 ORDER BY gate, sequence"#,
        i64::from(seat.event.0),
        i64::from(seat.slot.0),
        i64::from(gate.0),
    )
    .fetch_all(connection)
    .await?;
    let mut elsewhere = Elsewhere { owing, ..Elsewhere::default() };
    for told in told {
        if let Some(row) = told.row {
            let row = JournalRow::from_bytes(&row).map_err(|_| Error::Corrupt { column: "journal.row" })?;
            elsewhere.rows.push(row);
        } else if let (Some(persons), Some(at)) = (told.granted, told.at) {
            let persons = column::number(persons.into(), "claims.granted")?;
            let persons = NonZeroU8::new(persons).ok_or(Error::Corrupt { column: "claims.granted" })?;
            let gate = GateId(column::number(told.gate, "claims.gate")?);
            elsewhere.granted.push(Granted { gate, persons, at: at.into() });
        }
    }
    Ok(elsewhere)
}

/// Stores what is answered.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    question: &Question,
    answer: &ClaimAnswered,
    now: Timestamp,
) -> Result<(), Error> {
    let Question { gate, attempt, sequence, seat, persons } = question;
    sqlx::query!(
        "INSERT INTO claims (gate, attempt, sequence, event, slot, generation, asked, granted, others, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        i64::from(gate.0),
        &attempt[..],
        sequence,
        i64::from(seat.event.0),
        i64::from(seat.slot.0),
        i16::from(seat.generation.0),
        i16::from(persons.get()),
        i16::from(answer.persons),
        Json(answer.others) as _,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down that the gate's journal has ended those claims, whenever they come.
pub(crate) async fn end(connection: &mut PgConnection, gate: GateId, ended: &[ClaimEnded]) -> Result<(), Error> {
    if ended.is_empty() {
        return Ok(());
    }
    let attempts: Vec<&[u8]> = ended.iter().map(|ended| &ended.attempt[..]).collect();
    let seats = || ended.iter().map(|ended| ended.seat);
    let events: Vec<_> = seats().map(|seat| i64::from(seat.event.0)).collect();
    let slots: Vec<_> = seats().map(|seat| i64::from(seat.slot.0)).collect();
    let generations: Vec<_> = seats().map(|seat| i16::from(seat.generation.0)).collect();
    sqlx::query!(
        "INSERT INTO claims_ended (gate, attempt, event, slot, generation)
         SELECT $1, * FROM unnest($2::bytea[], $3::int8[], $4::int8[], $5::int2[]) ON CONFLICT DO NOTHING",
        i64::from(gate.0),
        &attempts as &[&[u8]],
        &events,
        &slots,
        &generations,
    )
    .execute(connection)
    .await?;
    Ok(())
}
