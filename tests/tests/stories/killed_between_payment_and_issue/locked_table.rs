//! A table that nobody else can use, so that a service stands still at exactly the statement that needs it.

use anyhow::Result;
use countermark_tests::wait::{PATIENCE, until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// Locked until it is released or dropped.
pub(super) struct LockedTable {
    holder: PgConnection,
    watcher: PgConnection,
}

impl LockedTable {
    /// Waits for whoever uses the table now, and keeps everyone else out.
    pub(super) async fn lock(database: &str, table: &'static str) -> Result<Self> {
        Self::in_mode(database, table, "ACCESS EXCLUSIVE").await
    }

    /// The same, but everyone may read, also `FOR UPDATE`: it is the first change that stands still.
    pub(super) async fn lock_against_changes(database: &str, table: &'static str) -> Result<Self> {
        Self::in_mode(database, table, "SHARE").await
    }

    async fn in_mode(database: &str, table: &'static str, mode: &'static str) -> Result<Self> {
        let (mut holder, watcher) = (PgConnection::connect(database).await?, PgConnection::connect(database).await?);
        holder.execute("BEGIN").await?;
        holder.execute(AssertSqlSafe(format!("LOCK TABLE {table} IN {mode} MODE"))).await?;
        Ok(Self { holder, watcher })
    }

    /// Waits until a statement that contains `words` waits for the lock.
    pub(super) async fn holds_up(&mut self, words: &str) -> Result<()> {
        let watcher = &mut self.watcher;
        until(format_args!("a statement with `{words}` stood still"), PATIENCE, async || {
            let waits: bool = sqlx::query_scalar(
                "SELECT EXISTS (SELECT FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock' AND strpos(query, $1) > 0)",
            )
            .bind(words)
            .fetch_one(&mut *watcher)
            .await?;
            Ok(waits.then_some(()))
        })
        .await
    }

    /// Lets everyone in again.
    pub(super) async fn release(mut self) -> Result<()> {
        self.holder.execute("ROLLBACK").await?;
        Ok(self.holder.close().await?)
    }
}
