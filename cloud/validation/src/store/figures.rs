//! Who came in and who is inside, from believed rows that stand.

use std::collections::BTreeMap;

use countermark_service::contract::{GateFigures, ProductEntries, QuarterHour, Unpublished};
use countermark_shared::id::{EventId, GateId, ProductId};
use countermark_shared::journal::JournalRow;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// Persons who came to an event, over all gates and generations. Of a seat they are the most who were inside at once, because who
/// left is who comes again; nobody's clock is signed, so that an exit may be told before its entry, and then as many were inside at the
/// beginning as ever left ahead of it. They are no more than the ticket's places, because gates that were cut off may each have let the
/// same ones in.
pub(crate) async fn admitted(connection: &mut PgConnection, event: EventId) -> Result<u64, Error> {
    let admitted = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(came), 0)::int8 AS "admitted!" FROM (
               SELECT least(greatest(max(inside), 0) - least(min(inside), 0), max(proved_places)) AS came FROM (
                   SELECT slot, proved_places,
                          sum(passed) OVER (PARTITION BY slot ORDER BY at, gate, sequence) AS inside
                   FROM passages WHERE event = $1
               ) AS counts
               GROUP BY slot
           ) AS seats"#,
        i64::from(event.0),
    )
    .fetch_one(connection)
    .await?;
    column::number(admitted, "journal.passed")
}

/// What of an event's seats no slot list says yet.
pub(crate) async fn unpublished(connection: &mut PgConnection, event: EventId) -> Result<Option<Unpublished>, Error> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "changes!", min(at) AS oldest FROM seat_changes WHERE event = $1"#,
        i64::from(event.0),
    )
    .fetch_one(connection)
    .await?;
    let changes = column::number(row.changes, "count")?;
    Ok(row.oldest.map(|oldest| Unpublished { changes, oldest: oldest.into() }))
}

/// The gates that serve an event or served it, by number.
pub(crate) async fn by_gate(connection: &mut PgConnection, event: EventId) -> Result<Vec<GateFigures>, Error> {
    let rows = sqlx::query!(
        r#"SELECT gate, name, public_key, enrolled_at, last_seen, suspended,
                  owes IS NOT NULL AND NOT suspended AS "owes!", nullif(event, $1) AS moved_to,
                  (SELECT count(*) FROM journal WHERE journal.gate = gates.gate) AS "scans!",
                  (SELECT coalesce(sum(passed), 0)::int8 FROM passages
                   WHERE passages.gate = gates.gate AND passages.event = $1 AND passed > 0) AS "admitted!",
                  (SELECT count(*) FROM journal LEFT JOIN vouched USING (gate, sequence)
                   WHERE journal.gate = gates.gate AND NOT believed AND vouched.slot IS NULL)
                  + (SELECT count(*) FROM journal_aside WHERE journal_aside.gate = gates.gate) AS "doubtful!",
                  (SELECT count(DISTINCT undo.undoes)
                   FROM journal AS undo JOIN journal AS admission
                       ON admission.gate = undo.gate AND admission.sequence = undo.undoes AND admission.passed > 0
                   WHERE undo.gate = gates.gate AND undo.event = $1 AND undo.believed AND undo.undoes IS NOT NULL) AS "taken_back!"
           FROM gates WHERE gate IN (SELECT gate FROM assignments WHERE event = $1) ORDER BY gate"#,
        i64::from(event.0),
    )
    .fetch_all(&mut *connection)
    .await?;
    let forgiven = forgiven(connection, event).await?;
    rows.into_iter()
        .map(|row| {
            let gate = GateId(column::number(row.gate, "gates.gate")?);
            Ok(GateFigures {
                gate,
                name: row.name,
                key: row.public_key.map(|key| column::key(key, "gates.public_key")).transpose()?,
                enrolled: row.enrolled_at.map(Timestamp::from),
                last_seen: row.last_seen.map(Timestamp::from),
                suspended: row.suspended,
                owes: row.owes,
                moved_to: row.moved_to.map(|event| column::number(event, "gates.event").map(EventId)).transpose()?,
                scans: column::number(row.scans, "count")?,
                admitted: column::number(row.admitted, "journal.passed")?,
                doubtful: column::number(row.doubtful, "count")?,
                taken_back: column::number(row.taken_back, "count")?,
                forgiven: forgiven.get(&gate).copied().unwrap_or_default(),
            })
        })
        .collect()
}

/// How often each gate let somebody in again because nobody had got through. Of rows that let people pass and count for nothing there are few,
/// and which is which the row says itself.
async fn forgiven(connection: &mut PgConnection, event: EventId) -> Result<BTreeMap<GateId, u64>, Error> {
    let rows = sqlx::query_scalar!(
        "SELECT row FROM journal WHERE event = $1 AND believed AND persons > 0 AND passed = 0",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    let mut forgiven = BTreeMap::new();
    for row in rows {
        let row = JournalRow::from_bytes(&row).map_err(|_| Error::Corrupt { column: "journal.row" })?;
        if row.reason == Reason::Forgiven {
            *forgiven.entry(row.gate).or_default() += 1;
        }
    }
    Ok(forgiven)
}

/// Persons who are inside: as a gate counts that knows of all rows, seat by seat and no more than its ticket's places. Of those who
/// entered before the last reset nobody is.
pub(crate) async fn inside(
    connection: &mut PgConnection,
    event: EventId,
    last_reset: Option<Timestamp>,
) -> Result<u64, Error> {
    let inside = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(inside), 0)::int8 AS "inside!" FROM (
               SELECT least(
                          greatest(sum(passed), 0),
                          CASE WHEN $2::timestamptz IS NOT NULL
                               THEN coalesce(sum(passed) FILTER (WHERE passed > 0 AND at >= $2), 0) END,
                          max(proved_places)
                      ) AS inside
               FROM passages WHERE event = $1 GROUP BY slot
           ) AS seats"#,
        i64::from(event.0),
        last_reset.map(OffsetDateTime::from),
    )
    .fetch_one(connection)
    .await?;
    column::number(inside, "journal.passed")
}

/// Entries by product, by number; what is not known comes last.
pub(crate) async fn by_product(connection: &mut PgConnection, event: EventId) -> Result<Vec<ProductEntries>, Error> {
    let rows = sqlx::query!(
        r#"SELECT product, sum(passed)::int8 AS "entered!"
           FROM passages WHERE event = $1 AND passed > 0 GROUP BY product ORDER BY product"#,
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let product = row.product.map(|product| column::number(product.into(), "journal.product"));
            Ok(ProductEntries {
                product: product.transpose()?.map(ProductId),
                entered: column::number(row.entered, "journal.passed")?,
            })
        })
        .collect()
}

/// Entries and exits by quarter of an hour.
pub(crate) async fn by_quarter(connection: &mut PgConnection, event: EventId) -> Result<Vec<QuarterHour>, Error> {
    let rows = sqlx::query!(
        r#"SELECT date_bin('15 minutes', at, 'epoch') AS "from!",
                  coalesce(sum(passed) FILTER (WHERE passed > 0), 0)::int8 AS "entered!",
                  coalesce(-sum(passed) FILTER (WHERE passed < 0), 0)::int8 AS "left!"
           FROM passages WHERE event = $1 AND passed <> 0 GROUP BY 1 ORDER BY 1"#,
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(QuarterHour {
                from: row.from.into(),
                entered: column::number(row.entered, "journal.passed")?,
                left: column::number(row.left, "journal.passed")?,
            })
        })
        .collect()
}
