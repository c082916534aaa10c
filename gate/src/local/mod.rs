//! The command line's way to the running agent: a Unix socket that only the gate's owner can open, one question and one answer a
//! connection, each a line of JSON. It cannot admit anybody.

mod ask;
mod serve;

use std::collections::BTreeMap;

use countermark_shared::id::{EventId, GateId, LaneId};
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use ask::{AskError, ask};
pub(crate) use serve::{Agent, bind, serve};

use crate::announcement::{Ruling, Sentence};
use crate::documents::DocumentKind;
use crate::input::Silent;
use crate::ledger::Report;
use crate::sync::Contact;

/// A longer line is refused.
const MAX_LINE: u64 = 64 * 1024;

/// What can be asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Question {
    /// How it stands.
    Status,
    /// What the gate would say of a text; at its own lane, if none is named.
    Check { lane: Option<LaneId>, text: String },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    Status(Box<Status>),
    Check(Ruling),
    /// The question could not be answered.
    Problem(String),
}

/// How it stands with a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Whether the agent runs; else this is what the disk says.
    pub(crate) running: bool,
    /// The gate's number.
    pub(crate) gate: GateId,
    /// The entrance's name.
    pub(crate) name: String,
    /// What the ledger holds.
    #[serde(flatten)]
    pub(crate) ledger: LedgerStatus,
    /// How it stands with the cloud, as far as an agent knows.
    pub(crate) contact: Contact,
    /// Inputs that nothing comes from any more.
    pub(crate) silent: Silent,
}

/// The ledger's part, with ages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerStatus {
    /// The event served.
    pub(crate) event: Option<EventId>,
    /// The documents in force.
    pub(crate) documents: BTreeMap<DocumentKind, DocumentStatus>,
    /// Rows written.
    pub(crate) rows: u64,
    /// Rows not yet uploaded.
    pub(crate) unsettled: u64,
    /// What people must be told about the trust bundle.
    pub(crate) trust_warning: Option<Sentence>,
    /// Rows that validation put aside.
    pub(crate) contested: u64,
}

/// A document in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentStatus {
    pub(crate) revision: String,
    pub(crate) issued: Timestamp,
    pub(crate) age_seconds: u64,
}

impl LedgerStatus {
    /// A report, with ages as of now.
    pub(crate) fn new(report: &Report, now: Timestamp) -> Self {
        let documents = report.documents.iter().map(|(kind, standing)| {
            let status = DocumentStatus {
                revision: standing.revision.to_string(),
                issued: standing.issued,
                age_seconds: now.since(standing.issued).as_secs(),
            };
            (*kind, status)
        });
        Self {
            event: report.event,
            documents: documents.collect(),
            rows: report.rows,
            unsettled: report.unsettled,
            trust_warning: report.trust_warning(now),
            contested: report.contested,
        }
    }
}
