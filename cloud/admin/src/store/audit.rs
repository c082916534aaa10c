//! The audit log: written row by row, read backwards, never changed.

use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Intent, Outcome};

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number; later rows have higher ones.
    pub(crate) entry: i64,
    /// The row of the intent, in the row of an outcome.
    pub(crate) intent: Option<i64>,
    /// Who.
    pub(crate) account: AccountId,
    /// When.
    pub(crate) at: Timestamp,
    /// Did what.
    pub(crate) act: Act,
    /// To what, in words.
    pub(crate) subject: String,
    /// What the request said, with the numbers of what it is about, or what came of it.
    #[schema(value_type = Object)]
    pub(crate) detail: Value,
    /// With what outcome.
    pub(crate) outcome: Outcome,
}

/// Writes an intent; the answer is its number.
pub(crate) async fn intend(
    connection: &mut PgConnection,
    account: AccountId,
    intent: &Intent,
    now: Timestamp,
) -> Result<i64, Error> {
    let entry = sqlx::query_scalar!(
        "INSERT INTO audit_log (account, at, act, subject, detail, outcome) VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING entry",
        account.0,
        OffsetDateTime::from(now),
        intent.act.as_str(),
        intent.subject,
        intent.detail,
        Outcome::Intended.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(entry)
}

/// Writes the outcome of an intent.
pub(crate) async fn conclude(
    connection: &mut PgConnection,
    intent: i64,
    outcome: Outcome,
    detail: &Value,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO audit_log (intent, account, at, act, subject, detail, outcome)
         SELECT entry, account, $2, act, subject, $3, $4 FROM audit_log WHERE entry = $1",
        intent,
        OffsetDateTime::from(now),
        detail,
        outcome.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An intent that was not refused: it was carried out, or may have been.
pub(crate) struct Intended {
    pub(crate) entry: i64,
    pub(crate) at: Timestamp,
    pub(crate) act: Act,
    pub(crate) detail: Value,
}

impl Intended {
    /// What its detail says, of the members that are asked for.
    pub(crate) fn says<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.detail).map_err(|source| Error::RecordUnreadable { entry: self.entry, source })
    }
}

/// At most `limit` intents after the row `after` that were not refused, in order.
pub(crate) async fn intended(
    connection: &mut PgConnection,
    after: Option<i64>,
    limit: u16,
) -> Result<Vec<Intended>, Error> {
    let rows = sqlx::query!(
        "SELECT entry, at, act, detail FROM audit_log AS said
         WHERE outcome = 'intended' AND entry > $1
           AND NOT EXISTS (SELECT FROM audit_log AS answer WHERE answer.intent = said.entry AND answer.outcome = 'refused')
         ORDER BY entry LIMIT $2",
        after.unwrap_or(0),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let act = named(row.act, "audit_log.act")?;
            Ok(Intended { entry: row.entry, at: row.at.into(), act, detail: row.detail })
        })
        .collect()
}

/// At most `limit` rows before the row `before`, the newest first.
pub(crate) async fn page(
    connection: &mut PgConnection,
    before: Option<i64>,
    limit: u16,
) -> Result<Vec<AuditEntry>, Error> {
    let rows = sqlx::query!(
        "SELECT entry, intent, account, at, act, subject, detail, outcome FROM audit_log
         WHERE entry < $1 ORDER BY entry DESC LIMIT $2",
        before.unwrap_or(i64::MAX),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AuditEntry {
                entry: row.entry,
                intent: row.intent,
                account: AccountId(row.account),
                at: row.at.into(),
                act: named(row.act, "audit_log.act")?,
                subject: row.subject,
                detail: row.detail,
                outcome: named(row.outcome, "audit_log.outcome")?,
            })
        })
        .collect()
}

fn named<T: for<'de> Deserialize<'de>>(name: String, column: &'static str) -> Result<T, Error> {
    serde_json::from_value(Value::String(name)).map_err(|_| Error::Corrupt { column })
}
