//! A folder of pictures that is played for ever, as if a camera saw them: for trials, and where no camera is. Knows nothing of codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Eye, Frames, Next};
use crate::config::Place;
use crate::devices::{Cause, Trouble};
use crate::read::{Unreadable, decode, read_bytes};

/// Ten pictures a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// The files, by name, and which comes next.
pub(super) struct Clip {
    eye: Eye,
    files: Vec<PathBuf>,
    next: usize,
    /// Whether a picture was given, and the next one is not due yet.
    given: bool,
}

impl Clip {
    pub(super) fn open(eye: Eye, place: &Place, folder: &Path) -> Result<Self, Trouble> {
        let trouble = |why: String| {
            let detail = format!("{place}: {}: {why}; put PNG or JPEG pictures there", folder.display());
            Trouble::new(Cause::Gone, detail)
        };
        let entries = fs::read_dir(folder).map_err(|error| trouble(error.to_string()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.sort_unstable();
        if files.is_empty() {
            return Err(trouble("it is empty".to_owned()));
        }
        Ok(Self { eye, files, next: 0, given: false })
    }
}

impl Frames for Clip {
    fn next(&mut self) -> Result<Next, Trouble> {
        if std::mem::take(&mut self.given) {
            return Ok(Next::After(INTERVAL));
        }
        let gone = || Trouble::new(Cause::Gone, "the clip has no pictures any more");
        let file = self.files.get(self.next).ok_or_else(gone)?.clone();
        self.next = (self.next + 1) % self.files.len();
        let bytes = read_bytes(&file).map_err(|error| unreadable(&file, &error))?;
        self.given = true;
        Ok(self.eye.sees(move || decode(&bytes).map_err(|error| unreadable(&file, &error))))
    }
}

fn unreadable(file: &Path, error: &Unreadable) -> Trouble {
    Trouble::new(Cause::Failed, format!("{}: {error}", file.display()))
}
