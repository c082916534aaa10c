//! What is known of seats and gates, as settling wants it. Owns how rows become its histories; refuses to judge them.

use std::collections::{BTreeMap, BTreeSet};

use countermark_service::contract::findings::{Jump, Rule};
use countermark_shared::decision::Terms;
use countermark_shared::documents::EventDocument;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use super::column;
use crate::error::Error;
use crate::reconcile::{Break, Follows, GateHistory, Issued, SeatHistory, Told, jumps};

/// How many rows at which a gate's clock may jump are looked at: the first of them tell what happened.
const MOST_ROWS: i64 = 1000;

/// When a gate was last heard, and how far its journal is here.
pub(crate) struct Heard {
    pub(crate) gate: GateId,
    pub(crate) seen: Timestamp,
    pub(crate) last_row: Option<u64>,
}

/// All that is known of those seats of the event; of seats that never passed nothing.
pub(crate) async fn seats<'a>(
    connection: &mut PgConnection,
    document: &'a EventDocument,
    slots: &[Slot],
) -> Result<Vec<SeatHistory<'a>>, Error> {
    let event = i64::from(document.event.0);
    let numbers: Vec<_> = slots.iter().map(|slot| i64::from(slot.0)).collect();
    let words = words(connection, event, &numbers).await?;
    let rows = sqlx::query!(
        r#"SELECT slot AS "slot!", row AS "row!", ticket, aside AS "aside!"
           FROM (
               SELECT slot, row, CASE WHEN proved_places IS NOT NULL THEN ticket END AS ticket, false AS aside
               FROM journal
               WHERE event = $1 AND slot = ANY($2) AND believed
                 AND (persons > 0 OR undoes IS NOT NULL OR held IS NOT NULL OR proved_places IS NOT NULL)
               UNION ALL
               SELECT slot, row, CASE WHEN proved_places IS NOT NULL THEN ticket END, true
               FROM journal_aside WHERE event = $1 AND slot = ANY($2) AND believed
               UNION ALL
               SELECT vouched.slot, row, NULL, false
               FROM vouched JOIN journal USING (gate, sequence) WHERE vouched.event = $1 AND vouched.slot = ANY($2)
                 AND NOT vouched.withheld
           ) AS told"#,
        event,
        &numbers,
    )
    .fetch_all(connection)
    .await?;
    let mut told = BTreeMap::<Slot, Vec<Told>>::new();
    for row in rows {
        let slot = Slot(column::number(row.slot, "journal.slot")?);
        let terms = row.ticket.map(terms).transpose()?;
        told.entry(slot).or_default().push(Told { row: decoded(&row.row)?, believed: true, aside: row.aside, terms });
    }
    let history = |(slot, told)| {
        let word = words.get(&slot);
        let (issued, blocked) = (word.map(|word| word.issued), word.is_some_and(|word| word.blocked));
        SeatHistory { event: document, slot, issued, blocked, told }
    };
    Ok(told.into_iter().map(history).collect())
}

/// What the cloud says of a seat: tickets, and whoever administers.
struct Word {
    issued: Issued,
    blocked: bool,
}

async fn words(connection: &mut PgConnection, event: i64, slots: &[i64]) -> Result<BTreeMap<Slot, Word>, Error> {
    let rows = sqlx::query!(
        r#"SELECT slot, generation, generation_told_at, revoked_at, blocked IS NOT NULL AS "blocked!"
           FROM seats WHERE event = $1 AND slot = ANY($2)"#,
        event,
        slots,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let issued = Issued {
                generation: Generation(column::number(row.generation.into(), "seats.generation")?),
                since: row.generation_told_at.into(),
                revoked: row.revoked_at.map(Timestamp::from),
            };
            Ok((Slot(column::number(row.slot, "seats.slot")?), Word { issued, blocked: row.blocked }))
        })
        .collect()
}

/// All that is known of a gate's journal.
pub(crate) async fn gate(connection: &mut PgConnection, gate: GateId) -> Result<GateHistory, Error> {
    let number = i64::from(gate.0);
    let breaks = breaks(connection, number).await?;
    let jumps = clock_jumps(connection, number).await?;
    let forks = sqlx::query_scalar!(
        r#"SELECT DISTINCT sequence::int8 AS "sequence!" FROM journal_aside WHERE gate = $1 AND reason = 'fork'"#,
        number,
    )
    .fetch_all(&mut *connection)
    .await?;
    let forks: Result<BTreeSet<u64>, Error> =
        forks.into_iter().map(|sequence| column::number(sequence, "journal_aside.sequence")).collect();
    let counts = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM journal LEFT JOIN vouched USING (gate, sequence)
                   WHERE gate = $1 AND NOT believed AND vouched.slot IS NULL) AS "unproved!",
                  (SELECT count(*) FROM journal_aside WHERE gate = $1 AND reason = 'unreadable') AS "unreadable!""#,
        number,
    )
    .fetch_one(connection)
    .await?;
    let count = |count| column::number(count, "count");
    Ok(GateHistory {
        gate,
        breaks,
        forks: forks?,
        jumps,
        unproved: count(counts.unproved)?,
        unreadable: count(counts.unreadable)?,
    })
}

