//! What other gates' word makes of one seat.

use crate::id::GateId;
use crate::time::Timestamp;

/// The passages of one seat through other gates, over all its generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedPassages {
    /// Persons let in, in all.
    pub admitted: u32,
    /// Persons let in since the last nightly reset.
    pub admitted_since_reset: u32,
    /// Persons who left, in all. More than came in may have left here: they entered elsewhere.
    pub left: u32,
    /// The last admission.
    pub last_entry: Option<LastEntry>,
    /// The last time somebody left.
    pub last_exit: Option<Timestamp>,
    /// Whether a gate that is contested had part in it.
    pub contested: bool,
}

/// The last admission, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LastEntry {
    /// When, by that gate's clock.
    pub at: Timestamp,
    /// Which gate.
    pub gate: GateId,
}

impl FeedPassages {
    /// Persons inside, as far as these gates tell. Who adds gates up adds [`admitted`](Self::admitted) and [`left`](Self::left).
    pub fn inside(&self) -> u32 {
        self.admitted.saturating_sub(self.left)
    }

    pub(super) fn enter(&mut self, persons: u32, at: Timestamp, gate: GateId) {
        self.admitted = self.admitted.saturating_add(persons);
        self.last_entry = self.last_entry.max(Some(LastEntry { at, gate }));
    }

    pub(super) fn leave(&mut self, persons: u32, at: Timestamp) {
        self.left = self.left.saturating_add(persons);
        self.last_exit = self.last_exit.max(Some(at));
    }
}
