//! What settling found: each finding with what it rests on, and what people decided about it. Owns the words that validation writes
//! and admin shows; refuses to know how anything is found.

mod en;
mod evidence;
mod fr;
mod rule;

use countermark_shared::id::{AccountId, EventId, GateId, Slot};
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use self::evidence::{Doubt, Evidence, Jump, MOST_ITEMS, Objection, Scan};
pub use self::rule::{Explanation, Rule, Weight, explanations};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum About {
    /// A seat.
    Seat {
        /// Which.
        slot: Slot,
    },
    /// A gate, or one place of its journal.
    Gate {
        /// Which.
        gate: GateId,
        /// The number of the row that marks the place: the first that was told twice, or the one after the gap. Nothing where it is
        /// the gate as a whole.
        row: Option<u64>,
    },
}

/// How far people are with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// Nobody has looked at it, or it has grown since it was resolved.
    Open,
    /// Somebody looks after it.
    Acknowledged,
    /// It is explained, by a person or by what was uploaded since.
    Resolved,
}

impl FindingState {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Open, Self::Acknowledged, Self::Resolved];

    /// As the database and addresses spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

/// One finding: there is one for each seat and rule, and for each gate, rule and place. What is learned later makes it grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its number.
    pub finding: i64,
    /// The event.
    pub event: EventId,
    /// What it is about.
    pub about: About,
    /// What was found.
    pub rule: Rule,
    /// Whether people have dealt with it.
    pub state: FindingState,
    /// Raised whenever it grows: a decision names the one that it was made about.
    pub revision: u32,
    /// When it was first found.
    pub found: Timestamp,
    /// When it last grew.
    pub grown: Timestamp,
    /// What it rests on.
    pub evidence: Evidence,
    /// What somebody last decided about it, whatever was found since; nothing while nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

/// What somebody decided about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// What.
    pub decision: FindingDecision,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub account: AccountId,
    /// Why, in their words.
    pub why: String,
}

/// A gate that findings name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedGate {
    /// The gate.
    pub gate: GateId,
    /// The entrance's name.
    pub name: String,
}

/// Some of an event's findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingPage {
    /// The newest first.
    pub findings: Vec<Finding>,
    /// The event's gates, by number.
    pub gates: Vec<NamedGate>,
    /// Ask for the findings before this one; nothing when there are no more.
    pub next: Option<i64>,
}

/// Which findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindingQuery {
    /// In this state alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<FindingState>,
    /// By this rule alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Those before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// How many at most, 1 to 200; 50 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
}

/// One finding, and how it came to its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingHistory {
    /// The finding.
    pub finding: Finding,
    /// The event's gates, by number.
    pub gates: Vec<NamedGate>,
    /// Each step, the oldest first; none is ever changed or removed.
    pub steps: Vec<FindingStep>,
}

/// A state that a finding came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingStep {
    /// The state.
    pub state: FindingState,
    /// When.
    pub at: Timestamp,
    /// By whom; nothing where settling itself opened or resolved it.
    pub account: Option<AccountId>,
    /// Why, in their words or in settling's.
    pub why: String,
}

/// Somebody looks after a finding, or explains it. The same again is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideFinding {
    /// Which.
    pub finding: i64,
    /// What they saw: a finding that has grown since is not theirs to decide unseen.
    pub revision: u32,
    /// What they decided.
    pub decision: FindingDecision,
    /// Who.
    pub account: AccountId,
    /// Why, 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub why: String,
}

/// What people decide about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingDecision {
    /// They look after it.
    Acknowledge,
    /// It is explained.
    Resolve,
}

impl FindingDecision {
    /// As files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }

    /// The decision that leads to a state; none leads back to an open one.
    pub const fn to(state: FindingState) -> Option<Self> {
        match state {
            FindingState::Open => None,
            FindingState::Acknowledged => Some(Self::Acknowledge),
            FindingState::Resolved => Some(Self::Resolve),
        }
    }

    /// What the finding is afterwards.
    pub const fn state(self) -> FindingState {
        match self {
            Self::Acknowledge => FindingState::Acknowledged,
            Self::Resolve => FindingState::Resolved,
        }
    }
}
