//! A folder of pictures, each file a frame. Owns which files are new; whether there is a code in one is `read`'s to say.
//!
//! Whoever writes a picture renames it into place, or names it `.….png` or `….part` until it is whole. A file that is written in place is
//! looked at again when it has grown. The folder is a queue by itself: when the ledger is busy, files wait in it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use super::{Intake, LedgerGone, ScannedText, Source};
use crate::devices::{Cause, Trouble};
use crate::printer::Printer;
use crate::read::PictureReader;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a picture is looked at. Its scan ages meanwhile, and is not opened after one and a half seconds.
const PATIENCE: Duration = Duration::from_millis(700);

/// A file as it was last looked at.
pub(super) type Seen = HashMap<String, (SystemTime, u64)>;

/// What lies in a folder before anybody reads it. Whoever showed that may have walked on long ago.
pub(super) fn already_there(folder: &Path) -> Seen {
    // A folder that cannot be read is told of when it is looked at.
    pictures(folder).unwrap_or_default().into_iter().collect()
}

/// Reads every picture that was not seen yet until the other end of `stop` is dropped, and then what is there, once more.
pub(super) fn watch_folder(folder: &Path, mut seen: Seen, intake: &Intake, printer: Printer, stop: &Receiver<()>) {
    let mut reader = PictureReader::new(intake.clock, PATIENCE);
    loop {
        let stopping = !matches!(stop.recv_timeout(LOOK_EVERY), Err(RecvTimeoutError::Timeout));
        match look(folder, &mut seen, &mut reader, intake, printer) {
            Ok(Ok(())) => intake.post.works(),
            Ok(Err(LedgerGone)) => return,
            Err(error) => {
                let detail =
                    format!("cannot read the picture folder {}: {error}; make it again, or readable", folder.display());
                intake.post.troubled(Trouble::new(Cause::Gone, detail));
            }
        }
        if stopping {
            return;
        }
    }
}

fn look(
    folder: &Path,
    seen: &mut Seen,
    reader: &mut PictureReader,
    intake: &Intake,
    printer: Printer,
) -> io::Result<Result<(), LedgerGone>> {
    let pictures = pictures(folder)?;
    // What is no longer there is forgotten.
    let before = std::mem::take(seen);
    for (name, state) in pictures {
        seen.insert(name.clone(), state);
        if before.get(&name) == Some(&state) {
            continue;
        }
        let at = intake.stamp();
        match picture_text(reader, &folder.join(&name)) {
            Some(text) => {
                if let Err(gone) = intake.hand_over(Source::Picture(name), ScannedText::Whole(text), at) {
                    return Ok(Err(gone));
                }
            }
            None => printer.nothing_read(intake.lane, &Source::Picture(name)),
        }
    }
    Ok(Ok(()))
}

/// The folder's whole pictures, by name.
fn pictures(folder: &Path) -> io::Result<Vec<(String, (SystemTime, u64))>> {
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !is_picture(&name) {
            continue;
        }
        // It may have been taken away since.
        let Ok(metadata) = fs::metadata(entry.path()) else { continue };
        if metadata.is_file() {
            pictures.push((name, (metadata.modified()?, metadata.len())));
        }
    }
    pictures.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(pictures)
}

fn is_picture(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    let known =
        extension.is_some_and(|extension| ["png", "jpg", "jpeg"].iter().any(|k| extension.eq_ignore_ascii_case(k)));
    known && !name.starts_with('.')
}

/// The text of the picture's code. A picture without one, or one that is none, is a frame like any other: it is logged and passes.
fn picture_text(reader: &mut PictureReader, file: &Path) -> Option<String> {
    match reader.read_file(file) {
        Ok(Some(reading)) => {
            tracing::debug!(file = %file.display(), rung = %reading.rung, "read");
            Some(reading.text)
        }
        Ok(None) => {
            tracing::debug!(file = %file.display(), "no code in this picture");
            None
        }
        Err(error) => {
            tracing::debug!(file = %file.display(), %error, "cannot read the picture");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::devices::{Device, DeviceKind, Post};
    use crate::ledger::Work;
    use crate::samples::qr_picture;
    use countermark_shared::id::LaneId;
    use std::sync::mpsc as std_mpsc;
    use tokio::sync::{mpsc, watch};

    fn read(folder: &Path, seen: &mut Seen) -> Vec<(String, ScannedText)> {
        let (ledger, mut work) = mpsc::channel(100);
        let post = Post::new(Device::only(DeviceKind::Pictures), LaneId(1), watch::Sender::default());
        let intake = Intake { lane: LaneId(1), ledger, clock: Clock::start(), post };
        let mut reader = PictureReader::new(intake.clock, Duration::MAX);
        look(folder, seen, &mut reader, &intake, Printer::default()).unwrap().unwrap();
        let mut read = Vec::new();
        while let Ok(Work::Scan(scan)) = work.try_recv() {
            read.push((scan.source.to_string(), scan.text));
        }
        read
    }

    fn expected(name: &str, text: &str) -> (String, ScannedText) {
        (format!("pictures/{name}"), ScannedText::Whole(text.to_owned()))
    }

    #[test]
    fn a_folder_that_is_gone_is_said_until_it_is_back() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("pictures");
        let (ledger, _work) = mpsc::channel(1);
        let devices = watch::Sender::default();
        let post = Post::new(Device::only(DeviceKind::Pictures), LaneId(1), devices.clone());
        let intake = Intake { lane: LaneId(1), ledger, clock: Clock::start(), post };
        let look_once = || {
            let (stop, stopped) = std_mpsc::channel();
            drop(stop);
            watch_folder(&folder, Seen::new(), &intake, Printer::default(), &stopped);
            !devices.borrow().warnings().is_empty()
        };
        assert!(look_once());
        fs::create_dir(&folder).unwrap();
        assert!(!look_once());
    }

    #[test]
    fn what_lay_there_before_is_not_read_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), qr_picture(text)).unwrap();
        put("old.png", "old");
        let mut seen = already_there(folder.path());
        put("new.png", "new");
        assert_eq!(read(folder.path(), &mut seen), [expected("new.png", "new")]);
        put("old.png", "shown again, and longer than it was, so that the file has another length");
        assert_eq!(read(folder.path(), &mut seen).len(), 1);
        assert!(already_there(&folder.path().join("nowhere")).is_empty());
    }

    #[test]
    fn each_picture_is_read_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), qr_picture(text)).unwrap();
        for name in ["b.png", "a.PNG", ".hidden.png", "c.png.part", "notes.txt"] {
            put(name, name);
        }
        fs::write(folder.path().join("broken.jpg"), "no picture").unwrap();
        let mut seen = Seen::new();
        assert_eq!(read(folder.path(), &mut seen), [expected("a.PNG", "a.PNG"), expected("b.png", "b.png")]);
        assert!(read(folder.path(), &mut seen).is_empty());

        fs::rename(folder.path().join("c.png.part"), folder.path().join("c.png")).unwrap();
        put("a.PNG", "a longer text than before, so that the file has another length");
        let names: Vec<_> = read(folder.path(), &mut seen).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pictures/a.PNG", "pictures/c.png"]);
    }
}
