//! A folder of pictures, each file a frame. Owns which files are new; whether there is a code in one is `read`'s to say.
//!
//! Whoever writes a picture renames it into place, or names it `.….png` or `….part` until it is whole. A file that is written in place is
//! looked at again when it has grown.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::vec;

use image::GrayImage;

use super::{Frame, Frames, Next};
use crate::clock::Clock;
use crate::devices::{Cause, Trouble};
use crate::input::Source;
use crate::read::read_picture;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A folder, and what was seen in it.
pub(crate) struct Folder {
    path: PathBuf,
    clock: Clock,
    seen: Pictures,
    /// What the last look found that is still to be given, by name.
    found: Option<vec::IntoIter<String>>,
}

/// Files by name, as they were last looked at: when they were written, and how long they are.
type Pictures = BTreeMap<String, (SystemTime, u64)>;

impl Folder {
    /// Of which nothing is given that lies there by now: whoever showed that may have walked on long ago.
    pub(crate) fn new(path: PathBuf, clock: Clock) -> Self {
        // A folder that cannot be read is told of when it is looked at.
        let seen = pictures(&path).unwrap_or_default();
        Self { path, clock, seen, found: None }
    }

    /// What is new there, or was written again. What is no longer there is forgotten.
    fn look(&mut self) -> Result<Vec<String>, Trouble> {
        let there = pictures(&self.path).map_err(|error| {
            let folder = self.path.display();
            let detail = format!("cannot read the picture folder {folder}: {error}; make it again, or readable");
            Trouble::new(Cause::Gone, detail)
        })?;
        let before = std::mem::replace(&mut self.seen, there);
        let is_new = |(name, state): &(&String, &(SystemTime, u64))| before.get(*name) != Some(*state);
        Ok(self.seen.iter().filter(is_new).map(|(name, _)| name.clone()).collect())
    }
}

/// A file that is no picture is a frame like any other, with nothing in it.
fn picture(file: &Path) -> GrayImage {
    read_picture(file).unwrap_or_else(|error| {
        tracing::debug!(file = %file.display(), %error, "cannot read the picture");
        GrayImage::default()
    })
}

impl Frames for Folder {
    fn next(&mut self) -> Result<Next, Trouble> {
        let mut found = match self.found.take() {
            Some(found) => found,
            None => self.look()?.into_iter(),
        };
        let Some(name) = found.next() else { return Ok(Next::After(LOOK_EVERY)) };
        self.found = Some(found);
        let (file, at) = (self.path.join(&name), self.clock.now().uptime);
        Ok(Next::Frame(Frame { source: Source::Picture(name), picture: Box::new(move || Ok(picture(&file))), at }))
    }
}

/// The folder's whole pictures.
fn pictures(folder: &Path) -> io::Result<Pictures> {
    let mut pictures = Pictures::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_picture(&name) {
            continue;
        }
        // It may have been taken away since.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if metadata.is_file() {
            pictures.insert(name, (metadata.modified()?, metadata.len()));
        }
    }
    Ok(pictures)
}

fn is_picture(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let known =
        extension.is_some_and(|extension| ["png", "jpg", "jpeg"].iter().any(|k| extension.eq_ignore_ascii_case(k)));
    known && !name.starts_with('.')
}
