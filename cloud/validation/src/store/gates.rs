//! Gates, their enrolment codes and their assignments.

use countermark_shared::documents::{Assignment, Authentic, DocumentHash};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::sealing::WrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Enrolled;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;

/// An enrolment code: for which gate, until when, and who spent it.
pub(crate) struct Code {
    pub(crate) place: Enrolled,
    pub(crate) until: Timestamp,
    pub(crate) spent_by: Option<VerifyingKey>,
}

/// A gate that waits for its code to be spent.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    event: EventId,
    name: &str,
    code_hash: &[u8; 32],
    code_until: Timestamp,
    now: Timestamp,
) -> Result<GateId, Error> {
    let gate = sqlx::query_scalar!(
        "INSERT INTO gates (event, name, created_at, code_hash, code_until) VALUES ($1, $2, $3, $4, $5) RETURNING gate",
        i64::from(event.0),
        name,
        OffsetDateTime::from(now),
        &code_hash[..],
        OffsetDateTime::from(code_until),
    )
    .fetch_one(connection)
    .await?;
    column::number(gate, "gates.gate").map(GateId)
}

/// The code of a secret; its row stays locked.
pub(crate) async fn lock_code(connection: &mut PgConnection, code_hash: &[u8; 32]) -> Result<Option<Code>, Error> {
    let row = sqlx::query!(
        "SELECT gate, event, name, code_until, public_key FROM gates WHERE code_hash = $1 FOR UPDATE",
        &code_hash[..],
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Code {
            place: Enrolled {
                gate: GateId(column::number(row.gate, "gates.gate")?),
                event: EventId(column::number(row.event, "gates.event")?),
                name: row.name,
            },
            until: row.code_until.into(),
            spent_by: row.public_key.map(|key| column::key(key, "gates.public_key")).transpose()?,
        })
    })
    .transpose()
}

/// Gives the gate its keys, which spends its code.
pub(crate) async fn enrol(
    connection: &mut PgConnection,
    gate: GateId,
    key: VerifyingKey,
    wrapping_key: WrappingKey,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE gates SET public_key = $2, wrapping_key = $3, enrolled_at = $4, last_seen = $4
         WHERE gate = $1 AND public_key IS NULL",
        i64::from(gate.0),
        &key.to_bytes()[..],
        &wrapping_key.to_bytes()[..],
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down that the gate was heard of.
pub(crate) async fn seen(connection: &mut PgConnection, gate: GateId, now: Timestamp) -> Result<(), Error> {
    sqlx::query!("UPDATE gates SET last_seen = $2 WHERE gate = $1", i64::from(gate.0), OffsetDateTime::from(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits until nobody else writes this gate's journal, and keeps others waiting.
pub(crate) async fn lock(connection: &mut PgConnection, gate: GateId) -> Result<(), Error> {
    sqlx::query!("SELECT gate FROM gates WHERE gate = $1 FOR UPDATE", i64::from(gate.0)).fetch_one(connection).await?;
    Ok(())
}

/// Stores an assignment.
pub(crate) async fn assign(connection: &mut PgConnection, assignment: &Authentic<Assignment>) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO assignments (gate, version, hash, bytes) VALUES ($1, $2, $3, $4)",
        i64::from(assignment.document().gate.0),
        i64::from(assignment.document().version),
        &assignment.hash().0[..],
        assignment.bytes(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The assignment in force: its name and its bytes.
pub(crate) async fn assignment(
    connection: &mut PgConnection,
    gate: GateId,
) -> Result<Option<(DocumentHash, Vec<u8>)>, Error> {
    let row = sqlx::query!(
        "SELECT hash, bytes FROM assignments WHERE gate = $1 ORDER BY version DESC LIMIT 1",
        i64::from(gate.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((DocumentHash(column::bytes(row.hash, "assignments.hash")?), row.bytes))).transpose()
}
