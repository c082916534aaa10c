//! Scanners on pseudo-terminals, opened by their names as real ones are.

mod many_lines;
mod plug;
mod profiles;

use std::io::{self, Read, Write};
use std::thread;

use countermark_shared::id::LaneId;
use nix::fcntl::{Flock, FlockArg};
use tokio::sync::mpsc;

use super::*;
use crate::input::CAPACITY;
use plug::Bench;

const PROFILE: &str = "title = \"Any\"\ntried = false\n";
const LANE: LaneId = LaneId(1);

/// Lets the scanner look once for what there is, and says what it found.
fn found(bench: &Bench) -> Trouble {
    let [config] = bench.scanners(&["desk"], PROFILE).try_into().unwrap();
    let (ledger, _work) = mpsc::channel(CAPACITY);
    let mut feedbacks = Feedbacks::default();
    let scanner = Scanner::new(config.clone(), bench.intake(&config, &ledger), &mut feedbacks);
    thread::scope(|threads| {
        threads.spawn(move || scanner.run());
        let trouble = bench.trouble(LANE);
        drop(feedbacks);
        trouble
    })
}

#[test]
fn what_is_wrong_with_a_device_is_said_with_the_file_and_line() {
    let bench = Bench::new();
    let missing = found(&bench);
    assert_eq!(missing.cause, Cause::Gone);
    // The first line names the profiles, the second is `[[scanner]]`.
    assert!(missing.detail.contains("gate.toml:3: "), "{}", missing.detail);
    assert!(missing.detail.contains("desk is not there; look at the scanner's cable"), "{}", missing.detail);

    let plugged = bench.plug_in("desk");
    let taken = std::fs::OpenOptions::new().read(true).write(true).open(bench.device("desk")).unwrap();
    let taken = Flock::lock(taken, FlockArg::LockExclusiveNonblock).unwrap();
    let busy = found(&bench);
    assert_eq!(busy.cause, Cause::Busy);
    assert!(busy.detail.contains("desk is in use by another program; `fuser -v` names it"), "{}", busy.detail);
    drop(taken);
    drop(plugged);

    std::fs::write(bench.device("desk"), "").unwrap();
    let wrong = found(&bench);
    assert_eq!(wrong.cause, Cause::Failed);
    assert!(wrong.detail.contains("desk cannot be opened as a serial line"), "{}", wrong.detail);
}

/// A line that gives what it was told to, one piece a read; none is a wait without a byte.
struct Script(std::vec::IntoIter<Option<&'static [u8]>>);

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self.0.next().unwrap_or(Some(b"")).ok_or(io::ErrorKind::TimedOut)?;
        buffer[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Script {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::TimedOut.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How it stands with a scanner after it sent this, and how often something went wrong.
fn after(script: Vec<Option<&'static [u8]>>, told: &[Feedback]) -> (Option<Cause>, u64) {
    let bench = Bench::new();
    let [config] =
        bench.scanners(&["desk"], "title = \"Any\"\ngood = 'g'\nmanual = \"m\"\ntried = false\n").try_into().unwrap();
    let (ledger, _work) = mpsc::channel(CAPACITY);
    let mut feedbacks = Feedbacks::default();
    let scanner = Scanner::new(config.clone(), bench.intake(&config, &ledger), &mut feedbacks);
    for feedback in told {
        feedbacks.send(scanner.intake.post.device(), *feedback);
    }
    let idle = scanner.config.profile.framing.idle;
    let ended = scanner.read(&mut Script(script.into_iter()), idle, &mut Pause::default());
    assert_eq!(ended.map(drop).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let status = bench.until(LANE, |_| true);
    (status.trouble.map(|trouble| trouble.cause), status.failures)
}

#[test]
fn a_scanner_that_ends_no_line_is_told_of_until_it_ends_one() {
    const HALF: Option<&[u8]> = Some(b"CM1:AB");
    const END: Option<&[u8]> = Some(b"\r");
    assert_eq!(after(vec![HALF, None, None], &[]), (None, 0));
    assert_eq!(after(vec![HALF, None, HALF, END, HALF, None], &[]), (None, 0));
    assert_eq!(after(vec![HALF, None, HALF, None], &[]), (Some(Cause::Failed), 1));
    assert_eq!(after(vec![HALF, None, HALF, None, HALF, END], &[]), (None, 1));
}

#[test]
fn a_beep_that_cannot_be_written_is_counted_and_stops_nothing() {
    assert_eq!(after(vec![None], &[Feedback::Good, Feedback::Bad, Feedback::Good]), (None, 2));
    // More than may wait.
    assert_eq!(after(vec![None], &[Feedback::Bad; 10]), (None, 2));
}
