//! `watch`: verdicts as they come, a line each, and under them how it stands: the operator's screen for whoever has only a terminal. Plain lines, so
//! that it works over any connection and into any file.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use countermark_shared::verdict::Severity;

use super::Common;
use crate::announcement::Sentence;
use crate::commands::age;
use crate::data_folder::DataFolder;
use crate::documents::DocumentKind;
use crate::local::{Glimpse, Told, watch};
use crate::printer::sentence;
use crate::screen::Heartbeat;

/// To the line's beginning, and what stands there is gone; what is longer than the line is cut off, not wrapped (ECMA-48 and DEC's autowrap mode,
/// which every terminal emulator and the Linux console have).
const ANEW: &str = "\r\x1b[K\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

#[derive(Args)]
pub(super) struct Watch {
    #[command(flatten)]
    common: Common,
    /// No colour (<https://no-color.org>): any text.
    #[arg(long, env = "NO_COLOR", hide = true, num_args = 0..=1, default_missing_value = "1")]
    no_color: Option<String>,
}

/// Where the lines go.
struct Terminal {
    /// Whether a line can be written anew; else a standing is told when it changes.
    lives: bool,
    colours: bool,
    /// The standing that was told last.
    standing: Option<String>,
}

impl Watch {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, no_color } = self;
        let lives = io::stdout().is_terminal();
        let colours = lives && no_color.is_none_or(|no_color| no_color.is_empty());
        let mut terminal = Terminal { lives, colours, standing: None };
        for line in watch(&DataFolder::at(&data))? {
            let line = line.context("the agent has fallen silent; `countermark-gate doctor` says what is wrong")?;
            let written = if json { writeln!(io::stdout().lock(), "{line}") } else { terminal.tell(&line) };
            match written {
                Ok(()) => {}
                // Whoever read this has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
                Err(error) => return Err(error.into()),
            }
        }
        bail!("the agent has stopped; admit nobody until it runs again (`systemctl status countermark-gate`)")
    }
}

impl Terminal {
    fn tell(&mut self, line: &str) -> io::Result<()> {
        match serde_json::from_str(line)? {
            Glimpse::Verdict(told) => self.keep(&self.verdict(&told)),
            Glimpse::Missed { missed } => {
                self.keep(&format!("{missed} verdicts were not told: this terminal is too slow"))
            }
            Glimpse::Standing { standing } => self.stand(words(&standing), is_well(&standing)),
        }
    }

    /// A line that stays, above the standing.
    fn keep(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match &self.standing {
            Some(standing) if self.lives => {
                write!(stdout, "\r\x1b[K{text}\n{ANEW}{standing}{WRAP}")?;
                stdout.flush()
            }
            Some(_) | None => writeln!(stdout, "{text}"),
        }
    }

