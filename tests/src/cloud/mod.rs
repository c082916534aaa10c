//! The cloud: ceremony, databases, four services and a payment provider, each a process of its own behind a line that can
//! be cut. Owns their start and their end; knows nothing of what they are asked.

mod backup;
mod databases;
mod log;
mod part;
mod rotation;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use countermark_postgres::Server;
use countermark_shared::id::EventId;
use countermark_shared::key_ring::KeyRing;
use serde::Deserialize;

pub use self::databases::Migration;
pub use self::part::Part;
pub use self::settings::Settings;
use crate::binaries::{self, Binaries};
use crate::ceremony::{Ceremony, SigningKeys};
use crate::process::{Process, command, run_well};
use crate::proxy::Proxy;
use crate::wait::PATIENCE;

/// What the administrator logs in with.
pub const ADMINISTRATOR: &str = "administrator@example.org";

/// Hears of each step that was done.
pub type Told<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A running cloud in a folder of its own. Dropping it kills it.
pub struct Cloud {
    folder: PathBuf,
    binaries: &'static Binaries,
    ceremony: Ceremony,
    databases: BTreeMap<Part, String>,
    service_keys: BTreeMap<Part, String>,
    provider_key: String,
    fingerprint: String,
    lines: BTreeMap<Part, Proxy>,
    gate_line: Proxy,
    running: Mutex<BTreeMap<Part, Process>>,
}

#[derive(Deserialize)]
struct Announcement {
    listening: std::net::SocketAddr,
}

#[derive(Deserialize)]
struct PublicKey {
    key: String,
}

impl Cloud {
    /// Starts a cloud on databases of `server`, in the folder `name` of the server's own, whose organiser may sign for
    /// `events`.
    pub async fn start(
        server: &Server,
        name: &str,
        migration: Migration,
        events: &[EventId],
        told: Told<'_>,
    ) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(binaries::build).await??;
        let folder = server.folder().join(name);
        let keys = folder.join("keys");
        std::fs::create_dir_all(&keys).with_context(|| format!("{} cannot be made", keys.display()))?;
        let databases = databases::make(server, name, migration, &binaries.cloud).await?;
        told("four databases made and migrated");

        let ceremony = Ceremony::new(&binaries.cloud, &keys);
        for service in Part::SERVICES {
            ceremony.secret(service.name()).await?;
        }
        for secret in ["payments", "administrator"] {
            ceremony.secret(secret).await?;
        }
        ceremony.key("root").await?;
        let organiser = ceremony.key("organiser").await?;
        let provider_key = ceremony.key("payments").await?;
        let mut service_keys = BTreeMap::new();
        for service in Part::SERVICES {
            service_keys.insert(service, ceremony.key(service.name()).await?);
        }
        told("ceremony: root, organiser and service keys made, each in a file of its own");

        let mut lines = BTreeMap::new();
        for part in Part::ALL {
            lines.insert(part, Proxy::bind().await?);
        }
        let mut cloud = Self {
            folder,
            binaries,
            ceremony,
            databases,
            service_keys,
            provider_key,
            fingerprint: String::new(),
            lines,
            gate_line: Proxy::bind().await?,
            running: Mutex::default(),
        };
        cloud.gate_line.point_to(cloud.line(Part::Validation).address());
        let keys = SigningKeys {
            issuing: cloud.signing_key(Part::Tickets, None).await?,
            authority: cloud.signing_key(Part::Auth, None).await?,
            list: cloud.signing_key(Part::Validation, None).await?,
        };
        cloud.fingerprint = cloud.ceremony.bundle(&keys, &organiser, events).await?;
        told("ceremony: the root signed the trust bundle, which lists the services' signing keys");

        for part in Part::ALL {
            cloud.restart(part).await?;
        }
        cloud.add_administrator().await?;
        told("auth, tickets, validation, admin and a sandbox payment provider run, each a process of its own");
        Ok(cloud)
    }

    /// The line to a process of the cloud, for everyone but gates.
    pub fn line(&self, part: Part) -> &Proxy {
        // Bound for every part at the start.
        self.lines.get(&part).unwrap_or(&self.gate_line)
    }

    /// The gates' line to the cloud.
    pub fn gate_line(&self) -> &Proxy {
        &self.gate_line
    }

    /// Where keys are made and documents signed.
    pub fn ceremony(&self) -> &Ceremony {
        &self.ceremony
    }

    /// The address of a service's database.
    pub fn database(&self, service: Part) -> Result<&str> {
        self.databases.get(&service).map(String::as_str).with_context(|| format!("{service} has no database"))
    }

    /// The keys that verify this cloud's tickets.
    pub fn key_ring(&self) -> Result<KeyRing> {
        self.ceremony.key_ring(&self.fingerprint)
    }

    /// The folder that holds everything of this cloud.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The programs it runs.
    pub fn binaries(&self) -> &'static Binaries {
        self.binaries
    }

    /// What the administrator proves themselves with.
    pub fn administrator_password(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.ceremony.secret_file("administrator"))?)
    }

    /// `kill -9`. Its line leads to a closed port until it is started again.
    pub async fn kill(&self, part: Part) -> Result<()> {
        let process = self.running().remove(&part);
        process.with_context(|| format!("{part} does not run"))?.kill().await?;
        Ok(())
    }

    /// Starts a process, again or for the first time, and leads its line there.
    pub async fn restart(&self, part: Part) -> Result<()> {
        let mut command = command(&self.binaries.cloud);
        command.arg(part.name()).envs(self.settings(part));
        let mut process = Process::start(part.name(), &mut command, &self.log_file(part))?;
        let line = process.expect_line(PATIENCE).await?;
        let announcement: Announcement =
            serde_json::from_str(&line).with_context(|| format!("{part} announces itself as {line}"))?;
        self.line(part).point_to(announcement.listening);
        self.running().insert(part, process);
        Ok(())
    }

    async fn signing_key(&self, service: Part, wanted: Option<&str>) -> Result<String> {
        let mut command = command(&self.binaries.cloud);
        let settings = self.settings(service);
        let needed = [service.variable("DATABASE"), service.variable("MASTER_KEY_FILE")];
        command.args(["key", service.name(), "--json"]).args(wanted);
        command.envs(settings.iter().filter(|(name, _)| needed.contains(name)));
        let key: PublicKey = serde_json::from_str(&run_well(command).await?)?;
        Ok(key.key)
    }

    async fn add_administrator(&self) -> Result<()> {
        let mut command = command(&self.binaries.cloud);
        command
            .args(["add-administrator", "--email", ADMINISTRATOR, "--password-file"])
            .arg(self.ceremony.secret_file("administrator"))
            .env(Part::Auth.variable("DATABASE"), self.database(Part::Auth)?);
        run_well(command).await?;
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Part, Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
