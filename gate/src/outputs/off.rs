//! Switching everything off, without an agent: when it was killed, and when systemd stops it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::board::{Board, Switch};
use super::by_device;
use crate::config::OutputConfig;
use crate::devices::{Cause, Trouble};

/// An agent that is killed holds its devices for a moment yet.
const ATTEMPTS: usize = 20;
const BETWEEN: Duration = Duration::from_millis(100);

/// Switches every output off, all devices at once; the answer is what is wrong, with the output's place.
pub(crate) fn switch_off(outputs: Vec<OutputConfig>) -> Vec<String> {
    let devices = by_device(outputs, |config| config);
    thread::scope(|scope| {
        let threads: Vec<_> = devices.iter().map(|outputs| scope.spawn(|| off(outputs))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|_| vec!["a thread panicked".to_owned()]))
            .collect()
    })
}

fn off(outputs: &[OutputConfig]) -> Vec<String> {
    let Some(first) = outputs.first() else { return Vec::new() };
    let mut board = match open(first) {
        Ok(board) => board,
        Err(trouble) => return vec![format!("{}: {}", first.entry.place, trouble.detail)],
    };
    let switched = outputs.iter().map(|output| (output, board.switch(&output.wiring, Switch::Off)));
    switched.filter_map(|(output, off)| Some(format!("{}: {}", output.entry.place, off.err()?.detail))).collect()
}

fn open(output: &OutputConfig) -> Result<Board, Trouble> {
    let (_never, pause) = mpsc::channel::<()>();
    let mut attempts = 1;
    loop {
        match Board::open(&output.wiring) {
            Err(Trouble { cause: Cause::Busy | Cause::Failed | Cause::Ended, detail: _ }) if attempts < ATTEMPTS => {
                attempts += 1;
                pause.recv_timeout(BETWEEN).unwrap_or_default();
            }
            outcome @ (Ok(_) | Err(_)) => return outcome,
        }
    }
}
