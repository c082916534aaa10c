//! A gate: enrolled, run, asked. Knows `countermark-gate`'s command line and what it prints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Severity};
use serde::Deserialize;
use serde_json::Value;

use crate::administrator::NewGate;
use crate::cloud::Cloud;
use crate::picture;
use crate::process::{self, Process, run, run_well};
use crate::wait::{PATIENCE, until};

/// How often the gates of the demo and of the stories ask for newer documents.
const POLL_SECONDS: &str = "1";

/// A folder that is enrolled as a gate.
pub struct Gate {
    program: PathBuf,
    folder: PathBuf,
    /// The gate's number.
    pub number: u32,
}

/// What a gate says of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The journal row; none when the ledger failed.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// What was read: `lines`, or `pictures/` and a file's name. Empty in the answer to a check.
    #[serde(default)]
    pub source: String,
    /// Why.
    pub verdict: Reason,
    /// How grave.
    pub severity: Severity,
    /// Whether people may pass.
    pub opens: bool,
    /// How many.
    pub persons: u8,
    /// When the seat was used before.
    pub earlier: Option<Timestamp>,
    /// By which gate.
    pub earlier_gate: Option<u32>,
    /// The seat, of a verified ticket.
    pub slot: Option<u32>,
    /// What people read.
    pub sentence: Sentence,
}

/// How it went with somebody whom an output should have let through.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Passage {
    /// The journal row of the admission.
    pub sequence: Option<u64>,
    /// Which output, by its name in `gate.toml`.
    pub output: String,
    /// `opened`, `turned`, `not-turned`, `not-opened`.
    pub passage: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Verdict(Box<Verdict>),
    Passage(Passage),
}

/// The same words in English and French.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sentence {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

/// How it stands with a gate, as far as anybody here asks.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Rows written.
    pub rows: u64,
    /// Rows not yet uploaded.
    pub unsettled: u64,
    /// Rows that validation put aside.
    pub contested: u64,
    /// What is wrong with its disk or the journal on it.
    pub ledger_warnings: Vec<Sentence>,
    /// What it scans with.
    pub devices: Vec<Device>,
    /// The documents in force, by kind: `slot-list` and so on.
    pub documents: BTreeMap<String, Held>,
}

/// A document that a gate holds.
#[derive(Clone, Debug, Deserialize)]
pub struct Held {
    /// Its number; of what has epochs, `epoch.sequence` from the first restored backup on.
    pub revision: String,
}

/// How it stands with a device of a gate.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    /// Kind and name.
    pub device: String,
    /// What is wrong, if anything is.
    pub trouble: Option<Trouble>,
}

/// What is wrong with a device.
#[derive(Clone, Debug, Deserialize)]
pub struct Trouble {
    /// In one word.
    pub cause: String,
    /// With what to do.
    pub detail: String,
}

/// What the doctor found.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The exit code: 0, or 3 where anything is wrong.
    pub code: Option<i32>,
    /// Part by part.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// What is said of a part.
    pub fn of(&self, part: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.part == part)
    }
}

/// What the doctor says of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// Which.
    pub part: String,
    /// `good`, `warning` or `wrong`.
    pub standing: String,
    /// Why.
    pub says: String,
}

#[derive(Deserialize)]
struct Rows {
    rows: u64,
}

/// What an auditor found.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audited {
    /// It holds.
    Sound {
        /// The number of its last row.
        last: u64,
    },
    /// It does not.
    Wrong {
        /// The first line that does not.
        line: u64,
        /// What does not.
        why: String,
    },
}

/// What became of a document that was offered from a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Imported {
    /// Which kind: `slot-list` and so on.
    pub kind: String,
    /// `taken`, `held`, or why not.
    pub outcome: String,
}

#[derive(Deserialize)]
struct Identity {
    gate: u32,
}

#[derive(Deserialize)]
struct Started {
    screen: String,
}

impl Gate {
    /// Makes the folder `name` of the cloud's a gate, by a photograph of its invitation.
    pub async fn enrol(cloud: &Cloud, name: &str, gate: &NewGate) -> Result<Self> {
        let photograph = cloud.folder().join(format!("{name}.jpeg"));
        std::fs::write(&photograph, picture::photograph(&picture::code(&gate.invitation)?)?)?;
        let enrolled = Self::enrol_with(cloud, name, |command| _ = command.arg("--picture").arg(&photograph)).await;
        std::fs::remove_file(photograph)?;
        enrolled
    }

