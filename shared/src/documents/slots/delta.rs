//! The slot delta: the step from one slot list to the next. Signed by validation's list key.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::MAX_SLOTS;
use super::entry::{SlotEntry, SlotState};
use super::sparse::Sparse;
use super::table::SlotTable;
use crate::documents::envelope::Document;
use crate::documents::hash::ContentHash;
use crate::documents::refusal::Refusal;
use crate::documents::revision::Revision;
use crate::id::{EventId, Slot};
use crate::label::Label;
use crate::time::Timestamp;

/// A delta of more changes is refused. A change takes up to ten bytes: as many are a fifth of the snapshot of ten million seats, and
/// touch nearly all of its blocks, so that a longer step costs as much as the snapshot it avoids.
pub const MAX_CHANGES: usize = 50_000;

/// The changes that lead from one revision of a slot list to the one after it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SlotDelta {
    #[n(0)]
    pub(super) event: EventId,
    #[n(1)]
    pub(super) epoch: u32,
    #[n(2)]
    pub(super) sequence: u64,
    #[n(3)]
    pub(super) issued: Timestamp,
    #[n(4)]
    pub(super) before: ContentHash,
    #[n(5)]
    pub(super) after: ContentHash,
    #[n(6)]
    pub(super) changes: Sparse<SlotEntry>,
}

/// More changes than a delta holds: a snapshot is shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slot delta holds at most 50,000 changes, and there are {changes}")]
pub struct TooManyChanges {
    /// How many there are.
    pub changes: usize,
}

impl SlotDelta {
    /// The step from one table to another, numbered `revision`; none where the two say the same. Whether the step is a permitted one
    /// is for its readers to judge: a publisher applies it before it publishes.
    pub fn between(
        before: &SlotTable,
        after: &SlotTable,
        revision: Revision,
        issued: Timestamp,
    ) -> Result<Option<Self>, TooManyChanges> {
        let changes = before.differences(after);
        if changes.len() > MAX_CHANGES {
            return Err(TooManyChanges { changes: changes.len() });
        }
        Ok((!changes.is_empty()).then(|| Self {
            event: after.event(),
            epoch: revision.epoch,
            sequence: revision.sequence,
            issued,
            before: before.content(),
            after: after.content(),
            changes: Sparse::ascending(changes),
        }))
    }

    /// The step that `news` about some seats makes from a table, numbered `revision`; none where the table says as much already. It costs
    /// what the news touches, however many seats there are. Refuses what may not follow within an epoch, and more than 50,000 changes.
    pub fn following(
        before: &SlotTable,
        news: &BTreeMap<Slot, SlotEntry>,
        revision: Revision,
        issued: Timestamp,
    ) -> Result<Option<Self>, Refusal> {
        let changes: Vec<_> = news
            .iter()
            .map(|(slot, entry)| (*slot, *entry))
            .filter(|(slot, entry)| before.entry(*slot) != *entry)
            .collect();
        if changes.is_empty() {
            return Ok(None);
        }
        let mut delta = Self {
            event: before.event(),
            epoch: revision.epoch,
            sequence: revision.sequence,
            issued,
            before: before.content(),
            after: before.content(),
            changes: Sparse::ascending(changes),
        };
        // Before the table is made: it holds no slot beyond the limit.
        delta.check().map_err(|why| Refusal::Malformed { document: Self::NAME, why: why.to_owned() })?;
        delta.after = before.changed(delta.changes(), Self::NAME)?.content();
        Ok(Some(delta))
    }

    /// What changes, by slot.
    pub fn changes(&self) -> &[(Slot, SlotEntry)] {
        self.changes.pairs()
    }
}

impl Document for SlotDelta {
    const LABEL: Label = Label::SlotDelta;
    const NAME: &'static str = "slot delta";
    const MAX_PAYLOAD: usize = 512 * 1024;

    fn revision(&self) -> Revision {
        Revision { epoch: self.epoch, sequence: self.sequence }
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        let changes = self.changes.pairs();
        if changes.is_empty() || changes.len() > MAX_CHANGES {
            return Err("it has one to 50,000 changes");
        }
        if !self.changes.is_ascending() || changes.last().is_some_and(|(slot, _)| slot.0 >= MAX_SLOTS) {
            return Err("its changes are not sorted, or about slots that no list holds");
        }
        if changes.iter().any(|(_, entry)| entry.state == SlotState::NotIssued || !entry.is_coherent()) {
            return Err("a change says not issued, or gives a reason for nothing");
        }
        Ok(())
    }
}
