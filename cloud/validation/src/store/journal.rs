//! Journals: what is stored at a number, what a gate has proved, and writing many rows in one statement.

use std::collections::{BTreeSet, HashMap};

use countermark_shared::id::{EventId, GateId, Generation, ProductId, Slot};
use countermark_shared::journal::{ChainHash, LAST_SEQUENCE};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;
use crate::journal::{Aside, Batch, Entry, Link, Proof, Seat, Served, Stored, Told};

/// What is stored of the gate's journal that a batch is judged by, and what it `served`.
pub(crate) async fn stored(
    connection: &mut PgConnection,
    gate: GateId,
    batch: &Batch,
    served: Served,
) -> Result<Stored, Error> {
    Ok(Stored {
        links: links(connection, gate, &batch.sequences()).await?,
        proofs: proofs(connection, gate, &batch.seats()).await?,
        turned: arms_turned(connection, gate, &batch.undone()).await?,
        served,
    })
}

/// What the gate's journal holds at those numbers.
async fn links(connection: &mut PgConnection, gate: GateId, sequences: &[u64]) -> Result<HashMap<u64, Link>, Error> {
    // Beyond what a column holds nothing is stored: an upload may number a row so, and none is readable.
    let sequences: Vec<_> = sequences.iter().filter_map(|sequence| i64::try_from(*sequence).ok()).collect();
    let rows = sqlx::query!(
        "SELECT sequence, row, chain, received_at FROM journal WHERE gate = $1 AND sequence = ANY($2)",
        i64::from(gate.0),
        &sequences,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let sequence = column::number(row.sequence, "journal.sequence")?;
            let chain = ChainHash(column::bytes(row.chain, "journal.chain")?);
            Ok((sequence, Link { row: row.row, chain, received: row.received_at.into() }))
        })
        .collect()
}

/// The last row that the gate has sent, in its journal or aside; 0 before the first. What no journal counts up to does not count.
pub(crate) async fn known_up_to(connection: &mut PgConnection, gate: GateId) -> Result<u64, Error> {
    let last = sqlx::query_scalar!(
        r#"SELECT greatest((SELECT max(sequence) FROM journal WHERE gate = $1),
                           (SELECT max(sequence) FROM journal_aside WHERE gate = $1 AND sequence <= $2::bigint)::bigint,
                           0) AS "last!""#,
        i64::from(gate.0),
        LAST_SEQUENCE.cast_signed(),
    )
    .fetch_one(connection)
    .await?;
    column::number(last, "journal.sequence")
}

/// Those of the admissions whose arm turned.
async fn arms_turned(connection: &mut PgConnection, gate: GateId, of: &[u64]) -> Result<BTreeSet<u64>, Error> {
    if of.is_empty() {
        return Ok(BTreeSet::new());
    }
    let of: Vec<_> = of.iter().filter_map(|sequence| i64::try_from(*sequence).ok()).collect();
    let turned = sqlx::query_scalar!(
        r#"SELECT DISTINCT turned AS "turned!" FROM journal WHERE gate = $1 AND turned = ANY($2)"#,
        i64::from(gate.0),
        &of,
    )
    .fetch_all(connection)
    .await?;
    turned.into_iter().map(|of| column::number(of, "journal.turned")).collect()
}

/// What the gate's earlier rows have proved of those seats, rows that were kept aside among them.
async fn proofs(connection: &mut PgConnection, gate: GateId, seats: &[Seat]) -> Result<HashMap<Seat, Proof>, Error> {
    let events: Vec<_> = seats.iter().map(|seat| i64::from(seat.event.0)).collect();
    let slots: Vec<_> = seats.iter().map(|seat| i64::from(seat.slot.0)).collect();
    let generations: Vec<_> = seats.iter().map(|seat| i16::from(seat.generation.0)).collect();
    let rows = sqlx::query!(
        // Seat by seat, by index: what is aggregated is not joined with all that the gate has ever proved.
        r#"SELECT asked.event AS "event!", asked.slot AS "slot!", asked.generation AS "generation!", proof.places AS "places!",
                  proof.product
           FROM (SELECT DISTINCT * FROM unnest($2::int8[], $3::int8[], $4::int2[])) AS asked (event, slot, generation)
           CROSS JOIN LATERAL (
               SELECT max(proved_places) AS places, max(product) AS product
               FROM (
                   SELECT proved_places, product FROM journal
                   WHERE gate = $1 AND event = asked.event AND slot = asked.slot AND generation = asked.generation
                     AND proved_places IS NOT NULL
                   UNION ALL
                   SELECT proved_places, product FROM journal_aside
                   WHERE gate = $1 AND event = asked.event AND slot = asked.slot AND generation = asked.generation
                     AND proved_places IS NOT NULL
               ) AS proved
           ) AS proof
           WHERE proof.places IS NOT NULL"#,
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
            let product = row.product.map(|product| column::number(product.into(), "journal.product"));
            let proof = Proof {
                places: column::number(row.places.into(), "journal.proved_places")?,
                product: product.transpose()?.map(ProductId),
            };
            Ok((seat, proof))
        })
        .collect()
}

/// What rows tell of seats, column by column.
struct ToldColumns<'a> {
    events: Vec<Option<i64>>,
    slots: Vec<Option<i64>>,
    generations: Vec<Option<i16>>,
    tickets: Vec<Option<&'a [u8]>>,
    proved: Vec<Option<i16>>,
    products: Vec<Option<i32>>,
    believed: Vec<bool>,
    withheld: Vec<bool>,
}

