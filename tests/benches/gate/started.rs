//! The real program on an event of ten million seats: from its start to its first verdict, and the memory it then has.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::measure::{Times, figure, milliseconds, timed};
use crate::world::{Event, GATE, key};

const STARTS: usize = 11;

/// Starts the program again and again on a folder that `event` was put into. It is offline: nobody listens at its cloud's address.
pub(crate) fn starts(program: &Path, folder: &Path, event: &Event) -> Result<()> {
    drop(event.gate(folder)?);
    let identity = json!({
        "cloud": "http://127.0.0.1:9/", "gate": GATE, "event": event.tickets.event, "name": "North",
        "root": event.bundle.root_fingerprint().to_string(),
    });
    fs::write(folder.join("identity.json"), identity.to_string())?;
    // Whose key others can read does not start.
    let mut key_file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("gate.key"))?;
    key_file.write_all(key(9).to_pem()?.as_bytes())?;
    let (mut times, mut resident) = (Times::default(), 0);
    for start in 0..STARTS {
        let text = event.tickets.text(u32::try_from(start)?);
        let (time, begun) = timed(|| first_verdict(program, folder, &text));
        let mut gate = begun?;
        times.add(time);
        resident = resident.max(resident_kibibytes(gate.0.id())?);
        gate.0.kill()?;
        gate.0.wait()?;
    }
    figure("start_to_first_verdict_p50", milliseconds(times.quantile(0.5)), "ms");
    figure("start_to_first_verdict_worst", milliseconds(times.quantile(1.0)), "ms");
    figure("resident_memory", f64::from(resident) / 1024.0, "MiB");
    Ok(())
}

/// A program that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It ended by itself, most likely.
        self.0.kill().unwrap_or_default();
    }
}

fn first_verdict(program: &Path, folder: &Path, text: &str) -> Result<Running> {
    let mut command = Command::new(program);
    command.args(["run", "--lines", "--json", "--log", "error", "--data"]).arg(folder);
    let mut running = Running(command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let mut typed = running.0.stdin.take().context("a piped process has a standard input")?;
    writeln!(typed, "{text}")?;
    // Its end would be told on the screen, and is nothing to measure.
    running.0.stdin = Some(typed);
    let said = running.0.stdout.take().context("a piped process has a standard output")?;
    for line in BufReader::new(said).lines() {
        let line: Value = serde_json::from_str(&line?)?;
        if let Some(verdict) = line.get("verdict") {
            ensure!(verdict == "admitted", "the gate says {line}");
            return Ok(running);
        }
    }
    bail!("the gate ended before it said anything")
}

/// `VmRSS` of `proc_pid_status(5)`.
fn resident_kibibytes(process: u32) -> Result<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel tells no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
