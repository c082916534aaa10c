//! The command line: what field staff type, what they read, and the exit codes.

mod clock;
mod doctor;
mod documents;
mod enroll;
mod find;
mod journal;
mod listen;
mod outputs;
mod pin;
mod read;
mod retire;
mod staff;
mod status;
mod supervisor;
mod tablet;
mod watch;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args, Parser, Subcommand};
use countermark_shared::id::LaneId;
pub(crate) use status::{age, at_rest};
use tracing_subscriber::EnvFilter;

use crate::agent;
use crate::clock::{Clock, Moment};
use crate::config::{Config, PicturesConfig, TomlFile};
use crate::data_folder::DataFolder;
use crate::identity::Identity;
use crate::ledger::{Ledger, Owner};
use crate::local::{Answer, AskError, Checked, Question, StaffQuestion, ask};
use crate::printer::{self, Printer};
use crate::read::PictureReader;

/// `check` and `enter`: the gate lets nobody in by it.
const WOULD_NOT_OPEN: u8 = 3;
/// Where the screen is shown when nobody says where.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));
/// How often documents are asked for when nobody says how often.
const POLL: Duration = Duration::from_secs(5);
/// How long a person who asked about a picture waits.
const PATIENCE: Duration = Duration::from_secs(3);

const DEED: &str = "Exit codes: 0 done; 1 it was not done, and the last line on standard error says why, in English and French; 2 wrong usage.";
const VERDICT: &str = "Exit codes: 0 people may pass; 1 it was not done, and the last line on standard error says why, in English and French; 2 wrong usage; 3 nobody may pass.";

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
    /// The code is typed, or its invitation is shown to this gate's own camera or scanner. If it is cut off, run the same command
    /// again: the code stays good for this folder.
    Enroll(enroll::Enroll),
    /// Put this gate aside, whole, for the administrator, so that this box can be enrolled anew. While no agent runs.
    Retire(Common),
    /// Scan tickets until told to end.
    Run(Run),
    /// Ask the running agent what it would say of a ticket. Admits nobody, writes nothing.
    #[command(after_help = "Exit codes: 0 it would open; 1 it could not be asked; 2 wrong usage; 3 it would not open.")]
    Check(Check),
    /// Read the codes in pictures, without an agent and without a word on what they are worth.
    ///
    /// Says of each picture what its code reads, which rung of the ladder read it, and how long that took: whether a camera is sharp enough,
    /// a screen bright enough, a print dark enough.
    #[command(
        after_help = "Exit codes: 0 each was read; 1 it failed; 2 wrong usage; 3 at least one was not, for want of a code or of a picture."
    )]
    Read(read::Read),
    /// Take documents from a file, as if the cloud had sent them.
    #[command(
        after_help = "Exit codes: 0 each was taken, is held already, or is another gate's own; 1 the file could not be offered; 2 wrong usage; 3 at least one was refused."
    )]
    Import(documents::Import),
    /// Write what is held into a file, for `import` at another gate.
    ExportDocuments(documents::ExportDocuments),
    /// Show the clock, and confirm or dismiss a time that waits for staff.
    Clock(clock::ClockCommand),
    /// Take an admission back: nobody went through. The ticket may be scanned again.
    ///
    /// For five minutes, while nobody passed with the ticket since, and where no turnstile says that it turned.
    #[command(after_help = DEED)]
    Undo(staff::ByStaff),
    /// Hold a scan's seat back at this gate, until the cloud's list says what becomes of it, or `release`.
    #[command(after_help = DEED)]
    Hold(staff::ByStaff),
    /// Hold a scan's seat back no longer.
    #[command(after_help = DEED)]
    Release(staff::ByStaff),
    /// Say whether somebody went through when the gate stopped in the middle of an admission.
    ///
    /// The row is the admission's, or that of the scan which read “interrupted”. If nobody went through, the ticket is let in once more.
    #[command(after_help = DEED)]
    Confirm(staff::Confirm),
    /// Judge a ticket's text that was typed, as if it were scanned: where the code cannot be read. It lets people in.
    #[command(after_help = VERDICT)]
    Enter(staff::Enter),
    /// Find the seats of an order by its code, for somebody who has no ticket with them. Where the organiser gives gates a guest list.
    ///
    /// How it stands with each is said here, the names only on the screen. With `--seat` it is noted that they say it is theirs, so that a
    /// supervisor may let them in: `overrule` that row.
    #[command(
        after_help = "Exit codes: 0 the seats are told; 1 it was not done, and the last line on standard error says why, in English and French; 2 wrong usage; 3 the seat is noted, and nobody may pass before a supervisor overrules its row."
    )]
    Find(find::Find),
    /// Let in whom a scan refused: a supervisor, by their PIN.
    ///
    /// For five minutes. Nobody overrules what is certain: what was forged, replaced or revoked, or a gate that was suspended.
    #[command(after_help = VERDICT)]
    Overrule(staff::Overrule),
    /// Add, list or remove supervisors, who may overrule this gate.
    Supervisor(supervisor::SupervisorCommand),
    /// Show what each device sends, as it comes, and what it would mean. Admits nobody; needs the devices for itself.
    Listen(listen::Listen),
    /// Look at everything this box needs, and say what is wrong and what to do.
    #[command(
        after_help = "Exit codes: 0 nothing is wrong, though there may be warnings; 1 it could not be looked at; 2 wrong usage; 3 something is wrong."
    )]
    Doctor(doctor::Doctor),
    /// Export, verify and prune the journal.
    Journal(journal::JournalCommand),
    /// Pair, list or revoke tablets that show the screen.
    Tablet(tablet::TabletCommand),
    /// Switch outputs off, or try one, while no agent runs.
    Outputs(outputs::OutputsCommand),
    /// Show each verdict as it is given, and how it stands, until Ctrl-C. In a terminal, over any connection.
    #[command(after_help = "Exit codes: 1 there is no agent, or it ended; 2 wrong usage.")]
    Watch(watch::Watch),
    /// Show status: documents and their age, lease, clock, rows, uploads, last contact, last problem.
    #[command(after_help = "Exit codes: 0 the agent runs; 1 it does not (what the disk says is shown); 2 wrong usage.")]
    Status(Common),
}

