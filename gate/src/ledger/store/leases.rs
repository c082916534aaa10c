//! Until when each event may be served.

use std::collections::BTreeMap;

use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use rusqlite::Connection;

/// Notes what the newest assignment to an event says.
pub(in super::super) fn put_lease(connection: &Connection, event: EventId, until: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO leases (event, until) VALUES (?1, ?2) ON CONFLICT (event) DO UPDATE SET until = excluded.until",
        )?
        .execute((event.0, until.unix_millis()))?;
    Ok(())
}

/// Of all events that were ever assigned.
pub(in super::super) fn leases(connection: &Connection) -> rusqlite::Result<BTreeMap<EventId, Timestamp>> {
    let mut statement = connection.prepare_cached("SELECT event, until FROM leases")?;
    let leases = statement.query_map([], |row| Ok((EventId(row.get(0)?), Timestamp::from_unix_millis(row.get(1)?))))?;
    leases.collect()
}
