//! Another key for a service, as the page for those who run the cloud has it.

use std::path::Path;

use anyhow::{Result, bail};

use super::{Cloud, Part};
use crate::process::{Process, command};
use crate::wait::PATIENCE;

impl Cloud {
    /// Gives a service its next signing key, by the bundle that says of the one before it: `status`. All services are started anew,
    /// that one last.
    pub async fn rotate(&self, service: Part, status: &str) -> Result<()> {
        let role = match service {
            Part::Tickets => "issuing",
            Part::Auth => "authority",
            Part::Validation => "list",
            Part::Admin | Part::Payments => bail!("{service} signs nothing that a gate believes"),
        };
        let old = self.signing_key(service, None).await?;
        let new = self.signing_key(service, Some("--next")).await?;
        self.ceremony().rotate(role, &new, &old, status).await?;
        for part in Part::SERVICES.into_iter().filter(|part| *part != service).chain([service]) {
            self.kill(part).await?;
            self.restart(part).await?;
        }
        Ok(())
    }
    /// What a copy of a service says that does not start with that bundle.
    pub async fn refusal(&self, service: Part, bundle: &Path) -> Result<String> {
        let mut command = command(&self.binaries().cloud);
        command.arg(service.name()).envs(self.settings(service)).env("COUNTERMARK_TRUST_BUNDLE", bundle);
        let log = self.folder.join(format!("{service}-refused"));
        match Process::start(service.name(), &mut command, &log)?.expect_line(PATIENCE).await {
            Ok(line) => bail!("{service} has started: {line}"),
            Err(refusal) => Ok(refusal.to_string()),
        }
    }
}
