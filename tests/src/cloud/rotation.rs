//! Another key for a service, as the page for those who run the cloud has it.

use anyhow::{Result, bail};

use super::{Cloud, Part};

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
}
