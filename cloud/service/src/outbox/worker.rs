//! Carrying entries out.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio::task::JoinSet;

use super::{AT_ONCE, Entry, Outbox, Retry, back_off, prune};
use crate::clock::Clock;
use crate::problem::chain;
use crate::randomness::Randomness;
use crate::serve::Shutdown;

/// How long until the next look when nobody rings: what other copies of the service committed, and what is due again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

type Handler = dyn Fn(Entry) -> Pin<Box<dyn Future<Output = Result<(), Retry>> + Send>> + Send + Sync;

/// Carries out the entries of one database, up to [`AT_ONCE`] of each kind at a time: a service that hangs holds back what goes to it
/// and nothing else.
///
/// An entry's row stays locked, in an open transaction, while the handler runs. No two workers take the same one, and
/// when this process dies the database frees it at once.
#[derive(Clone)]
pub struct Worker {
    outbox: Outbox,
    pool: PgPool,
    clock: Clock,
    randomness: Randomness,
    kinds: &'static [&'static str],
    handler: Arc<Handler>,
}

struct Taken {
    id: i64,
    entry: Entry,
}

impl Worker {
    /// A worker that gives every entry of these kinds to `handler`. Entries of other kinds stay pending, for an administrator to see.
    pub fn new<H, F>(
        outbox: Outbox,
        pool: PgPool,
        clock: Clock,
        randomness: Randomness,
        kinds: &'static [&'static str],
        handler: H,
    ) -> Self
    where
        H: Fn(Entry) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Retry>> + Send + 'static,
    {
        let handler: Arc<Handler> = Arc::new(move |entry| Box::pin(handler(entry)));
        Self { outbox, pool, clock, randomness, kinds, handler }
    }

    /// Works until the shutdown, then finishes what it holds. Forgets what was done long ago, besides.
    pub async fn run(self, shutdown: Shutdown) {
        let mut hands = JoinSet::new();
        for kind in self.kinds {
            for _ in 0..AT_ONCE {
                hands.spawn(self.clone().work(kind, shutdown.clone()));
            }
        }
        hands.spawn(prune::run(self.pool.clone(), self.clock.clone(), shutdown));
        // Handlers' panics are caught where they are awaited; a panic of ours ends the process's worker visibly.
        hands.join_all().await;
    }

    async fn work(self, kind: &str, shutdown: Shutdown) {
        let bell = Arc::clone(&self.outbox.bell);
        while !shutdown.is_requested() {
            // Listening before looking: an entry committed in between rings.
            let mut rung = pin!(bell.notified());
            rung.as_mut().enable();
            match self.step(kind).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "the outbox cannot be read or written");
                }
            }
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.requested() => {}
            }
        }
    }

    /// Takes one entry of the kind that is due and carries it out. Whether there was one.
    pub(super) async fn step(&self, kind: &str) -> Result<bool, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let now = OffsetDateTime::from(self.clock.now());
        let Some(Taken { id, entry }) = take(&mut transaction, kind, now).await? else {
            return Ok(false);
        };
        let failures = entry.attempts.saturating_add(1);
        let (kind, key) = (entry.kind.clone(), entry.key.clone());
        // A task of its own, so that a panic is a failure like any other.
        let outcome = match tokio::spawn((self.handler)(entry)).await {
            Ok(outcome) => outcome,
            Err(error) => Err(Retry::because(format!("the handler stopped: {error}"))),
        };
        let now = self.clock.now();
        match outcome {
            Ok(()) => finish(&mut transaction, id, now.into()).await?,
            Err(Retry { why }) => {
                tracing::warn!(kind, key, failures, why, "an outbox entry is to be tried again");
                let next_at = now + back_off::after(failures, &self.randomness);
                postpone(&mut transaction, id, &why, next_at.into()).await?;
            }
        }
        transaction.commit().await?;
        Ok(true)
    }
}

async fn take(connection: &mut PgConnection, kind: &str, now: OffsetDateTime) -> Result<Option<Taken>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT id, kind, key, payload, attempts FROM outbox WHERE done_at IS NULL AND kind = $1 AND next_at <= $2
         ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        kind,
        now,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Taken {
        id: row.id,
        entry: Entry { kind: row.kind, key: row.key, attempts: row.attempts.unsigned_abs(), payload: row.payload },
    }))
}

async fn finish(connection: &mut PgConnection, id: i64, now: OffsetDateTime) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE outbox SET done_at = $2, last_error = NULL WHERE id = $1", id, now)
        .execute(connection)
        .await?;
    Ok(())
}

async fn postpone(
    connection: &mut PgConnection,
    id: i64,
    why: &str,
    next_at: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE outbox SET attempts = attempts + 1, last_error = $2, next_at = $3 WHERE id = $1",
        id,
        why,
        next_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