impl<'a> ToldColumns<'a> {
    fn of(told: impl Iterator<Item = &'a Told> + Clone) -> Self {
        let seats = told.clone().map(|told| told.seat);
        Self {
            events: seats.clone().map(|seat| seat.map(|seat| seat.event.0.into())).collect(),
            slots: seats.clone().map(|seat| seat.map(|seat| seat.slot.0.into())).collect(),
            generations: seats.map(|seat| seat.map(|seat| seat.generation.0.into())).collect(),
            tickets: told.clone().map(|told| told.ticket.as_deref().map(str::as_bytes)).collect(),
            proved: told.clone().map(|told| told.proof.map(|proof| proof.places.into())).collect(),
            products: told.clone().map(|told| told.product.map(|product| product.0.into())).collect(),
            believed: told.clone().map(|told| told.believed).collect(),
            withheld: told.map(Told::is_withheld).collect(),
        }
    }
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
    let persons: Vec<_> = entries.iter().map(|entry| i16::from(entry.row.persons)).collect();
    let passed: Vec<_> = entries.iter().map(|entry| entry.passed).collect();
    let undoes: Vec<_> = entries.iter().map(|entry| entry.undoes.map(u64::cast_signed)).collect();
    let turned: Vec<_> = entries.iter().map(|entry| entry.row.turned().map(u64::cast_signed)).collect();
    let held: Vec<_> = entries.iter().map(|entry| entry.row.holds()).collect();
    let clock_doubtful: Vec<_> = entries.iter().map(|entry| entry.clock_doubtful).collect();
    let told = ToldColumns::of(entries.iter().map(|entry| &entry.told));
    sqlx::query!(
        "INSERT INTO journal (gate, sequence, row, chain, after_gap, at, event, slot, generation, persons, ticket,
                              proved_places, product, passed, undoes, turned, held, believed, withheld, clock_doubtful,
                              received_at)
         SELECT $1, entry.*, $21
         FROM unnest($2::int8[], $3::bytea[], $4::bytea[], $5::bool[], $6::timestamptz[], $7::int8[], $8::int8[],
                     $9::int2[], $10::int2[], $11::bytea[], $12::int2[], $13::int4[], $14::int2[], $15::int8[],
                     $16::int8[], $17::bool[], $18::bool[], $19::bool[], $20::bool[]) AS entry",
        i64::from(gate.0),
        &sequences,
        &rows as &[&[u8]],
        &chains as &[&[u8]],
        &after_gap,
        &at,
        &told.events as &[Option<i64>],
        &told.slots as &[Option<i64>],
        &told.generations as &[Option<i16>],
        &persons,
        &told.tickets as &[Option<&[u8]>],
        &told.proved as &[Option<i16>],
        &told.products as &[Option<i32>],
        &passed,
        &undoes as &[Option<i64>],
        &turned as &[Option<i64>],
        &held as &[Option<bool>],
        &told.believed,
        &told.withheld,
        &clock_doubtful,
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
    let told = ToldColumns::of(aside.iter().map(|row| &row.told));
    sqlx::query!(
        "INSERT INTO journal_aside (gate, sequence, row, reason, detail, event, slot, generation, ticket, proved_places,
                                    product, believed, withheld, received_at)
         SELECT $1, aside.sequence::numeric, aside.row, aside.reason, aside.detail, aside.event, aside.slot,
                aside.generation, aside.ticket, aside.proved_places, aside.product, aside.believed, aside.withheld,
                $14
         FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int2[], $9::bytea[],
                     $10::int2[], $11::int4[], $12::bool[], $13::bool[])
             AS aside (sequence, row, reason, detail, event, slot, generation, ticket, proved_places, product, believed,
                       withheld)
         ON CONFLICT ON CONSTRAINT journal_aside_once DO NOTHING",
        i64::from(gate.0),
        &sequences,
        &rows as &[&[u8]],
        &reasons,
        &details,
        &told.events as &[Option<i64>],
        &told.slots as &[Option<i64>],
        &told.generations as &[Option<i16>],
        &told.tickets as &[Option<&[u8]>],
        &told.proved as &[Option<i16>],
        &told.products as &[Option<i32>],
        &told.believed,
        &told.withheld,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Believes what the gate proved while it was suspended; the answer is the numbers of those rows, aside or not, in order.
pub(crate) async fn release(connection: &mut PgConnection, gate: GateId) -> Result<Vec<u64>, Error> {
    let released = sqlx::query_scalar!(
        r#"WITH stood AS (
               UPDATE journal SET believed = true, withheld = false WHERE gate = $1 AND withheld RETURNING sequence
           ), aside AS (
               UPDATE journal_aside SET believed = true, withheld = false WHERE gate = $1 AND withheld
               RETURNING sequence::int8 AS sequence
           )
           SELECT sequence AS "sequence!" FROM (SELECT sequence FROM stood UNION SELECT sequence FROM aside) AS released
           ORDER BY sequence"#,
        i64::from(gate.0),
    )
    .fetch_all(connection)
    .await?;
    released.into_iter().map(|sequence| column::number(sequence, "journal.sequence")).collect()
}
