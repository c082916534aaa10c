//! The last scans, and what staff may do about each: for the screen and for `status`. Texts and names are not among it.

use countermark_shared::id::{GateId, LaneId, Slot};
use countermark_shared::journal::Subject;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Admission, Reason, Severity};
use serde::{Deserialize, Serialize};

use super::Deed;
use super::case::Case;
use crate::announcement::Sentence;

/// How many `status` shows.
pub(crate) const RECENT: usize = 10;

/// A scan that was decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recent {
    /// Its journal row.
    pub(crate) sequence: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// Where.
    pub(crate) lane: LaneId,
    /// The verdict.
    pub(crate) reason: Reason,
    /// How grave it is.
    pub(crate) severity: Severity,
    /// What a person was told.
    pub(crate) sentence: Sentence,
    /// How many passed by it; 0 where it was taken back.
    pub(crate) persons: u8,
    /// The seat, of a verified ticket.
    pub(crate) slot: Option<Slot>,
    /// Where nobody passed by it: when the seat was last admitted, as far as that is known now.
    pub(crate) earlier: Option<Timestamp>,
    /// By which gate.
    pub(crate) earlier_gate: Option<GateId>,
    /// What may be done about it now, in the order of [`Deed`]. Whether a PIN is right, or the lists say otherwise by then, is seen when it
    /// is done.
    pub(crate) may: Vec<Deed>,
    /// What of it takes a supervisor's PIN.
    pub(crate) by_pin: Vec<Deed>,
}

impl Recent {
    pub(super) fn new(case: &Case<'_>, earlier: Option<Admission>) -> Self {
        let row = case.row;
        let may = case.may();
        Self {
            sequence: row.sequence,
            at: row.at,
            lane: row.lane,
            reason: row.reason,
            severity: row.reason.severity(),
            sentence: Sentence::of_reason(row.reason),
            persons: if case.history.is_undone(row.sequence) { 0 } else { row.persons },
            slot: match row.subject {
                Subject::Ticket { event: _, slot, generation: _ } => Some(slot),
                Subject::Payload { hash: _ } => None,
            },
            earlier: earlier.map(|earlier| earlier.at),
            earlier_gate: earlier.and_then(|earlier| earlier.gate),
            may: may.iter().map(|(deed, _)| *deed).collect(),
            by_pin: may.iter().filter(|(_, pin)| *pin).map(|(deed, _)| *deed).collect(),
        }
    }
}