    /// The same by the code, typed, over the gates' line.
    pub async fn enrol_by_code(cloud: &Cloud, name: &str, gate: &NewGate) -> Result<Self> {
        // A code on the command line could be read by every user of the machine.
        let typed = |command: &mut Command| {
            command.args(["--cloud", &cloud.gate_line().url()]).env("COUNTERMARK_ENROLMENT_CODE", &gate.code);
        };
        Self::enrol_with(cloud, name, typed).await
    }

    /// The same by what the devices of a `gate.toml` see.
    pub async fn enrol_by_showing(cloud: &Cloud, name: &str, config: &Path) -> Result<Self> {
        Self::enrol_with(cloud, name, |command| _ = command.args(["--scan", "--config"]).arg(config)).await
    }

    async fn enrol_with(cloud: &Cloud, name: &str, how: impl FnOnce(&mut Command)) -> Result<Self> {
        let program = cloud.binaries().gate.clone();
        let folder = cloud.folder().join(name);
        let mut command = process::command(&program);
        command.args(["enroll", "--json", "--data"]).arg(&folder);
        how(&mut command);
        let identity: Identity = serde_json::from_str(&run_well(command).await?)?;
        Ok(Self { program, folder, number: identity.gate })
    }

    /// All that is this gate's, and that makes another machine this gate.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.folder.join("ledger.sqlite")
    }

    /// The gate's key, for whoever has its disk.
    pub fn private_key(&self) -> Result<SigningKey> {
        Ok(SigningKey::from_pem(&std::fs::read_to_string(self.folder.join("gate.key"))?)?)
    }

    /// Runs the gate on a folder of pictures.
    pub async fn watch(&self, pictures: &Path) -> Result<RunningGate> {
        let mut command = self.command("run");
        command.args(["--poll", POLL_SECONDS, "--pictures"]).arg(pictures);
        RunningGate::start(&mut command, &self.log_file()).await
    }

    /// Runs the gate on lines.
    pub async fn listen(&self) -> Result<RunningGate> {
        let mut command = self.command("run");
        command.args(["--poll", POLL_SECONDS, "--lines"]).stdin(Stdio::piped());
        RunningGate::start(&mut command, &self.log_file()).await
    }

    /// The same, and has it ask for newer documents once, when it begins.
    pub async fn listen_asking_once(&self) -> Result<RunningGate> {
        let mut command = self.command("run");
        command.args(["--poll", "86400", "--lines"]).stdin(Stdio::piped());
        RunningGate::start(&mut command, &self.log_file()).await
    }

    /// Runs the gate on what its `gate.toml` names.
    pub async fn scan(&self, config: &Path) -> Result<RunningGate> {
        let mut command = self.command("run");
        command.args(["--poll", POLL_SECONDS, "--config"]).arg(config);
        RunningGate::start(&mut command, &self.log_file()).await
    }

    /// Runs the gate on lines and on what a `gate.toml` names.
    pub async fn stand(&self, config: &Path) -> Result<RunningGate> {
        let mut command = self.command("run");
        command.args(["--poll", POLL_SECONDS, "--lines", "--config"]).arg(config).stdin(Stdio::piped());
        RunningGate::start(&mut command, &self.log_file()).await
    }

    /// Switches the outputs of a `gate.toml` off, as systemd does after an agent.
    pub async fn switch_off(&self, config: &Path) -> Result<()> {
        let mut command = process::command(&self.program);
        command.args(["outputs", "off", "--config"]).arg(config);
        run_well(command).await.map(drop)
    }

    /// What is wrong with the box, by its own doctor.
    pub async fn doctor(&self, config: &Path) -> Result<Diagnosis> {
        let mut command = self.command("doctor");
        command.arg("--config").arg(config);
        let outcome = run(command).await?;
        let read = |line| serde_json::from_str(line).with_context(|| format!("no finding: {}", outcome.complained));
        let findings = outcome.said.lines().map(read).collect::<Result<_>>()?;
        Ok(Diagnosis { code: outcome.status.code(), findings })
    }

    /// What a device sends, line by line, while no agent runs.
    pub fn overhear(&self, config: &Path) -> Result<Process> {
        let mut command = self.command("listen");
        command.arg("--config").arg(config);
        Process::start("countermark-gate listen", &mut command, &self.log_file())
    }

    /// Makes somebody a supervisor of the running gate, whose PIN is the first line of a file.
    pub async fn add_supervisor(&self, name: &str, pin: &Path) -> Result<()> {
        let mut command = process::command(&self.program);
        command.args(["supervisor", "add", "--json", "--data"]).arg(&self.folder).arg(name).arg("--pin-file").arg(pin);
        run_well(command).await.map(drop)
    }

    /// Has staff type a ticket at a lane of the running gate.
    pub async fn enter(&self, lane: u16, text: &str) -> Result<()> {
        let mut command = process::command(&self.program);
        command.args(["enter", "--json", "--data"]).arg(&self.folder).args([&lane.to_string(), text]);
        let outcome = run(command).await?;
        ensure!(!outcome.said.is_empty(), "nothing was decided: {}", outcome.complained.trim());
        Ok(())
    }

    /// Lets a tablet in no more.
    pub async fn revoke_tablet(&self, number: u32) -> Result<()> {
        let mut command = process::command(&self.program);
        command.args(["tablet", "revoke", "--json", "--data"]).arg(&self.folder).arg(number.to_string());
        run_well(command).await.map(drop)
    }

    /// What whoever watches the running gate in a terminal reads, line by line.
    pub fn watched(&self) -> Result<Process> {
        let mut command = process::command(&self.program);
        command.args(["watch", "--data"]).arg(&self.folder);
        // No log: that the agent has ended is what it is to say.
        Process::start("countermark-gate watch", &mut command, &self.folder.with_extension("watched"))
    }

    /// What the running gate would say.
    pub async fn check(&self, text: &str) -> Result<Verdict> {
        let mut command = self.command("check");
        command.arg(text);
        let outcome = run(command).await?;
        serde_json::from_str(&outcome.said).with_context(|| format!("no check: {}", outcome.complained.trim()))
    }

    /// Waits until the running gate would say this.
    pub async fn would_say(&self, text: &str, expected: Reason) -> Result<()> {
        until(format_args!("the gate said {expected}"), PATIENCE, async || {
            Ok((self.check(text).await?.verdict == expected).then_some(()))
        })
        .await
    }

    /// The seats of an order that the running gate finds, a line each; none where it finds nobody.
    pub async fn find(&self, code: &str) -> Result<Vec<String>> {
        let mut command = self.command("find");
        command.arg(code);
        Ok(run(command).await?.said.lines().map(str::to_owned).collect())
    }

    /// Writes the documents that the gate holds to a file, as for a stick.
    pub async fn export(&self, file: &Path) -> Result<()> {
        let mut command = self.command("export-documents");
        command.arg(file);
        run_well(command).await.map(drop)
    }

    /// Offers the documents of a file to the gate; the answer is what became of each, by kind.
    pub async fn import(&self, file: &Path) -> Result<Vec<Imported>> {
        let mut command = self.command("import");
        command.arg(file);
        let outcome = run(command).await?;
        let read = |line| serde_json::from_str(line).with_context(|| format!("no import: {}", outcome.complained));
        outcome.said.lines().map(read).collect()
    }

    /// Writes its journal to a file, as for an auditor, and says how many rows it has.
    pub async fn export_journal(&self, file: &Path) -> Result<u64> {
        let mut command = self.journal("export");
        command.arg(file);
        let Rows { rows } = serde_json::from_str(&run_well(command).await?)?;
        Ok(rows)
    }

    /// What an auditor's look at a file says; without one, at the gate's own journal.
    pub async fn audit(&self, file: Option<&Path>, key: VerifyingKey) -> Result<Audited> {
        let mut command = self.journal("verify");
        command.args(["--key", &key.to_string()]).args(file);
        let outcome = run(command).await?;
        serde_json::from_str(&outcome.said).with_context(|| format!("no audit: {}", outcome.complained.trim()))
    }

    /// Lets rows of its journal go that are older than so many days; how many went.
    pub async fn prune_journal(&self, keep_days: u32) -> Result<u64> {
        let mut command = self.journal("prune");
        command.args(["--keep-days", &keep_days.to_string()]);
        let Rows { rows } = serde_json::from_str(&run_well(command).await?)?;
        Ok(rows)
    }

    /// How it stands.
    pub async fn status(&self) -> Result<Status> {
        let outcome = run(self.command("status")).await?;
        serde_json::from_str(&outcome.said).with_context(|| format!("no status: {}", outcome.complained.trim()))
    }

    /// Waits until every row was answered for.
    pub async fn settled(&self, patience: Duration) -> Result<Status> {
        until("every row was uploaded", patience, async || {
            let status = self.status().await?;
            Ok((status.unsettled == 0).then_some(status))
        })
        .await
    }

    fn journal(&self, what: &str) -> Command {
        let mut command = process::command(&self.program);
        command.args(["journal", what, "--json", "--data"]).arg(&self.folder);
        command
    }

    fn command(&self, what: &str) -> Command {
        let mut command = process::command(&self.program);
        command.args([what, "--json", "--data"]).arg(&self.folder);
        command
    }

    /// What the agent logs.
    pub fn log_file(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

/// A gate at work. Dropping it kills it.
pub struct RunningGate {
    process: Process,
    /// Where the operator's screen is.
    pub screen: String,
}

impl RunningGate {
    async fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let mut process = Process::start("countermark-gate", command, log)?;
        let line = process.expect_line(PATIENCE).await?;
        let Started { screen } = serde_json::from_str(&line).with_context(|| format!("the gate begins with {line}"))?;
        Ok(Self { process, screen })
    }

    /// Where to write lines, once, of a gate that listens.
    pub fn lines(&mut self) -> Result<ChildStdin> {
        self.process.take_stdin().context("this gate reads no lines, or was asked twice")
    }

    /// The next verdict.
    pub async fn verdict(&mut self) -> Result<Verdict> {
        loop {
            if let Line::Verdict(verdict) = self.line().await? {
                return Ok(*verdict);
            }
        }
    }

    /// How it went next at an output.
    pub async fn passage(&mut self) -> Result<Passage> {
        loop {
            if let Line::Passage(passage) = self.line().await? {
                return Ok(passage);
            }
        }
    }

    async fn line(&mut self) -> Result<Line> {
        let line = self.process.expect_line(PATIENCE).await?;
        serde_json::from_str(&line).with_context(|| format!("this is neither a verdict nor a passage: {line}"))
    }

    /// The next line that is not read as anything.
    pub async fn said(&mut self, patience: Duration) -> Result<String> {
        self.process.expect_line(patience).await
    }

    /// Has it hang until [`RunningGate::go_on`].
    pub fn hang(&mut self) -> Result<()> {
        self.process.hang()
    }

    /// Has it go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.process.go_on()
    }

    /// Asks it to end, as systemd does; whether it ended well.
    pub async fn terminate(self) -> Result<bool> {
        Ok(self.process.terminate(PATIENCE).await?.success())
    }

    /// Opens the operator's screen, as a browser does.
    pub async fn look_at_the_screen(&self) -> Result<Screen> {
        let events = format!("{}events", self.screen);
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.get(&events).send().await?.error_for_status()?;
        Ok(Screen { answer, unread: Vec::new() })
    }

    /// `kill -9`; the answer is every verdict that was shown and not read yet.
    pub async fn kill(self) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for line in self.process.kill().await? {
            match serde_json::from_str(&line) {
                Ok(Line::Verdict(verdict)) => verdicts.push(*verdict),
                Ok(Line::Passage(_)) => {}
                // Cut off in the middle of a line: nobody was shown anything.
                Err(error) if error.is_eof() => {}
                Err(error) => bail!("this is no verdict ({error}): {line}"),
            }
        }
        Ok(verdicts)
    }
}

