//! The services' databases on a private server.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use countermark_postgres::{Schema, Server};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::Part;
use crate::process::{command, run_well};
use crate::wait::{PATIENCE, until};

/// `object_in_use` (PostgreSQL, appendix A).
const OBJECT_IN_USE: &str = "55006";

/// How the databases get their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// By `countermark-cloud migrate`, as on a real machine.
    ByCommand,
    /// Copied from a migrated template, which is faster.
    FromTemplate,
}

/// Makes a database for each service; the answer is their addresses.
pub(super) async fn make(
    server: &Server,
    name: &str,
    migration: Migration,
    program: &Path,
) -> Result<BTreeMap<Part, String>> {
    let mut addresses = BTreeMap::new();
    for (part, schema) in [
        (Part::Auth, Schema::Auth),
        (Part::Tickets, Schema::Tickets),
        (Part::Validation, Schema::Validation),
        (Part::Admin, Schema::Admin),
    ] {
        let database = format!("{name}_{part}");
        let address = match migration {
            Migration::ByCommand => {
                create_empty(server, &database).await?;
                let address = server.url(&database);
                migrate(program, part, &address).await?;
                address
            }
            Migration::FromTemplate => server.create_database(&database, schema)?,
        };
        addresses.insert(part, address);
    }
    Ok(addresses)
}

async fn create_empty(server: &Server, database: &str) -> Result<()> {
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE \"{database}\"")))
        .await
        .with_context(|| format!("the database {database} cannot be made"))?;
    Ok(connection.close().await?)
}

async fn migrate(program: &Path, part: Part, address: &str) -> Result<()> {
    let mut command = command(program);
    command.args(["migrate", part.name()]).env(part.variable("DATABASE"), address);
    run_well(command).await?;
    Ok(())
}

/// Copies a database while nobody uses it, in the place of whatever had that name.
pub(super) async fn copy(address: &str, from: &str, to: &str) -> Result<()> {
    let options: PgConnectOptions = address.parse()?;
    let mut connection = PgConnection::connect_with(&options.database("postgres")).await?;
    connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS \"{to}\" WITH (FORCE)"))).await?;
    // Whoever was killed is gone a moment later.
    until("nobody used the database any more", PATIENCE, async || {
        let copied = connection.execute(AssertSqlSafe(format!("CREATE DATABASE \"{to}\" TEMPLATE \"{from}\""))).await;
        match copied {
            Ok(_) => Ok(Some(())),
            Err(error) if error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(OBJECT_IN_USE) => {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("the database {to} cannot be made")),
        }
    })
    .await?;
    Ok(connection.close().await?)
}
