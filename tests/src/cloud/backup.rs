//! Backups of a service's database, and going on from them. Each is the database as of one instant, at which its service is stopped.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Cloud, Part, databases};
use crate::process::{command, run_well};

impl Cloud {
    /// Keeps the service's database as it is now, in the place of the backup before.
    pub async fn back_up(&self, service: Part) -> Result<()> {
        self.kill(service).await?;
        let (name, backup) = self.names(service)?;
        databases::copy(self.database(service)?, &name, &backup).await?;
        self.restart(service).await
    }

    /// Stops the service, puts the backup in the place of its database, recovers it and starts the service again. The answer is what the
    /// command said.
    pub async fn go_back(&self, service: Part) -> Result<Value> {
        self.kill(service).await?;
        let (name, backup) = self.names(service)?;
        databases::copy(self.database(service)?, &backup, &name).await?;
        let mut command = command(&self.binaries().cloud);
        command.args(["recover", service.name(), "--json"]).envs(self.settings(service));
        let said = run_well(command).await?;
        self.restart(service).await?;
        serde_json::from_str(&said).with_context(|| format!("the recovery of {service} said {said}"))
    }

    fn names(&self, service: Part) -> Result<(String, String)> {
        let options: sqlx::postgres::PgConnectOptions = self.database(service)?.parse()?;
        let name = options.get_database().with_context(|| format!("{service}'s address names no database"))?.to_owned();
        let backup = format!("{name}_backup");
        Ok((name, backup))
    }
}
