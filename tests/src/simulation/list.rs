//! The slot list as validation publishes it: steps by their numbers, snapshots after so many, and what each revision said of a seat.

use std::collections::BTreeMap;

use countermark_shared::documents::{
    ContentHash, MAX_STEPS, Revision, Signed, SlotDelta, SlotEntry, SlotList, SlotReason, SlotState, Slots, Standing,
};
use countermark_shared::id::{Generation, Slot};
use countermark_shared::time::Timestamp;

use super::cloud::Seat;
use super::venue::{EVENT, Venue};

/// What was published of one epoch.
pub(super) struct List {
    slots: Slots,
    steps: BTreeMap<Revision, Vec<u8>>,
    snapshots: BTreeMap<Revision, Vec<u8>>,
    /// What each revision said of a seat, from it on.
    said: BTreeMap<Slot, BTreeMap<Revision, SlotEntry>>,
}

impl List {
    /// The first of an epoch: all that is known.
    pub(super) fn begin(
        venue: &Venue,
        epoch: u32,
        seats: &BTreeMap<Slot, Seat>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let first = Revision { epoch, sequence: 1 };
        let known = seats.iter().map(|(slot, seat)| (*slot, seat.listed()));
        let list = Signed::seal(&SlotList::snapshot(EVENT, first, now, known.clone())?, &[&venue.list_key])?;
        let slots = Slots::accept(&list, venue.bundle.document(), EVENT, None, now)?;
        let said = known.map(|(slot, entry)| (slot, BTreeMap::from([(first, entry)]))).collect();
        Ok(Self { slots, steps: BTreeMap::new(), snapshots: BTreeMap::from([(first, list)]), said })
    }

    /// The first of another epoch; what the one before said is still known.
    pub(super) fn begin_again(
        &mut self,
        venue: &Venue,
        epoch: u32,
        seats: &BTreeMap<Slot, Seat>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let before = std::mem::replace(self, Self::begin(venue, epoch, seats, now)?);
        for (slot, said) in before.said {
            self.said.entry(slot).or_default().extend(said);
        }
        Ok(())
    }

    /// Publishes what became of these seats as the next step, where it is news, and after so many a snapshot besides.
    pub(super) fn publish(
        &mut self,
        venue: &Venue,
        news: impl Iterator<Item = (Slot, Seat)>,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let news: BTreeMap<_, _> = news.map(|(slot, seat)| (slot, seat.listed())).collect();
        let last = self.slots.revision();
        let next = Revision { sequence: last.sequence + 1, ..last };
        let Some(delta) = SlotDelta::following(self.slots.table(), &news, next, now)? else { return Ok(()) };
        let (bytes, bundle) = (Signed::seal(&delta, &[&venue.list_key])?, venue.bundle.document());
        self.slots = Slots::step(&bytes, bundle, EVENT, Some(&self.slots), now)?;
        for (slot, entry) in delta.changes() {
            self.said.entry(*slot).or_default().insert(next, *entry);
        }
        self.steps.insert(next, bytes);
        if next.sequence.is_multiple_of(MAX_STEPS) {
            let snapshot = self.slots.table().snapshot(next, now);
            self.snapshots.insert(next, Signed::seal(&snapshot, &[&venue.list_key])?);
        }
        Ok(())
    }

    /// The step of that number.
    pub(super) fn step(&self, number: Revision) -> Option<&[u8]> {
        self.steps.get(&number).map(Vec::as_slice)
    }

    /// The last snapshot up to a step.
    pub(super) fn snapshot(&self, up_to: Revision) -> Option<&[u8]> {
        let first = Revision { sequence: 0, ..up_to };
        self.snapshots.range(first..=up_to).next_back().map(|(_, bytes)| bytes.as_slice())
    }

    /// The newest.
    pub(super) fn standing(&self) -> Standing<ContentHash> {
        self.slots.standing()
    }

    /// What the list of that number said of a seat.
    pub(super) fn said(&self, slot: Slot, number: Revision) -> SlotEntry {
        let first = Revision { sequence: 0, ..number };
        let said = self.said.get(&slot).and_then(|said| said.range(first..=number).next_back());
        said.map_or(SlotEntry::NOT_ISSUED, |(_, entry)| *entry)
    }
}

impl Seat {
    /// What a list says of it, as validation's publisher has it.
    fn listed(self) -> SlotEntry {
        let state = match (self.revoked.is_some(), self.blocked) {
            (true, _) => SlotState::Revoked,
            (false, true) => SlotState::Blocked,
            (false, false) => SlotState::Good,
        };
        let least_generation = if self.generation > Generation(1) { self.generation } else { Generation(0) };
        SlotEntry { state, least_generation, reason: SlotReason::Unspecified }
    }
}
