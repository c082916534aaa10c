//! How the agent ends: why, what is still done, and in which order. Knows nothing of what its threads do.

use std::sync::mpsc::{self as std_mpsc, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::sync::{mpsc, oneshot};

use super::Settings;
use crate::devices::DeviceKind;
use crate::ledger::Work;
use crate::supervisor;

/// For the ledger to end; less than systemd leaves before it kills.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// Why the agent is about to end.
pub(super) enum Ending {
    LinesEnded,
    /// After the lines ended, all the rest was done.
    Settled,
    Signal,
    Stopped {
        thread: &'static str,
    },
}

/// Tells the main thread that another one ended, also when it panicked.
pub(super) struct Farewell {
    to: std_mpsc::Sender<Ending>,
    ending: Option<Ending>,
}

impl Farewell {
    pub(super) fn new(to: &std_mpsc::Sender<Ending>, ending: Ending) -> Self {
        Self { to: to.clone(), ending: Some(ending) }
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            // The main thread not waiting any more, it knows.
            self.to.send(ending).unwrap_or_default();
        }
    }
}

/// Waits until it is to end; the answer is the thread that ended though it should not have.
pub(super) fn wait_for_the_end(
    settings: &Settings,
    ending: &std_mpsc::Receiver<Ending>,
    rest: Rest,
    farewell: &impl Fn(Ending) -> Farewell,
) -> anyhow::Result<Option<&'static str>> {
    let mut rest = Some(rest);
    loop {
        match ending.recv()? {
            Ending::LinesEnded if settings.exit_at_end => {
                if let Some(rest) = rest.take() {
                    spawn("rest", farewell(Ending::Settled), move || rest.settle())?;
                }
            }
            Ending::LinesEnded => tracing::warn!("standard input has ended; the gate goes on"),
            Ending::Settled | Ending::Signal => return Ok(None),
            // They end one after the other, as they were told.
            Ending::Stopped { thread } if rest.is_none() && thread != "ledger" => {}
            Ending::Stopped { thread } => return Ok(Some(thread)),
        }
    }
}

/// A reader at work.
pub(super) struct Reading {
    pub(super) kind: DeviceKind,
    pub(super) stop: Option<std_mpsc::Sender<()>>,
    pub(super) thread: JoinHandle<()>,
}

/// What is done before the end once the lines have ended. It may take as long as whoever reads standard output; a signal cuts it short.
pub(super) struct Rest {
    pub(super) readings: Vec<Reading>,
    pub(super) work: mpsc::Sender<Work>,
    pub(super) finish: oneshot::Sender<()>,
    pub(super) network: JoinHandle<()>,
}

impl Rest {
    /// Reads the pictures that are there, waits for the ledger to come to all of it, and uploads.
    fn settle(self) {
        for Reading { kind, stop, thread } in self.readings {
            drop(stop);
            if kind == DeviceKind::Pictures {
                join(thread, kind.code());
            }
        }
        let (reply, done) = oneshot::channel();
        if self.work.blocking_send(Work::Settle { reply }).is_ok() {
            // No answer: the ledger stopped, and there is nothing to wait for.
            done.blocking_recv().unwrap_or_default();
        }
        self.finish.send(()).unwrap_or_default();
        join(self.network, "network");
    }
}

/// The threads that end last, and where the ledger hears of it.
pub(super) struct Last {
    pub(super) work: mpsc::Sender<Work>,
    pub(super) outputs: Vec<JoinHandle<()>>,
    pub(super) ledger: JoinHandle<()>,
    pub(super) pins: JoinHandle<()>,
}

impl Last {
    /// Lets the ledger finish what it has, and whoever is on their way go through; switches every output off, and closes the ledger once it has heard
    /// of all that. Unless it does not come to it.
    pub(super) fn close(self, patience: Duration) -> anyhow::Result<()> {
        let Self { work, outputs, ledger, pins } = self;
        supervisor::stopping();
        let (closing, closed) = std_mpsc::channel();
        Builder::new().name("close".to_owned()).spawn(move || {
            // Refused: it has stopped already, and whatever ends with it.
            work.blocking_send(Work::FallSilent).unwrap_or_default();
            for thread in outputs {
                join(thread, "outputs");
            }
            work.blocking_send(Work::Stop).unwrap_or_default();
            join(ledger, "ledger");
            join(pins, "pins");
            drop::<std_mpsc::Sender<()>>(closing);
        })?;
        match closed.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the ledger does not come to its end: the disk hangs, or nobody reads standard output; every verdict shown is safe"
                )
            }
        }
    }
}

fn join(thread: JoinHandle<()>, name: &str) {
    if thread.join().is_err() {
        tracing::error!(thread = name, "a thread panicked");
    }
}

pub(super) fn spawn(
    name: &'static str,
    farewell: Farewell,
    body: impl FnOnce() + Send + 'static,
) -> anyhow::Result<JoinHandle<()>> {
    let body = move || {
        let _farewell = farewell;
        body();
    };
    Builder::new().name(name.to_owned()).spawn(body).with_context(|| format!("cannot start the {name} thread"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As when the disk hangs, or nobody reads standard output any more: the queue is full, and nothing is taken from it.
    #[test]
    fn a_ledger_that_hangs_does_not_hold_up_the_end() {
        let (work, _waiting) = mpsc::channel(1);
        let (reply, _reached) = oneshot::channel();
        work.try_send(Work::Reach { reply }).unwrap();
        let (release, held) = std_mpsc::channel::<()>();
        let ledger = std::thread::spawn(move || held.recv().unwrap_or_default());
        let last = Last { work, outputs: Vec::new(), ledger, pins: std::thread::spawn(|| {}) };
        let ending = last.close(Duration::from_millis(50));
        assert!(ending.unwrap_err().to_string().contains("every verdict shown is safe"));
        drop(release);
    }

    #[test]
    fn outputs_come_to_their_end_before_the_ledger_does() {
        let (work, mut waiting) = mpsc::channel(1);
        let (told, tell) = std_mpsc::channel();
        let output = std::thread::spawn(move || tell.recv().unwrap());
        let ledger = std::thread::spawn(move || {
            assert!(matches!(waiting.blocking_recv(), Some(Work::FallSilent)));
            // Not before outputs have come to their end.
            assert!(waiting.try_recv().is_err());
            told.send(()).unwrap();
            assert!(matches!(waiting.blocking_recv(), Some(Work::Stop)));
        });
        let last = Last { work, outputs: vec![output], ledger, pins: std::thread::spawn(|| {}) };
        last.close(Duration::from_mins(1)).unwrap();
    }
}