/// Rows that followed nothing when they came, and do not today either: what is missing may have arrived since.
async fn breaks(connection: &mut PgConnection, gate: i64) -> Result<Vec<Break>, Error> {
    let rows = sqlx::query!(
        r#"SELECT journal.sequence, journal.row, journal.chain, last.sequence AS "last?", last.chain AS "last_chain?"
           FROM journal LEFT JOIN LATERAL (
               SELECT sequence, chain FROM journal AS before
               WHERE before.gate = journal.gate AND before.sequence < journal.sequence
               ORDER BY before.sequence DESC LIMIT 1
           ) AS last ON true
           WHERE journal.gate = $1 AND journal.after_gap ORDER BY journal.sequence"#,
        gate,
    )
    .fetch_all(connection)
    .await?;
    let mut breaks = Vec::new();
    for row in rows {
        let number: u64 = column::number(row.sequence, "journal.sequence")?;
        let last = row.last.map_or(Ok(0), |last| column::number(last, "journal.sequence"))?;
        let chain = row
            .last_chain
            .map_or(Ok(ChainHash::START), |chain| column::bytes(chain, "journal.chain").map(ChainHash))?;
        let follows = if last + 1 < number {
            Some(Follows::Nothing { last })
        } else {
            let after = ChainHash(column::bytes(row.chain, "journal.chain")?);
            (chain.next(&row.row) != after).then_some(Follows::Another)
        };
        breaks.extend(follows.map(|follows| Break { row: number, follows }));
    }
    Ok(breaks)
}

/// Where the gate's clock jumps: at the rows that may be where, and at those behind them.
async fn clock_jumps(connection: &mut PgConnection, gate: i64) -> Result<Vec<Jump>, Error> {
    let rows = sqlx::query!(
        // Row by row, by index: joined with the journal by a range it would be all rows against all, and of a gate whose clock was wrong
        // for days every row is doubtful.
        r#"SELECT near.sequence AS "sequence!", stored.row, stored.received_at, near.suspect AS "suspect!"
           FROM (
               SELECT doubtful.sequence + beside AS sequence, bool_or(beside >= 0) AS suspect
               FROM (
                   SELECT sequence FROM journal
                   WHERE gate = $1 AND clock_doubtful ORDER BY sequence LIMIT $2
               ) AS doubtful CROSS JOIN unnest('{-1,0,1}'::int8[]) AS beside
               GROUP BY 1
           ) AS near CROSS JOIN LATERAL (
               SELECT row, received_at FROM journal WHERE gate = $1 AND sequence = near.sequence OFFSET 0
           ) AS stored
           ORDER BY near.sequence"#,
        gate,
        MOST_ROWS,
    )
    .fetch_all(connection)
    .await?;
    let mut found = Vec::new();
    let mut before: Option<JournalRow> = None;
    for row in rows {
        let this = decoded(&row.row)?;
        let next_to = before.filter(|before| before.sequence.checked_add(1) == Some(this.sequence));
        if row.suspect {
            found.extend(jumps(&this, next_to.as_ref(), row.received_at.into()));
        }
        before = Some(this);
    }
    Ok(found)
}

/// When the event's gates that are in service were last heard; one that it missed and that was moved since is missed until it is heard.
pub(crate) async fn heard(connection: &mut PgConnection, event: EventId) -> Result<Vec<Heard>, Error> {
    let rows = sqlx::query!(
        r#"SELECT gate, last_seen AS "last_seen!",
                  (SELECT max(sequence) FROM journal WHERE journal.gate = gates.gate) AS last_row
           FROM gates
           WHERE (event = $1 OR gate IN (SELECT gate FROM findings WHERE event = $1 AND rule = $2 AND stands))
             AND last_seen IS NOT NULL AND NOT suspended ORDER BY gate"#,
        i64::from(event.0),
        Rule::LostGate.as_str(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Heard {
                gate: GateId(column::number(row.gate, "gates.gate")?),
                seen: row.last_seen.into(),
                last_row: row.last_row.map(|last| column::number(last, "journal.sequence")).transpose()?,
            })
        })
        .collect()
}

fn decoded(bytes: &[u8]) -> Result<JournalRow, Error> {
    JournalRow::from_bytes(bytes).map_err(|_| Error::Corrupt { column: "journal.row" })
}

/// What a ticket says of entries that was verified when it came.
fn terms(text: Vec<u8>) -> Result<Terms, Error> {
    let text = String::from_utf8(text).ok();
    let ticket = text.and_then(|text| UnverifiedTicket::parse(&text).ok());
    ticket.map(|ticket| Terms::of(ticket.body())).ok_or(Error::Corrupt { column: "journal.ticket" })
}
