//! What a file of vectors holds. Bytes are lower-case hexadecimal, instants milliseconds since 1970.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A file of one kind of cases.
pub(crate) type File = crate::vectors::File<Content>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Content {
    /// What a reader of this gate and event holds, that pinned these roots, after each of a case's documents.
    Documents { pinned: String, gate: u32, event: u32, cases: Vec<Case> },
    /// Sets of documents.
    Sets { cases: Vec<SetCase> },
    /// Gates' clocks.
    Clocks { gate: u32, list_keys: Vec<String>, cases: Vec<ClockCase> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) steps: Vec<Step>,
}

/// A document is offered.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) offer: String,
    pub(crate) now: i64,
    pub(crate) bytes: String,
    /// `taken`, or the refusal's code; then everything stands as before.
    pub(crate) outcome: String,
    /// What stands for this kind of document once it is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stands: Option<Stands>,
    #[serde(default, skip_serializing_if = "After::is_empty")]
    pub(crate) after: After,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stands {
    pub(crate) epoch: u32,
    pub(crate) sequence: u64,
    pub(crate) hash: String,
}

/// What then holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct After {
    /// Slots, each with state, least generation and reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) slots: Vec<(u32, [u8; 3])>,
    /// When the slot list was last said to be the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) passages: Vec<PassagesOf>,
    /// What follows from a head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) needs: Option<NeedsOf>,
    /// What a bundle's end means at instants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) expiry: Vec<(i64, String)>,
    /// What the lease permits at instants.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lease: Vec<(i64, String)>,
}

impl After {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassagesOf {
    pub(crate) slot: u32,
    /// The gate that asks.
    pub(crate) except: Option<u32>,
    /// The last nightly reset.
    pub(crate) reset: Option<i64>,
    pub(crate) admitted: u32,
    pub(crate) since_reset: u32,
    pub(crate) left: u32,
    pub(crate) inside: u32,
    /// Instant and gate.
    pub(crate) last_entry: Option<(i64, u32)>,
    pub(crate) last_exit: Option<i64>,
    pub(crate) contested: bool,
}

/// Each fetch is what, and what names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NeedsOf {
    pub(crate) fetch: Vec<Vec<Value>>,
    pub(crate) conflicts: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) bytes: String,
    pub(crate) outcome: String,
    /// Kind and envelope of each document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) documents: Option<Vec<(String, String)>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) floor: i64,
    /// Milliseconds since boot, as all that follow.
    pub(crate) started: u64,
    pub(crate) steps: Vec<ClockStep>,
}

/// Something happens to a clock, or it is read.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ClockStep {
    /// An answer comes: `taken`, `not-signed`, `too-slow` or `ahead`.
    Answer {
        nonce: String,
        at: i64,
        signature: String,
        asked: u64,
        answered: u64,
        battery: Option<i64>,
        outcome: String,
    },
    /// A list key's document was taken.
    Raise { issued: i64, since_boot: u64 },
    /// A document was refused as from the future.
    HeldBack { issued: i64 },
    /// Staff confirm what waits.
    Confirm,
    /// Staff dismiss it.
    Dismiss,
    /// The clock is read.
    Read { since_boot: u64, battery: Option<i64>, state: String, now: i64, waiting: Option<i64>, floor: i64 },
}
