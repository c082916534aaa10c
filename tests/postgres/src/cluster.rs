//! Owns a database cluster on disk: its folder, how it is initialised, how it is served. Knows nothing of connections.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;
use crate::binaries::Binaries;
use crate::leash::{Leash, LeashedChild};
use crate::privilege::Privilege;

/// The superuser, whom the socket trusts without a password: its folder is closed to other users.
pub(crate) const SUPERUSER: &str = "countermark";
/// Said explicitly on both sides, since each would otherwise listen to `PGPORT`. It only names the socket's file.
pub(crate) const PORT: &str = "5432";
/// Bytes of a socket's path without the final zero: 103 on macOS and the BSDs, 107 on Linux (`unix(7)`).
const SOCKET_PATH_LIMIT: usize = 103;

/// What the watcher does when the cluster's owner is gone. SIGQUIT is PostgreSQL's immediate shutdown; unlike SIGKILL it
/// also gives back the shared memory. The server removes its pid file as its last act; one that was killed cannot, so the
/// wait is bounded.
const FAREWELL: &str = r#"
trap '' QUIT
kill -QUIT 0
rounds=0
while [ -e "$1/data/postmaster.pid" ] && [ "$rounds" -lt 200 ]; do
    sleep 0.05
    rounds=$((rounds + 1))
done
rm -rf "$1"
"#;

const SETTINGS: [&str; 3] = ["listen_addresses=", "max_connections=200", "timezone=UTC"];
const CARELESS_SETTINGS: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that happens to the machine or the server: fast, for databases that nobody will miss.
    None,
    /// A crash, as in production: for tests of crashes and of speed.
    Full,
}

/// An initialised cluster in a folder that ends with its owner.
pub(crate) struct Cluster {
    folder: PathBuf,
    log: File,
    binaries: Binaries,
    privilege: Privilege,
    leash: Leash,
}

impl Cluster {
    /// Makes a cluster in a new folder inside `parent`.
    pub(crate) fn initialise(parent: &Path) -> Result<Self, Error> {
        let binaries = Binaries::find()?;
        let privilege = Privilege::least()?;
        let (folder, leash) = leashed_folder(parent)?;
        let log = File::create(log_in(&folder)).map_err(Error::system("make PostgreSQL's log"))?;
        let cluster = Self { folder, log, binaries, privilege, leash };
        cluster.privilege.give(&cluster.folder)?;
        cluster.run_initdb()?;
        Ok(cluster)
    }

    /// Starts the server, which is not ready yet, and says which folder it is in.
    pub(crate) fn serve(self, durability: Durability) -> Result<(PathBuf, LeashedChild), Error> {
        let mut command = Command::new(&self.binaries.postgres);
        command
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(&self.folder)
            .args(["-p", PORT])
            .args(SETTINGS.into_iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null());
        if durability == Durability::None {
            command.args(CARELESS_SETTINGS.into_iter().flat_map(|setting| ["-c", setting]));
        }
        self.equip(&mut command)?;
        let failed = Error::system(format!("run {}", self.binaries.postgres.display()));
        let postmaster = self.leash.lead(&mut command).map_err(failed)?;
        Ok((self.folder, postmaster))
    }

    /// Cut short, initdb would leave shared memory behind, so it outlives a killed owner until it is done.
    fn run_initdb(&self) -> Result<(), Error> {
        let mut command = Command::new(&self.binaries.initdb);
        command
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        self.equip(&mut command)?;
        let failed = Error::system(format!("run {}", self.binaries.initdb.display()));
        let status = self.leash.outlast(&mut command).and_then(Command::status).map_err(failed)?;
        if status.success() { Ok(()) } else { Err(Error::Initdb { status, log: log_of(&self.folder) }) }
    }

    /// What both programs run with. A log and no pipe, since a broken pipe would cut short what outlives its reader.
    fn equip(&self, command: &mut Command) -> Result<(), Error> {
        let log = || self.log.try_clone().map_err(Error::system("share PostgreSQL's log"));
        self.privilege.apply(command.current_dir(&self.folder).stdout(log()?).stderr(log()?));
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

/// What the programs in `folder` had to say.
pub(crate) fn log_of(folder: &Path) -> String {
    fs::read_to_string(log_in(folder)).unwrap_or_else(|error| format!("(unreadable: {error})"))
}

fn log_in(folder: &Path) -> PathBuf {
    folder.join("log")
}

/// A new folder inside `parent`, which the leash's watcher removes in the end.
fn leashed_folder(parent: &Path) -> Result<(PathBuf, Leash), Error> {
    let make = || {
        // Absolute, because the server runs in another folder than this process.
        let parent = fs::canonicalize(parent)?;
        tempfile::Builder::new().prefix("countermark-").permissions(Permissions::from_mode(0o700)).tempdir_in(parent)
    };
    let folder = make().map_err(Error::system(format!("make a folder for PostgreSQL in {}", parent.display())))?;
    let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
    if socket.as_os_str().len() > SOCKET_PATH_LIMIT {
        return Err(Error::SocketPathTooLong { folder: folder.path().to_path_buf(), limit: SOCKET_PATH_LIMIT });
    }
    let leash = Leash::tie(FAREWELL, folder.path().as_os_str()).map_err(Error::system("run /bin/sh"))?;
    Ok((folder.keep(), leash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_too_deep_for_a_socket_is_refused_and_left_empty() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("d".repeat(SOCKET_PATH_LIMIT));
        fs::create_dir(&deep).unwrap();
        assert!(matches!(Cluster::initialise(&deep), Err(Error::SocketPathTooLong { .. })));
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
    }

    #[test]
    fn a_refusal_of_initdb_is_told_and_leaves_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let (folder, leash) = leashed_folder(parent.path()).unwrap();
        let log = File::create(log_in(&folder)).unwrap();
        let binaries = Binaries { initdb: "/bin/false".into(), postgres: "/bin/false".into() };
        let cluster = Cluster { folder, log, binaries, privilege: Privilege::least().unwrap(), leash };
        cluster.privilege.give(&cluster.folder).unwrap();
        assert!(matches!(cluster.run_initdb(), Err(Error::Initdb { .. })));
        drop(cluster);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
