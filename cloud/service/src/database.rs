//! A service's database. Owns the pool and the question whether the schema is the one this program was built for;
//! refuses to know any table.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The tables of this crate, which every service's database holds besides the service's own.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// Connections of one process at most: twelve requests at once, and two hands for each of three kinds of outbox entries.
const CONNECTIONS: u32 = 18;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// `undefined_table` (PostgreSQL, appendix A).
const UNDEFINED_TABLE: &str = "42P01";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is none of PostgreSQL. It is not repeated: it may hold a password.
    #[error("this is no PostgreSQL URL: postgres://user@host/database")]
    Url,
    /// It does not answer.
    #[error("the database cannot be reached")]
    Unreachable {
        /// What the driver said.
        source: sqlx::Error,
    },
    /// A migration was not applied yet.
    #[error("the database lacks migration {version} ({description}): run `countermark-cloud migrate` first")]
    Behind {
        /// The first that is missing.
        version: i64,
        /// What it does.
        description: String,
    },
    /// A migration was applied in another form than this program knows.
    #[error("the database was migrated with another text of migration {version}; migrations only append")]
    Different {
        /// Which.
        version: i64,
    },
    /// Migrating, or looking what was migrated, failed.
    #[error("the database cannot be migrated")]
    Migration {
        /// What failed.
        source: MigrateError,
    },
}

/// Why nobody but its service may use a database now, or whether they do is not known.
#[derive(Debug, thiserror::Error)]
pub enum NotAlone {
    /// Others are connected.
    #[error(
        "{others} others are connected to this database: stop the service, and whatever else uses it, and try again"
    )]
    Others {
        /// How many connections.
        others: i64,
    },
    /// It could not be asked.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Reads a PostgreSQL URL.
pub fn options(url: &str) -> Result<PgConnectOptions, DatabaseError> {
    // The driver takes any scheme, and would look for a PostgreSQL where another database listens.
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(DatabaseError::Url);
    }
    url.parse().map_err(|_: sqlx::Error| DatabaseError::Url)
}

/// Connects. Fails when the database does not answer within seconds.
pub async fn connect(options: PgConnectOptions) -> Result<PgPool, DatabaseError> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(|source| DatabaseError::Unreachable { source })
}

/// Brings the database to this program's schema: the tables of this crate, then the service's `own`.
pub async fn migrate(pool: &PgPool, own: &Migrator) -> Result<(), DatabaseError> {
    for migrator in [&MIGRATOR, own] {
        migrator.run(pool).await.map_err(|source| DatabaseError::Migration { source })?;
    }
    Ok(())
}

/// Makes sure that every migration this program knows was applied. One that is ahead is fine: migrations expand first.
pub async fn expect_migrated(pool: &PgPool, own: &Migrator) -> Result<(), DatabaseError> {
    let mut connection = pool.acquire().await.map_err(|source| DatabaseError::Unreachable { source })?;
    for migrator in [&MIGRATOR, own] {
        let applied = match connection.list_applied_migrations(&migrator.table_name).await {
            Err(MigrateError::Execute(error)) if is_undefined_table(&error) => Vec::new(),
            applied => applied.map_err(|source| DatabaseError::Migration { source })?,
        };
        for migration in migrator.iter() {
            let version = migration.version;
            match applied.iter().find(|applied| applied.version == version) {
                Some(applied) if applied.checksum == migration.checksum => {}
                Some(_) => return Err(DatabaseError::Different { version }),
                None => {
                    let description = migration.description.clone().into_owned();
                    return Err(DatabaseError::Behind { version, description });
                }
            }
        }
    }
    Ok(())
}

/// Makes sure that nobody else is connected to the database: for a command that works in the place of its service.
pub async fn expect_alone(pool: &PgPool) -> Result<(), NotAlone> {
    let mut connection = pool.acquire().await?;
    let connections = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM pg_stat_activity
           WHERE datname = current_database() AND backend_type = 'client backend'"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let others = connections - i64::from(pool.size());
    if others > 0 { Err(NotAlone::Others { others }) } else { Ok(()) }
}

fn is_undefined_table(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(UNDEFINED_TABLE)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use countermark_postgres::{Schema, TestDatabase};
    use sqlx::migrate::{Migration, MigrationType};
    use sqlx::{AssertSqlSafe, SqlSafeStr};

    use super::*;

    fn own(sql: &'static str) -> Migrator {
        let sql = AssertSqlSafe(sql).into_sql_str();
        let migration = Migration::new(1, Cow::Borrowed("first"), MigrationType::Simple, sql, false);
        Migrator::with_migrations(vec![migration])
    }

    #[tokio::test]
    async fn a_service_starts_on_its_own_schema_only() {
        let database = TestDatabase::new(Schema::Service);
        let pool = connect(database.url.parse().unwrap()).await.unwrap();
        let mine = own("CREATE TABLE mine ()");
        let error = expect_migrated(&pool, &mine).await.unwrap_err();
        assert!(error.to_string().contains("countermark-cloud migrate"), "{error}");

        migrate(&pool, &mine).await.unwrap();
        migrate(&pool, &mine).await.unwrap();
        expect_migrated(&pool, &mine).await.unwrap();

        let other = own("CREATE TABLE other ()");
        let error = expect_migrated(&pool, &other).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Different { version: 1 }), "{error}");
    }

    #[tokio::test]
    async fn an_absent_database_is_told_at_once() {
        let nowhere = PgConnectOptions::new().host("127.0.0.1").port(1);
        assert!(matches!(connect(nowhere).await, Err(DatabaseError::Unreachable { .. })));
    }
}
