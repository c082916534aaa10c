//! A source of which the newest picture counts: whoever reads more slowly than a camera gives misses pictures and never falls behind, so that
//! what is decided about was seen just now. Owns the thread that takes meanwhile what a source gives, and how long a source may be silent. It
//! makes no picture: those that are overtaken cost nothing, and the source's own queue stays empty.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::{Frame, Frames, Next, has_ended};
use crate::config::Place;
use crate::devices::{Cause, Trouble};

/// Even in the dark a camera gives a few pictures a second.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// What another source gives, the newest of it.
pub(crate) struct Newest {
    open: Arc<Open>,
    place: Place,
    silence: Duration,
    taking: Option<Taking>,
}

type Open = dyn Fn() -> Result<Box<dyn Frames>, Trouble> + Send + Sync;

/// A thread that takes pictures until it meets trouble, or its stop is dropped.
struct Taking {
    latest: Arc<Latest<Result<Frame, Trouble>>>,
    thread: JoinHandle<()>,
    _stop: Sender<()>,
}

impl Newest {
    /// Of a source that is opened by this, and is at that place of `gate.toml`.
    pub(crate) fn new(
        open: impl Fn() -> Result<Box<dyn Frames>, Trouble> + Send + Sync + 'static,
        place: Place,
    ) -> Self {
        Self { open: Arc::new(open), place, silence: SILENCE, taking: None }
    }

    fn start(&self) -> Result<Taking, Trouble> {
        let latest = Arc::new(Latest::default());
        let (stop, stopped) = channel();
        let (open, there) = (Arc::clone(&self.open), Arc::clone(&latest));
        let thread = Builder::new().name("frames".to_owned()).spawn(move || {
            let Err(trouble) = open().and_then(|frames| take(frames, &there, &stopped)) else { return };
            there.put(Err(trouble));
        });
        let failed = |error| Trouble::new(Cause::Failed, format!("{}: {error}; restart the box", self.place));
        Ok(Taking { latest, thread: thread.map_err(failed)?, _stop: stop })
    }
}

/// Puts each picture where it is found, in the place of the one before.
fn take(
    mut frames: Box<dyn Frames>,
    latest: &Latest<Result<Frame, Trouble>>,
    stop: &Receiver<()>,
) -> Result<(), Trouble> {
    let mut wait = Duration::ZERO;
    while !has_ended(stop, wait) {
        wait = match frames.next()? {
            Next::Frame(frame) => {
                latest.put(Ok(frame));
                Duration::ZERO
            }
            Next::After(wait) => wait,
        };
    }
    Ok(())
}

impl Frames for Newest {
    fn next(&mut self) -> Result<Next, Trouble> {
        let taking = match self.taking.take() {
            Some(taking) => taking,
            None => self.start()?,
        };
        let Some(taken) = taking.latest.take(self.silence) else {
            // A driver that panicked is opened anew; one that hangs cannot be.
            self.taking = Some(taking).filter(|taking| !taking.thread.is_finished());
            let Self { place, silence, .. } = self;
            let detail = format!("{place}: no picture for {silence:?}; plug the camera in again");
            return Err(Trouble::new(Cause::Failed, detail));
        };
        let frame = taken?;
        self.taking = Some(taking);
        Ok(Next::Frame(frame))
    }
}

/// A place for one thing, where a newer one takes it: from a thread that puts, and never waits, to one that takes.
struct Latest<T> {
    place: Mutex<Option<T>>,
    filled: Condvar,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { place: Mutex::new(None), filled: Condvar::new() }
    }
}

