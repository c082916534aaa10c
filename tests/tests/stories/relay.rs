//! A relay opens for whom the gate admits, for nobody else, and is switched off though the gate is killed in the middle of its pulse.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::{Gate, Passage};
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::PATIENCE;
use serialport::{SerialPort, TTYPort};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::stage::{Stage, tell};

/// By the protocol sheet of the LCUS-1.
const ON: [u8; 4] = [0xA0, 0x01, 0x01, 0xA2];
const OFF: [u8; 4] = [0xA0, 0x01, 0x00, 0xA1];

const SHORT: Duration = Duration::from_millis(200);
/// The gate lives a moment of it.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn opens_for_admissions_alone_and_never_outlives_its_gate() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 3).await?;
        let [first, second, third] = tickets.as_slice() else { anyhow::bail!("not three were sold") };
        let gate = Gate::enrol(cloud, "gate-with-a-relay", &administrator.gate("Arm", FESTIVAL).await?).await?;
        let mut board = Board::plug_in()?;

        let short = board.config(cloud.folder(), SHORT)?;
        let mut running = gate.stand(&short).await?;
        gate.would_say(&first.text, Reason::Admitted).await?;
        ensure!(board.hears().await? == OFF, "it is off before anybody comes");
        let mut lines = running.lines()?;
        writeln!(lines, "junk\n{0}\n{0}", first.text)?;
        let mut said = Vec::new();
        for _ in 0..3 {
            said.push(running.verdict().await?);
        }
        let opens: Vec<_> = said.iter().map(|verdict| verdict.opens).collect();
        ensure!(opens == [false, true, false], "{said:?}");
        ensure!(board.hears().await? == ON && board.hears().await? == OFF, "one pulse for the one who was admitted");
        let row = said.get(1).and_then(|verdict| verdict.sequence);
        opened_for(row, &running.passage().await?)?;
        // Nothing comes in between for the one who was refused: neither at the board nor of the board.
        writeln!(lines, "{}", second.text)?;
        let verdict = running.verdict().await?;
        ensure!(verdict.opens, "{verdict:?}");
        ensure!(board.hears().await? == ON && board.hears().await? == OFF, "one pulse for the next who was admitted");
        opened_for(verdict.sequence, &running.passage().await?)?;
        running.kill().await?;
        ensure!(board.hears().await? == OFF, "its guard switches off");

        let long = board.config(cloud.folder(), LONG)?;
        let mut running = gate.stand(&long).await?;
        ensure!(board.hears().await? == OFF, "it is off first of all");
        // Before it is on: by this measure the pulse is at least as long as it was.
        let begin = Instant::now();
        writeln!(running.lines()?, "{}", third.text)?;
        ensure!(board.hears().await? == ON, "it is on");
        running.kill().await?;
        ensure!(board.hears().await? == OFF, "it is off though nobody is there to end the pulse");
        let on = begin.elapsed();
        ensure!(on < LONG, "it was on for {on:?}, and never longer than its pulse of {LONG:?}");

        gate.switch_off(&long).await?;
        ensure!(board.hears().await? == OFF, "systemd switches off, too");
        Ok(())
    });
}

/// The arm was opened for the one who was admitted by this row.
fn opened_for(row: Option<u64>, passage: &Passage) -> Result<()> {
    let expected = row.is_some() && passage.sequence == row;
    ensure!(expected && passage.output == "arm" && passage.passage == "opened", "for row {row:?}: {passage:?}");
    Ok(())
}

/// A relay board on a pseudo-terminal.
struct Board {
    bytes: mpsc::UnboundedReceiver<u8>,
    /// Held, so that the line does not hang up between two who open it.
    line: TTYPort,
}

impl Board {
    fn plug_in() -> Result<Self> {
        let (mut board, line) = TTYPort::pair()?;
        let (sender, bytes) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut byte = [0];
            loop {
                match board.read_exact(&mut byte) {
                    Ok(()) if byte.iter().any(|byte| sender.send(*byte).is_err()) => return,
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::TimedOut && !sender.is_closed() => {}
                    Err(_) => return,
                }
            }
        });
        Ok(Self { bytes, line })
    }

    /// The next command.
    async fn hears(&mut self) -> Result<[u8; 4]> {
        let mut command = [0; 4];
        for byte in &mut command {
            let heard = tokio::time::timeout(PATIENCE, self.bytes.recv()).await.context("the board hears nothing")?;
            *byte = heard.context("nobody listens at the board")?;
        }
        Ok(command)
    }

    /// A `gate.toml` with an arm at this board.
    fn config(&self, folder: &Path, pulse: Duration) -> Result<PathBuf> {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");
        let device = self.line.name().context("a pseudo-terminal has a name")?;
        let pulse = pulse.as_millis();
        let file = folder.join(format!("arm-{pulse}.toml"));
        let text = format!(
            "profiles = {profiles:?}\n[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"lcus\"\ndevice = {device:?}\nchannel = 1\nopens = {{ pulse-milliseconds = {pulse} }}\n"
        );
        fs::write(&file, text)?;
        Ok(file)
    }
}
