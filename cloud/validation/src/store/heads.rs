//! The newest head of each gate.

use countermark_shared::id::GateId;
use sqlx::PgConnection;

use crate::error::Error;

/// The newest.
pub(crate) async fn find(connection: &mut PgConnection, gate: GateId) -> Result<Option<Vec<u8>>, Error> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM heads WHERE gate = $1", i64::from(gate.0))
        .fetch_optional(connection)
        .await?;
    Ok(bytes)
}

/// Replaces it.
pub(crate) async fn put(connection: &mut PgConnection, gate: GateId, bytes: &[u8]) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO heads (gate, bytes) VALUES ($1, $2) ON CONFLICT (gate) DO UPDATE SET bytes = excluded.bytes",
        i64::from(gate.0),
        bytes,
    )
    .execute(connection)
    .await?;
    Ok(())
}
