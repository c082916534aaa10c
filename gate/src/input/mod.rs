//! What was shown at a lane, from wherever it was read, on its way to the ledger. Owns hand-over and its time stamp; knows nothing of
//! tickets.
//!
//! **Age.** A scan that waited is not opened for whoever stands there now, so each carries the uptime at which its reader turned to it,
//! *before* it waits for room in the channel. A reader turns to the next line only when the one before was handed over. So what still lies
//! in a pipe or a folder does not age, however fast it is filled: there back-pressure holds the sender, and the ledger takes a full
//! channel ([`CAPACITY`]) in one or two transactions. What a stalled ledger keeps waiting, in the channel or before it, does age.

mod frames;
mod framing;
mod keyboard;
mod lines;
mod readers;
mod reopen;
mod serial;

use std::time::Duration;

use countermark_shared::id::LaneId;
use serde::{Serialize, Serializer};
use tokio::sync::mpsc::{self, error::TrySendError};

pub(crate) use frames::OUT_OF_SIGHT;
pub(crate) use framing::{Framing, Silence};
pub(crate) use keyboard::Layout;
pub(crate) use lines::read_lines;
pub(crate) use readers::{Reader, readers};
pub(crate) use serial::Feedbacks;

use crate::clock::Clock;
use crate::devices::{Device, Post};
use crate::ledger::Work;

/// Scans and questions that may wait for the ledger: one transaction's worth.
pub(crate) const CAPACITY: usize = 64;

/// What a reader read.
#[derive(Clone, Debug)]
pub(crate) struct RawScan {
    /// At which lane.
    pub(crate) lane: LaneId,
    /// By which input.
    pub(crate) source: Source,
    /// What.
    pub(crate) text: ScannedText,
    /// The uptime at which the reader turned to it.
    pub(crate) at: Duration,
    /// Since when a camera has had it in sight without a break; nothing of what is read once.
    pub(crate) in_sight_since: Option<Duration>,
}

/// Text as far as there is one. It may be anybody's private code: it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ScannedText {
    /// All of it.
    Whole(String),
    /// Too long or no UTF-8; the legible beginning, for its hash alone.
    Damaged(String),
}

impl std::fmt::Debug for ScannedText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ScannedText(…)")
    }
}

/// Which input read a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A line on standard input.
    Lines,
    /// A file of a picture folder, by name.
    Picture(String),
    /// A scanner or a camera.
    Device(Device),
    /// Whoever works at the entrance, by hand.
    Typed,
    /// A supervisor, in the place of a refusal.
    Supervisor,
    /// Nothing was read: staff found the seat by its order's code.
    Order,
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lines => formatter.write_str("lines"),
            Self::Picture(name) => write!(formatter, "pictures/{name}"),
            Self::Device(device) => device.fmt(formatter),
            Self::Typed => formatter.write_str("typed"),
            Self::Supervisor => formatter.write_str("supervisor"),
            Self::Order => formatter.write_str("order"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One device's way to the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    /// The lane.
    pub(crate) lane: LaneId,
    /// To the ledger.
    pub(crate) ledger: mpsc::Sender<Work>,
    /// Stamps each scan.
    pub(crate) clock: Clock,
    /// Where the device says how it stands.
    pub(crate) post: Post,
}

/// The ledger is gone; there is nothing left to read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger has stopped")]
pub(crate) struct LedgerGone;

impl Intake {
    /// The stamp of a scan that its reader turns to now.
    pub(crate) fn stamp(&self) -> Duration {
        self.clock.now().uptime
    }

    /// Hands a scan over, waiting for room: a line is never dropped.
    pub(crate) fn hand_over(&self, source: Source, text: ScannedText, at: Duration) -> Result<(), LedgerGone> {
        let scan = RawScan { lane: self.lane, source, text, at, in_sight_since: None };
        self.ledger.blocking_send(Work::Scan(scan)).map_err(|_| LedgerGone)
    }

    /// Offers a sighting, of which there will be more: without room it is dropped.
    pub(crate) fn offer(&self, sighting: RawScan) -> Result<(), LedgerGone> {
        match self.ledger.try_send(Work::Scan(sighting)) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(LedgerGone),
        }
    }
}
