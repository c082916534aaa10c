//! The services' databases on a private server.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use countermark_postgres::{Schema, Server};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::Part;
use crate::process::{command, run_well};

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
