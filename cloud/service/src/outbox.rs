//! Effects that follow a commit: calls to other services, mail, publications. Owns table `outbox` and its worker;
//! refuses to know what an entry means, which is the handler's.
//!
//! An entry is written in the transaction that decides it and carried out at least once, so handlers are idempotent.

mod back_off;
mod prune;
mod worker;

use std::sync::Arc;

use countermark_shared::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio::sync::Notify;
use utoipa::ToSchema;

pub use self::worker::Worker;

/// How many entries of a kind one process carries out at once.
pub const AT_ONCE: u8 = 2;

/// The worker's bell. Clones ring the same one.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    bell: Arc<Notify>,
}

impl Outbox {
    /// A bell that [`Worker::new`] is given a clone of.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells the worker that entries were committed, so that it does not wait for its next look.
    pub fn poke(&self) {
        self.bell.notify_waiters();
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What to do; the handler's to name.
    pub kind: String,
    /// Which one of its kind.
    pub key: String,
    /// How often it failed before.
    pub attempts: u32,
    payload: Value,
}

impl Entry {
    /// The payload as it was enqueued.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Retry> {
        T::deserialize(&self.payload).map_err(|error| Retry::because(format!("the payload cannot be read: {error}")))
    }
}

/// Why an entry is to be tried again later. There is no giving up: an administrator sees what is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// For the administrator.
    pub why: String,
}

impl Retry {
    /// To be tried again, because `why`.
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl<E: std::error::Error + 'static> From<E> for Retry {
    /// With the error's sources, so that `?` in a handler tells the whole story.
    fn from(error: E) -> Self {
        Self::because(crate::problem::chain(&error))
    }
}

/// An entry that is not done yet, for the administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PendingEntry {
    /// What to do.
    pub kind: String,
    /// Which one of its kind.
    pub key: String,
    /// How often it failed.
    pub attempts: u32,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Why an entry cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The payload has no JSON form.
    #[error("the payload of outbox entry {kind} {key} cannot be written as JSON")]
    Payload {
        /// What was to be done.
        kind: &'static str,
        /// Which one.
        key: String,
        /// What serde said.
        source: serde_json::Error,
    },
    /// The database failed.
    #[error("the outbox cannot be written")]
    Database(#[from] sqlx::Error),
}

/// Writes an entry within the caller's transaction. Whether it is new: one (kind, key) is done once, however often it is
/// enqueued while the entry is kept, which is 30 days after it was done. Poke the [`Outbox`] after the commit.
pub async fn enqueue<P: Serialize + ?Sized>(
    connection: &mut PgConnection,
    kind: &'static str,
    key: &str,
    payload: &P,
    now: Timestamp,
) -> Result<bool, EnqueueError> {
    let payload =
        serde_json::to_value(payload).map_err(|source| EnqueueError::Payload { kind, key: key.to_owned(), source })?;
    let done = sqlx::query!(
        "INSERT INTO outbox (kind, key, payload, created_at, next_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT ON CONSTRAINT outbox_once DO NOTHING",
        kind,
        key,
        payload,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many entries of a kind are not done yet whose keys begin with `prefix`.
pub async fn count_pending(connection: &mut PgConnection, kind: &str, prefix: &str) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM outbox WHERE done_at IS NULL AND kind = $1 AND starts_with(key, $2)"#,
        kind,
        prefix,
    )
    .fetch_one(connection)
    .await?;
    Ok(count.unsigned_abs())
}

/// What is not done yet, the oldest first.
pub async fn pending(connection: &mut PgConnection) -> Result<Vec<PendingEntry>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT kind, key, attempts, last_error, created_at FROM outbox WHERE done_at IS NULL ORDER BY created_at, id",
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PendingEntry {
            kind: row.kind,
            key: row.key,
            attempts: row.attempts.unsigned_abs(),
            last_error: row.last_error,
            created_at: row.created_at.into(),
        })
        .collect())
}
