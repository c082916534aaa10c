//! Owns what can go wrong with a private server, said so that a person knows what to do next.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why there is no private server, or no database on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server binaries on this machine.
    #[error(
        "PostgreSQL's server binaries (initdb, postgres) are neither in /usr/lib/postgresql/*/bin nor on the PATH: \
         install them (Debian, Ubuntu: `apt-get install postgresql`) or name their folder in POSTGRES_BIN"
    )]
    NoBinaries,
    /// The folder that the environment names holds no server binaries.
    #[error(
        "POSTGRES_BIN names {}, which does not hold both initdb and postgres: correct it or unset it",
        folder.display()
    )]
    NotBinaries {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// Running as root, and nobody to become.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`: \
         add one (`adduser --system postgres`) or run this as another user"
    )]
    NoUnprivilegedUser,
    /// The user that the server runs as cannot reach its folder.
    #[error(
        "PostgreSQL, which runs as `{user}` because it refuses to run as root, cannot enter {}: \
         allow it with `chmod o+x {}` or choose another folder",
        folder.display(), folder.display()
    )]
    Unreachable {
        /// The first folder on the way that bars the user.
        folder: PathBuf,
        /// The user that the server runs as.
        user: String,
    },
    /// A Unix socket's path is bounded by the operating system.
    #[error(
        "the path of a Unix socket may have {limit} bytes, and one in {} would be longer: \
         choose a folder with a shorter path (for the default one, set TMPDIR to /tmp)",
        folder.display()
    )]
    SocketPathTooLong {
        /// The folder the socket would be in.
        folder: PathBuf,
        /// Bytes that a socket's path may have.
        limit: usize,
    },
    /// `initdb` refused.
    #[error("initdb could not make a database cluster ({status}); its log says:\n{log}")]
    Initdb {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        log: String,
    },
    /// The server ended before it took a connection.
    #[error("PostgreSQL ended while it was starting ({status}); its log says:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        log: String,
    },
    /// The server runs, but takes no connection.
    #[error("PostgreSQL runs, but took no connection within {seconds} seconds; its log says:\n{log}")]
    NotReady {
        /// How long it was given.
        seconds: u64,
        /// What it wrote.
        log: String,
    },
    /// The operating system refused a step.
    #[error("could not {action}")]
    System {
        /// The step, to be read after "could not".
        action: String,
        /// The refusal.
        source: io::Error,
    },
    /// The server refused a step.
    #[error("the private PostgreSQL could not {action}")]
    Database {
        /// The step, to be read after "could not".
        action: String,
        /// The refusal.
        source: sqlx::Error,
    },
    /// A migration does not read or does not run.
    #[error("the migrations in {} do not apply: correct the one that the cause names", folder.display())]
    Migration {
        /// The folder of the migrations.
        folder: PathBuf,
        /// What is wrong, with the migration's version.
        source: sqlx::migrate::MigrateError,
    },
}

impl Error {
    /// What a refusal of the operating system becomes in the step `action`, to be read after "could not".
    pub(crate) fn system(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        |source| Self::System { action, source }
    }
}