impl<T> Latest<T> {
    /// Puts something in the place of what is there.
    fn put(&self, thing: T) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(thing);
        self.filled.notify_one();
    }

    /// Waits for the next thing, and takes it; nothing where none comes for so long.
    fn take(&self, patience: Duration) -> Option<T> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.filled.wait_timeout_while(place, patience, |place| place.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TomlFile;
    use crate::input::Source;
    use image::GrayImage;
    use std::sync::mpsc;

    /// Gives one picture, and hangs until it is pulled.
    struct Stuck(bool, Receiver<()>);

    impl Frames for Stuck {
        fn next(&mut self) -> Result<Next, Trouble> {
            if std::mem::replace(&mut self.0, true) {
                self.1.recv().unwrap_or_default();
                return Err(Trouble::new(Cause::Gone, "pulled"));
            }
            Ok(frame(0, || {}))
        }
    }

    /// A picture, and what is done when it is made.
    fn frame(at: u64, made: impl FnOnce() + Send + 'static) -> Next {
        let picture = move || {
            made();
            Ok(GrayImage::new(64, 64))
        };
        Next::Frame(Frame { source: Source::Lines, picture: Box::new(picture), at: Duration::from_secs(at) })
    }

    /// Gives so many pictures, and ends; knows which of them were made.
    struct Many {
        left: std::ops::RangeInclusive<u64>,
        made: Arc<Mutex<Vec<u64>>>,
    }

    impl Frames for Many {
        fn next(&mut self) -> Result<Next, Trouble> {
            let at = self.left.next().ok_or_else(|| Trouble::new(Cause::Gone, "pulled"))?;
            let made = Arc::clone(&self.made);
            Ok(frame(at, move || made.lock().unwrap().push(at)))
        }
    }

    fn once(frames: impl Frames + Send + 'static, silence: Duration) -> Newest {
        let file = TomlFile::of_text("gate.toml", "\n".to_owned());
        let frames = Mutex::new(Some(frames));
        let open = move || -> Result<Box<dyn Frames>, Trouble> {
            let frames = frames.lock().unwrap().take();
            frames.map(|frames| Box::new(frames) as _).ok_or_else(|| Trouble::new(Cause::Gone, "away"))
        };
        Newest { silence, ..Newest::new(open, file.place(&(0..0))) }
    }

    fn trouble(newest: &mut Newest) -> String {
        loop {
            match newest.next() {
                Ok(_) => {}
                Err(trouble) => return trouble.detail,
            }
        }
    }

    #[test]
    fn a_source_that_hangs_is_said_until_it_gives_or_is_opened_anew() {
        let (pull, pulled) = mpsc::channel();
        let mut newest = once(Stuck(false, pulled), Duration::from_millis(20));
        assert_eq!(trouble(&mut newest), "gate.toml:1: no picture for 20ms; plug the camera in again");
        drop(pull);
        newest.silence = SILENCE;
        assert_eq!(trouble(&mut newest), "pulled");
        assert_eq!(trouble(&mut newest), "away");
    }

    #[test]
    fn what_is_overtaken_is_never_made() {
        let (made, latest, (_stop, stopped)) = (Arc::default(), Latest::default(), channel());
        assert!(take(Box::new(Many { left: 1..=3, made: Arc::clone(&made) }), &latest, &stopped).is_err());
        let frame = latest.take(Duration::ZERO).unwrap().unwrap();
        assert_eq!((frame.at, made.lock().unwrap().as_slice()), (Duration::from_secs(3), [].as_slice()));
        (frame.picture)().unwrap();
        assert_eq!(*made.lock().unwrap(), [3]);
    }

    #[test]
    fn the_newest_wins_and_is_taken_once() {
        let latest = Latest::default();
        latest.put(1);
        latest.put(2);
        assert_eq!(latest.take(Duration::ZERO), Some(2));
        assert_eq!(latest.take(Duration::ZERO), None);
        latest.put(3);
        assert_eq!(latest.take(Duration::ZERO), Some(3));
    }

    #[test]
    fn whoever_waits_is_woken_by_what_comes() {
        let latest = Latest::default();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| latest.take(Duration::from_mins(1)));
            latest.put(1);
            assert_eq!(taker.join().unwrap(), Some(1));
        });
    }
}
