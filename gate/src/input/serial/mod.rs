//! A scanner on a serial line. Owns its thread: the line's coming and going, each whole line to the ledger in order, and the scanner's
//! beep. What a line is, [`framing`](super::framing) says; what is true of a kind of scanner stands in its profile.
//!
//! Who unplugs a scanner loses what it was in the middle of sending, and nothing else that was read. While the ledger has no room the line is not read: then
//! what waits in the kernel goes with the plug, and the kernel makes the scanner wait, by USB always, on a bare serial line where it has flow control.

mod feedback;
mod port;

#[cfg(test)]
mod tests;

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

pub(crate) use feedback::Feedbacks;

use super::framing::{Heard, LineSplitter};
use super::reopen::Pause;
use super::{Intake, LedgerGone, ScannedText, Source};
use crate::config::ScannerConfig;
use crate::devices::{Cause, Trouble};
use feedback::Feedback;

/// How long a scanner's beep may wait for its line to fall silent.
const LISTEN: Duration = Duration::from_millis(20);
/// So many lines without an end, one after the other, are no accident.
const CUTS: u32 = 2;

/// A serial scanner at work.
pub(crate) struct Scanner {
    config: ScannerConfig,
    intake: Intake,
    feedback: Receiver<Feedback>,
}

/// There is nothing left to read for.
struct Ended;

impl Scanner {
    /// Of `gate.toml`; it is told of its verdicts through `feedbacks`.
    pub(crate) fn new(config: ScannerConfig, intake: Intake, feedbacks: &mut Feedbacks) -> Self {
        let told = config.profile.good.is_some() || config.profile.bad.is_some();
        let feedback = feedbacks.add(&intake.post, told);
        Self { config, intake, feedback }
    }

    /// Reads lines until the ledger is gone.
    pub(crate) fn run(&self) {
        let profile = &self.config.profile;
        let device = self.intake.post.device();
        tracing::info!(%device, profile = profile.title, tried = profile.tried, "a scanner of this kind");
        let mut pause = Pause::default();
        loop {
            match self.open_and_read(&mut pause) {
                Ok(Ended) => return,
                Err(trouble) => self.intake.post.troubled(trouble),
            }
            match self.feedback.recv_timeout(pause.next()) {
                Ok(Feedback::Good | Feedback::Bad) => self.intake.post.missed(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn open_and_read(&self, pause: &mut Pause) -> Result<Ended, Trouble> {
        let wait = LISTEN.min(self.config.profile.framing.idle);
        let mut port = port::open(&self.config, wait)?;
        self.intake.post.works();
        self.read(&mut port, wait, pause).map_err(|error| port::gone(&self.config, &error))
    }

    /// Reads until the line fails, from a port that says "timed out" after waiting for a byte so long.
    fn read(&self, port: &mut (impl Read + Write), wait: Duration, pause: &mut Pause) -> io::Result<Ended> {
        let mut splitter = LineSplitter::new(self.config.profile.framing.clone());
        let mut cuts = 0;
        let mut buffer = [0; 4096];
        loop {
            if self.beep(port).is_break() {
                return Ok(Ended);
            }
            let heard = match port.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    *pause = Pause::default();
                    buffer.iter().take(length).filter_map(|byte| splitter.push(*byte)).map(Heard::Line).collect()
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => Vec::from_iter(splitter.quiet(wait)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Vec::new(),
                Err(error) => return Err(error),
            };
            for heard in heard {
                match heard {
                    Heard::Line(text) => {
                        cuts = 0;
                        if self.hand_over(text).is_err() {
                            return Ok(Ended);
                        }
                    }
                    Heard::Cut => cuts += 1,
                }
                if cuts >= CUTS {
                    self.intake.post.troubled(self.endless());
                }
            }
        }
    }

    fn hand_over(&self, text: ScannedText) -> Result<(), LedgerGone> {
        self.intake.post.works();
        let source = Source::Device(self.intake.post.device().clone());
        self.intake.hand_over(source, text, self.intake.stamp())
    }

    /// Tells the scanner of the verdicts that wait.
    fn beep(&self, port: &mut impl Write) -> ControlFlow<()> {
        loop {
            let command = match self.feedback.try_recv() {
                Ok(Feedback::Good) => &self.config.profile.good,
                Ok(Feedback::Bad) => &self.config.profile.bad,
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
            };
            if command.as_ref().is_some_and(|command| port.write_all(command).is_err()) {
                self.intake.post.missed();
            }
        }
    }

    fn endless(&self) -> Trouble {
        let ScannerConfig { entry, device, profile: _ } = &self.config;
        let what = "sends no end of line; scan its “CR suffix” code, or take a profile with `end = \"idle\"`";
        Trouble::new(Cause::Failed, format!("{}: {} {what}", entry.place, device.display()))
    }
}
