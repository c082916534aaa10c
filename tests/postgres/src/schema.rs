//! Owns which migrations make which service's database. Knows nothing of servers.

use std::path::{Path, PathBuf};

use sqlx::PgConnection;
use sqlx::migrate::Migrator;

use crate::Error;

/// What a database holds: the tables that every service shares, and those of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schema {
    /// Only the tables that every service shares.
    Service,
    /// The account service's.
    Auth,
    /// The ticket service's.
    Tickets,
    /// The validation service's.
    Validation,
    /// The administration service's.
    Admin,
}

impl Schema {
    /// Every schema.
    pub const ALL: [Self; 5] = [Self::Service, Self::Auth, Self::Tickets, Self::Validation, Self::Admin];

    /// The name of the folder below `migrations/`, and of the crate's folder below `cloud/`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Auth => "auth",
            Self::Tickets => "tickets",
            Self::Validation => "validation",
            Self::Admin => "admin",
        }
    }

    /// Applies the migrations as they are in the source tree now, the shared ones first.
    pub(crate) async fn migrate(self, connection: &mut PgConnection) -> Result<(), Error> {
        // Two series of migrations live in one database, so each keeps its own books.
        apply(connection, &Self::Service.migrations(), "_service_migrations").await?;
        if self != Self::Service {
            apply(connection, &self.migrations(), "_sqlx_migrations").await?;
        }
        Ok(())
    }

    fn migrations(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(self.name())
    }
}

/// Applies the migrations in `folder`; one that does not exist holds none.
async fn apply(connection: &mut PgConnection, folder: &Path, books: &'static str) -> Result<(), Error> {
    if !folder.is_dir() {
        return Ok(());
    }
    let failed = |source| Error::Migration { folder: folder.to_path_buf(), source };
    let mut migrator = Migrator::new(folder).await.map_err(failed)?;
    migrator.dangerous_set_table_name(books);
    migrator.run(connection).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sqlx::Connection;

    use super::*;
    use crate::TestDatabase;

    fn folder_with(name: &str, sql: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), sql).unwrap();
        folder
    }

    #[tokio::test]
    async fn two_series_with_equal_versions_live_in_one_database() {
        let database = TestDatabase::new(Schema::Service);
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let shared = folder_with("90010101000000_left.sql", "CREATE TABLE apply_left (id bigint);");
        let own = folder_with("90010101000000_right.sql", "CREATE TABLE apply_right (id bigint);");
        for _twice_is_once in 0..2 {
            apply(&mut connection, shared.path(), "_left_migrations").await.unwrap();
            apply(&mut connection, own.path(), "_right_migrations").await.unwrap();
        }
        sqlx::query("SELECT * FROM apply_left, apply_right, _left_migrations, _right_migrations")
            .execute(&mut connection)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_holds_no_migrations_and_a_broken_one_is_named() {
        let database = TestDatabase::new(Schema::Service);
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        apply(&mut connection, Path::new("/does/not/exist"), "_migrations").await.unwrap();

        let broken = folder_with("1_broken.sql", "CREATE TABEL nonsense ();");
        let error = apply(&mut connection, broken.path(), "_migrations").await.unwrap_err();
        assert!(error.to_string().contains(broken.path().to_str().unwrap()), "{error}");
    }
}
