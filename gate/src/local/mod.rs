//! The command line's way to the running agent: a Unix socket that only the gate's owner can open, one question and one answer a
//! connection, each a line of JSON; a set of documents follows its line as it is. Whoever can open it works at this entrance: what they type
//! is judged as a scan is, and to let in whom the gate refused takes a supervisor's PIN.

mod ask;
mod serve;
mod staff;
mod status;
mod watching;

use countermark_shared::id::{GateId, LaneId};
use countermark_shared::journal::ExportEnd;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub(crate) use ask::{AskError, ask, ask_staff, export, import, watch};
pub(crate) use serve::{Agent, bind, serve};
pub(crate) use staff::{Scanned, StaffAnswer, StaffQuestion};
pub(crate) use status::{Checked, ClockStatus, LeaseCode, LeaseStatus, LedgerStatus, Status};
pub(crate) use watching::{Glimpse, Told};

use crate::carried::Offered;
use crate::ledger::{Page, Pruned, Word};
use crate::tablet::{Invitation, Tablet};

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
    /// To be told each verdict and, once a second, how it stands, until the connection ends.
    Watch,
    /// To let a tablet in, list those that are, or let one in no more.
    Tablets(TabletWish),
    /// What the clock shows, once it was told what staff say.
    Clock { word: Option<Word> },
    /// At most so many rows of the journal after that one.
    Journal { after: Option<u64>, most: usize, tickets: bool },
    /// To let a few thousand rows go that are older than that.
    Prune { keep_seconds: u64 },
    /// What staff do.
    Staff(StaffQuestion),
}

/// Rows of the journal, and the gate's word that it goes so far: the agent may be the only one that has the key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignedPage {
    pub(crate) page: Page,
    pub(crate) key: VerifyingKey,
    pub(crate) end: ExportEnd,
}

impl SignedPage {
    pub(crate) fn new(page: Page, gate: GateId, key: &SigningKey) -> Self {
        let (sequence, hash) = page.rows.last().map_or((page.after, page.hash), |last| (last.sequence, last.hash));
        Self { end: ExportEnd::sign(gate, sequence, hash, key), key: key.verifying_key(), page }
    }
}

/// What is asked about tablets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TabletWish {
    /// A code for one more; where there are supervisors, by one of them.
    Invite {
        #[serde(serialize_with = "staff::expose_any")]
        pin: Option<SecretString>,
    },
    /// Which there are.
    List,
    /// One less.
    Revoke { number: u32 },
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
    Invitation(Box<Invitation>),
    Tablets(Vec<Tablet>),
    Journal(Box<SignedPage>),
    Pruned(Pruned),
    Staff(StaffAnswer),
    /// The question could not be answered.
    Problem(String),
}
