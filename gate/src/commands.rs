//! The command line: what field staff type, what they read, and the exit codes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args, Parser, Subcommand};
use countermark_shared::enrolment::EnrolmentCode;
use countermark_shared::id::LaneId;
use tracing_subscriber::EnvFilter;

use crate::agent;
use crate::announcement::Sentence;
use crate::clock::{self, Clock};
use crate::cloud::CloudAddress;
use crate::data_folder::DataFolder;
use crate::enroll::enroll;
use crate::identity::Identity;
use crate::input::Silent;
use crate::ledger::Ledger;
use crate::local::{Answer, AskError, LedgerStatus, Question, Status, ask};
use crate::output::{self, Output};
use crate::read::{MAX_PICTURE_BYTES, read_code};
use crate::sync::Contact;

/// `check`: the gate would not let anybody in.
const WOULD_NOT_OPEN: u8 = 3;

/// Lets people through an entrance, with or without a network.
#[derive(Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done; 1 it failed, and the last line on standard error says why and what to do; 2 wrong usage."
)]
pub(crate) struct CommandLine {
    /// What goes to standard error: error, warn, info, debug, trace.
    #[arg(long, global = true, env = "COUNTERMARK_GATE_LOG", default_value = "info")]
    log: tracing::level_filters::LevelFilter,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make this box a gate, with a code from the administrator.
    ///
    /// If it is cut off, run the same command again: the code stays good for this folder.
    Enroll(Enroll),
    /// Scan tickets until told to end.
    Run(Run),
    /// Ask the running agent what it would say of a ticket. Admits nobody, writes nothing.
    #[command(after_help = "Exit codes: 0 it would open; 1 it could not be asked; 2 wrong usage; 3 it would not open.")]
    Check(Check),
    /// Say how it stands: documents and their age, rows, uploads, last contact, last problem.
    #[command(after_help = "Exit codes: 0 the agent runs; 1 it does not (what the disk says is shown); 2 wrong usage.")]
    Status(Common),
}

#[derive(Args)]
struct Common {
    /// The gate's folder.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_GATE_DATA", default_value = "/var/lib/countermark-gate")]
    data: PathBuf,
    /// Write JSON, one line a thing.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Enroll {
    #[command(flatten)]
    common: Common,
    /// Where the cloud answers gates; https, or http on this machine itself.
    #[arg(long, value_name = "URL")]
    cloud: CloudAddress,
    /// The enrolment code, as the administrator gave it: 14 groups of four.
    #[arg(long, env = "COUNTERMARK_ENROLMENT_CODE", hide_env_values = true)]
    code: EnrolmentCode,
}

#[derive(Args)]
#[command(group(ArgGroup::new("inputs").args(["pictures", "lines"]).required(true).multiple(true)))]
struct Run {
    #[command(flatten)]
    common: Common,
    /// Read each new PNG or JPEG file of this folder.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Read lines from standard input, ended by CR, LF or both.
    #[arg(long)]
    lines: bool,
    /// End when standard input does, after one last upload.
    #[arg(long, requires = "lines")]
    exit_at_end: bool,
    /// The lane that is scanned at.
    #[arg(long, default_value = "1")]
    lane: LaneId,
    /// Where the operator's screen is shown: an address of this machine itself; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = loopback)]
    screen: SocketAddr,
    /// How often to ask for newer documents.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    poll: u64,
}

#[derive(Args)]
struct Check {
    #[command(flatten)]
    common: Common,
    /// The ticket's text.
    #[arg(required_unless_present = "picture")]
    text: Option<String>,
    /// Read the ticket from a PNG or JPEG file.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    picture: Option<PathBuf>,
    /// The lane to ask about; else the agent's own.
    #[arg(long)]
    lane: Option<LaneId>,
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "this is no address such as 127.0.0.1:8600".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("the screen is shown on this machine alone; use 127.0.0.1".to_owned())
    }
}

impl CommandLine {
    /// What is logged of this program; of its libraries only what is wrong.
    pub(crate) fn log_filter(&self) -> EnvFilter {
        EnvFilter::new(format!("warn,countermark_gate={}", self.log))
    }

    /// Does what was asked.
    pub(crate) fn perform(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Enroll(arguments) => arguments.perform(),
            Command::Run(arguments) => arguments.perform(),
            Command::Check(arguments) => arguments.perform(),
            Command::Status(arguments) => status(&arguments),
        }
    }
}

impl Enroll {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, cloud, code } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let identity = runtime.block_on(enroll(&data, cloud, &code, Clock::start().now().at))?;
        let words = || format!("enrolled as gate {} (“{}”) for event {}", identity.gate, identity.name, identity.event);
        Output { json }.line(&identity, words);
        Ok(ExitCode::SUCCESS)
    }
}

