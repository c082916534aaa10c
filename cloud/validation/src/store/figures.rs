//! Who came in, from believed rows.

use countermark_service::contract::{GateFigures, Unpublished};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

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
                   FROM journal WHERE event = $1 AND believed AND slot IS NOT NULL
               ) AS passages
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

/// The gates of an event, by number.
pub(crate) async fn by_gate(connection: &mut PgConnection, event: EventId) -> Result<Vec<GateFigures>, Error> {
    let rows = sqlx::query!(
        r#"SELECT gate, name, enrolled_at, last_seen, suspended,
                  (SELECT count(*) FROM journal WHERE journal.gate = gates.gate) AS "scans!",
                  (SELECT coalesce(sum(passed), 0)::int8 FROM journal
                   WHERE journal.gate = gates.gate AND journal.event = gates.event AND believed
                     AND passed > 0) AS "admitted!",
                  (SELECT count(*) FROM journal WHERE journal.gate = gates.gate AND NOT believed)
                  + (SELECT count(*) FROM journal_aside WHERE journal_aside.gate = gates.gate) AS "doubtful!"
           FROM gates WHERE event = $1 ORDER BY gate"#,
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(GateFigures {
                gate: GateId(column::number(row.gate, "gates.gate")?),
                name: row.name,
                enrolled: row.enrolled_at.map(Timestamp::from),
                last_seen: row.last_seen.map(Timestamp::from),
                suspended: row.suspended,
                scans: column::number(row.scans, "count")?,
                admitted: column::number(row.admitted, "journal.passed")?,
                doubtful: column::number(row.doubtful, "count")?,
            })
        })
        .collect()
}
