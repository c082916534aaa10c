//! A gate: enrolled, run, asked. Knows `countermark-gate`'s command line.

mod running;
mod screen;
mod told;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_shared::journal::OverruleReason;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::verdict::Reason;
use serde::Deserialize;

pub use self::running::RunningGate;
pub use self::screen::Screen;
pub use self::told::{
    Audited, Device, Diagnosis, Finding, Held, Imported, Passage, Sentence, Status, Trouble, Verdict,
};
use crate::administrator::NewGate;
use crate::cloud::Cloud;
use crate::gateway::Gateway;
use crate::picture;
use crate::process::{self, Process, run, run_well};
use crate::wait::{PATIENCE, until};

/// How often the gates of the demo and of the stories ask for newer documents.
const POLL_SECONDS: &str = "1";

/// Names the file of those that a process trusts in this machine's stead (rustls-native-certs).
const CERTIFICATES: &str = "SSL_CERT_FILE";

/// A folder that is enrolled as a gate.
pub struct Gate {
    program: PathBuf,
    folder: PathBuf,
    /// The one certificate that it trusts, where that is not one of this machine's.
    certificate: Option<PathBuf>,
    /// The gate's number.
    pub number: u32,
}

#[derive(Deserialize)]
struct Identity {
    gate: u32,
}

#[derive(Deserialize)]
struct Rows {
    rows: u64,
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

    /// The same through a gateway, whose certificate it trusts.
    pub async fn enrol_behind(gateway: &Gateway, cloud: &Cloud, name: &str, gate: &NewGate) -> Result<Self> {
        let certificate = gateway.certificate();
        let typed = |command: &mut Command| {
            command.args(["--cloud", &gateway.gate_url()]).env("COUNTERMARK_ENROLMENT_CODE", &gate.code);
            command.env(CERTIFICATES, certificate);
        };
        let enrolled = Self::enrol_with(cloud, name, typed).await?;
        Ok(Self { certificate: Some(certificate.to_owned()), ..enrolled })
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
        Ok(Self { program, folder, certificate: None, number: identity.gate })
    }

    /// Puts it aside within its folder, which can be enrolled anew then.
    pub async fn retire(&self) -> Result<()> {
        run_well(self.command("retire")).await.map(drop)
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

    /// Starts it, and kills it so much later, wherever it is by then. Nobody hears what it says.
    pub async fn start_and_kill(&self, later: Duration) -> Result<()> {
        let process = Process::start("countermark-gate", self.command("run").arg("--lines"), &self.log_file())?;
        tokio::time::sleep(later).await;
        process.kill().await.map(drop)
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
    pub async fn doctor(&self, config: Option<&Path>) -> Result<Diagnosis> {
        let mut command = self.command("doctor");
        if let Some(file) = config {
            command.arg("--config").arg(file);
        }
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

    /// Has a supervisor let in whom a row of the running gate refused, by the PIN in a file.
    pub async fn overrule(&self, row: u64, pin: &Path) -> Result<()> {
        let mut command = process::command(&self.program);
        command.args(["overrule", "--json", "--data"]).arg(&self.folder).arg(row.to_string());
        command.args(["--why", OverruleReason::Identified.code(), "--pin-file"]).arg(pin);
        run_well(command).await.map(drop)
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
        if let Some(certificate) = &self.certificate {
            command.env(CERTIFICATES, certificate);
        }
        command
    }

    /// What the agent logs.
    pub fn log_file(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}