impl Run {
    fn perform(self) -> anyhow::Result<ExitCode> {
        if let Some(folder) = &self.pictures {
            ensure!(folder.is_dir(), "--pictures {} is no folder; make it, or name another", folder.display());
        }
        agent::run(&agent::Settings {
            folder: DataFolder::at(&self.common.data),
            lane: self.lane,
            pictures: self.pictures,
            lines: self.lines,
            exit_at_end: self.exit_at_end,
            screen: self.screen,
            poll: Duration::from_secs(self.poll),
            output: Output { json: self.common.json },
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, text, picture, lane } = self;
        let text = match (text, picture) {
            (Some(text), _) => text,
            (None, Some(file)) => text_of(&file)?,
            (None, None) => bail!("name a text or a picture"),
        };
        match ask(&DataFolder::at(&data), &Question::Check { lane, text })? {
            Answer::Check(ruling) => {
                Output { json }.line(&ruling, || output::sentence(&ruling));
                Ok(if ruling.opens { ExitCode::SUCCESS } else { ExitCode::from(WOULD_NOT_OPEN) })
            }
            Answer::Problem(problem) => bail!(problem),
            Answer::Status(_) => bail!("the agent answered another question"),
        }
    }
}

fn text_of(file: &std::path::Path) -> anyhow::Result<String> {
    let name = file.display();
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {name}"))?.len();
    ensure!(length <= MAX_PICTURE_BYTES, "{name} is too large: at most 32 MiB are read");
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    read_code(&bytes)
        .with_context(|| name.to_string())?
        .with_context(|| format!("there is no QR code in {name}; take a sharper picture"))
}

fn status(arguments: &Common) -> anyhow::Result<ExitCode> {
    let folder = DataFolder::at(&arguments.data);
    let output = Output { json: arguments.json };
    let (status, code) = match ask(&folder, &Question::Status) {
        Ok(Answer::Status(status)) => (*status, ExitCode::SUCCESS),
        Ok(Answer::Problem(problem)) => bail!(problem),
        Ok(Answer::Check(_)) => bail!("the agent answered another question"),
        Err(AskError::NotRunning { .. }) => (at_rest(&folder)?, ExitCode::FAILURE),
        Err(error) => return Err(error.into()),
    };
    output.line(&status, || words(&status));
    Ok(code)
}

/// What the disk says while no agent runs.
fn at_rest(folder: &DataFolder) -> anyhow::Result<Status> {
    let identity = Identity::load(folder)?;
    // Asking makes no ledger: it would belong to whoever asked.
    ensure!(
        folder.ledger().exists(),
        "the agent has never run on {0}; start it with `countermark-gate run --data {0}`",
        folder.path().display()
    );
    let ledger = Ledger::open(&folder.ledger(), identity.gate, identity.root, clock::boot()?)?;
    Ok(Status {
        running: false,
        gate: identity.gate,
        name: identity.name,
        ledger: LedgerStatus::new(&ledger.report()?, Clock::start().now().at),
        contact: Contact::default(),
        silent: Silent::default(),
    })
}

fn words(status: &Status) -> String {
    let Status { running, gate, name, ledger, contact, silent } = status;
    let mut lines = Vec::new();
    if !running {
        lines.push("the agent is not running; this is what the disk says".to_owned());
    }
    let event = ledger.event.map_or_else(|| "no event yet".to_owned(), |event| format!("event {event}"));
    lines.push(format!("gate {gate} (“{name}”), {event}"));
    for (kind, document) in &ledger.documents {
        let age = age(document.age_seconds);
        lines.push(format!("{:<16}revision {}, {age} old", kind.code(), document.revision));
    }
    if let Some(Sentence { en, fr }) = &ledger.trust_warning {
        lines.push(format!("warning         {en} / {fr}"));
    }
    if silent.lines {
        lines.push(
            "warning         standard input has ended: look at the scanner's cable, then restart the agent".to_owned(),
        );
    }
    if silent.pictures {
        lines.push("warning         the picture folder cannot be read: make it again; the log says why".to_owned());
    }
    lines.push(format!("{} rows, {} not yet uploaded", ledger.rows, ledger.unsettled));
    if ledger.contested > 0 {
        lines.push(format!("{} rows were put aside by the cloud; tell the administrator", ledger.contested));
    }
    if *running {
        let last = contact.last.map_or_else(|| "none yet".to_owned(), |at| at.to_string());
        lines.push(format!("last contact    {last}"));
    }
    if let Some(problem) = &contact.problem {
        lines.push(format!("last problem    {} {}", problem.at, problem.sentence));
    }
    for (kind, why) in &contact.refused {
        lines.push(format!("refused         {}: {why}", kind.code()));
    }
    lines.join("\n")
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_gate_that_nobody_can_scan_at_is_not_started() {
        assert!(CommandLine::try_parse_from(["countermark-gate", "run"]).is_err());
        for input in [&["--lines"][..], &["--pictures", "p"], &["--lines", "--pictures", "p"]] {
            assert!(CommandLine::try_parse_from(["countermark-gate", "run"].iter().chain(input)).is_ok(), "{input:?}");
        }
    }

    #[test]
    fn the_screen_stays_on_this_machine() {
        for refused in ["0.0.0.0:80", "192.168.1.2:80", "[::]:80", "localhost:80"] {
            assert!(loopback(refused).is_err(), "{refused}");
        }
        for good in ["127.0.0.1:0", "[::1]:8600"] {
            assert!(loopback(good).is_ok(), "{good}");
        }
    }
}
