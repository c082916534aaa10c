//! Gates, their enrolment codes and whether they are suspended.

use countermark_service::contract::findings::Rule;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::sealing::WrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Enrolled;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{column, debts};
use crate::debt::Debt;
use crate::error::Error;

/// An enrolment code: for which gate, until when, and who spent it.
pub(crate) struct Code {
    pub(crate) place: Enrolled,
    pub(crate) until: Timestamp,
    pub(crate) spent_by: Option<VerifyingKey>,
}

/// A gate as it is while nothing else writes it.
pub(crate) struct Locked {
    pub(crate) gate: GateId,
    pub(crate) event: EventId,
    /// None until it has enrolled.
    pub(crate) wrapping_key: Option<WrappingKey>,
    pub(crate) suspended: bool,
    pub(crate) suspension_decided: Option<Timestamp>,
    pub(crate) assignment_decided: Option<Timestamp>,
    /// Whether something in its journal is in doubt.
    pub(crate) contested: bool,
    /// The first of its rows that is never believed.
    pub(crate) retracted_from: Option<u64>,
    /// What it has yet to tell again since the database was restored.
    pub(crate) owes: Option<Debt>,
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

/// Leaves out so many numbers: gates that are not known here any more keep theirs.
pub(crate) async fn skip_numbers(connection: &mut PgConnection, skipped: u16) -> Result<(), Error> {
    sqlx::query!(
        r#"SELECT setval(pg_get_serial_sequence('gates', 'gate'), nextval(pg_get_serial_sequence('gates', 'gate')) + $1)
           AS "last!""#,
        i64::from(skipped),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
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

/// The gate, locked until the transaction ends, so that one thing at a time writes its journal, its assignment and its head.
/// What merely names the gate does not wait: a claim must not stand behind an upload.
pub(crate) async fn lock(connection: &mut PgConnection, gate: GateId) -> Result<Option<Locked>, Error> {
    let row = sqlx::query!(
        "SELECT event, wrapping_key, suspended, suspension_decided_at, assignment_decided_at, contested, retracted_from,
                owes
         FROM gates WHERE gate = $1 FOR NO KEY UPDATE",
        i64::from(gate.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let column = "gates.wrapping_key";
        let wrapping_key = row
            .wrapping_key
            .map(|key| WrappingKey::from_bytes(&column::bytes(key, column)?).map_err(|_| Error::Corrupt { column }));
        Ok(Locked {
            gate,
            event: EventId(column::number(row.event, "gates.event")?),
            wrapping_key: wrapping_key.transpose()?,
            suspended: row.suspended,
            suspension_decided: row.suspension_decided_at.map(Timestamp::from),
            assignment_decided: row.assignment_decided_at.map(Timestamp::from),
            contested: row.contested,
            retracted_from: row.retracted_from.map(|from| column::number(from, "gates.retracted_from")).transpose()?,
            owes: row.owes.map(debts::debt).transpose()?,
        })
    })
    .transpose()
}

/// Whether the gate is suspended, by the last decision that has committed.
pub(crate) async fn is_suspended(connection: &mut PgConnection, gate: GateId) -> Result<bool, Error> {
    let suspended = sqlx::query_scalar!("SELECT suspended FROM gates WHERE gate = $1", i64::from(gate.0))
        .fetch_optional(connection)
        .await?;
    suspended.ok_or(Error::GateUnknown)
}

/// Every gate, by number.
pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<GateId>, Error> {
    let gates = sqlx::query_scalar!("SELECT gate FROM gates ORDER BY gate").fetch_all(connection).await?;
    gates.into_iter().map(|gate| column::number(gate, "gates.gate").map(GateId)).collect()
}

/// The gates that serve an event, by number.
pub(crate) async fn of_event(connection: &mut PgConnection, event: EventId) -> Result<Vec<GateId>, Error> {
    let gates = sqlx::query_scalar!("SELECT gate FROM gates WHERE event = $1 ORDER BY gate", i64::from(event.0))
        .fetch_all(connection)
        .await?;
    gates.into_iter().map(|gate| column::number(gate, "gates.gate").map(GateId)).collect()
}

/// Writes down whether the gate is suspended; whether that is the latest decision is the caller's to know.
pub(crate) async fn suspend(
    connection: &mut PgConnection,
    gate: GateId,
    suspended: bool,
    decided: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE gates SET suspended = $2, suspension_decided_at = $3 WHERE gate = $1",
        i64::from(gate.0),
        suspended,
        OffsetDateTime::from(decided),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down which event the gate serves; whether that is the latest decision is the caller's to know.
pub(crate) async fn assign(
    connection: &mut PgConnection,
    gate: GateId,
    event: EventId,
    decided: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE gates SET event = $2, assignment_decided_at = $3 WHERE gate = $1",
        i64::from(gate.0),
        i64::from(event.0),
        OffsetDateTime::from(decided),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down whether something in the gate's journal is in doubt.
pub(crate) async fn contest(connection: &mut PgConnection, gate: GateId, contested: bool) -> Result<(), Error> {
    sqlx::query!("UPDATE gates SET contested = $2 WHERE gate = $1", i64::from(gate.0), contested)
        .execute(connection)
        .await?;
    Ok(())
}

/// Believes nothing of the gate any more from the first row that was received after `until`, and nothing that was kept aside since; what was
/// retracted before stays so. The rows stay, and settling looks at the gate and at their seats.
pub(crate) async fn retract(connection: &mut PgConnection, gate: GateId, until: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "WITH retracted AS (
             UPDATE gates SET retracted_from = least(retracted_from, (
                 SELECT coalesce(min(sequence) FILTER (WHERE received_at > $2), max(sequence) + 1, 1)
                 FROM journal WHERE gate = $1
             )) WHERE gate = $1 RETURNING gate, event, retracted_from
         ), stood AS (
             UPDATE journal SET believed = false FROM retracted
             WHERE journal.gate = retracted.gate AND sequence >= retracted_from AND believed
             RETURNING journal.event, slot
         ), aside AS (
             UPDATE journal_aside SET believed = false FROM retracted
             WHERE journal_aside.gate = retracted.gate AND (sequence >= retracted_from OR received_at > $2) AND believed
             RETURNING journal_aside.event, slot
         )
         INSERT INTO finding_marks (event, slot, gate, first, last)
         SELECT event, slot, NULL::int8, NULL::int8, NULL::int8
         FROM (SELECT event, slot FROM stood UNION SELECT event, slot FROM aside) AS told
         WHERE slot IS NOT NULL
         UNION ALL
         SELECT event, NULL, gate, retracted_from, retracted_from FROM retracted",
        i64::from(gate.0),
        OffsetDateTime::from(until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The events whose gates may be missed: those that enrolled gates serve, and those that miss one, wherever it serves by now.
pub(crate) async fn events_on_roll(connection: &mut PgConnection) -> Result<Vec<EventId>, Error> {
    let events = sqlx::query_scalar!(
        r#"SELECT event AS "event!" FROM gates WHERE enrolled_at IS NOT NULL
           UNION SELECT event FROM findings WHERE rule = $1 AND stands ORDER BY 1"#,
        Rule::LostGate.as_str(),
    )
    .fetch_all(connection)
    .await?;
    events.into_iter().map(|event| column::number(event, "gates.event").map(EventId)).collect()
}
