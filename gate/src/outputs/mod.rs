//! What the gate does at an entrance: the relay that opens, lamps, a buzzer. Owns who is told of a verdict, and what is promised of a pulse;
//! knows nothing of why somebody was admitted.
//!
//! ```text
//! ledger ─► Outputs::tell ─► a thread for each device: machine ─► board
//! ```
//!
//! - Told after the journal's COMMIT, and never waited for: a device that is dead costs nobody a verdict.
//! - Only an admission opens, for its pulse, which begins when the device says that it is on. A later one extends nothing: it has its own
//!   pulse, after the pause.
//! - What waits for more than three seconds, since its verdict or since the one before was through, opens for nobody: somebody else stands
//!   there now.
//! - Off first of all, off when the agent ends, after the pulse that it was in, and off when it is killed: see [`guard`].

mod board;
mod guard;
mod machine;
mod off;
mod passage;
mod profile;
mod tally;
#[cfg(test)]
mod tests;
mod trial;
mod wiring;
mod worker;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::verdict::{Reason, Severity};
use nix::sys::signal::{SigSet, Signal};

pub(crate) use guard::{Guard, hear_the_agents_file, wait_for_the_agents_end};
pub(crate) use machine::{Duty, Opening, Patterns, Turns, Verdict};
pub(crate) use off::switch_off;
pub(crate) use passage::{NOTICE, Passage, PassageLine, Passages};
pub(crate) use profile::Profile;
pub(crate) use tally::{Tally, Telling};
pub(crate) use trial::{Tried, try_once};
pub(crate) use wiring::{Line, Sensor, Wiring};
pub(crate) use worker::Worker;

use crate::announcement::Announcement;
use crate::clock::Clock;
use crate::config::OutputConfig;
use crate::devices::{Cause, Post, Trouble};
use board::Board;
use worker::Told;

/// Verdicts that may wait for a device. It is dead long before there are so many; the newest is the one that is not told, and staff are.
const BACKLOG: usize = 64;

/// Where the ledger's thread tells verdicts.
#[derive(Debug)]
pub(crate) struct Outputs {
    devices: Vec<Device>,
    /// Who listens to how it goes.
    tell: Sender<Telling>,
    /// The guard's thread ends with this.
    _guarded: Option<Sender<()>>,
}

/// A device's thread, and whose outputs it has.
#[derive(Debug)]
struct Device {
    told: SyncSender<Told>,
    outputs: Vec<(OutputConfig, Post)>,
}

impl Outputs {
    /// Of outputs, each with its post; the workers are for threads of their own, and end when this is dropped. Staff are told of somebody who
    /// did not pass for as long as `tell`.
    pub(crate) fn new(
        outputs: Vec<(OutputConfig, Post)>,
        guarded: Option<Sender<()>>,
        tell: Duration,
        clock: Clock,
        passages: Sender<Telling>,
    ) -> (Self, Vec<Worker>) {
        let devices = by_device(outputs, |(config, _)| config).into_iter().map(|outputs| {
            let (told, waiting) = sync_channel(BACKLOG);
            let worker = Worker::new(outputs.clone(), waiting, tell, clock, passages.clone());
            (Device { told, outputs }, worker)
        });
        let (devices, workers) = devices.unzip();
        (Self { devices, tell: passages, _guarded: guarded }, workers)
    }

    /// How many pulses a verdict has at a lane.
    fn pulses(&self, lane: LaneId, verdict: &Verdict) -> u32 {
        let outputs = self.devices.iter().flat_map(|device| &device.outputs);
        outputs.filter(|(config, _)| config.entry.lane == lane).map(|(config, _)| config.duty.pulses(verdict)).sum()
    }

