//! How admissions ended, as far as it was told and is not written yet. Nobody waits for it: it goes with the next transaction.
//!
//! Where nothing opens, people pass when they are told that they may; where an output opens, it tells. An admission of which neither was
//! written when the agent ended is one that was cut off.

use std::collections::BTreeSet;

use countermark_shared::id::LaneId;
use countermark_shared::journal::{Act, Actor, Actuation};

use super::recorder::Recorder;
use super::{LedgerError, store};
use crate::announcement::Announcement;

/// What is to be written.
#[derive(Default)]
pub(super) struct Outcomes {
    /// The lanes at which an output tells.
    openers: BTreeSet<LaneId>,
    /// Admissions that were announced where none does.
    announced: Vec<u64>,
    /// What outputs told of others.
    told: Vec<(u64, Actuation)>,
}

impl Outcomes {
    /// At a gate that has outputs at these lanes.
    pub(super) fn at(openers: BTreeSet<LaneId>) -> Self {
        Self { openers, ..Self::default() }
    }

    /// Whether an output of the lane tells how admissions end.
    pub(super) fn are_told_at(&self, lane: LaneId) -> bool {
        self.openers.contains(&lane)
    }

    /// People are told before anything else is asked of the ledger.
    pub(super) fn announced(&mut self, announcements: &[Announcement]) {
        let passing = announcements.iter().filter(|said| said.ruling.opens && !self.openers.contains(&said.lane));
        self.announced.extend(passing.filter_map(|said| said.sequence));
    }

    /// An output told.
    pub(super) fn told(&mut self, sequence: u64, actuation: Actuation) {
        self.told.push((sequence, actuation));
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.announced.is_empty() && self.told.is_empty()
    }

    /// Whether an output told what is not written yet.
    pub(super) fn has_told(&self) -> bool {
        !self.told.is_empty()
    }

    /// Writes it all, within a transaction.
    pub(super) fn write(&self, recorder: Recorder<'_>) -> Result<(), LedgerError> {
        let connection = recorder.grounds.connection;
        for sequence in &self.announced {
            store::finish(connection, *sequence)?;
        }
        for &(of, actuation) in &self.told {
            if let Some(row) = store::row(connection, of)?.filter(|row| row.persons > 0) {
                recorder.act(&row, Actor::Gate, Act::Actuated { of, actuation })?;
                store::finish(connection, of)?;
            }
        }
        Ok(())
    }

    /// The transaction is durable.
    pub(super) fn written(&mut self) {
        self.announced.clear();
        self.told.clear();
    }
}
