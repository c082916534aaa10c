//! Owns a crate's `.sqlx`: a folder with one file for each query. Knows nothing of how the files come about.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// The files of one folder by name.
pub(crate) type Descriptions = BTreeMap<OsString, Vec<u8>>;

/// What `folder` holds; a folder that does not exist holds nothing.
pub(crate) fn read(folder: &Path) -> Result<Descriptions> {
    let files = || match fs::read_dir(folder) {
        Ok(entries) => {
            entries.map(|entry| entry.and_then(|entry| Ok((entry.file_name(), fs::read(entry.path())?)))).collect()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Descriptions::new()),
        Err(error) => Err(error),
    };
    files().with_context(|| format!("could not read {}", folder.display()))
}

/// Makes `folder` hold `descriptions` and nothing else. A crate without queries has no folder.
pub(crate) fn replace(folder: &Path, descriptions: &Descriptions) -> Result<()> {
    let write = || {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        if !descriptions.is_empty() {
            fs::create_dir(folder)?;
        }
        descriptions.iter().try_for_each(|(name, content)| fs::write(folder.join(name), content))
    };
    write().map_err(|error: io::Error| error).with_context(|| format!("could not write {}", folder.display()))
}