/// An operator's screen that is open.
pub struct Screen {
    answer: reqwest::Response,
    unread: Vec<u8>,
}

impl Screen {
    /// The next verdict that it shows, as the page gets it: JSON.
    pub async fn verdict(&mut self) -> Result<String> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.event().await?;
                if let Some(verdict) = event.strip_prefix("event: verdict\ndata: ") {
                    return Ok(verdict.to_owned());
                }
            }
        })
        .await
        .context("the screen shows no verdict")?
    }

    /// The next heartbeat, as the page gets it.
    pub async fn standing(&mut self) -> Result<Value> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.event().await?;
                if let Some(standing) = event.strip_prefix("event: heartbeat\ndata: ") {
                    return Ok(serde_json::from_str(standing)?);
                }
            }
        })
        .await
        .context("the screen has no heartbeat")?
    }

    async fn event(&mut self) -> Result<String> {
        const END: &[u8] = b"\n\n";
        loop {
            if let Some(end) = self.unread.windows(END.len()).position(|bytes| bytes == END) {
                let event = self.unread.drain(..end + END.len()).collect();
                return Ok(String::from_utf8(event)?);
            }
            let more = self.answer.chunk().await?.context("the screen's stream ended")?;
            self.unread.extend_from_slice(&more);
        }
    }
}
