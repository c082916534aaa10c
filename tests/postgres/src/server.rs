//! Owns the life of one private server: its start, its address, its end. Knows nothing of what its databases hold.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::{Connection, PgConnection};

use crate::blocking::blocking;
use crate::cluster::{self, Cluster, Durability, PORT, SUPERUSER};
use crate::leash::LeashedChild;
use crate::{Error, Schema};

/// How often, and how many times, a starting server is asked whether it takes connections.
const READY_POLL: Duration = Duration::from_millis(10);
const READY_POLLS: u32 = 3_000;

/// A private PostgreSQL server: socket only, in a folder of its own. Dropping it stops it at once and removes the folder;
/// so does the end of this process, even by `kill -9`.
pub struct Server {
    folder: PathBuf,
    pub(crate) templates: Mutex<HashSet<Schema>>,
    postmaster: LeashedChild,
}

impl Server {
    /// Starts a fast server in the folder for temporary files.
    pub fn start() -> Result<Self, Error> {
        Self::start_in(&std::env::temp_dir())
    }

    /// Starts a fast server in a new folder inside `parent`. When root starts it, an unprivileged user must be able to
    /// enter `parent`.
    pub fn start_in(parent: &Path) -> Result<Self, Error> {
        Self::start_with(parent, Durability::None)
    }

    /// Starts a server in a new folder inside `parent`, as durable as asked.
    pub fn start_with(parent: &Path, durability: Durability) -> Result<Self, Error> {
        let (folder, postmaster) = Cluster::initialise(parent)?.serve(durability)?;
        let mut server = Self { folder, templates: Mutex::default(), postmaster };
        server.await_connections()?;
        Ok(server)
    }

    /// The address of a database, for sqlx and for psql.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{SUPERUSER}@localhost:{PORT}/{}?host={}&sslmode=disable",
            percent_encoded(database.as_bytes()),
            percent_encoded(self.folder.as_os_str().as_bytes()),
        )
    }

    /// The server's own folder, which holds its socket, its data and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn await_connections(&mut self) -> Result<(), Error> {
        let url = self.url("postgres");
        blocking(async || {
            for _ in 0..READY_POLLS {
                if PgConnection::connect(&url).await.is_ok() {
                    return Ok(());
                }
                if let Some(status) = self.postmaster.try_wait().map_err(Error::system("look after PostgreSQL"))? {
                    return Err(Error::Ended { status, log: cluster::log_of(&self.folder) });
                }
                tokio::time::sleep(READY_POLL).await;
            }
            Err(Error::NotReady { seconds: (READY_POLL * READY_POLLS).as_secs(), log: cluster::log_of(&self.folder) })
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended here, and not only by the watcher, so that it is also reaped.
        if self.postmaster.signal(Signal::SIGQUIT).is_ok() {
            let _ = self.postmaster.wait();
        }
    }
}

/// All but the unreserved characters of RFC 3986 and the slash.
fn percent_encoded(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
