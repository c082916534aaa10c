//! The command line's way to the running agent: a Unix socket that only the gate's owner can open, one question and one answer a
//! connection, each a line of JSON; a set of documents follows its line as it is. It cannot admit anybody.

mod ask;
mod serve;
mod status;

use countermark_shared::id::LaneId;
use serde::{Deserialize, Serialize};

pub(crate) use ask::{AskError, ask, export, import};
pub(crate) use serve::{Agent, bind, serve};
pub(crate) use status::{Checked, ClockStatus, LeaseCode, LeaseStatus, LedgerStatus, Status};

use crate::carried::Offered;
use crate::ledger::{Page, Pruned, Word};

/// A longer question is refused.
const MAX_QUESTION: u64 = 64 * 1024;
/// A word on each of the 4,096 documents that a set has at most.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Question {
    /// How it stands.
    Status,
    /// What the gate would say of a text; at its own lane, if none is named.
    Check { lane: Option<LaneId>, text: String },
    /// To take the documents of a set of so many bytes, which follow.
    Import { length: u64 },
    /// To give what is held as a set.
    Export,
    /// What the clock shows, once it was told what staff say.
    Clock { word: Option<Word> },
    /// At most so many rows of the journal after that one.
    Journal { after: Option<u64>, most: usize, tickets: bool },
    /// To let a few thousand rows go that are older than that.
    Prune { keep_seconds: u64 },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Status(Box<Status>),
    Check(Box<Checked>),
    Import(Vec<Offered>),
    /// A set of so many bytes follows.
    Export {
        length: u64,
    },
    Clock(Box<ClockStatus>),
    Journal(Box<Page>),
    Pruned(Pruned),
    /// The question could not be answered.
    Problem(String),
}
