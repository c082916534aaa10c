//! Assignments as signed, each version of them.

use countermark_shared::documents::{Assignment, Authentic, DocumentHash, Revision, Standing};
use countermark_shared::id::GateId;
use sqlx::PgConnection;

use super::column;
use crate::error::Error;

/// The newest assignment of a gate.
pub(crate) struct Newest {
    pub(crate) standing: Standing,
    pub(crate) bytes: Vec<u8>,
}

/// Stores an assignment.
pub(crate) async fn insert(connection: &mut PgConnection, assignment: &Authentic<Assignment>) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assignments (gate, version, event, hash, bytes) VALUES ($1, $2, $3, $4, $5)",
        i64::from(assignment.document().gate.0),
        i64::from(assignment.document().version),
        i64::from(assignment.document().event.0),
        &assignment.hash().0[..],
        assignment.bytes(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest.
pub(crate) async fn newest(connection: &mut PgConnection, gate: GateId) -> Result<Option<Newest>, Error> {
    let row = sqlx::query!(
        "SELECT version, hash, bytes FROM assignments WHERE gate = $1 ORDER BY version DESC LIMIT 1",
        i64::from(gate.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let revision = Revision::version(column::number(row.version, "assignments.version")?);
        let hash = DocumentHash(column::bytes(row.hash, "assignments.hash")?);
        Ok(Newest { standing: Standing { revision, hash }, bytes: row.bytes })
    })
    .transpose()
}

/// Every version, as signed.
pub(crate) async fn all(connection: &mut PgConnection, gate: GateId) -> Result<Vec<Vec<u8>>, Error> {
    let all = sqlx::query_scalar!("SELECT bytes FROM assignments WHERE gate = $1", i64::from(gate.0));
    Ok(all.fetch_all(connection).await?)
}
