//! The threads of inputs and outputs, as they are started.

use std::io;
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;

use countermark_shared::id::LaneId;
use tokio::sync::mpsc;

use super::Settings;
use super::ending::{Ending, Farewell, Reading, spawn};
use crate::clock::Clock;
use crate::devices::{Cause, Device, Post, Trouble};
use crate::input::{Intake, Reader, read_lines};
use crate::ledger::Work;
use crate::outputs::{Guard, NOTICE, Outputs, Tally, Telling};
use crate::printer::Printer;

/// The outputs, and the threads that end when nobody can tell them anything any more.
pub(super) fn start_outputs(
    settings: &Settings,
    clock: Clock,
    post: &impl Fn(Device, LaneId) -> Post,
    ledger: &mpsc::Sender<Work>,
    ended: &std_mpsc::Sender<Ending>,
) -> anyhow::Result<(Outputs, Vec<JoinHandle<()>>)> {
    let outputs = settings.config.outputs.iter();
    let outputs: Vec<_> = outputs.map(|output| (output.clone(), post(output.device(), output.entry.lane))).collect();
    let farewell = |thread| Farewell::new(ended, Ending::Stopped { thread });
    let mut threads = Vec::new();
    if let Some(file) = &settings.config_file {
        let (folder, text) = (&settings.folder, file.text().as_bytes());
        // A disk that has no room for it holds nobody up: the guard has it, too.
        folder.write(&folder.config_as_read(), text).unwrap_or_else(|error| {
            tracing::warn!(%error, "what gate.toml says is not kept: should it have a mistake when this is killed, the outputs stay as they are");
        });
    }
    // Before any of them is opened.
    let (guarded, end) = std_mpsc::channel();
    if let Some(file) = settings.config_file.clone().filter(|_| !outputs.is_empty()) {
        let guard = Guard::start(file);
        threads.push(spawn("guard", farewell("guard"), move || guard.watch(&end))?);
    }
    let (passages, passed) = std_mpsc::channel();
    // Without an output there is nobody to wait for.
    let has_outputs = !outputs.is_empty();
    let (outputs, workers) = Outputs::new(outputs, Some(guarded), NOTICE, clock, passages);
    for worker in workers {
        threads.push(spawn("outputs", farewell("outputs"), move || worker.work())?);
    }
    if has_outputs {
        let (printer, ledger) = (settings.printer, ledger.clone());
        threads.push(spawn("passages", farewell("passages"), move || tell_passages(&passed, printer, &ledger))?);
    }
    Ok((outputs, threads))
}

/// Hears how it goes at the outputs: each pulse is printed, and of each admission the ledger keeps what became of it.
fn tell_passages(told: &std_mpsc::Receiver<Telling>, printer: Printer, ledger: &mpsc::Sender<Work>) {
    let mut tally = Tally::default();
    for telling in told {
        if let Some((sequence, actuation)) = tally.hear(&telling) {
            // Refused: the ledger has failed, and its next start says that this was cut off.
            ledger.blocking_send(Work::Actuated { sequence, actuation }).unwrap_or_default();
        }
        if let Telling::Passed(passage) = telling {
            printer.passage(&passage);
        }
    }
}

/// Every reader on a thread of its own.
pub(super) fn start_readers(readers: Vec<Reader>, ended: &std_mpsc::Sender<Ending>) -> anyhow::Result<Vec<Reading>> {
    let mut started = Vec::with_capacity(readers.len());
    for Reader { kind, stop, run } in readers {
        let farewell = Farewell::new(ended, Ending::Stopped { thread: kind.code() });
        started.push(Reading { kind, stop, thread: spawn(kind.code(), farewell, run)? });
    }
    Ok(started)
}

/// Standard input, until it ends.
pub(super) fn start_lines(intake: Intake, ended: &std_mpsc::Sender<Ending>) -> anyhow::Result<()> {
    let farewell = Farewell::new(ended, Ending::LinesEnded);
    spawn("lines", farewell, move || {
        intake.post.works();
        let why = match read_lines(io::stdin().lock(), &intake) {
            Ok(()) => "standard input has ended".to_owned(),
            Err(error) => format!("standard input failed: {error}"),
        };
        let detail = format!("{why}; see to whatever writes to it, then restart the agent");
        intake.post.troubled(Trouble::new(Cause::Ended, detail));
    })?;
    Ok(())
}