#[derive(Args)]
struct Common {
    /// The gate's folder.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_GATE_DATA", default_value = "/var/lib/countermark-gate")]
    data: PathBuf,
    /// Write JSON, one object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(group(ArgGroup::new("inputs").args(["config", "pictures", "lines"]).required(true).multiple(true)))]
struct Run {
    #[command(flatten)]
    common: Common,
    /// What stands at this entrance: scanners, cameras, outputs, by lane.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: Option<PathBuf>,
    /// Where a service's keys are that it has as credentials; systemd says so.
    #[arg(long, value_name = "DIR", env = "CREDENTIALS_DIRECTORY", hide = true)]
    credentials: Option<PathBuf>,
    /// Read each new PNG or JPEG file of this folder, too.
    #[arg(long, value_name = "FOLDER")]
    pictures: Option<PathBuf>,
    /// Read lines from standard input, too, ended by CR, LF or both.
    #[arg(long)]
    lines: bool,
    /// End when standard input does, after one last upload.
    #[arg(long, requires = "lines")]
    exit_at_end: bool,
    /// The lane of --pictures and --lines.
    #[arg(long, default_value = "1")]
    lane: LaneId,
    /// Where the operator's screen is shown: an address of this machine itself; port 0, as when nothing is said, takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    screen: Option<SocketAddr>,
    /// Where tablets of staff find the screen, on the venue's network: encrypted, and by a code shown at the gate alone. Off when nothing is said.
    #[arg(long, value_name = "ADDRESS:PORT")]
    tablets: Option<SocketAddr>,
    /// How often to ask whether there are newer documents; 5 when nothing is said.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    poll: Option<u64>,
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
    /// What is logged of this program; of its libraries only what is wrong. Who verifies certificates calls each instant wrong that is tried and does
    /// not fit (`cloud/tls.rs`); what became of it, this program says itself.
    pub(crate) fn log_filter(&self) -> EnvFilter {
        EnvFilter::new(format!("warn,rustls_platform_verifier=off,countermark_gate={}", self.log))
    }

