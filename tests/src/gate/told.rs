//! What a gate tells, in the JSON of its commands and of its agent, as far as anybody here asks. Knows nothing of how it is asked.

use std::collections::BTreeMap;

use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Severity};
use serde::Deserialize;

/// What a gate says of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The journal row; none when the ledger failed.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// What was read: `lines`, or `pictures/` and a file's name. Empty in the answer to a check.
    #[serde(default)]
    pub source: String,
    /// Why.
    pub verdict: Reason,
    /// How grave.
    pub severity: Severity,
    /// Whether people may pass.
    pub opens: bool,
    /// How many.
    pub persons: u8,
    /// When the seat was used before.
    pub earlier: Option<Timestamp>,
    /// By which gate.
    pub earlier_gate: Option<u32>,
    /// The seat, of a verified ticket.
    pub slot: Option<u32>,
    /// What people read.
    pub sentence: Sentence,
}

/// How it went with somebody whom an output should have let through.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Passage {
    /// The journal row of the admission.
    pub sequence: Option<u64>,
    /// Which output, by its name in `gate.toml`.
    pub output: String,
    /// `opened`, `turned`, `not-turned`, `not-opened`.
    pub passage: String,
}

/// The same words in English and French.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sentence {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

/// How it stands with a gate, as far as anybody here asks.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    /// Rows written.
    pub rows: u64,
    /// Rows not yet uploaded.
    pub unsettled: u64,
    /// Rows that validation put aside.
    pub contested: u64,
    /// What is wrong with its disk or the journal on it.
    pub ledger_warnings: Vec<Sentence>,
    /// What it scans with.
    pub devices: Vec<Device>,
    /// The documents in force, by kind: `slot-list` and so on.
    pub documents: BTreeMap<String, Held>,
}

/// A document that a gate holds.
#[derive(Clone, Debug, Deserialize)]
pub struct Held {
    /// Its number; of what has epochs, `epoch.sequence` from the first restored backup on.
    pub revision: String,
}

/// How it stands with a device of a gate.
#[derive(Clone, Debug, Deserialize)]
pub struct Device {
    /// Kind and name.
    pub device: String,
    /// What is wrong, if anything is.
    pub trouble: Option<Trouble>,
}

/// What is wrong with a device.
#[derive(Clone, Debug, Deserialize)]
pub struct Trouble {
    /// In one word.
    pub cause: String,
    /// With what to do.
    pub detail: String,
}

/// What the doctor found.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The exit code: 0, or 3 where anything is wrong.
    pub code: Option<i32>,
    /// Part by part.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// What is said of a part.
    pub fn of(&self, part: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.part == part)
    }
}

/// What the doctor says of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// Which.
    pub part: String,
    /// `good`, `warning` or `wrong`.
    pub standing: String,
    /// Why.
    pub says: String,
}

/// What an auditor found.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Audited {
    /// It holds.
    Sound {
        /// The number of its last row.
        last: u64,
    },
    /// It does not.
    Wrong {
        /// The first line that does not.
        line: u64,
        /// What does not.
        why: String,
    },
}

/// What became of a document that was offered from a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Imported {
    /// Which kind: `slot-list` and so on.
    pub kind: String,
    /// `taken`, `held`, or why not.
    pub outcome: String,
}
