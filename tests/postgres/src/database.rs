//! Owns the databases of a private server: made from templates, dropped by name. Knows nothing of who uses them.

use std::sync::PoisonError;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::blocking::blocking;
use crate::{Error, Schema, Server};

impl Server {
    /// Makes the database `name`, migrated as `schema` says, and returns its address. The first database of a schema
    /// applies the migrations as they are in the source tree; later ones are copies, and see no later change.
    pub fn create_database(&self, name: &str, schema: Schema) -> Result<String, Error> {
        let template = self.template(schema)?;
        self.administer(
            format!("make the database `{name}`"),
            &[format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(&template))],
        )?;
        Ok(self.url(name))
    }

    /// Drops the database `name` and cuts off who still uses it.
    pub(crate) fn drop_database(&self, name: &str) -> Result<(), Error> {
        self.administer(
            format!("drop the database `{name}`"),
            &[format!("DROP DATABASE {} WITH (FORCE)", quoted(name))],
        )
    }

    /// The name of the database that is copied for `schema`, made at its first use.
    fn template(&self, schema: Schema) -> Result<String, Error> {
        let name = format!("template_{}", schema.name());
        let mut made = self.templates.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(&schema) {
            self.administer(
                format!("make the database `{name}`"),
                // One that is there already was left by migrations that failed.
                &[format!("DROP DATABASE IF EXISTS {}", quoted(&name)), format!("CREATE DATABASE {}", quoted(&name))],
            )?;
            let url = self.url(&name);
            let connect = |source| Error::Database { action: format!("let `{name}` be migrated"), source };
            blocking(async || {
                let mut connection = PgConnection::connect(&url).await.map_err(connect)?;
                schema.migrate(&mut connection).await?;
                connection.close().await.map_err(connect)
            })?;
            made.insert(schema);
        }
        Ok(name)
    }

    /// Runs `statements` in the maintenance database, each by itself, as `CREATE DATABASE` demands.
    fn administer(&self, action: String, statements: &[String]) -> Result<(), Error> {
        let url = self.url("postgres");
        blocking(async || {
            let run = async || {
                let mut connection = PgConnection::connect(&url).await?;
                for statement in statements {
                    connection.execute(AssertSqlSafe(statement.as_str())).await?;
                }
                connection.close().await
            };
            run().await.map_err(|source| Error::Database { action, source })
        })
    }
}

/// `name` as an SQL identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared;

    async fn exists(name: &str) -> bool {
        let mut connection = PgConnection::connect(&shared().url("postgres")).await.unwrap();
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn any_name_is_a_database_and_its_address_connects_to_it() {
        let name = r#"a "b"/c?&d%é"#;
        let url = shared().create_database(name, Schema::Service).unwrap();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let current: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&mut connection).await.unwrap();
        assert_eq!(current, name);
        shared().drop_database(name).unwrap();
        assert!(!exists(name).await);
    }

    #[test]
    fn a_second_database_of_one_name_is_an_error_that_names_it() {
        shared().create_database("twice", Schema::Service).unwrap();
        let error = shared().create_database("twice", Schema::Service).unwrap_err();
        assert_eq!(error.to_string(), "the private PostgreSQL could not make the database `twice`");
    }

    #[test]
    fn many_threads_get_databases_of_every_schema_at_once() {
        std::thread::scope(|scope| {
            for schema in Schema::ALL.into_iter().cycle().take(10) {
                scope.spawn(move || crate::TestDatabase::new(schema));
            }
        });
    }
}