    /// Does what was asked.
    pub(crate) fn perform(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Enroll(arguments) => arguments.perform(),
            Command::Retire(arguments) => retire::perform(&arguments),
            Command::Run(arguments) => arguments.perform(),
            Command::Check(arguments) => arguments.perform(),
            Command::Read(arguments) => Ok(arguments.perform()),
            Command::Import(arguments) => arguments.perform(),
            Command::ExportDocuments(arguments) => arguments.perform(),
            Command::Clock(arguments) => arguments.perform(),
            Command::Undo(arguments) => arguments.perform(|sequence, pin| StaffQuestion::Undo { sequence, pin }),
            Command::Hold(arguments) => arguments.perform(|sequence, pin| StaffQuestion::Hold { sequence, pin }),
            Command::Release(arguments) => arguments.perform(|sequence, pin| StaffQuestion::Release { sequence, pin }),
            Command::Confirm(arguments) => arguments.perform(),
            Command::Enter(arguments) => arguments.perform(),
            Command::Find(arguments) => arguments.perform(),
            Command::Overrule(arguments) => arguments.perform(),
            Command::Supervisor(arguments) => arguments.perform(),
            Command::Listen(arguments) => arguments.perform(),
            Command::Doctor(arguments) => Ok(arguments.perform()),
            Command::Journal(arguments) => arguments.perform(),
            Command::Outputs(arguments) => arguments.perform(),
            Command::Tablet(arguments) => arguments.perform(),
            Command::Watch(arguments) => arguments.perform(),
            Command::Status(arguments) => status::status(&arguments),
        }
    }
}

