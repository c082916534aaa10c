//! `tablet`: which tablets show the operator's screen on the venue's network.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::Common;
use super::pin::PinSource;
use crate::data_folder::DataFolder;
use crate::local::{Answer, AskError, Question, StaffAnswer, StaffQuestion, TabletWish, ask, ask_staff};
use crate::printer::Printer;
use crate::tablet::{Invitation, Tablet};

#[derive(Args)]
pub(super) struct TabletCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Show a code for one more: it is good once, for two minutes. Where the gate has supervisors, it takes a PIN.
    Pair(Pair),
    /// List them.
    List(Common),
    /// Revoke one: it shows the screen no more.
    Revoke(Revoke),
}

#[derive(Args)]
struct Pair {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    pin: PinSource,
}

#[derive(Args)]
struct Revoke {
    #[command(flatten)]
    common: Common,
    /// Its number.
    number: u32,
}

impl TabletCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let (Common { data, json }, wish) = match self.what {
            What::Pair(Pair { common, pin }) => {
                let folder = DataFolder::at(&common.data);
                let StaffAnswer::Supervisors(supervisors) = ask_staff(&folder, StaffQuestion::Supervisors)? else {
                    bail!(AskError::Another)
                };
                let pin = (!supervisors.is_empty()).then(|| pin.ask()).transpose()?;
                (common, TabletWish::Invite { pin })
            }
            What::List(common) => (common, TabletWish::List),
            What::Revoke(Revoke { common, number }) => (common, TabletWish::Revoke { number }),
        };
        let printer = Printer { json };
        match ask(&DataFolder::at(&data), &Question::Tablets(wish))? {
            Answer::Invitation(invitation) => printer.line(&invitation, || words(&invitation)),
            Answer::Tablets(tablets) if tablets.is_empty() && !json => printer.line(&(), || "no tablet".to_owned()),
            Answer::Tablets(tablets) => {
                for tablet in tablets {
                    let line = serde_json::json!({ "number": tablet.number, "since": tablet.since });
                    printer.line(&line, || one(&tablet));
                }
            }
            Answer::Status(_)
            | Answer::Check(_)
            | Answer::Import(_)
            | Answer::Export { .. }
            | Answer::Clock(_)
            | Answer::Journal(_)
            | Answer::Pruned(_)
            | Answer::Staff(_)
            | Answer::Problem(_) => bail!(AskError::Another),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn words(Invitation { code, seconds, address, fingerprint }: &Invitation) -> String {
    let halves = fingerprint.split_at_checked(48).unwrap_or((fingerprint, ""));
    format!(
        "on the tablet   {address}\ncode            {code}  (once, within {seconds} s)\nfingerprint     {}\n                {}\n\
         The browser warns of a certificate that nobody vouches for: compare its SHA-256 fingerprint with this one before you go on.",
        halves.0, halves.1
    )
}

fn one(Tablet { number, since, .. }: &Tablet) -> String {
    format!("tablet {number:<9}since {since}")
}
