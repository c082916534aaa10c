//! Transactions with a name, repeated when the database asks for it. Owns begin, commit and the repeat; refuses to know
//! what happens within, which must therefore have no effect outside the database: such effects are outbox entries.

use std::error::Error;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::{PgConnection, PgPool};

/// How often a transaction is tried before its failure is the caller's.
const ATTEMPTS: u32 = 8;

/// The wait before the second attempt; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// The connection within a transaction. It derefs to sqlx's: pass `&mut transaction` to functions that take a
/// `&mut PgConnection`, and `&mut *transaction` to queries.
///
/// `'scope` is what the work borrows from outside; it outlives every attempt.
pub struct Transaction<'connection, 'scope: 'connection> {
    connection: &'connection mut PgConnection,
    scope: PhantomData<&'connection &'scope ()>,
}

/// What the work of a transaction is: a boxed future.
pub type Work<'connection, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'connection>>;

/// Runs `work` in a transaction and commits it, again from the start after a serialization failure or a deadlock.
///
/// READ COMMITTED, PostgreSQL's default: what must not change underfoot is locked or updated conditionally. An error of
/// `work` rolls back and is returned; a failed commit is an error. The errors' sources must lead to sqlx's error for the
/// repeat to work, as thiserror's `#[from]`, `#[source]` and `transparent` do.
///
/// The work may run several times, so it borrows what it needs: name references before it where it would move.
///
/// ```no_run
/// # async fn reserve(pool: &sqlx::PgPool, offer: String) -> Result<(), sqlx::Error> {
/// use countermark_service::transaction::transaction;
///
/// let offer = &offer;
/// transaction(pool, "reserve a place", |mut transaction| {
///     Box::pin(async move {
///         sqlx::query("UPDATE offers SET left_over = left_over - 1 WHERE name = $1")
///             .bind(offer)
///             .execute(&mut *transaction)
///             .await?;
///         Ok(())
///     })
/// })
/// .await
/// # }
/// ```
pub async fn transaction<'scope, T, E, F>(pool: &PgPool, name: &'static str, mut work: F) -> Result<T, E>
where
    F: for<'connection> FnMut(Transaction<'connection, 'scope>) -> Work<'connection, T, E>,
    E: Error + From<sqlx::Error> + 'static,
{
    let mut attempt = 1;
    let mut wait = FIRST_WAIT;
    loop {
        let error = match once(pool, &mut work).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if attempt == ATTEMPTS || !asks_for_repeat(&error) {
            return Err(error);
        }
        tracing::debug!(transaction = name, attempt, "repeating a transaction");
        tokio::time::sleep(wait).await;
        attempt += 1;
        wait *= 2;
    }
}

async fn once<'scope, T, E, F>(pool: &PgPool, work: &mut F) -> Result<T, E>
where
    F: for<'connection> FnMut(Transaction<'connection, 'scope>) -> Work<'connection, T, E>,
    E: From<sqlx::Error>,
{
    let mut transaction = pool.begin().await?;
    let value = work(Transaction { connection: &mut transaction, scope: PhantomData }).await?;
    transaction.commit().await?;
    Ok(value)
}

impl Deref for Transaction<'_, '_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection
    }
}

impl DerefMut for Transaction<'_, '_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection
    }
}

/// The constraint that a statement violated, by name.
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error()?.constraint()
}

