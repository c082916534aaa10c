//! Pictures in which codes are looked for. Owns what a source of them is, and how one is asked; how a code is read is `read`'s to say. Knows
//! nothing of tickets.
//!
//! There are two paces. What lies in a folder waits there, and [`Each`] is read. What a camera sees is soon over: [`Newest`] is a source made
//! of another, that drops whatever nobody took in time, and what comes of it are [`Sightings`].

mod attention;
mod clip;
mod driver;
mod each;
mod folder;
mod newest;
mod sight;
mod sightings;

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use image::GrayImage;

use super::reopen::Pause;
use super::{LedgerGone, Source};
use crate::clock::Clock;
use crate::config::{CameraConfig, CameraSource};
use crate::devices::{Device, DeviceKind, Post, Trouble};
use clip::Clip;

pub(super) use each::Each;
pub(super) use folder::Folder;
pub(super) use newest::Newest;
pub(crate) use sight::OUT_OF_SIGHT;
pub(super) use sightings::Sightings;

/// Where pictures come from.
pub(super) trait Frames {
    /// Gives the next picture. A source may wait for it for some seconds. After trouble it is opened anew.
    fn next(&mut self) -> Result<Next, Trouble>;
}

/// What a source has to give.
pub(super) enum Next {
    /// A picture.
    Frame(Frame),
    /// None for now: ask again after so long.
    After(Duration),
}

/// A picture, whose it is, and the uptime at which it was there.
pub(super) struct Frame {
    source: Source,
    picture: Picture,
    at: Duration,
}

/// Makes a picture of what was given, or says why it cannot be made. That takes longer than to give it, so that only whoever looks at it pays
/// for it.
type Picture = Box<dyn FnOnce() -> Result<GrayImage, Trouble> + Send>;

/// What gives a camera's pictures their name and time.
struct Eye {
    source: Source,
    clock: Clock,
}

impl Eye {
    fn sees(&self, picture: impl FnOnce() -> Result<GrayImage, Trouble> + Send + 'static) -> Next {
        let at = self.clock.now().uptime;
        Next::Frame(Frame { source: self.source.clone(), picture: Box::new(picture), at })
    }
}

/// Opens a camera of `gate.toml`.
pub(super) fn camera(config: &CameraConfig, clock: Clock) -> Result<Box<dyn Frames>, Trouble> {
    let eye = Eye { source: Source::Device(Device::named(DeviceKind::Camera, &config.entry.name)), clock };
    let place = &config.entry.place;
    match &config.source {
        CameraSource::Device { device, resolution } => driver::open(eye, place, device, *resolution),
        CameraSource::Clip { folder } => Ok(Box::new(Clip::open(eye, place, folder)?)),
    }
}

/// Why a picture was not looked at.
enum Unseen {
    /// It could not be made.
    Trouble(Trouble),
    /// Nobody wants any more of them.
    Over,
}

impl From<Trouble> for Unseen {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<LedgerGone> for Unseen {
    fn from(LedgerGone: LedgerGone) -> Self {
        Self::Over
    }
}

/// Looks at one picture after the other until that is over, or the other end of `stop` is dropped; then at what is there, once more. Whoever
/// looks at a picture says that the source works.
fn watch(
    frames: &mut impl Frames,
    post: &Post,
    stop: &Receiver<()>,
    mut look: impl FnMut(Frame) -> Result<(), Unseen>,
) {
    let (mut pause, mut is_last) = (Pause::default(), false);
    loop {
        let looked = match frames.next() {
            Ok(Next::Frame(frame)) => look(frame).map(|()| None),
            Ok(Next::After(wait)) => {
                post.works();
                Ok(Some(wait))
            }
            Err(trouble) => Err(Unseen::Trouble(trouble)),
        };
        let wait = match looked {
            Ok(wait) => {
                pause = Pause::default();
                let Some(wait) = wait else { continue };
                wait
            }
            Err(Unseen::Trouble(trouble)) => {
                post.troubled(trouble);
                pause.next()
            }
            Err(Unseen::Over) => return,
        };
        if is_last {
            return;
        }
        is_last = has_ended(stop, wait);
    }
}

/// Whether the other end of `stop` is dropped before so much time has passed.
fn has_ended(stop: &Receiver<()>, wait: Duration) -> bool {
    !matches!(stop.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}
