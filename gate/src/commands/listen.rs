//! `listen`: what each device sends, as it comes, and what it would mean.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{ArgGroup, Args};
use countermark_shared::id::LaneId;
use countermark_shared::invitation::{InvalidInvitation, Invitation};
use countermark_shared::ticket::UnverifiedTicket;
use serde::Serialize;

use super::{Common, ledger_at_rest};
use crate::announcement::Ruling;
use crate::clock::Clock;
use crate::config::Config;
use crate::data_folder::DataFolder;
use crate::devices::DeviceStatus;
use crate::input::{RawScan, ScannedText};
use crate::ledger::Ledger;
use crate::listening::{Heard, Listening};
use crate::printer::{self, Printer};

/// Of a text, from its beginning: enough to see a prefix or a wrong layout, too little to be let in by.
const BEGINNING: usize = 12;
/// Of a text, from its end: enough to see a suffix.
const END: usize = 4;

#[derive(Args)]
#[command(group(ArgGroup::new("one").args(["scanner", "keyboard"])))]
pub(super) struct Listen {
    #[command(flatten)]
    common: Common,
    /// Listen to what stands at this entrance.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: Option<PathBuf>,
    /// Listen to one scanner on a serial line.
    #[arg(long, value_name = "DEVICE")]
    scanner: Option<PathBuf>,
    /// Its profile.
    #[arg(long, value_name = "NAME", default_value = "usb-cdc", requires = "scanner")]
    profile: String,
    /// Where profiles are.
    #[arg(long, value_name = "DIR", requires = "scanner")]
    profiles: Option<PathBuf>,
    /// Listen to one scanner that says it is a keyboard.
    #[arg(long, value_name = "DEVICE")]
    keyboard: Option<PathBuf>,
    /// Show each text whole. It may be somebody's ticket.
    #[arg(long)]
    whole: bool,
    /// End after so many scans.
    #[arg(long, value_name = "SCANS")]
    count: Option<u64>,
}

/// A line of `listen --json`.
#[derive(Serialize)]
struct Line<'a> {
    device: String,
    lane: LaneId,
    /// What was sent, or its beginning and end.
    text: &'a str,
    characters: usize,
    /// Too long, or no text.
    damaged: bool,
    /// What it would mean here, in words.
    means: &'a str,
    /// What the gate would say, where it holds documents.
    #[serde(flatten)]
    ruling: Option<Ruling>,
}

impl Listen {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let config = self.devices()?;
        ensure!(
            config.has_inputs(),
            "nothing is scanned here; name a scanner, a keyboard, a camera or a folder of pictures"
        );
        let clock = Clock::start();
        let printer = Printer { json: self.common.json };
        let mut ledger = ledger_at_rest(&DataFolder::at(&self.common.data), clock.now())
            .inspect_err(|error| tracing::warn!("{error:#}; so nothing is said of what a ticket would mean"))
            .ok()
            .map(|(_, ledger)| ledger);
        let mut listening = Listening::at(&config, printer, clock).context("cannot start to read")?;
        let mut left = self.count;
        while left != Some(0) {
            match listening.next().context("every reader has ended")? {
                Heard::Devices(devices) => {
                    let known = devices.iter().filter(|device| device.ready || device.trouble.is_some());
                    known.for_each(|device| printer.line(device, || state(device)));
                }
                Heard::Scan(scan) => {
                    self.tell(&scan, ledger.as_mut(), clock, printer);
                    left = left.map(|left| left - 1);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn devices(&self) -> anyhow::Result<Config> {
        let Self { config, scanner, profile, profiles, keyboard, .. } = self;
        let quoted = |path: &Path| toml::Value::from(path.to_string_lossy().into_owned());
        let device =
            |kind, device: &Path| format!("[[{kind}]]\nname = \"new\"\nlane = 1\ndevice = {}\n", quoted(device));
        Ok(match (config, scanner, keyboard) {
            (_, Some(scanner), _) => {
                let profiles =
                    profiles.as_ref().map(|profiles| format!("profiles = {}\n", quoted(profiles))).unwrap_or_default();
                let text = format!("{profiles}{}profile = {profile:?}\n", device("scanner", scanner));
                Config::of_text("--scanner", text)?
            }
            (_, _, Some(keyboard)) => Config::of_text("--keyboard", device("keyboard", keyboard))?,
            (Some(file), None, None) => Config::load(file)?,
            (None, None, None) => Config::default(),
        })
    }

    fn tell(&self, scan: &RawScan, ledger: Option<&mut Ledger>, clock: Clock, printer: Printer) {
        let (text, damaged) = match &scan.text {
            ScannedText::Whole(text) => (text, false),
            ScannedText::Damaged(text) => (text, true),
        };
        let ruling = ledger.filter(|_| !damaged).and_then(|ledger| {
            let ruling = ledger.check(scan.lane, text, clock.now());
            ruling.inspect_err(|error| tracing::warn!(%error, "nothing can be said of it")).ok()
        });
        let means = ruling.as_ref().map_or_else(|| meaning(text, damaged), printer::sentence);
        let shown = if self.whole { text.clone() } else { abridged(text) };
        let (device, lane, characters) = (scan.source.to_string(), scan.lane, text.chars().count());
        let said = Line { device, lane, text: &shown, characters, damaged, means: &means, ruling };
        printer
            .line(&said, || format!("{}  {characters} characters  {}\n  {means}", said.device, shown.escape_debug()));
    }
}

fn state(device: &DeviceStatus) -> String {
    let how = device.trouble.as_ref().map_or("waits for a code", |trouble| trouble.detail.as_str());
    format!("{}  {how}", device.device)
}

/// What can be said of a text without documents.
fn meaning(text: &str, damaged: bool) -> String {
    if damaged {
        return "damaged: too long, or no text; look at the speed of the line and at the end-of-line setting"
            .to_owned();
    }
    match text.parse::<Invitation>() {
        Ok(_) => {
            return "an invitation: `countermark-gate enroll --scan` takes it".to_owned();
        }
        Err(damaged @ (InvalidInvitation::Damaged | InvalidInvitation::Address)) => return damaged.to_string(),
        Err(InvalidInvitation::Another) => {}
    }
    match UnverifiedTicket::parse(text) {
        Ok(ticket) => {
            let body = ticket.body();
            format!("a whole ticket of event {}, seat {}; whether it is genuine was not asked", body.event, body.slot)
        }
        Err(error) => error.to_string(),
    }
}

fn abridged(text: &str) -> String {
    let count = text.chars().count();
    if count <= BEGINNING + END {
        return text.to_owned();
    }
    let beginning: String = text.chars().take(BEGINNING).collect();
    let end: String = text.chars().skip(count - END).collect();
    format!("{beginning}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_text_is_shown_as_far_as_it_helps() {
        assert_eq!(abridged("CM1:0123456789AB"), "CM1:0123456789AB");
        assert_eq!(abridged("CM1:0123456789ABC"), "CM1:01234567…9ABC");
        assert_eq!(abridged("]Q1CM1:éééééééééé"), "]Q1CM1:ééééé…éééé");
    }

    #[test]
    fn what_a_text_is_can_be_said_without_documents() {
        let ticket = samples::ticket();
        let said = meaning(&ticket.to_text(), false);
        assert!(said.contains(&format!("seat {}", ticket.body().slot)), "{said}");
        assert!(meaning("CM1:8", false).len() > 10);
        assert!(meaning("CME1:8", false).contains("invitation is damaged"));
        assert!(meaning("x", true).contains("speed"));
    }
}
