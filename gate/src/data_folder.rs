//! The folder that makes a box a gate: key, identity, ledger, socket. Owns names, permissions and atomic writing; refuses to know what
//! the files say.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A gate's folder, readable by its owner alone.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Where systemd puts the secrets of a service that has them as credentials.
    credentials: Option<PathBuf>,
}

impl DataFolder {
    /// Makes the folder, or takes one that exists if it is closed to everybody else. It is not closed here: whoever mistypes a path
    /// must not lock others out of theirs.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::other("other users can enter it; name a new folder, or `chmod 700` this one"));
        }
        Ok(Self::at(path))
    }

    /// A folder that should exist.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), credentials: None }
    }

    /// With the folder of a service's credentials (`systemd.exec(5)`, `$CREDENTIALS_DIRECTORY`): a key that is there need not be in this one.
    pub(crate) fn with_credentials(self, credentials: Option<PathBuf>) -> Self {
        Self { credentials, ..self }
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Who this gate is: the file whose presence means "enrolled".
    pub(crate) fn identity(&self) -> PathBuf {
        self.path.join("identity.json")
    }

    /// The credential that stands for a file of this folder.
    pub(crate) fn credential(&self, file: &Path) -> Option<PathBuf> {
        let credential = self.credentials.as_ref()?.join(file.file_name()?);
        credential.exists().then_some(credential)
    }

    /// The gate's private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.path.join("gate.key")
    }

    /// The private key that event secrets are wrapped for.
    pub(crate) fn unwrapping_key(&self) -> PathBuf {
        self.path.join("unwrapping.key")
    }

    /// The journal and the documents in force.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path.join("ledger.sqlite")
    }

    /// Which tablets are this gate's.
    pub(crate) fn tablets(&self) -> PathBuf {
        self.path.join("tablets.json")
    }

    /// The private key of the certificate that tablets are shown.
    pub(crate) fn tablet_key(&self) -> PathBuf {
        self.path.join("tablet.key")
    }

    /// That certificate.
    pub(crate) fn tablet_certificate(&self) -> PathBuf {
        self.path.join("tablet.certificate")
    }

    /// What `gate.toml` said when the agent read it last.
    pub(crate) fn config_as_read(&self) -> PathBuf {
        self.path.join("gate-as-read.toml")
    }

    /// Where the running agent answers `check` and `status`.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("agent.sock")
    }

    /// Writes a file of this folder so that after a power cut there is the whole of it or none of it.
    pub(crate) fn write(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        let temporary = file.with_extension("new");
        // A left-over of an interrupted write may not keep its permissions.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut handle = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        handle.write_all(content)?;
        handle.sync_all()?;
        fs::rename(&temporary, file)?;
        File::open(&self.path)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_whole_and_private() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(&parent.path().join("a/b")).unwrap();
        let file = folder.key();
        fs::write(file.with_extension("new"), "left over").unwrap();
        folder.write(&file, b"first").unwrap();
        folder.write(&file, b"second").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"second");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(folder.path())), (0o600, 0o700));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused_and_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(parent.path(), open.clone()).unwrap();
        assert!(DataFolder::create(parent.path()).is_err());
        assert_eq!(fs::metadata(parent.path()).unwrap().permissions().mode() & 0o777, open.mode());
    }
}
