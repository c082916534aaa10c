//! The real program on an event of ten million seats: from its start to its first verdict, and the memory it takes.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use countermark_shared::documents::{DocumentKind, DocumentSet};
use countermark_shared::id::LaneId;
use data_encoding::HEXLOWER;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::disk::easy_picture;
use crate::measure::{Times, figure, milliseconds, timed};
use crate::world::{Event, GATE, key, unwrapping_key};

const STARTS: u32 = 11;
/// As many as a gate keeps.
const GUESTS: u32 = 200_000;
/// Bytes of a guest's half.
const HALF: u32 = 200;
/// The first seat of those who came in three days; those before it are for starts.
const THREE_DAYS_FROM: u32 = 1_000_000;

/// Starts the program again and again on a folder that `event` was put into: with nobody let in yet, after so many rows, and with a guest list beside
/// them. It is offline: nobody listens at its cloud's address.
pub(crate) fn starts(program: &Path, folder: &Path, event: &Event, rows: u32) -> Result<()> {
    enrol(folder, event)?;
    let gate = Program { program, folder, event };
    let mut seats = 0..;
    let mut measure = |name: &str| -> Result<()> {
        let (mut times, mut resident) = (Times::default(), 0);
        for seat in seats.by_ref().take(usize::try_from(STARTS)?) {
            let (time, begun) = timed(|| gate.first_verdict(&["--lines"], Some(seat)));
            let running = begun?;
            times.add(time);
            resident = resident.max(running.kibibytes("VmRSS:")?);
            running.end()?;
        }
        figure(&format!("{name}_p50"), milliseconds(times.quantile(0.5)), "ms");
        figure(&format!("{name}_worst"), milliseconds(times.quantile(1.0)), "ms");
        figure(&format!("{name}_resident"), f64::from(resident) / 1024.0, "MiB");
        Ok(())
    };
    measure("start")?;
    let_in(folder, event, THREE_DAYS_FROM..THREE_DAYS_FROM + rows)?;
    measure("start_after_three_days")?;
    list_guests(folder)?;
    measure("start_with_guests")?;

    let clip = folder.join("clip");
    fs::create_dir(&clip)?;
    easy_picture(&event.tickets.text(THREE_DAYS_FROM - 1), &mut StdRng::seed_from_u64(7))?.save(clip.join("1.png"))?;
    let config = folder.join("gate.toml");
    fs::write(&config, format!("[[camera]]\nname = \"porch\"\nlane = 1\nclip = '{}'\n", clip.display()))?;
    let running = gate.first_verdict(&["--config", config.to_str().context("a path")?], None)?;
    figure("peak_memory_with_a_clip", f64::from(running.kibibytes("VmHWM:")?) / 1024.0, "MiB");
    let stick = folder.join("stick");
    let list = event.next_list()?;
    fs::write(&stick, DocumentSet::of([(DocumentKind::SlotList, list.as_slice())]).encode())?;
    let imported = Command::new(program).args(["import", "--data"]).arg(folder).arg(stick).output()?;
    ensure!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    figure("resident_memory_after_a_snapshot", f64::from(running.kibibytes("VmRSS:")?) / 1024.0, "MiB");
    figure("peak_memory_with_a_snapshot", f64::from(running.kibibytes("VmHWM:")?) / 1024.0, "MiB");
    running.end()
}

fn enrol(folder: &Path, event: &Event) -> Result<()> {
    drop(event.gate(folder)?);
    let identity = json!({
        "cloud": "http://127.0.0.1:9/", "gate": GATE, "event": event.tickets.event, "name": "North",
        "root": event.bundle.root_fingerprint().to_string(),
    });
    fs::write(folder.join("identity.json"), identity.to_string())?;
    let hexadecimal = HEXLOWER.encode(unwrapping_key().bytes());
    for (name, secret) in [("gate.key", key(9).to_pem()?.as_bytes()), ("unwrapping.key", hexadecimal.as_bytes())] {
        // Whose keys others can read does not start.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name))?;
        file.write_all(secret)?;
    }
    Ok(())
}

/// Rows that no cloud has seen yet.
fn let_in(folder: &Path, event: &Event, seats: Range<u32>) -> Result<()> {
    let mut gate = event.gate(folder)?;
    let texts: Vec<_> = seats.map(|seat| event.tickets.text(seat)).collect();
    for texts in texts.chunks(100) {
        let shown: Vec<_> = texts.iter().map(|text| (LaneId(1), text.as_str())).collect();
        let said = gate.scan(&shown, event.moment(Duration::ZERO));
        ensure!(said.len() == shown.len() && said.iter().all(|ruled| ruled.opens), "not admitted: {said:?}");
    }
    Ok(())
}

/// Halves that no start looks at, so that anything will do.
fn list_guests(folder: &Path) -> Result<()> {
    let mut ledger = Connection::open(folder.join("ledger.sqlite"))?;
    let transaction = ledger.transaction()?;
    let mut insert =
        transaction.prepare("INSERT INTO guest VALUES (?1 * 7919 % 10000019, 1, randomblob(16), randomblob(?2))")?;
    for guest in 0..GUESTS {
        insert.execute(params![guest, HALF])?;
    }
    drop(insert);
    transaction.execute("INSERT INTO guest_list VALUES (1, 7, 0, ?1, 0)", [GUESTS])?;
    Ok(transaction.commit()?)
}

/// What is started.
struct Program<'a> {
    program: &'a Path,
    folder: &'a Path,
    event: &'a Event,
}

/// A program that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It ended by itself, most likely.
        self.0.kill().unwrap_or_default();
    }
}

impl Program<'_> {
    /// Until somebody was let in: whose seat's ticket is typed, or who is in its pictures.
    fn first_verdict(&self, inputs: &[&str], typed: Option<u32>) -> Result<Running> {
        let mut command = Command::new(self.program);
        command.arg("run").args(inputs).args(["--json", "--log", "error", "--data"]).arg(self.folder);
        let mut running = Running(command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        // Its end would be told on the screen, and is nothing to measure: it stays with the process.
        let input = running.0.stdin.as_mut().context("a piped process has a standard input")?;
        if let Some(seat) = typed {
            writeln!(input, "{}", self.event.tickets.text(seat))?;
        }
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
}

impl Running {
    /// A figure of `proc_pid_status(5)`.
    fn kibibytes(&self, name: &str) -> Result<u32> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("the kernel tells no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    fn end(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}
