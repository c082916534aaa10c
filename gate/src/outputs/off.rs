//! Switching everything off, without an agent: when it was killed, and when systemd stops it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::board::{Board, Switch};
use super::by_device;
use crate::clock::Clock;
use crate::config::OutputConfig;
use crate::devices::Trouble;

/// An agent that is killed holds its devices for a moment yet, and may leave half a command behind. Much less than systemd's
/// `TimeoutStopSec=`: a device that is gone must not keep the agent from starting anew.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN: Duration = Duration::from_millis(100);

/// Switches every output off, all devices at once; the answer is what is wrong, with the output's place.
pub(crate) fn switch_off(outputs: Vec<OutputConfig>, clock: Clock) -> Vec<String> {
    let devices = by_device(outputs, |config| config);
    thread::scope(|scope| {
        let threads: Vec<_> = devices.iter().map(|outputs| scope.spawn(move || off(outputs, clock))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|_| vec!["a thread panicked".to_owned()]))
            .collect()
    })
}

fn off(outputs: &[OutputConfig], clock: Clock) -> Vec<String> {
    let until = clock.now().uptime + PATIENCE;
    let (_never, pause) = mpsc::channel::<()>();
    let mut failed = attempt(outputs.iter().collect());
    while !failed.is_empty() && clock.now().uptime < until {
        pause.recv_timeout(BETWEEN).unwrap_or_default();
        failed = attempt(failed.into_iter().map(|(output, _)| output).collect());
    }
    failed.into_iter().map(|(output, trouble)| format!("{}: {}", output.entry.place, trouble.detail)).collect()
}

/// Opens the device of these outputs and switches them off; the answer is which it did not, and why.
fn attempt(outputs: Vec<&OutputConfig>) -> Vec<(&OutputConfig, Trouble)> {
    let Some(first) = outputs.first() else { return Vec::new() };
    let mut board = Board::open(&first.wiring);
    let off = |output: &OutputConfig| match &mut board {
        Ok(board) => board.switch(&output.wiring, Switch::Off).err(),
        Err(trouble) => Some(trouble.clone()),
    };
    let troubles: Vec<_> = outputs.iter().copied().map(off).collect();
    outputs.into_iter().zip(troubles).filter_map(|(output, trouble)| Some((output, trouble?))).collect()
}
