//! A scanner that says it is a keyboard. Owns the device: its exclusive use, so that no ticket is typed into anything else, and its coming
//! and going. What keys say is pure and in `typing`, `layout` and `reading`.
//!
//! One thread a scanner. It waits for keys without end, so it ends with the process or when the ledger does.

mod layout;
mod reading;
mod typing;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use evdev::raw_stream::RawDevice;
use evdev::{EventSummary, InputEvent, SynchronizationCode};

pub(crate) use layout::Layout;

use super::reopen::Pause;
use super::{Intake, LedgerGone, Source};
use crate::config::KeyboardConfig;
use crate::devices::{Cause, Trouble};
use reading::{Reading, Setting, read};
use typing::{Key, Typed, Typing};

/// So many lines without an end, one after the other, are no accident.
const CUTS: u32 = 2;

/// A keyboard scanner at work.
pub(crate) struct Keyboard {
    config: KeyboardConfig,
    intake: Intake,
}

/// Where keys come from.
trait Keys {
    /// Waits for keys and gives them, oldest first.
    fn next(&mut self) -> io::Result<Vec<Key>>;
}

/// A keyboard that types for nobody else.
struct Grabbed(RawDevice);

impl Keys for Grabbed {
    fn next(&mut self) -> io::Result<Vec<Key>> {
        Ok(self.0.fetch_events()?.filter_map(key).collect())
    }
}

/// What of an event is a key. A key that repeats while it is held is no further one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kernel tells much of a keyboard that is no key")]
fn key(event: InputEvent) -> Option<Key> {
    match event.destructure() {
        EventSummary::Key(_, code, 1) => Some(Key::Down(code.code())),
        EventSummary::Key(_, code, 0) => Some(Key::Up(code.code())),
        EventSummary::Synchronization(_, SynchronizationCode::SYN_DROPPED, _) => Some(Key::Lost),
        _ => None,
    }
}

impl Keyboard {
    /// Of `gate.toml`.
    pub(crate) fn new(config: KeyboardConfig, intake: Intake) -> Self {
        Self { config, intake }
    }

    /// Reads lines until the ledger is gone, or until the other end of `stop` is dropped while the device is away.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let mut pause = Pause::default();
        loop {
            let trouble = match self.open() {
                Ok(mut keys) => {
                    self.intake.post.works();
                    match self.read(&mut keys, &mut pause) {
                        Ok(LedgerGone) => return,
                        Err(error) => self.gone(&error),
                    }
                }
                Err(trouble) => trouble,
            };
            self.intake.post.troubled(trouble);
            if !matches!(stop.recv_timeout(pause.next()), Err(RecvTimeoutError::Timeout)) {
                return;
            }
        }
    }

    fn open(&self) -> Result<Grabbed, Trouble> {
        let KeyboardConfig { entry, device, layout: _ } = &self.config;
        let said = |cause, what: &str, error: &io::Error| {
            let detail = format!("{}: {} {what} ({error})", entry.place, device.display());
            Trouble::new(cause, detail)
        };
        let mut keyboard = RawDevice::open(device).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                self.gone(&error)
            } else if error.kind() == io::ErrorKind::PermissionDenied {
                said(
                    Cause::Forbidden,
                    "may not be read; put the gate's user into the group that `ls -lL` names",
                    &error,
                )
            } else {
                said(Cause::Failed, "cannot be read as a keyboard; name the scanner's own event device", &error)
            }
        })?;
        keyboard.grab().map_err(|error| {
            if error.kind() == io::ErrorKind::ResourceBusy {
                said(Cause::Busy, "is in use by another program; `fuser -v` names it, end it", &error)
            } else {
                said(Cause::Failed, "cannot be had alone; plug it in again", &error)
            }
        })?;
        Ok(Grabbed(keyboard))
    }

    fn gone(&self, error: &io::Error) -> Trouble {
        let KeyboardConfig { entry, device, layout: _ } = &self.config;
        let detail =
            format!("{}: {} is not there ({error}); look at the scanner's cable", entry.place, device.display());
        Trouble::new(Cause::Gone, detail)
    }

    /// Reads until the device fails.
    fn read(&self, keys: &mut impl Keys, pause: &mut Pause) -> io::Result<LedgerGone> {
        let mut typing = Typing::default();
        let mut cuts = 0;
        // What the scanner did meanwhile waits in the kernel, and is no pause of its own.
        let mut waited = Duration::ZERO;
        loop {
            let pressed = match keys.next() {
                Ok(pressed) => pressed,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            *pause = Pause::default();
            let read_at = self.intake.stamp();
            let at = read_at.saturating_sub(waited);
            for key in pressed {
                match typing.on(key, at) {
                    None => {}
                    Some(Typed::Cut) => {
                        cuts += 1;
                        if cuts >= CUTS {
                            self.intake.post.troubled(self.endless());
                        }
                    }
                    Some(Typed::Line { strokes, whole }) => {
                        cuts = 0;
                        if self.hand_over(read(&strokes, whole, self.config.layout)).is_err() {
                            return Ok(LedgerGone);
                        }
                    }
                }
            }
            waited += self.intake.stamp().saturating_sub(read_at);
        }
    }

    fn hand_over(&self, reading: Reading) -> Result<(), LedgerGone> {
        let post = &self.intake.post;
        let text = match reading {
            Reading::Ticket(text) => {
                post.works();
                text
            }
            Reading::Misset(text, settings) => {
                post.troubled(self.misset(&settings));
                text
            }
            Reading::Other(text) => text,
        };
        let source = Source::Device(post.device().clone());
        self.intake.hand_over(source, text, self.intake.stamp())
    }

    fn endless(&self) -> Trouble {
        let place = &self.config.entry.place;
        Trouble::new(
            Cause::Failed,
            format!("{place}: this scanner ends no line; scan its “add Enter” (CR suffix) code"),
        )
    }

    /// What is wrong with a scanner that is set so, and what ends it.
    fn misset(&self, settings: &[Setting]) -> Trouble {
        let KeyboardConfig { entry, device: _, layout: expected } = &self.config;
        let mut names: Vec<_> = settings.iter().map(|setting| setting.layout.name).collect();
        names.dedup();
        let detail = if settings.iter().any(|setting| setting.layout == *expected) {
            format!("{}: this scanner turns capitals; scan its “Caps Lock off” code", entry.place)
        } else {
            let names = names.join(" or ");
            format!(
                "{}: this scanner is set to a {names} keyboard; scan its “{} keyboard” code, or name its layout here",
                entry.place, expected.name
            )
        };
        Trouble::new(Cause::Layout, detail)
    }
}
