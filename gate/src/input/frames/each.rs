//! Each picture of a source, in order: none is dropped, since each is another person's. While the ledger is busy, they wait where they are.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Frame, Frames, watch};
use crate::input::{Intake, ScannedText};
use crate::printer::Printer;
use crate::read::PictureReader;

/// How long a picture is looked at, decoding included. Its scan ages meanwhile, and is not opened after one and a half seconds.
const PATIENCE: Duration = Duration::from_millis(700);

/// Reads every picture.
pub(crate) struct Each {
    intake: Intake,
    printer: Printer,
    patience: Duration,
}

impl Each {
    /// For the ledger; pictures without a code for standard output.
    pub(crate) fn new(intake: Intake, printer: Printer) -> Self {
        Self { intake, printer, patience: PATIENCE }
    }

    /// Reads until the ledger is gone, or the other end of `stop` is dropped; then what is there, once more.
    pub(crate) fn run(&self, frames: &mut impl Frames, stop: &Receiver<()>) {
        let Self { intake, printer, patience } = self;
        let mut reader = PictureReader::new(intake.clock, *patience);
        watch(frames, &intake.post, stop, |Frame { source, picture, at }| {
            let begin = intake.clock.now().uptime;
            let picture = picture()?;
            intake.post.works();
            let Some(reading) = reader.read(&picture, begin) else {
                tracing::debug!(%source, "no code in this picture");
                printer.nothing_read(intake.lane, &source);
                return Ok(());
            };
            tracing::debug!(%source, rung = %reading.rung, "read");
            Ok(intake.hand_over(source, ScannedText::Whole(reading.text), at)?)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::devices::{Cause, Device, DeviceKind, Devices, Post, Trouble};
    use crate::input::Source;
    use crate::input::frames::{Folder, Next};
    use crate::ledger::Work;
    use crate::samples::qr_picture;
    use countermark_shared::id::LaneId;
    use std::fs;
    use std::sync::mpsc as std_mpsc;
    use tokio::sync::{mpsc, watch};

    /// What comes of a source until it has nothing more, with room for one scan at a time; and what is said of the device.
    fn all_of(frames: &mut impl Frames) -> (Vec<(String, ScannedText)>, Devices) {
        let (ledger, mut work) = mpsc::channel(1);
        let devices = watch::Sender::default();
        let post = Post::new(Device::only(DeviceKind::Pictures), LaneId(1), devices.clone());
        let intake = Intake { lane: LaneId(1), ledger, clock: Clock::start(), post };
        let each = Each { patience: Duration::MAX, ..Each::new(intake, Printer::default()) };
        let (stop, stopped) = std_mpsc::channel();
        drop(stop);
        let taker = std::thread::spawn(move || {
            let mut read = Vec::new();
            while let Some(Work::Scan(scan)) = work.blocking_recv() {
                assert_eq!(scan.in_sight_since, None, "each is another showing");
                read.push((scan.source.to_string(), scan.text));
            }
            read
        });
        each.run(frames, &stopped);
        drop(each);
        let devices = devices.borrow().clone();
        (taker.join().unwrap(), devices)
    }

    fn read(folder: &mut Folder) -> Vec<(String, ScannedText)> {
        all_of(folder).0
    }

    fn expected(name: &str, text: &str) -> (String, ScannedText) {
        (format!("pictures/{name}"), ScannedText::Whole(text.to_owned()))
    }

    #[test]
    fn a_folder_that_is_gone_is_said_until_it_is_back() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("pictures");
        let mut folder = Folder::new(path.clone(), Clock::start());
        let mut is_said = || !all_of(&mut folder).1.warnings().is_empty();
        assert!(is_said());
        fs::create_dir(&path).unwrap();
        assert!(!is_said());
    }

    #[test]
    fn what_lay_there_before_is_not_read_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), qr_picture(text)).unwrap();
        put("old.png", "old");
        let mut frames = Folder::new(folder.path().into(), Clock::start());
        put("new.png", "new");
        assert_eq!(read(&mut frames), [expected("new.png", "new")]);
        put("old.png", "shown again, and longer than it was, so that the file has another length");
        assert_eq!(read(&mut frames).len(), 1);
    }

    #[test]
    fn each_picture_is_read_once_and_in_order_however_busy_the_ledger_is() {
        let folder = tempfile::tempdir().unwrap();
        let mut frames = Folder::new(folder.path().into(), Clock::start());
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), qr_picture(text)).unwrap();
        for name in ["b.png", "a.PNG", ".hidden.png", "c.png.part", "notes.txt"] {
            put(name, name);
        }
        fs::write(folder.path().join("broken.jpg"), "no picture").unwrap();
        assert_eq!(read(&mut frames), [expected("a.PNG", "a.PNG"), expected("b.png", "b.png")]);
        assert!(read(&mut frames).is_empty());

        fs::rename(folder.path().join("c.png.part"), folder.path().join("c.png")).unwrap();
        put("a.PNG", "a longer text than before, so that the file has another length");
        let names: Vec<_> = read(&mut frames).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pictures/a.PNG", "pictures/c.png"]);
    }

    /// Gives codes of these texts, and nothing for now where there is none.
    struct Told(std::vec::IntoIter<Option<&'static str>>);

    impl Frames for Told {
        fn next(&mut self) -> Result<Next, Trouble> {
            let Some(text) = self.0.next().flatten() else { return Ok(Next::After(Duration::ZERO)) };
            let picture = || {
                let picture = image::load_from_memory(&qr_picture(text)).map(image::DynamicImage::into_luma8);
                picture.map_err(|error| Trouble::new(Cause::Failed, error.to_string()))
            };
            let picture = Box::new(picture);
            Ok(Next::Frame(Frame { source: Source::Picture(text.into()), picture, at: Duration::ZERO }))
        }
    }

    #[test]
    fn what_came_before_the_end_was_noticed_is_read() {
        let gives = vec![None, Some("a"), Some("a"), None, Some("never")];
        let (read, _) = all_of(&mut Told(gives.into_iter()));
        assert_eq!(read, [expected("a", "a"), expected("a", "a")], "each, whoever showed the same before");
    }
}
