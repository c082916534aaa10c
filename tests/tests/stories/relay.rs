//! A relay opens for whom the gate admits, for nobody else, and is switched off though the gate is killed in the middle of its pulse.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::PATIENCE;
use serialport::{SerialPort, TTYPort};
use tokio::sync::mpsc;

use crate::stage::{Stage, tell};

/// By the protocol sheet of the LCUS-1.
const ON: [u8; 4] = [0xA0, 0x01, 0x01, 0xA2];
const OFF: [u8; 4] = [0xA0, 0x01, 0x00, 0xA1];

#[test]
fn opens_for_admissions_alone_and_never_outlives_its_gate() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 2).await?;
        let [first, second] = tickets.as_slice() else { anyhow::bail!("not two were sold") };
        let gate = Gate::enrol(cloud, "gate-with-a-relay", &administrator.gate("Arm", FESTIVAL).await?).await?;
        let mut board = Board::plug_in()?;

        let short = board.config(cloud.folder(), 200)?;
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
        let passage = running.passage().await?;
        let row = said.get(1).and_then(|verdict| verdict.sequence);
        ensure!(passage.sequence == row && passage.output == "arm" && passage.passage == "opened", "{passage:?}");
        running.kill().await?;
        ensure!(board.hears().await? == OFF, "its guard switches off");

        // Ten seconds, of which the gate lives a moment.
        let long = board.config(cloud.folder(), 10_000)?;
        let mut running = gate.stand(&long).await?;
        ensure!(board.hears().await? == OFF, "it is off first of all");
        writeln!(running.lines()?, "{}", second.text)?;
        ensure!(board.hears().await? == ON, "it is on");
        running.kill().await?;
        ensure!(board.hears().await? == OFF, "it is off though nobody is there to end the pulse");

        gate.switch_off(&long).await?;
        ensure!(board.hears().await? == OFF, "systemd switches off, too");
        Ok(())
    });
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
    fn config(&self, folder: &Path, pulse: u32) -> Result<PathBuf> {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");
        let device = self.line.name().context("a pseudo-terminal has a name")?;
        let file = folder.join(format!("arm-{pulse}.toml"));
        let text = format!(
            "profiles = {profiles:?}\n[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"lcus\"\ndevice = {device:?}\nchannel = 1\nopens = {{ pulse-milliseconds = {pulse} }}\n"
        );
        fs::write(&file, text)?;
        Ok(file)
    }
}
