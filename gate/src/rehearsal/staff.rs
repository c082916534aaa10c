//! What staff and outputs of a rehearsed gate do about its rows. Which of it may be done is the ledger's to say.

use std::collections::BTreeSet;

use countermark_shared::decision::Passages;
use countermark_shared::documents::FeedPassages;
use countermark_shared::id::{EventId, LaneId, Slot, SupervisorId};
use countermark_shared::journal::{Actor, Actuation, OverruleReason};

use super::{Failed, Gate, Ruled};
use crate::clock::Moment;

impl Gate {
    /// From now on outputs at these lanes tell how admissions end; without any, people pass when they are told that they may.
    pub fn has_outputs_at(&mut self, lanes: BTreeSet<LaneId>) {
        self.ledger.is_told_at(lanes);
    }

    /// An output tells how an admission ended.
    pub fn tell(&mut self, sequence: u64, actuation: Actuation) {
        self.ledger.tell(sequence, actuation);
    }

    /// Staff take an admission back; the answer is the row that says so.
    pub fn undo(&mut self, sequence: u64, now: Moment) -> Result<u64, Failed> {
        self.ledger.undo(sequence, Actor::Operator, now).map(|done| done.sequence).map_err(Failed::from)
    }

    /// Staff say whether anybody went through by an admission that was cut off; the answer is the row that says so.
    pub fn confirm(&mut self, sequence: u64, passed: bool, now: Moment) -> Result<u64, Failed> {
        self.ledger.confirm(sequence, passed, now).map(|done| done.sequence).map_err(Failed::from)
    }

    /// A supervisor whose PIN was right lets in whom a row refused.
    pub fn overrule(&mut self, sequence: u64, supervisor: SupervisorId, now: Moment) -> Result<Ruled, Failed> {
        let overruled = self.ledger.overrule(sequence, supervisor, OverruleReason::Identified, now);
        overruled.map(Ruled::of).map_err(Failed::from)
    }

    /// What passed with a seat: here, and at the other gates by the feed.
    pub fn passed(&self, event: EventId, slot: Slot) -> Result<(Passages, FeedPassages), Failed> {
        self.ledger.passed(event, slot).map_err(Failed::from)
    }
}
