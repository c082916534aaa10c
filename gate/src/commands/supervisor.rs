//! `supervisor`: who may overrule this gate. Through the running agent, or on the folder itself where none runs.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use countermark_shared::id::SupervisorId;
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::json;

use super::pin::PinSource;
use super::{Common, ledger_at_rest};
use crate::announcement::Sentence;
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::ledger::{Ledger, NewSupervisor, Pin, Salt, Supervisor};
use crate::local::{AskError, StaffAnswer, StaffQuestion, ask_staff};
use crate::printer::Printer;

#[derive(Args)]
pub(super) struct SupervisorCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Give somebody a number and a PIN of their own, by which they overrule this gate.
    ///
    /// The journal has the number; the name stays on this box. The PIN is asked for twice: 6 to 12 digits that nobody tries first and no other
    /// supervisor has.
    Add(Add),
    /// Say who may overrule this gate.
    List(Common),
    /// Take somebody's PIN away. Their number is not given again.
    Remove(Remove),
}

#[derive(Args)]
struct Add {
    #[command(flatten)]
    common: Common,
    /// What they are called here.
    name: String,
    #[command(flatten)]
    pin: PinSource,
}

#[derive(Args)]
struct Remove {
    #[command(flatten)]
    common: Common,
    /// Whom, as `supervisor list` numbers them.
    number: SupervisorId,
}

impl SupervisorCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Add(arguments) => arguments.perform()?,
            What::List(common) => list(&common)?,
            What::Remove(arguments) => arguments.perform()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn perform(self) -> anyhow::Result<()> {
        let Self { common: Common { data, json }, name, pin } = self;
        let folder = DataFolder::at(&data);
        let salt = salt()?;
        // What is wrong with the name is said before anybody types a PIN.
        let supervisor = NewSupervisor::new(&name, salt)?;
        let text = pin.choose()?;
        let pin = Pin::choose(text.clone())?;
        let asked = ask_staff(&folder, StaffQuestion::AddSupervisor { name, pin: text, salt });
        let number = match asked {
            Ok(StaffAnswer::Added(number)) => number,
            Ok(answer) => return unexpected(answer),
            Err(AskError::NotRunning { .. }) => {
                let mut ledger = at_rest(&folder)?;
                let salt = ledger.salt_for(&supervisor)?;
                ledger.add_supervisor(&supervisor, salt, &pin.hash(&salt)?)?
            }
            Err(error) => return Err(error.into()),
        };
        Printer { json }.line(&json!({ "number": number }), || format!("supervisor {number}"));
        Ok(())
    }
}

impl Remove {
    fn perform(self) -> anyhow::Result<()> {
        let Self { common: Common { data, json }, number } = self;
        let folder = DataFolder::at(&data);
        match ask_staff(&folder, StaffQuestion::RemoveSupervisor { number }) {
            Ok(StaffAnswer::Removed) => {}
            Ok(answer) => return unexpected(answer),
            Err(AskError::NotRunning { .. }) => at_rest(&folder)?.remove_supervisor(number)?,
            Err(error) => return Err(error.into()),
        }
        Printer { json }.line(&json!({ "removed": number }), || format!("{number} is no supervisor any more"));
        Ok(())
    }
}

fn list(common: &Common) -> anyhow::Result<()> {
    let folder = DataFolder::at(&common.data);
    let supervisors = match ask_staff(&folder, StaffQuestion::Supervisors) {
        Ok(StaffAnswer::Supervisors(supervisors)) => supervisors,
        Ok(answer) => return unexpected(answer),
        Err(AskError::NotRunning { .. }) => at_rest(&folder)?.supervisors()?,
        Err(error) => return Err(error.into()),
    };
    for supervisor in &supervisors {
        let Supervisor { number, name } = supervisor;
        Printer { json: common.json }.line(supervisor, || format!("{number:<4}{name}"));
    }
    Ok(())
}

fn at_rest(folder: &DataFolder) -> anyhow::Result<Ledger> {
    ledger_at_rest(folder, Clock::start().now()).map(|(_, ledger)| ledger)
}

fn unexpected(answer: StaffAnswer) -> anyhow::Result<()> {
    match answer {
        StaffAnswer::Refused(Sentence { en, fr }) => bail!("{en} / {fr}"),
        StaffAnswer::Done(_)
        | StaffAnswer::Scanned(_)
        | StaffAnswer::Found(_)
        | StaffAnswer::Supervisors(_)
        | StaffAnswer::Added(_)
        | StaffAnswer::Removed => Err(AskError::Another.into()),
    }
}

fn salt() -> anyhow::Result<Salt> {
    let mut salt = Salt::default();
    SysRng.try_fill_bytes(&mut salt).context("the operating system gives no randomness")?;
    Ok(salt)
}
