//! Owns where PostgreSQL's server binaries are on this machine. Knows nothing of how they are run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// The two programs of one PostgreSQL version that a private server needs.
#[derive(Debug, PartialEq)]
pub(crate) struct Binaries {
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
}

impl Binaries {
    /// The folder in `POSTGRES_BIN`, else Debian's newest version, else what is on the PATH.
    #[expect(
        clippy::disallowed_methods,
        reason = "a library for tests has no command line whose settings clap could parse"
    )]
    pub(crate) fn find() -> Result<Self, Error> {
        if let Some(folder) = std::env::var_os("POSTGRES_BIN") {
            let folder = PathBuf::from(folder);
            return Self::in_folder(&folder).ok_or(Error::NotBinaries { folder });
        }
        Self::newest_below(Path::new("/usr/lib/postgresql"))
            .or_else(|| Self::on_path(&std::env::var_os("PATH").unwrap_or_default()))
            .ok_or(Error::NoBinaries)
    }

    /// Debian keeps each major version's binaries in `<version>/bin`.
    fn newest_below(versions: &Path) -> Option<Self> {
        fs::read_dir(versions)
            .ok()?
            .filter_map(|version| {
                let version = version.ok()?;
                let number: Vec<u32> =
                    version.file_name().to_str()?.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
                Some((number, Self::in_folder(&version.path().join("bin"))?))
            })
            .max_by(|(left, _), (right, _)| left.cmp(right))
            .map(|(_, binaries)| binaries)
    }

    fn on_path(path: &OsStr) -> Option<Self> {
        std::env::split_paths(path).find_map(|folder| Self::in_folder(&folder))
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        // Absolute, because the server runs in another folder than this process.
        let folder = folder.canonicalize().ok()?;
        let binaries = Self { initdb: folder.join("initdb"), postgres: folder.join("postgres") };
        (binaries.initdb.is_file() && binaries.postgres.is_file()).then_some(binaries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(folder: &Path, programs: &[&str]) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        for program in programs {
            fs::write(folder.join(program), "").unwrap();
        }
        folder.canonicalize().unwrap()
    }

    #[test]
    fn the_newest_complete_version_wins_by_number_not_by_text() {
        let versions = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "9", "not-a-version"] {
            install(&versions.path().join(version).join("bin"), &["initdb", "postgres"]);
        }
        install(&versions.path().join("17/bin"), &["initdb"]);
        let newest = versions.path().join("15/bin/postgres").canonicalize().unwrap();
        assert_eq!(Binaries::newest_below(versions.path()).unwrap().postgres, newest);
    }

    #[test]
    fn the_path_is_searched_for_a_folder_that_holds_both() {
        let root = tempfile::tempdir().unwrap();
        let clients = install(&root.path().join("clients"), &["psql"]);
        let server = install(&root.path().join("server"), &["initdb", "postgres"]);
        let path = std::env::join_paths([&clients, &server]).unwrap();
        assert_eq!(Binaries::on_path(&path).unwrap().initdb, server.join("initdb"));
        assert_eq!(Binaries::on_path(clients.as_os_str()), None);
    }
}