/// Serialization failure or deadlock (PostgreSQL, appendix A: 40001, 40P01): the same work may succeed right away.
fn asks_for_repeat(error: &(dyn Error + 'static)) -> bool {
    matches!(sqlstate(error).as_deref(), Some("40001" | "40P01"))
}

/// The SQLSTATE that the database gave, wherever in the chain of sources.
fn sqlstate(error: &(dyn Error + 'static)) -> Option<String> {
    let mut error = Some(error);
    while let Some(current) = error {
        let database = match current.downcast_ref::<sqlx::Error>() {
            Some(error) => error.as_database_error(),
            // A transparent wrapper leads past sqlx's error to what it holds.
            None => current.downcast_ref::<Box<dyn DatabaseError>>().map(|error| &**error),
        };
        if let Some(code) = database.and_then(DatabaseError::code) {
            return Some(code.into_owned());
        }
        error = current.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use countermark_postgres::{Schema, TestDatabase};
    use tokio::sync::Barrier;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error(transparent)]
        Database(#[from] sqlx::Error),
        #[error("nothing is left")]
        SoldOut,
    }

    async fn pool(database: &TestDatabase) -> PgPool {
        let pool = PgPool::connect(&database.url).await.unwrap();
        sqlx::raw_sql(
            "CREATE TABLE stock (name text PRIMARY KEY, left_over int CONSTRAINT no_debt CHECK (left_over >= 0));
             INSERT INTO stock VALUES ('a', 1), ('b', 1)",
        )
        .execute(&pool)
        .await
        .unwrap();
        pool
    }

    async fn take(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE stock SET left_over = left_over - 1 WHERE name = $1")
            .bind(name)
            .execute(connection)
            .await
            .map(|_| ())
    }

    async fn total(pool: &PgPool) -> i64 {
        sqlx::query_scalar("SELECT sum(left_over) FROM stock").fetch_one(pool).await.unwrap()
    }

    #[tokio::test]
    async fn a_failure_of_the_work_leaves_nothing_behind() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        let result = transaction(&pool, "take and fail", |mut transaction| {
            Box::pin(async move {
                take(&mut transaction, "a").await?;
                Err::<(), _>(Failure::SoldOut)
            })
        })
        .await;
        assert!(matches!(result, Err(Failure::SoldOut)));
        assert_eq!(total(&pool).await, 2);
    }

    #[tokio::test]
    async fn a_violated_constraint_is_known_by_name() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        let result = transaction(&pool, "take twice", |mut transaction| {
            Box::pin(async move {
                take(&mut transaction, "a").await?;
                take(&mut transaction, "a").await
            })
        })
        .await;
        assert_eq!(violated(&result.unwrap_err()), Some("no_debt"));
        assert_eq!(total(&pool).await, 2);
    }

    /// Two transactions lock two rows in opposite order; the barrier makes sure that they meet. Each runs in a task, as
    /// handlers do, and borrows what it works on.
    #[tokio::test]
    async fn a_deadlock_is_resolved_by_repeating() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        let met = std::sync::Arc::new(Barrier::new(2));
        let attempts = std::sync::Arc::new(AtomicU32::new(0));
        let task = |first: String, second: String| {
            let (pool, met, attempts) = (pool.clone(), met.clone(), attempts.clone());
            tokio::spawn(async move {
                let (first, second, met) = (&first, &second, &met);
                let mut attempt = 0;
                transaction(&pool, "take both", |mut transaction| {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    attempt += 1;
                    Box::pin(async move {
                        take(&mut transaction, first).await?;
                        if attempt == 1 {
                            met.wait().await;
                        }
                        take(&mut transaction, second).await?;
                        Ok::<_, Failure>(())
                    })
                })
                .await
            })
        };
        let (one, other) = (task("a".to_owned(), "b".to_owned()), task("b".to_owned(), "a".to_owned()));
        let results = [one.await.unwrap(), other.await.unwrap()];
        // One of each was left, so exactly one of the two could have both.
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert_eq!(total(&pool).await, 0);
        assert!(attempts.load(Ordering::SeqCst) > 2, "no deadlock happened");
    }

    #[tokio::test]
    async fn a_failed_commit_is_an_error() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        sqlx::raw_sql("ALTER TABLE stock ADD twin text CONSTRAINT twin REFERENCES stock DEFERRABLE INITIALLY DEFERRED")
            .execute(&pool)
            .await
            .unwrap();
        let result = transaction(&pool, "point nowhere", |mut transaction| {
            Box::pin(async move {
                let point = sqlx::query("UPDATE stock SET twin = 'nobody'");
                point.execute(&mut *transaction).await?;
                Ok::<_, Failure>(())
            })
        })
        .await;
        let Err(Failure::Database(error)) = result else { panic!("{result:?}") };
        assert_eq!(violated(&error), Some("twin"));
    }
}
