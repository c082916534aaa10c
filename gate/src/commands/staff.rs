//! `undo`, `hold`, `release`, `confirm`, `enter`, `overrule`: what staff do about a scan, through the running agent.

use std::process::ExitCode;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use countermark_shared::id::LaneId;
use countermark_shared::journal::OverruleReason;
use secrecy::SecretString;

use super::pin::PinSource;
use super::{Common, WOULD_NOT_OPEN};
use crate::announcement::Sentence;
use crate::data_folder::DataFolder;
use crate::ledger::{Done, Recent};
use crate::local::{AskError, Scanned, StaffAnswer, StaffQuestion, ask_staff};
use crate::printer::{self, Printer};

#[derive(Args)]
pub(super) struct About {
    #[command(flatten)]
    common: Common,
    /// The journal row, as the screen and `status` number the last scans.
    sequence: u64,
}

#[derive(Args)]
pub(super) struct ByStaff {
    #[command(flatten)]
    about: About,
    /// Ask for a supervisor's PIN, for what staff alone may not.
    #[arg(long)]
    supervisor: bool,
    #[command(flatten)]
    pin: PinSource,
}

#[derive(Args)]
pub(super) struct Confirm {
    #[command(flatten)]
    about: About,
    /// What whoever stood there saw.
    passed: Passed,
}

#[derive(Clone, Copy, ValueEnum)]
enum Passed {
    /// Somebody went through: the ticket stays used.
    Passed,
    /// Nobody did: the ticket is let in once more.
    Nobody,
}

#[derive(Args)]
pub(super) struct Enter {
    #[command(flatten)]
    common: Common,
    /// The lane at which the person stands.
    lane: LaneId,
    /// The ticket's text, as its code reads.
    text: String,
}

#[derive(Args)]
pub(super) struct Overrule {
    #[command(flatten)]
    about: About,
    /// Why they are let in all the same; the journal keeps it.
    #[arg(long, value_parser = reason())]
    why: OverruleReason,
    #[command(flatten)]
    pin: PinSource,
}

/// The reasons as the journal has them.
fn reason() -> impl TypedValueParser<Value = OverruleReason> {
    let known = |text: String| OverruleReason::ALL.into_iter().find(|reason| reason.code() == text);
    PossibleValuesParser::new(OverruleReason::ALL.map(OverruleReason::code))
        .try_map(move |text| known(text).ok_or("the journal has no such reason"))
}

impl ByStaff {
    /// Does what is asked of the row.
    pub(super) fn perform(self, question: fn(u64, Option<SecretString>) -> StaffQuestion) -> anyhow::Result<ExitCode> {
        let Self { about: About { common, sequence }, supervisor, pin } = self;
        let pin = if supervisor { Some(pin.ask()?) } else { pin.written()? };
        tell(&common, question(sequence, pin))
    }
}

impl Confirm {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { about: About { common, sequence }, passed } = self;
        let passed = match passed {
            Passed::Passed => true,
            Passed::Nobody => false,
        };
        tell(&common, StaffQuestion::Confirm { sequence, passed })
    }
}

impl Enter {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common, lane, text } = self;
        tell(&common, StaffQuestion::Enter { lane, text })
    }
}

impl Overrule {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { about: About { common, sequence }, why, pin } = self;
        tell(&common, StaffQuestion::Overrule { sequence, pin: pin.ask()?, why })
    }
}

/// Has the agent do it, and says what came of it.
pub(super) fn tell(common: &Common, question: StaffQuestion) -> anyhow::Result<ExitCode> {
    let printer = Printer { json: common.json };
    match ask_staff(&DataFolder::at(&common.data), question)? {
        StaffAnswer::Done(done) => printer.line(&done, || words(&done)),
        StaffAnswer::Scanned(scanned) => {
            let Scanned { sequence, ruling, .. } = &*scanned;
            let row = sequence.map_or_else(|| "not in the journal".to_owned(), |row| format!("row {row}"));
            printer.line(&scanned, || format!("{}  ({row})", printer::sentence(ruling)));
            return Ok(if ruling.opens { ExitCode::SUCCESS } else { ExitCode::from(WOULD_NOT_OPEN) });
        }
        StaffAnswer::Refused(Sentence { en, fr }) => bail!("{en} / {fr}"),
        StaffAnswer::Found(_) | StaffAnswer::Supervisors(_) | StaffAnswer::Added(_) | StaffAnswer::Removed => {
            return Err(AskError::Another.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn words(done: &Done) -> String {
    let Done { sequence, slot, sentence: Sentence { en, fr }, .. } = done;
    format!("{en} / {fr}  (seat {slot}, row {sequence})")
}

/// A scan in one line, and what may be done about it.
pub(super) fn recent_words(recent: &Recent) -> String {
    let Recent { sequence, at, lane, reason, persons, slot, earlier, earlier_gate, may, .. } = recent;
    let seat = slot.map(|slot| format!("  seat {slot}")).unwrap_or_default();
    let gate = earlier_gate.map(|gate| format!(" at gate {gate}")).unwrap_or_default();
    let used = earlier.map(|at| format!("  used {at}{gate}")).unwrap_or_default();
    let persons = match persons {
        0 => String::new(),
        1 => "  1 person".to_owned(),
        persons => format!("  {persons} persons"),
    };
    let may: Vec<_> = may.iter().map(|deed| deed.code()).collect();
    let may = if may.is_empty() { String::new() } else { format!("  [{}]", may.join(", ")) };
    format!("row {sequence:<11} {at}  lane {lane}  {reason}{persons}{seat}{used}{may}")
}
