//! `find`: the seats of an order, for somebody who has no ticket with them. Names are for the screen; here are numbers and how it stands with each.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use countermark_shared::id::{LaneId, Slot};
use countermark_shared::order_code::OrderCode;

use super::Common;
use super::staff::tell;
use crate::announcement::Sentence;
use crate::data_folder::DataFolder;
use crate::ledger::Found;
use crate::local::{AskError, StaffAnswer, StaffQuestion, ask_staff};
use crate::printer::Printer;

#[derive(Args)]
pub(super) struct Find {
    #[command(flatten)]
    common: Common,
    /// The order's code, as in 7KQ2M-4XD9P; in any case, with or without the hyphen.
    code: OrderCode,
    /// The lane at which the person stands; else the agent's own.
    #[arg(long)]
    lane: Option<LaneId>,
    /// Note that this seat is the one they say is theirs, for a supervisor to overrule.
    #[arg(long, value_name = "NUMBER")]
    seat: Option<Slot>,
}

impl Find {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common, code, lane, seat } = self;
        if let Some(slot) = seat {
            return tell(&common, StaffQuestion::Choose { lane, code, slot });
        }
        let printer = Printer { json: common.json };
        match ask_staff(&DataFolder::at(&common.data), StaffQuestion::Find { lane, code })? {
            StaffAnswer::Found(found) => found.iter().for_each(|found| printer.line(found, || words(found))),
            StaffAnswer::Refused(Sentence { en, fr }) => bail!("{en} / {fr}"),
            StaffAnswer::Done(_)
            | StaffAnswer::Scanned(_)
            | StaffAnswer::Supervisors(_)
            | StaffAnswer::Added(_)
            | StaffAnswer::Removed => return Err(AskError::Another.into()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn words(found: &Found) -> String {
    let Found { slot, places, standing, earlier, earlier_gate, sentence: Sentence { en, fr }, .. } = found;
    let persons = if *places == 1 { "1 person".to_owned() } else { format!("{places} persons") };
    let gate = earlier_gate.map(|gate| format!(" by gate {gate}")).unwrap_or_default();
    let earlier = earlier.map(|at| format!("  last let in {at}{gate}")).unwrap_or_default();
    format!("seat {slot}  {persons}  {standing}  {en} / {fr}{earlier}")
}
