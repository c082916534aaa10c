//! What settling has still to look at: marks that uploads and reports leave, and settling takes.

use std::collections::{BTreeMap, BTreeSet};

use countermark_shared::id::{EventId, GateId, Slot};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// What is to be looked at of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) slots: BTreeSet<Slot>,
    pub(crate) gates: BTreeSet<GateId>,
}

/// Has settling look at the rows of the gate between those numbers, in each event that it serves or served.
pub(crate) async fn rows(connection: &mut PgConnection, gate: GateId, (first, last): (u64, u64)) -> Result<(), Error> {
    let number = |sequence| i64::try_from(sequence).unwrap_or(i64::MAX);
    sqlx::query!(
        "INSERT INTO finding_marks (event, gate, first, last)
         SELECT DISTINCT event, gate, $2::int8, $3::int8 FROM assignments WHERE gate = $1",
        i64::from(gate.0),
        number(first),
        number(last),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Has settling look at every seat of the event with which somebody passed.
pub(crate) async fn event(connection: &mut PgConnection, event: EventId) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO finding_marks (event, slot)
         SELECT $1, slot FROM journal WHERE event = $1 AND believed AND persons > 0
         UNION
         SELECT $1, slot FROM journal_aside WHERE event = $1 AND believed AND slot IS NOT NULL
         UNION
         SELECT $1, slot FROM vouched WHERE event = $1",
        i64::from(event.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Has settling look again at what it could not settle, after that instant.
pub(crate) async fn put_back(
    connection: &mut PgConnection,
    event: EventId,
    Marked { slots, gates }: &Marked,
    rests_until: Timestamp,
) -> Result<(), Error> {
    let slots: Vec<_> = slots.iter().map(|slot| i64::from(slot.0)).collect();
    let gates: Vec<_> = gates.iter().map(|gate| i64::from(gate.0)).collect();
    sqlx::query!(
        // Of a gate no rows: what it said of seats was looked at.
        "INSERT INTO finding_marks (event, slot, gate, first, last, rests_until)
         SELECT $1::int8, slot, NULL::int8, NULL::int8, NULL::int8, $4::timestamptz FROM unnest($2::int8[]) AS slot
         UNION ALL
         SELECT $1, NULL, gate, 1, 0, $4 FROM unnest($3::int8[]) AS gate",
        i64::from(event.0),
        &slots,
        &gates,
        OffsetDateTime::from(rests_until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many seats and gates of the event could not be settled when settling last looked.
pub(crate) async fn put_back_count(connection: &mut PgConnection, event: EventId) -> Result<u64, Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM finding_marks WHERE event = $1 AND rests_until IS NOT NULL"#,
        i64::from(event.0),
    )
    .fetch_one(connection)
    .await?;
    column::number(count, "count")
}

/// The events of which something is to be looked at now.
pub(crate) async fn due(connection: &mut PgConnection, now: Timestamp) -> Result<BTreeSet<EventId>, Error> {
    let events = sqlx::query_scalar!(
        "SELECT DISTINCT event FROM finding_marks WHERE rests_until IS NULL OR rests_until <= $1",
        OffsetDateTime::from(now),
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| column::number(event, "finding_marks.event").map(EventId)).collect()
}

/// Whether nobody else looks at the event while this transaction lasts.
pub(crate) async fn try_lock(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let locked =
        sqlx::query_scalar!("SELECT pg_try_advisory_xact_lock(hashtext('findings'), $1)", event.0.cast_signed())
            .fetch_one(connection)
            .await?;
    Ok(locked.unwrap_or(false))
}

/// How many marks are looked through at once, however little each stands for.
const MOST_MARKS: i64 = 5000;

/// Takes the marks that have committed by now and do not rest, the first of them up to so many rows and seats; the answer is what they
/// mark, each once; nothing where there is none.
pub(crate) async fn take(
    connection: &mut PgConnection,
    event: EventId,
    rows: u32,
    now: Timestamp,
) -> Result<Option<Marked>, Error> {
    let marks = sqlx::query!(
        "DELETE FROM finding_marks WHERE mark IN (
             SELECT mark FROM (
                 SELECT mark, sum(coalesce(last::numeric - first, 0) + 1) OVER before AS ahead
                 FROM (SELECT mark, first, last FROM finding_marks
                       WHERE event = $1 AND (rests_until IS NULL OR rests_until <= $4) ORDER BY mark LIMIT $2) AS next
                 WINDOW before AS (ORDER BY mark ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
             ) AS counted
             WHERE coalesce(ahead, 0) < $3::int8
         ) RETURNING slot, gate, first, last,
               (SELECT gates.event = $1 FROM gates WHERE gates.gate = finding_marks.gate) AS serves",
        i64::from(event.0),
        MOST_MARKS,
        i64::from(rows),
        OffsetDateTime::from(now),
    )
    .fetch_all(&mut *connection)
    .await?;
    if marks.is_empty() {
        return Ok(None);
    }
    let mut marked = Marked::default();
    let mut spans = BTreeMap::<i64, Vec<(i64, i64)>>::new();
    for mark in marks {
        if let Some(slot) = mark.slot {
            marked.slots.insert(Slot(column::number(slot, "finding_marks.slot")?));
        }
        if let (Some(gate), Some(first), Some(last)) = (mark.gate, mark.first, mark.last) {
            // What is wrong with its journal is found once, at the event that it serves.
            if mark.serves == Some(true) {
                marked.gates.insert(GateId(column::number(gate, "finding_marks.gate")?));
            }
            spans.entry(gate).or_default().push((first, last));
        }
    }
    for (gate, spans) in spans {
        let (first, last): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        marked.slots.extend(slots(connection, event, gate, &first, &last).await?);
    }
    Ok(Some(marked))
}

/// The seats that those rows of a gate let pass, took back, or hold back.
async fn slots(
    connection: &mut PgConnection,
    event: EventId,
    gate: i64,
    first: &[i64],
    last: &[i64],
) -> Result<Vec<Slot>, Error> {
    let slots = sqlx::query_scalar!(
        // Span by span, by index: `OFFSET 0` keeps the planner from reading all that the gate has ever told.
        r#"SELECT DISTINCT told.slot AS "slot!"
           FROM unnest($3::int8[], $4::int8[]) AS span (first, last)
           CROSS JOIN LATERAL (
               (SELECT slot FROM journal
                WHERE gate = $2 AND sequence BETWEEN span.first AND span.last AND event = $1 AND believed
                  AND (persons > 0 OR undoes IS NOT NULL OR held IS NOT NULL)
                OFFSET 0)
               UNION ALL
               (SELECT slot FROM journal_aside
                WHERE gate = $2 AND sequence BETWEEN span.first AND span.last AND event = $1 AND believed
                OFFSET 0)
               UNION ALL
               (SELECT slot FROM vouched
                WHERE gate = $2 AND sequence BETWEEN span.first AND span.last AND event = $1
                OFFSET 0)
           ) AS told"#,
        i64::from(event.0),
        gate,
        first,
        last,
    )
    .fetch_all(connection)
    .await?;
    slots.into_iter().map(|slot| column::number(slot, "journal.slot").map(Slot)).collect()
}
