//! What an output does next: switch on for so long, switch off, say how it went. Owns the rules of pulses, pauses, turns and patterns;
//! `now` is a value, and nothing here can wait or write to a device.

mod opener;
#[cfg(test)]
mod properties;
mod signal;

use std::time::Duration;

use countermark_shared::verdict::Severity;

use super::passage::Passage;
use opener::Opener;
use signal::Signal;

pub(crate) use opener::{Opening, Turns};
pub(crate) use signal::Patterns;

/// A person waits so long for a light or an arm. What comes later would be for whoever stands there now.
const PATIENCE: Duration = Duration::from_secs(3);

/// A verdict, as an output needs it. Made by [`Verdict::of`](super::Verdict) alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Its journal row.
    pub(super) row: Option<u64>,
    /// How grave.
    pub(super) severity: Severity,
    /// How many may pass; 0 unless it opens.
    pub(super) persons: u8,
    /// The uptime at which it was durable.
    pub(super) at: Duration,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Switch on, and say when that is done. It will be switched off so long after; a board that can, does so by itself.
    On(Duration),
    /// Switch off.
    Off,
    /// Say how it went with the admission of a row.
    Say(Option<u64>, Passage),
}

/// What an output is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Duty {
    /// It lets people through.
    Opens(Opening),
    /// It tells people, by light or sound.
    Shows(Patterns),
}

/// An output's state.
#[derive(Clone, Debug)]
pub(super) enum Machine {
    Opener(Opener),
    Signal(Signal),
}

impl Machine {
    /// At rest: off.
    pub(super) fn new(duty: Duty) -> Self {
        match duty {
            Duty::Opens(opening) => Self::Opener(Opener::new(opening)),
            Duty::Shows(patterns) => Self::Signal(Signal::new(patterns)),
        }
    }

    /// Takes a verdict of its lane.
    pub(super) fn hear(&mut self, verdict: &Verdict, now: Duration) {
        match self {
            Self::Opener(opener) => opener.hear(verdict),
            Self::Signal(signal) => signal.hear(verdict, now),
        }
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, now: Duration) -> Vec<Act> {
        match self {
            Self::Opener(opener) => opener.advance(now),
            Self::Signal(signal) => signal.advance(now),
        }
    }

    /// The device says that it is on: what it was told to last has begun.
    pub(super) fn switched_on(&mut self, now: Duration) {
        match self {
            Self::Opener(opener) => opener.switched_on(now),
            Self::Signal(signal) => signal.switched_on(now),
        }
    }

    /// When something is due next.
    pub(super) fn due(&self) -> Option<Duration> {
        match self {
            Self::Opener(opener) => opener.due(),
            Self::Signal(signal) => signal.due(),
        }
    }

    /// Whether the arm may turn now.
    pub(super) fn awaits_turn(&self) -> bool {
        match self {
            Self::Opener(opener) => opener.awaits_turn(),
            Self::Signal(_) => false,
        }
    }

    /// The arm turned.
    pub(super) fn turned(&mut self, now: Duration) {
        match self {
            Self::Opener(opener) => opener.turned(now),
            Self::Signal(_) => {}
        }
    }

    /// Whether the arm turns cannot be seen any more.
    pub(super) fn blinded(&mut self) {
        match self {
            Self::Opener(opener) => opener.blinded(),
            Self::Signal(_) => {}
        }
    }

    /// Nobody else is let through.
    pub(super) fn close(&mut self) {
        match self {
            Self::Opener(opener) => opener.close(),
            Self::Signal(_) => {}
        }
    }

    /// How long the pulse lasts by which somebody is let through now.
    pub(super) fn under_way(&self) -> Option<Duration> {
        match self {
            Self::Opener(opener) => opener.under_way(),
            Self::Signal(_) => None,
        }
    }

    /// The device did not do what it was told, or will be told nothing more. Nobody waits for it to come back.
    pub(super) fn failed(&mut self, now: Duration) {
        match self {
            Self::Opener(opener) => opener.failed(now),
            Self::Signal(signal) => signal.failed(),
        }
    }
}
