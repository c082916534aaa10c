//! TOML files that people write: what is wrong in one is said with its file and line. Knows nothing of what they mean.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A longer file is none of ours.
const MAX_BYTES: u64 = 256 * 1024;

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    file: PathBuf,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file.display(), self.line)
    }
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It says something that it must not.
    #[error("{place}: {why}")]
    Wrong {
        /// Where.
        place: Place,
        /// What, and what would be right.
        why: String,
    },
}

/// A file's text, for places in it.
#[derive(Clone, Debug)]
pub(crate) struct TomlFile {
    path: PathBuf,
    text: String,
}

impl TomlFile {
    /// Reads it.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let read = || {
            let mut text = String::new();
            File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
            if text.len() as u64 > MAX_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 256 KiB"));
            }
            Ok(text)
        };
        let text = read().map_err(|source| FileError::Unreadable { file: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), text })
    }

    /// A text, as if it stood in a file of this name.
    pub(crate) fn of_text(name: &str, text: String) -> Self {
        Self { path: name.into(), text }
    }

    /// Its name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Reads what it says; a key that nobody knows is refused by `T`.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, FileError> {
        toml::from_str(&self.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            self.wrong(&span, error.message().trim_end())
        })
    }

    /// The line of a span of bytes.
    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.bytes().take(span.start);
        Place { file: self.path.clone(), line: before.filter(|byte| *byte == b'\n').count() + 1 }
    }

    /// What is wrong there.
    pub(crate) fn wrong(&self, span: &Range<usize>, why: impl Into<String>) -> FileError {
        FileError::Wrong { place: self.place(span), why: why.into() }
    }
}