    /// Tells the outputs of its lane; never waits.
    pub(crate) fn tell(&self, announcement: &Announcement, now: Duration) {
        let (lane, verdict) = (announcement.lane, Verdict::of(announcement, now));
        // Before any of them says how it went. Nobody listens any more: it is the end.
        let leaves =
            matches!(announcement.ruling.verdict, Reason::Exit | Reason::ExitWithoutEntry | Reason::ExitUnread);
        let pulses = self.pulses(lane, &verdict);
        self.tell.send(Telling::Expected { row: verdict.row, leaves, pulses }).unwrap_or_default();
        for Device { told, outputs } in &self.devices {
            let concerned =
                outputs.iter().filter(|(config, _)| config.entry.lane == lane && config.duty.is_about(&verdict));
            if concerned.clone().next().is_none() || told.try_send(Told { lane, verdict }).is_ok() {
                continue;
            }
            for (config, post) in concerned {
                post.troubled(Trouble::new(
                    Cause::Failed,
                    "it does not keep up; look at its cable, then restart the agent",
                ));
                for _ in 0..config.duty.pulses(&verdict) {
                    post.passed(Passage::NotOpened);
                    let (sequence, output) = (verdict.row, config.entry.name.clone());
                    let passed = PassageLine { sequence, lane, output, passage: Passage::NotOpened };
                    self.tell.send(Telling::Passed(passed)).unwrap_or_default();
                }
            }
        }
    }
}

/// Of this thread, and of those that it starts, what ends a program from a terminal, and what stops it, as Ctrl-Z does: something is on.
fn put_signals_off() -> nix::Result<()> {
    let ends = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP];
    let stops = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];
    ends.into_iter().chain(stops).collect::<SigSet>().thread_block()
}

/// Asks a device on the network whether it is there, which switches nothing.
pub(crate) fn answers(wiring: &Wiring) -> Result<(), Trouble> {
    Board::open(wiring)?.check(wiring)
}

/// The lanes of which an output tells how an admission ends.
pub(crate) fn lanes_opened(outputs: &[OutputConfig]) -> BTreeSet<LaneId> {
    outputs.iter().filter(|output| matches!(output.duty, Duty::Opens(_))).map(|output| output.entry.lane).collect()
}

impl Duty {
    /// How many pulses a verdict has here, each of which is told of.
    fn pulses(&self, verdict: &Verdict) -> u32 {
        match self {
            Self::Opens(opening) => opening.turns.pulses(verdict.persons).into(),
            Self::Shows(_) => 0,
        }
    }

    /// Whether an output has anything to do with a verdict.
    fn is_about(&self, verdict: &Verdict) -> bool {
        match self {
            Self::Opens(_) => verdict.persons > 0,
            // What was shown of another ends, too.
            Self::Shows(_) => true,
        }
    }
}

impl Verdict {
    /// What an announcement is to an output: nothing opens that is not in the journal.
    fn of(announcement: &Announcement, at: Duration) -> Self {
        let ruling = &announcement.ruling;
        let opens = ruling.opens && announcement.sequence.is_some();
        let severity = match ruling.severity {
            Severity::Admit | Severity::Attention if !opens => Severity::Staff,
            severity @ (Severity::Admit
            | Severity::Attention
            | Severity::Staff
            | Severity::Refuse
            | Severity::Fraud) => severity,
        };
        Self { row: announcement.sequence, severity, persons: if opens { ruling.persons } else { 0 }, at }
    }
}

/// Outputs that share a device: one thread has it.
fn by_device<T>(outputs: Vec<T>, config: impl Fn(&T) -> &OutputConfig) -> Vec<Vec<T>> {
    let mut devices: Vec<Vec<T>> = Vec::new();
    for output in outputs {
        let device = config(&output).wiring.shared_device().map(Path::to_owned);
        let other = devices.iter_mut().find(|outputs| {
            device.is_some()
                && outputs.first().and_then(|first| config(first).wiring.shared_device()) == device.as_deref()
        });
        match other {
            Some(outputs) => outputs.push(output),
            None => devices.push(vec![output]),
        }
    }
    devices
}
