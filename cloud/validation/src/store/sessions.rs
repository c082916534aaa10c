//! Nonces and sessions of gates.

use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;
use crate::session::Gate;

/// A session that has not ended.
pub(crate) struct Session {
    pub(crate) gate: Gate,
    pub(crate) last_seen: Option<Timestamp>,
}

/// Remembers a nonce for the gate, if there is such a gate; forgets those that have ended.
pub(crate) async fn offer_nonce(
    connection: &mut PgConnection,
    gate: GateId,
    nonce: &[u8; 32],
    now: Timestamp,
    until: Timestamp,
) -> Result<(), Error> {
    sqlx::query!("DELETE FROM login_nonces WHERE until <= $1", OffsetDateTime::from(now))
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO login_nonces (nonce, gate, until)
         SELECT $2, gate, $3 FROM gates WHERE gate = $1 AND public_key IS NOT NULL",
        i64::from(gate.0),
        &nonce[..],
        OffsetDateTime::from(until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a nonce that was offered to the gate and has not ended; the answer is the key that must have signed it.
pub(crate) async fn take_nonce(
    connection: &mut PgConnection,
    gate: GateId,
    nonce: &[u8; 32],
    now: Timestamp,
) -> Result<Option<VerifyingKey>, Error> {
    let key = sqlx::query_scalar!(
        r#"DELETE FROM login_nonces USING gates
           WHERE login_nonces.nonce = $1 AND login_nonces.gate = $2 AND login_nonces.until > $3
             AND gates.gate = login_nonces.gate AND gates.public_key IS NOT NULL
           RETURNING gates.public_key AS "public_key!""#,
        &nonce[..],
        i64::from(gate.0),
        OffsetDateTime::from(now),
    )
    .fetch_optional(connection)
    .await?;
    key.map(|key| column::key(key, "gates.public_key")).transpose()
}

/// Opens a session; forgets those that have ended.
pub(crate) async fn open(
    connection: &mut PgConnection,
    gate: GateId,
    token_hash: [u8; 32],
    now: Timestamp,
    until: Timestamp,
) -> Result<(), Error> {
    sqlx::query!("DELETE FROM gate_sessions WHERE until <= $1", OffsetDateTime::from(now))
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "INSERT INTO gate_sessions (token_hash, gate, until) VALUES ($1, $2, $3)",
        &token_hash[..],
        i64::from(gate.0),
        OffsetDateTime::from(until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends every session, and whatever was on the way to one: what answers a nonce from now on was asked from now on.
pub(crate) async fn end_all(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("DELETE FROM login_nonces").execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM gate_sessions").execute(connection).await?;
    Ok(())
}

/// The session of a token, unless it has ended.
pub(crate) async fn find(
    connection: &mut PgConnection,
    token_hash: [u8; 32],
    now: Timestamp,
) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"SELECT gates.gate, gates.event, gates.public_key AS "public_key!", gates.last_seen
           FROM gate_sessions JOIN gates USING (gate)
           WHERE gate_sessions.token_hash = $1 AND gate_sessions.until > $2 AND gates.public_key IS NOT NULL"#,
        &token_hash[..],
        OffsetDateTime::from(now),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let gate = Gate {
            gate: GateId(column::number(row.gate, "gates.gate")?),
            event: EventId(column::number(row.event, "gates.event")?),
            key: column::key(row.public_key, "gates.public_key")?,
        };
        Ok(Session { gate, last_seen: row.last_seen.map(Timestamp::from) })
    })
    .transpose()
}
