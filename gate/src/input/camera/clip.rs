//! A folder of pictures that is played for ever, as if a camera saw them: for trials, and where no camera is. Knows nothing of codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::GrayImage;

use super::Frames;
use crate::config::Place;
use crate::devices::{Cause, Trouble};
use crate::read::read_picture;

/// Ten pictures a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// The files, by name, and which comes next.
pub(super) struct Clip {
    files: Vec<PathBuf>,
    next: usize,
}

impl Clip {
    pub(super) fn open(place: &Place, folder: &Path) -> Result<Self, Trouble> {
        let trouble = |why: String| {
            let detail = format!("{place}: {}: {why}; put PNG or JPEG pictures there", folder.display());
            Trouble::new(Cause::Gone, detail)
        };
        let entries = fs::read_dir(folder).map_err(|error| trouble(error.to_string()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        files.sort_unstable();
        if files.is_empty() { Err(trouble("it is empty".to_owned())) } else { Ok(Self { files, next: 0 }) }
    }
}

impl Frames for Clip {
    fn next(&mut self) -> Result<GrayImage, Trouble> {
        let gone = || Trouble::new(Cause::Gone, "the clip has no pictures any more");
        let file = self.files.get(self.next).ok_or_else(gone)?;
        self.next = (self.next + 1) % self.files.len();
        read_picture(file).map_err(|error| Trouble::new(Cause::Failed, format!("{}: {error}", file.display())))
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
