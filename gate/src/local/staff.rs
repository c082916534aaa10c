//! What staff do at this box, over the same socket: what they ask, and what they are told.

use countermark_shared::id::{LaneId, Slot, SupervisorId};
use countermark_shared::journal::OverruleReason;
use countermark_shared::order_code::OrderCode;
use countermark_shared::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use super::{Agent, Answer};
use crate::announcement::{Announcement, Ruling, Sentence};
use crate::input::ScannedText;
use crate::ledger::{
    ActError, Desk, Done, Found, Ledger, NewSupervisor, Pin, Salt, StaffAct, Supervisor, TypedPin, Work,
};

/// What staff ask.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum StaffQuestion {
    /// To take an admission back.
    Undo {
        sequence: u64,
        #[serde(serialize_with = "expose_any")]
        pin: Option<SecretString>,
    },
    /// To hold a row's seat back.
    Hold {
        sequence: u64,
        #[serde(serialize_with = "expose_any")]
        pin: Option<SecretString>,
    },
    /// To hold it back no longer.
    Release {
        sequence: u64,
        #[serde(serialize_with = "expose_any")]
        pin: Option<SecretString>,
    },
    /// To note whether people passed by an admission of which that is not known.
    Confirm { sequence: u64, passed: bool },
    /// To decide about what they typed.
    Enter { lane: LaneId, text: String },
    /// To find the seats of an order, at that lane or the gate's own.
    Find { lane: Option<LaneId>, code: OrderCode },
    /// To note that whoever stands there says that one of them is theirs.
    Choose { lane: Option<LaneId>, code: OrderCode, slot: Slot },
    /// To let in whom a row refused.
    Overrule {
        sequence: u64,
        #[serde(serialize_with = "expose")]
        pin: SecretString,
        why: OverruleReason,
    },
    /// Who may overrule.
    Supervisors,
    /// To make somebody a supervisor; the salt is taken with the first.
    AddSupervisor {
        name: String,
        #[serde(serialize_with = "expose")]
        pin: SecretString,
        salt: Salt,
    },
    /// To make them one no longer.
    RemoveSupervisor { number: SupervisorId },
}

/// What they are told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StaffAnswer {
    Done(Box<Done>),
    Scanned(Box<Scanned>),
    /// Without the names.
    Found(Vec<Found>),
    Refused(Sentence),
    Supervisors(Vec<Supervisor>),
    Added(SupervisorId),
    Removed,
}

/// A verdict, as a line of `run --json` has it, without its source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scanned {
    pub(crate) sequence: Option<u64>,
    pub(crate) lane: LaneId,
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) ruling: Ruling,
}

impl Agent {
    /// Has the ledger do what staff ask.
    pub(super) async fn serve_staff(&self, question: StaffQuestion) -> Answer {
        match self.staff(question).await {
            Ok(answer) => Answer::Staff(answer),
            Err(problem) => problem,
        }
    }

    async fn by_staff(&self, act: StaffAct, sequence: u64, pin: Option<SecretString>) -> Result<StaffAnswer, Answer> {
        let pin = pin.map(typed_here);
        Ok(done(self.ask(|reply| Work::ByStaff { act, sequence, pin, reply }).await?))
    }

    async fn staff(&self, question: StaffQuestion) -> Result<StaffAnswer, Answer> {
        let problem = |error: &dyn std::error::Error| Answer::Problem(error.to_string());
        Ok(match question {
            StaffQuestion::Undo { sequence, pin } => self.by_staff(Ledger::undo, sequence, pin).await?,
            StaffQuestion::Hold { sequence, pin } => self.by_staff(Ledger::hold, sequence, pin).await?,
            StaffQuestion::Release { sequence, pin } => self.by_staff(Ledger::release, sequence, pin).await?,
            StaffQuestion::Confirm { sequence, passed } => {
                done(self.ask(|reply| Work::Confirm { sequence, passed, reply }).await?)
            }
            StaffQuestion::Enter { lane, text } => {
                let text = ScannedText::Whole(text.trim().to_owned());
                scanned(self.ask(|reply| Work::Enter { lane, text, reply }).await?)
            }
            StaffQuestion::Find { lane, code } => {
                let lane = self.lane(lane)?;
                match self.ask(|reply| Work::Find { lane, code, reply }).await? {
                    Ok(found) => StaffAnswer::Found(found),
                    Err(why) => refused(&why),
                }
            }
            StaffQuestion::Choose { lane, code, slot } => {
                let lane = self.lane(lane)?;
                match self.ask(|reply| Work::Choose { lane, code, slot, reply }).await? {
                    Ok(announcement) => scanned(announcement),
                    Err(why) => refused(&why),
                }
            }
            StaffQuestion::Overrule { sequence, pin, why } => {
                let pin = typed_here(pin);
                match self.ask(|reply| Work::Overrule { sequence, pin, why, reply }).await? {
                    Ok(announcement) => scanned(announcement),
                    Err(why) => refused(&why),
                }
            }
            StaffQuestion::Supervisors => {
                let supervisors = self.ask(|reply| Work::Supervisors { reply }).await?;
                StaffAnswer::Supervisors(supervisors.map_err(|error| problem(&error))?)
            }
            StaffQuestion::AddSupervisor { name, pin, salt } => {
                let supervisor = NewSupervisor::new(&name, salt).map_err(|error| problem(&error))?;
                let pin = Pin::choose(pin).map_err(|error| problem(&error))?;
                let added = self.ask(|reply| Work::AddSupervisor { supervisor, pin, reply }).await?;
                StaffAnswer::Added(added.map_err(|error| problem(&error))?)
            }
            StaffQuestion::RemoveSupervisor { number } => {
                let removed = self.ask(|reply| Work::RemoveSupervisor { number, reply }).await?;
                removed.map_err(|error| problem(&error))?;
                StaffAnswer::Removed
            }
        })
    }
}

fn done(outcome: Result<Done, ActError>) -> StaffAnswer {
    match outcome {
        Ok(done) => StaffAnswer::Done(Box::new(done)),
        Err(why) => refused(&why),
    }
}

fn refused(why: &ActError) -> StaffAnswer {
    StaffAnswer::Refused(why.sentence())
}

fn scanned(announcement: Announcement) -> StaffAnswer {
    let Announcement { sequence, lane, at, ruling, .. } = announcement;
    StaffAnswer::Scanned(Box::new(Scanned { sequence, lane, at, ruling }))
}

/// Whoever has a shell on the box is at the box.
pub(super) fn typed_here(pin: SecretString) -> TypedPin {
    TypedPin { pin, desk: Desk::Gate }
}

/// To the agent alone, over its socket.
#[expect(clippy::ref_option, reason = "serde hands over the field")]
pub(super) fn expose_any<S: Serializer>(pin: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    pin.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

/// The same.
fn expose<S: Serializer>(pin: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(pin.expose_secret())
}
