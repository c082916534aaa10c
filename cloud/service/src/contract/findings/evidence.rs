//! What findings rest on: rows of journals and places in them, each once and sorted, so that evidence only ever grows by comparison.

use countermark_shared::id::{GateId, Generation, LaneId, SupervisorId};
use countermark_shared::journal::{ClockState, OverruleReason};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many scans or jumps of a finding are written down, the earliest: enough to see what it is, and a bound for whoever makes
/// thousands.
pub const MOST_ITEMS: usize = 50;

/// What a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Evidence {
    /// Scans, by their instants, and what speaks against each.
    Scans {
        /// At most the first fifty.
        scans: Vec<Doubt>,
        /// How many there are.
        count: u64,
    },
    /// Numbers of rows, the first and the last.
    Rows {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Where a clock jumped, by the numbers of rows.
    Jumps {
        /// At most the first fifty.
        jumps: Vec<Jump>,
        /// How many there are.
        count: u64,
    },
    /// Rows that count for nothing.
    Doubtful {
        /// Rows that no ticket proves, or that came while the gate was suspended.
        unproved: u64,
        /// Bytes that are no row.
        unreadable: u64,
    },
    /// Nothing was heard.
    Silence {
        /// Since when.
        since: Timestamp,
        /// The last row of its journal that is here.
        last_row: Option<u64>,
    },
}

/// A scan that a gate told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    /// Where.
    pub gate: GateId,
    /// Which row of its journal.
    pub row: u64,
    /// At which lane.
    pub lane: LaneId,
    /// When, by the gate's clock.
    pub at: Timestamp,
    /// What that clock was worth.
    pub clock: ClockState,
    /// Which issue of the seat.
    pub generation: Generation,
    /// Persons let through.
    pub persons: u8,
    /// What the gate said.
    pub reason: Reason,
}

/// A scan, and what speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    /// The scan.
    pub scan: Scan,
    /// What speaks against it.
    pub objection: Objection,
}

/// What speaks against a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Objection {
    /// The seat had passed before.
    PassedBefore {
        /// The entry before.
        before: Scan,
        /// How far apart the two are, in milliseconds; 0 where the later row says that it was earlier.
        apart: u64,
        /// What a gate would have said that knew of all others.
        would_say: Reason,
    },
    /// The ticket had been revoked.
    Revoked {
        /// When validation was told.
        since: Timestamp,
    },
    /// The ticket had been replaced by a newer issue of the seat.
    Replaced {
        /// When validation was told.
        since: Timestamp,
    },
    /// Tickets never reported that it issued it.
    NotIssued,
    /// No gate saw the person come in.
    NoEntry,
    /// A supervisor decided otherwise than the gate.
    Overruled {
        /// Who.
        supervisor: SupervisorId,
        /// Why.
        why: OverruleReason,
    },
    /// Staff said that nobody had gone through.
    TakenBack {
        /// By which row of the same gate.
        row: u64,
        /// When, by the gate's clock.
        at: Timestamp,
        /// When the seat came in next, and where.
        then: Option<Scan>,
    },
    /// It is no scan: by this row staff hold the seat back.
    Held,
}

/// A clock that did not go on as clocks do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Jump {
    /// Two rows of one start of the machine, the later of which says that it was earlier.
    Back {
        /// The later row.
        row: u64,
        /// What the row before said.
        from: Timestamp,
        /// What it says.
        to: Timestamp,
    },
    /// A row of a time that had not come when the row arrived.
    Ahead {
        /// The row.
        row: u64,
        /// What it says.
        at: Timestamp,
        /// When it arrived.
        received: Timestamp,
    },
    /// A row whose gate says itself that its clock is not to be believed, where the one before did not say so.
    Disowned {
        /// The row.
        row: u64,
        /// What the gate says of its clock.
        state: ClockState,
    },
}

impl Evidence {
    /// Whether it says what `before` did not. What says less has not grown.
    pub fn has_grown_since(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Scans { scans, count }, Self::Scans { scans: known, count: counted }) => {
                count > counted || scans.iter().any(|scan| !known.contains(scan))
            }
            (Self::Jumps { jumps, count }, Self::Jumps { jumps: known, count: counted }) => {
                count > counted || jumps.iter().any(|jump| !known.contains(jump))
            }
            (Self::Rows { first, last }, Self::Rows { first: from, last: to }) => first < from || last > to,
            (Self::Doubtful { unproved, unreadable }, Self::Doubtful { unproved: before, unreadable: other }) => {
                unproved > before || unreadable > other
            }
            (Self::Silence { since, .. }, Self::Silence { since: before, .. }) => since > before,
            (
                Self::Scans { .. }
                | Self::Jumps { .. }
                | Self::Rows { .. }
                | Self::Doubtful { .. }
                | Self::Silence { .. },
                _,
            ) => true,
        }
    }
}
