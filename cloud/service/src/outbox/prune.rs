//! Forgetting entries that were done long ago, so that the table does not grow for ever. Owns how long they are kept.

use std::time::Duration;

use countermark_shared::time::Timestamp;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::problem::chain;
use crate::serve::Shutdown;

/// How long an entry is kept after it was done: long enough to ask what happened around an event. An entry that is enqueued again
/// after that is carried out again, which idempotent handlers make harmless.
const KEPT: Duration = Duration::from_hours(30 * 24);

const EVERY: Duration = Duration::from_hours(1);

/// How many are removed in one statement, so that none takes long.
const AT_ONCE: u16 = 1000;

/// Forgets at the start and every hour, until the shutdown.
pub(super) async fn run(pool: PgPool, clock: Clock, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.requested() => return,
        }
        while !shutdown.is_requested() {
            match forget(&pool, clock.now(), AT_ONCE).await {
                Ok(forgotten) if forgotten == u64::from(AT_ONCE) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "old outbox entries cannot be removed");
                    break;
                }
            }
        }
    }
}

/// Removes at most so many entries that were done longer ago than they are kept; how many it were.
async fn forget(pool: &PgPool, now: Timestamp, at_once: u16) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE done_at < $1 ORDER BY done_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        OffsetDateTime::from(now - KEPT),
        i64::from(at_once),
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use countermark_postgres::{Schema, TestDatabase};

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    async fn enqueued(pool: &PgPool, key: &str, created: Timestamp, done: Option<Timestamp>) {
        super::super::enqueue(&mut pool.acquire().await.unwrap(), "greet", key, &(), created).await.unwrap();
        sqlx::query("UPDATE outbox SET done_at = $2 WHERE key = $1")
            .bind(key)
            .bind(done.map(OffsetDateTime::from))
            .execute(pool)
            .await
            .unwrap();
    }

    async fn left(pool: &PgPool) -> Vec<String> {
        sqlx::query_scalar("SELECT key FROM outbox ORDER BY key").fetch_all(pool).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_done_more_than_thirty_days_ago_is_forgotten_and_nothing_else() {
        let database = TestDatabase::new(Schema::Service);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let long_ago = NOW - Duration::from_hours(365 * 24);
        let day = Duration::from_hours(24);
        enqueued(&pool, "done at the edge", long_ago, Some(NOW - 30 * day)).await;
        enqueued(&pool, "done before it", long_ago, Some(NOW - 30 * day - Duration::from_millis(1))).await;
        enqueued(&pool, "done long before", long_ago, Some(long_ago)).await;
        enqueued(&pool, "never done", long_ago, None).await;

        assert_eq!(forget(&pool, NOW, 1).await.unwrap(), 1);
        assert_eq!(left(&pool).await, ["done at the edge", "done before it", "never done"], "the oldest first");
        assert_eq!(forget(&pool, NOW, AT_ONCE).await.unwrap(), 1);
        assert_eq!(forget(&pool, NOW, AT_ONCE).await.unwrap(), 0);
        assert_eq!(left(&pool).await, ["done at the edge", "never done"]);
    }

    #[tokio::test]
    async fn it_begins_at_once_and_ends_when_asked() {
        let database = TestDatabase::new(Schema::Service);
        let pool = PgPool::connect(&database.url).await.unwrap();
        enqueued(&pool, "done long before", NOW - 2 * KEPT, Some(NOW - 2 * KEPT)).await;
        let (switch, shutdown) = Shutdown::by_hand();
        let running = tokio::spawn(run(pool.clone(), Clock::fixed(NOW), shutdown));
        let emptied = async { while !left(&pool).await.is_empty() {} };
        tokio::time::timeout(Duration::from_secs(30), emptied).await.expect("it never began");
        switch.request();
        running.await.unwrap();
    }
}
