//! `clock`: what the gate takes the time to be, and the word of staff who looked at their watches.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::Common;
use crate::announcement::Sentence;
use crate::data_folder::DataFolder;
use crate::ledger::Word;
use crate::local::{Answer, AskError, ClockStatus, Question, ask};
use crate::printer::Printer;

#[derive(Args)]
pub(super) struct ClockCommand {
    #[command(flatten)]
    common: Common,
    /// What staff say of the instant that waits; without it, the clock is only shown.
    word: Option<StaffWord>,
}

#[derive(Clone, Copy, ValueEnum)]
enum StaffWord {
    /// It is that late, or later.
    Confirm,
    /// It is not.
    Dismiss,
}

impl ClockCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, word } = self;
        let word = word.map(|word| match word {
            StaffWord::Confirm => Word::Confirm,
            StaffWord::Dismiss => Word::Dismiss,
        });
        let Answer::Clock(clock) = ask(&DataFolder::at(&data), &Question::Clock { word })? else {
            bail!(AskError::Another)
        };
        Printer { json }.line(&clock, || words(&clock));
        Ok(ExitCode::SUCCESS)
    }
}

/// The clock in one line, and in another what people must be told.
pub(super) fn words(clock: &ClockStatus) -> String {
    let ClockStatus { state, now, error_milliseconds, waiting: _, warning } = clock;
    let worth = match state {
        countermark_shared::journal::ClockState::Signed => "signed by the cloud",
        countermark_shared::journal::ClockState::Battery => "the battery clock's",
        countermark_shared::journal::ClockState::RolledBack => "at least; the battery clock fell back",
        countermark_shared::journal::ClockState::Ahead => "until staff confirm a later one",
        countermark_shared::journal::ClockState::Unknown => "at least; nothing tells the time",
    };
    let error = error_milliseconds.map(|error| format!(", within {error} ms")).unwrap_or_default();
    let warning =
        warning.as_ref().map(|Sentence { en, fr }| format!("\nwarning         {en} / {fr}")).unwrap_or_default();
    format!("clock           {now}, {worth}{error}{warning}")
}
