//! Files of a ceremony: secrets nobody else may read, documents that replace nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be made (a ceremony replaces nothing)", path.display())]
pub(super) struct FileError {
    path: PathBuf,
    source: io::Error,
}

/// Makes a file that only its owner may read.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> Result<(), FileError> {
    write(path, 0o600, content)
}

/// Makes a file that everyone may read.
pub(super) fn write_public(path: &Path, content: &[u8]) -> Result<(), FileError> {
    write(path, 0o644, content)
}

fn write(path: &Path, mode: u32, content: &[u8]) -> Result<(), FileError> {
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        // The name, too, must outlast a power cut: the key it names is used from now on.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    })();
    written.map_err(|source| FileError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_its_owners_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_secret(&path, b"first").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_secret(&path, b"second").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
    }
}