    fn stand(&mut self, words: String, well: bool) -> io::Result<()> {
        let words = if well { words } else { self.coloured("1;33", &words) };
        if !self.lives && self.standing.as_deref().map(without_ages) == Some(without_ages(&words)) {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        if self.lives {
            write!(stdout, "{ANEW}{words}{WRAP}")?;
        } else {
            writeln!(stdout, "{words}")?;
        }
        self.standing = Some(words);
        stdout.flush()
    }

    fn verdict(&self, Told { sequence, lane, source, at, ruling }: &Told) -> String {
        let (word, colour) = match ruling.severity {
            Severity::Admit => ("PASS", "1;32"),
            Severity::Attention => ("PASS, LOOK", "1;32"),
            Severity::Staff => ("CALL STAFF", "1;33"),
            Severity::Refuse => ("STOP", "1;31"),
            Severity::Fraud => ("FRAUD: STOP", "1;37;41"),
        };
        let row = sequence.map_or_else(|| "not in the journal".to_owned(), |row| format!("row {row}"));
        let word = self.coloured(colour, &format!("{word:<11}"));
        format!("{at}  {word}  lane {lane}  {}  ({source}, {row})", sentence(ruling))
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn is_well(standing: &Heartbeat) -> bool {
    standing.ready && !standing.offline && warnings(standing).is_empty()
}

/// How it stands, in one line.
fn words(standing: &Heartbeat) -> String {
    let ready = match (standing.ready, &standing.log_in_warning) {
        (true, None) => "READY",
        (true, Some(_)) => "UNKNOWN GATE",
        (false, _) => "NOT READY: admit nobody",
    };
    let list =
        standing.list_age_seconds.map_or_else(|| "no list".to_owned(), |seconds| format!("list {} old", age(seconds)));
    let mut parts = vec![ready.to_owned(), list, format!("{} to upload", standing.unsettled)];
    if standing.offline {
        parts.push("OFFLINE: go on, scans are kept".to_owned());
    }
    let warnings = warnings(standing);
    let stopped_by = standing.lanes.iter().filter_map(|lane| Some(lane.stopped_by.as_ref()?.en.clone()));
    parts.extend(stopped_by.filter(|why| !warnings.contains(why)));
    parts.extend(warnings);
    parts.join("  |  ")
}

/// What makes the gate less than whole, from the gravest on.
fn warnings(standing: &Heartbeat) -> Vec<String> {
    let Heartbeat { lease_warning, log_in_warning, clock_warning, certificate_warning, .. } = standing;
    let Heartbeat { ledger_warnings, device_warnings, trust_warning, .. } = standing;
    let said = [lease_warning, log_in_warning, clock_warning, certificate_warning].into_iter().flatten();
    let said = ledger_warnings
        .iter()
        .chain(said)
        .chain(device_warnings)
        .chain(trust_warning)
        .map(|Sentence { en, fr: _ }| en.clone());
    let codes = |kinds: &[DocumentKind]| kinds.iter().map(|kind| kind.code()).collect::<Vec<_>>().join(", ");
    let refused = (!standing.refused.is_empty()).then(|| format!("refused: {}", codes(&standing.refused)));
    let conflicts = (!standing.conflicts.is_empty()).then(|| format!("two different: {}", codes(&standing.conflicts)));
    let old = standing.list_old.then(|| "LIST OLD: go on".to_owned());
    let feed = standing.feed_old_seconds.map(|seconds| format!("OTHER GATES NOT HEARD FOR {}: go on", age(seconds)));
    let contested = (standing.contested > 0).then(|| format!("{} rows in dispute", standing.contested));
    said.chain(refused).chain(conflicts).chain(old).chain(feed).chain(contested).collect()
}

/// What a file need not have each second.
fn without_ages(words: &str) -> String {
    words.split("  |  ").filter(|part| !part.starts_with("list ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::LaneStanding;
    use countermark_shared::id::LaneId;

    const VERDICT: &str = r#"{"sequence":12,"lane":1,"source":"lines","at":"2026-11-22T19:00:00Z","verdict":"already-used","severity":"refuse","opens":false,"persons":0,"remaining":0,"earlier":null,"slot":42,"event":7,"sentence":{"en":"This ticket was already used.","fr":"Ce billet a déjà servi."}}"#;

    fn standing() -> Heartbeat {
        let text = r#"{"version":"1","gate":3,"name":"North","language":"en","quiet":false,"uptime_milliseconds":5000,"lanes":[{"lane":1,"ready":true,"stopped_by":null}],"one_by_one":[],"ages":{"slot-list":12},"ready":true,"guests":0,"list_age_seconds":12,"list_old":false,"feed_old_seconds":null,
            "trust_warning":null,"clock_warning":null,"clock_waiting":null,"lease_warning":null,"certificate_warning":null,"log_in_warning":null,"ledger_warnings":[],"device_warnings":[],
            "unsettled":3,"contested":0,"offline":false,"refused":[],"conflicts":[],"tablets":null}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_verdict_has_its_word_and_a_colour_only_where_there_are_colours() {
        let Ok(Glimpse::Verdict(told)) = serde_json::from_str(VERDICT) else { panic!("this is a verdict") };
        let mut terminal = Terminal { lives: false, colours: false, standing: None };
        let plain = terminal.verdict(&told);
        assert!(plain.starts_with("2026-11-22T19:00:00Z  STOP         lane 1  already-used"), "{plain}");
        assert!(plain.contains("seat 42") && plain.ends_with("(lines, row 12)") && !plain.contains('\x1b'), "{plain}");
        terminal.colours = true;
        assert!(terminal.verdict(&told).contains("\x1b[1;31mSTOP "));
    }

    #[test]
    fn a_standing_is_one_line_that_says_what_is_amiss() {
        let well = standing();
        assert!(is_well(&well));
        assert_eq!(words(&well), "READY  |  list 12 s old  |  3 to upload");
        let disk = Sentence { en: "The disk is full.".to_owned(), fr: "Le disque est plein.".to_owned() };
        let ledger_warnings = vec![disk];
        let ages = Heartbeat { list_old: true, list_age_seconds: None, ..standing() };
        let amiss = Heartbeat { ready: false, offline: true, ledger_warnings, ..ages };
        assert!(!is_well(&amiss));
        let said = words(&amiss);
        for part in ["NOT READY", "The disk is full.", "no list", "OFFLINE", "LIST OLD"] {
            assert!(said.contains(part), "{said}");
        }
        let unknown = Heartbeat { log_in_warning: Some(Sentence::log_in_refused()), ..standing() };
        assert!(!is_well(&unknown));
        let elsewhere = words(&unknown);
        assert!(
            elsewhere.starts_with("UNKNOWN GATE  |  ") && elsewhere.contains("send people to another"),
            "{elsewhere}"
        );
        let unassigned = Sentence::of_unassigned(LaneId(2));
        let stopped = LaneStanding { lane: LaneId(2), ready: false, stopped_by: Some(unassigned.clone()) };
        let lane = words(&Heartbeat { ready: false, lanes: vec![stopped], ..standing() });
        assert!(lane.ends_with(&unassigned.en), "{lane}");
        assert_eq!(
            without_ages(&words(&well)),
            without_ages(&words(&Heartbeat { list_age_seconds: Some(13), ..standing() }))
        );
    }
}