impl Run {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let config_file = self.config.as_deref().map(TomlFile::read).transpose()?;
        let mut config = config_file.as_ref().map(Config::read).transpose()?.unwrap_or_default();
        if let Some(folder) = self.pictures {
            ensure!(folder.is_dir(), "--pictures {} is no folder; make it, or name another", folder.display());
            config.pictures.push(PicturesConfig { name: None, lane: self.lane, folder });
        }
        ensure!(
            self.lines || config.has_inputs(),
            "nothing is scanned here; name a scanner, a keyboard, a camera or a folder of pictures in gate.toml"
        );
        let lines = self.lines.then_some(self.lane);
        config.check_lanes(lines)?;
        agent::run(&agent::Settings {
            folder: DataFolder::at(&self.common.data).with_credentials(self.credentials),
            screen: self.screen.or(config.screen).unwrap_or(ANY_PORT),
            tablets: self.tablets.or(config.tablets),
            poll: self.poll.map(Duration::from_secs).or(config.poll).unwrap_or(POLL),
            config,
            config_file,
            lines,
            exit_at_end: self.exit_at_end,
            printer: Printer { json: self.common.json },
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
        let Answer::Check(checked) = ask(&DataFolder::at(&data), &Question::Check { lane, text })? else {
            bail!(AskError::Another)
        };
        Printer { json }.line(&checked, || words(&checked));
        Ok(if checked.ruling.opens { ExitCode::SUCCESS } else { ExitCode::from(WOULD_NOT_OPEN) })
    }
}

fn words(checked: &Checked) -> String {
    let [list, feed] = [("list", &checked.list), ("feed", &checked.feed)].map(|(name, held)| match held {
        Some(held) => format!("{name:<16}revision {}, {} old", held.revision, status::age(held.age_seconds)),
        None => format!("{name:<16}none"),
    });
    format!("{}\n{list}\n{feed}\n{}", printer::sentence(&checked.ruling), clock::words(&checked.clock))
}

fn text_of(file: &std::path::Path) -> anyhow::Result<String> {
    let name = file.display();
    let reading = PictureReader::new(Clock::start(), PATIENCE).read_file(file).with_context(|| name.to_string())?;
    Ok(reading.with_context(|| format!("there is no QR code in {name}; take a sharper picture"))?.text)
}

/// The ledger of a folder on which no agent runs, and whose it is.
fn ledger_at_rest(folder: &DataFolder, now: Moment) -> anyhow::Result<(Identity, Ledger)> {
    let identity = Identity::load(folder)?;
    // Asking makes no ledger: it would belong to whoever asked.
    ensure!(
        folder.ledger().exists(),
        "the agent has never run on {0}; start it with `countermark-gate run --data {0}`",
        folder.path().display()
    );
    // Nobody is read a name while no agent runs, so that the key for them stays where it is.
    let owner = Owner { gate: identity.gate, root: identity.root, unwrapping_key: None };
    let ledger = Ledger::open(&folder.ledger(), owner, crate::clock::boot()?, now.uptime)?;
    Ok((identity, ledger))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    /// The words of a command of the page, with something for what stands for something else.
    fn words(command: &str) -> Vec<String> {
        let code = crate::stand_in::StandIn::code().to_string();
        let command = command.replace("ABCD-EFGH-…", &code).replace("NUMBER", "1");
        let words = command.split('"').enumerate().flat_map(|(part, text)| match part % 2 {
            0 => text.split_whitespace().map(str::to_owned).collect(),
            _ => vec![text.to_owned()],
        });
        words.collect()
    }

    #[test]
    fn each_command_of_the_page_for_field_staff_is_one() {
        let page = include_str!("../../../firmware-config/README.md");
        // What stands in backticks, in a line by one or in a block by three.
        let code = page.split('`').skip(1).step_by(2);
        let lines = code.flat_map(str::lines).filter_map(|line| line.split(" #").next());
        let commands = lines.flat_map(|line| line.split("&&")).map(str::trim).filter_map(|command| {
            let command = command.strip_prefix("runuser -u countermark-gate -- ").unwrap_or(command);
            let short = ["enroll ", "tablet revoke "].iter().any(|short| command.starts_with(short));
            let long = if short { format!("countermark-gate {command}") } else { command.to_owned() };
            long.starts_with("countermark-gate ").then_some(long)
        });
        let mut seen = 0;
        for command in commands {
            let parsed = CommandLine::try_parse_from(words(&command));
            assert!(parsed.is_ok(), "{command}: {}", parsed.err().unwrap());
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn only_a_command_that_gives_a_verdict_of_its_own_says_3() {
        let command = CommandLine::command();
        let says_3 =
            |command: &&clap::Command| command.get_after_help().is_some_and(|help| help.to_string().contains("; 3 "));
        let names: Vec<_> = command.get_subcommands().filter(says_3).map(clap::Command::get_name).collect();
        assert_eq!(names, ["check", "read", "import", "enter", "find", "overrule", "doctor"]);
    }

    #[test]
    fn why_somebody_is_overruled_is_said_as_the_journal_has_it() {
        use countermark_shared::journal::OverruleReason;
        for reason in OverruleReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
            let typed = ["countermark-gate", "overrule", "7", "--why", reason.code()];
            assert!(CommandLine::try_parse_from(typed).is_ok(), "{}", reason.code());
        }
        assert!(CommandLine::try_parse_from(["countermark-gate", "overrule", "7", "--why", "friend"]).is_err());
    }

    #[test]
    fn a_gate_that_nobody_can_scan_at_is_not_started() {
        assert!(CommandLine::try_parse_from(["countermark-gate", "run"]).is_err());
        for input in [&["--lines"][..], &["--pictures", "p"], &["--lines", "--pictures", "p"], &["--config", "f"]] {
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
