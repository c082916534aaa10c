//! One pulse of one output, without an agent and for nobody: whether the right arm opens, and turns. It goes through the same thread as any
//! other pulse, so that what is tried is what will be.

use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use countermark_shared::verdict::Severity;
use tokio::sync::watch;

use super::passage::PassageLine;
use super::tally::Telling;
use super::worker::{Told, Worker};
use super::{Duty, NOTICE, Passage, Verdict, put_signals_off};
use crate::clock::Clock;
use crate::config::OutputConfig;
use crate::devices::{Devices, Post, Trouble};

/// How it went.
#[derive(Debug)]
pub(crate) struct Tried {
    /// Of an output that opens.
    pub(crate) passage: Option<Passage>,
    /// What is wrong with its device, or with what tells of the arm.
    pub(crate) trouble: Option<Trouble>,
}

/// Switches an output off, on for its pulse, and off again; one that shows, its first pattern. Returns when that is over, and not before: from
/// a terminal it can be neither ended nor stopped in the middle.
pub(crate) fn try_once(output: OutputConfig, clock: Clock) -> nix::Result<Tried> {
    put_signals_off()?;
    let devices = watch::Sender::new(Devices::default());
    let lane = output.entry.lane;
    let post = Post::new(output.device(), lane, devices.clone());
    let (severity, lasts) = first(&output.duty);
    let (tell, told) = sync_channel(1);
    let (passages, passed) = channel();
    let worker = Worker::new(vec![(output, post)], told, NOTICE, clock, passages);
    let passage = thread::scope(|scope| {
        scope.spawn(|| worker.work());
        // Its thread ends with this, and the scope with that.
        let tell = tell;
        let verdict = Verdict { row: None, severity, persons: 1, at: clock.now().uptime };
        // Refused: its thread has panicked, and says nothing.
        tell.send(Told { lane, verdict }).unwrap_or_default();
        loop {
            let heard = match lasts {
                Some(lasts) => passed.recv_timeout(lasts),
                None => passed.recv().map_err(RecvTimeoutError::from),
            };
            match heard {
                Ok(Telling::Passed(PassageLine { passage, .. })) => break Some(passage),
                Ok(Telling::Expected { .. }) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break None,
            }
        }
    });
    let trouble = devices.borrow().statuses().into_iter().find_map(|status| status.trouble);
    Ok(Tried { passage, trouble })
}

/// The severity that has something to show, and how long that lasts; what opens says itself when it is over.
fn first(duty: &Duty) -> (Severity, Option<Duration>) {
    match duty {
        Duty::Opens(_) => (Severity::Admit, None),
        Duty::Shows(patterns) => {
            let shown = patterns.iter().find(|(_, steps)| !steps.is_empty());
            shown.map_or((Severity::Admit, Some(Duration::ZERO)), |(severity, steps)| {
                (*severity, Some(steps.iter().sum()))
            })
        }
    }
}
