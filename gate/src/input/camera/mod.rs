//! A camera. Owns its two threads: one takes pictures, the other reads codes in the newest of them. When it pays to look, `attention` says;
//! how a code is read, the crate `reading`. Knows nothing of tickets.
//!
//! Reading that is slower than the camera misses pictures and never falls behind: what is decided about was seen just now. A code is
//! sighted again and again while it is held; the ledger knows that it is one showing.

mod attention;
mod clip;
mod driver;
mod newest;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use countermark_reading::{Budget, Reader};
use image::GrayImage;

use super::reopen::Pause;
use super::{Intake, LedgerGone};
use crate::config::{CameraConfig, CameraSource};
use crate::devices::{Cause, Trouble};
use crate::read::is_for_a_gate;
use attention::Attention;
use clip::Clip;
use newest::{Newest, Taken};

/// On one picture. The next one is newer, and may be sharper.
const BUDGET: Duration = Duration::from_millis(150);
/// Even in the dark a camera gives a few pictures a second.
const SILENCE: Duration = Duration::from_secs(5);

/// A camera at work.
pub(crate) struct Camera {
    config: CameraConfig,
    intake: Intake,
}

/// Where pictures come from.
trait Frames {
    /// Waits for the next picture and gives it.
    fn next(&mut self) -> Result<GrayImage, Trouble>;

    /// How long to wait before asking again; nothing where [`next`](Self::next) itself waits.
    fn interval(&self) -> Duration;
}

/// A picture, and the uptime at which it was there.
struct Frame {
    picture: GrayImage,
    at: Duration,
}

impl Camera {
    /// Of `gate.toml`.
    pub(crate) fn new(config: CameraConfig, intake: Intake) -> Self {
        Self { config, intake }
    }

    /// Takes and reads pictures until the ledger is gone, or the other end of `stop` is dropped.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let newest = Newest::default();
        thread::scope(|scope| {
            scope.spawn(|| self.read(&newest, SILENCE));
            self.take(&newest, stop, || open(&self.config));
            newest.close();
        });
    }

    /// Opens the camera, again and again where it is lost, and puts each picture where the other thread finds it.
    fn take<F: Frames>(&self, newest: &Newest<Frame>, stop: &Receiver<()>, open: impl Fn() -> Result<F, Trouble>) {
        let mut pause = Pause::default();
        loop {
            let trouble = match open() {
                Ok(mut frames) => loop {
                    newest.expect(true);
                    match frames.next() {
                        Ok(picture) => {
                            pause = Pause::default();
                            self.intake.post.works();
                            let frame = Frame { picture, at: self.intake.stamp() };
                            if !newest.put(frame) || has_ended(stop, frames.interval()) {
                                return;
                            }
                        }
                        Err(trouble) => break trouble,
                    }
                },
                Err(trouble) => trouble,
            };
            newest.expect(false);
            self.intake.post.troubled(trouble);
            if has_ended(stop, pause.next()) {
                return;
            }
        }
    }

    /// Reads the newest picture, one after the other, for as long as something moves.
    fn read(&self, newest: &Newest<Frame>, patience: Duration) {
        let (mut reader, mut attention) = (Reader::new(), Attention::default());
        loop {
            match newest.take(patience) {
                Taken::Some(frame) => {
                    if attention.pays(&frame.picture, frame.at) && self.look(&mut reader, &frame).is_err() {
                        newest.close();
                        return;
                    }
                }
                Taken::Overdue => {
                    let place = &self.config.entry.place;
                    let detail = format!("{place}: no picture for {patience:?}; plug the camera in again");
                    self.intake.post.troubled(Trouble::new(Cause::Failed, detail));
                }
                Taken::Closed => return,
            }
        }
    }

    fn look(&self, reader: &mut Reader, frame: &Frame) -> Result<(), LedgerGone> {
        let begin = self.intake.stamp();
        let spent = || self.intake.stamp().saturating_sub(begin);
        match reader.read(&frame.picture, is_for_a_gate, Budget { allowed: BUDGET, spent: &spent }) {
            Some(reading) => self.intake.offer(reading.text, frame.at),
            None => Ok(()),
        }
    }
}

fn open(config: &CameraConfig) -> Result<Box<dyn Frames>, Trouble> {
    match &config.source {
        CameraSource::Device { device, resolution } => driver::open(&config.entry.place, device, *resolution),
        CameraSource::Clip { folder } => Ok(Box::new(Clip::open(&config.entry.place, folder)?)),
    }
}

impl Frames for Box<dyn Frames> {
    fn next(&mut self) -> Result<GrayImage, Trouble> {
        self.as_mut().next()
    }

    fn interval(&self) -> Duration {
        self.as_ref().interval()
    }
}

fn has_ended(stop: &Receiver<()>, wait: Duration) -> bool {
    !matches!(stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}

#[cfg(test)]
mod tests;
