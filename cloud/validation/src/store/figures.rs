//! Who came in, from believed rows.

use countermark_service::contract::GateFigures;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use super::column;
use crate::error::Error;

/// Persons admitted to an event, each seat by its first admission alone, over all gates and generations.
pub(crate) async fn admitted(connection: &mut PgConnection, event: EventId) -> Result<u64, Error> {
    let admitted = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(persons), 0)::int8 AS "admitted!" FROM (
               SELECT DISTINCT ON (slot) persons FROM journal
               WHERE event = $1 AND believed AND persons > 0
               ORDER BY slot, at, gate, sequence
           ) AS first_admissions"#,
        i64::from(event.0),
    )
    .fetch_one(connection)
    .await?;
    column::number(admitted, "journal.persons")
}

/// The gates of an event, by number.
pub(crate) async fn by_gate(connection: &mut PgConnection, event: EventId) -> Result<Vec<GateFigures>, Error> {
    let rows = sqlx::query!(
        r#"SELECT gate, name, enrolled_at, last_seen,
                  (SELECT count(*) FROM journal WHERE journal.gate = gates.gate) AS "scans!",
                  (SELECT coalesce(sum(persons), 0)::int8 FROM journal
                   WHERE journal.gate = gates.gate AND journal.event = gates.event AND believed) AS "admitted!",
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
                scans: column::number(row.scans, "count")?,
                admitted: column::number(row.admitted, "journal.persons")?,
                doubtful: column::number(row.doubtful, "count")?,
            })
        })
        .collect()
}
