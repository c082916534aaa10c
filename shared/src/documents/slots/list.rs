//! The slot list: a snapshot of every seat of an event, two bits each. Signed by validation's list key.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::MAX_SLOTS;
use super::entry::{SlotEntry, SlotReason, SlotState};
use super::sparse::Sparse;
use crate::documents::bundle::TrustBundle;
use crate::documents::envelope::{Authentic, Document, Signed, not_from_the_future};
use crate::documents::refusal::Refusal;
use crate::documents::revision::Revision;
use crate::id::{EventId, Generation, Slot};
use crate::label::Label;
use crate::time::Timestamp;

pub(super) const SLOTS_PER_BYTE: u32 = 4;
/// A quarter of a million re-issued seats, and as many reasons: with 16 million slots they still fit the document.
pub(super) const MAX_SPARSE: usize = 250_000;

/// A snapshot of every seat of an event: 15 kB for 60,000.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SlotList {
    #[n(0)]
    pub(super) event: EventId,
    #[n(1)]
    pub(super) epoch: u32,
    #[n(2)]
    pub(super) sequence: u64,
    #[n(3)]
    pub(super) issued: Timestamp,
    #[n(4)]
    pub(super) slots: u32,
    /// Four slots a byte, the lowest in the lowest bits; unused bits are 0.
    #[n(5)]
    pub(super) states: ByteVec,
    #[n(6)]
    pub(super) least_generations: Sparse<Generation>,
    #[n(7)]
    pub(super) reasons: Sparse<SlotReason>,
}

/// Slots that no list can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slot list holds at most 16 million slots, and {slot} is beyond")]
pub struct InvalidSlots {
    /// The slot that does not fit.
    pub slot: Slot,
}

impl SlotList {
    /// A snapshot from what is known of each slot; slots not named are not issued, the last word about a slot counts.
    /// A publisher has left out what finds no room: see [`SlotTable::within_bounds`](super::SlotTable::within_bounds).
    pub fn snapshot(
        event: EventId,
        revision: Revision,
        issued: Timestamp,
        known: impl IntoIterator<Item = (Slot, SlotEntry)>,
    ) -> Result<Self, InvalidSlots> {
        let mut states: Vec<u8> = Vec::new();
        let (mut generations, mut reasons) = (BTreeMap::new(), BTreeMap::new());
        for (slot, entry) in known {
            if slot.0 >= MAX_SLOTS {
                return Err(InvalidSlots { slot });
            }
            states.resize(states.len().max(byte_length(slot.0 + 1)), 0);
            put(&mut states, slot.0, entry.state);
            let issued = entry.state != SlotState::NotIssued;
            say(&mut generations, slot, entry.least_generation, issued && entry.least_generation > Generation(0));
            say(&mut reasons, slot, entry.reason, entry.state.has_reason() && entry.reason != SlotReason::Unspecified);
        }
        let slots = used(&states);
        states.truncate(byte_length(slots));
        Ok(Self {
            event,
            epoch: revision.epoch,
            sequence: revision.sequence,
            issued,
            slots,
            states: states.into(),
            least_generations: Sparse::ascending(generations.into_iter().collect()),
            reasons: Sparse::ascending(reasons.into_iter().collect()),
        })
    }

    /// Which event's.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// Believes a snapshot of this event if a list key signed it. Whether it may replace what is in force is for
    /// [`Slots::accept`](super::Slots::accept) to say.
    pub fn open(
        bytes: &[u8],
        bundle: &TrustBundle,
        event: EventId,
        now: Timestamp,
    ) -> Result<Authentic<Self>, Refusal> {
        let offered = Signed::<Self>::decode(bytes)?.open(&bundle.list_keys(), 1)?;
        if offered.document().event != event {
            return Err(Refusal::OtherSubject { document: Self::NAME });
        }
        not_from_the_future(offered.document(), now)?;
        Ok(offered)
    }
}

impl Document for SlotList {
    const LABEL: Label = Label::SlotList;
    const NAME: &'static str = "slot list";
    const MAX_PAYLOAD: usize = 8 * 1024 * 1024;

    fn revision(&self) -> Revision {
        Revision { epoch: self.epoch, sequence: self.sequence }
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.slots > MAX_SLOTS || self.states.len() != byte_length(self.slots) {
            return Err("its states do not match its number of slots");
        }
        if used(&self.states) != self.slots {
            return Err("its last slot is not issued, or bits beyond it are set");
        }
        let (generations, reasons) = (self.least_generations.pairs(), self.reasons.pairs());
        if generations.len() > MAX_SPARSE || reasons.len() > MAX_SPARSE {
            return Err("it has more than 250,000 least generations or reasons");
        }
        if !self.least_generations.is_ascending() || !self.reasons.is_ascending() {
            return Err("its least generations or reasons are not sorted");
        }
        let idle = |(slot, least): &(Slot, Generation)| {
            *least == Generation(0) || state(&self.states, slot.0) == SlotState::NotIssued
        };
        if generations.iter().any(idle) {
            return Err("a least generation is about no issued slot, or says nothing");
        }
        let unfounded = |(slot, reason): &(Slot, SlotReason)| {
            *reason == SlotReason::Unspecified || !state(&self.states, slot.0).has_reason()
        };
        if reasons.iter().any(unfounded) {
            return Err("a reason is about no blocked or revoked slot, or says nothing");
        }
        Ok(())
    }
}

/// Keeps a value that says something, and forgets what was said before where it does not.
fn say<V>(said: &mut BTreeMap<Slot, V>, slot: Slot, value: V, speaks: bool) {
    if speaks {
        said.insert(slot, value);
    } else {
        said.remove(&slot);
    }
}

/// How many slots there are up to the last that was issued; no more than a list holds, and a little.
fn used(states: &[u8]) -> u32 {
    let Some((index, byte)) = states.iter().enumerate().rfind(|(_, byte)| **byte != 0) else { return 0 };
    let before = u32::try_from(index).unwrap_or(MAX_SLOTS).saturating_mul(SLOTS_PER_BYTE);
    before.saturating_add((u8::BITS - byte.leading_zeros()).div_ceil(2))
}

/// The state at a place among packed states; not issued beyond their end.
pub(super) fn state(states: &[u8], place: u32) -> SlotState {
    let byte = states.get((place / SLOTS_PER_BYTE) as usize);
    byte.map_or(SlotState::NotIssued, |byte| SlotState::from_bits(byte >> (place % SLOTS_PER_BYTE * 2)))
}

/// Packs a state into its place, if there is one.
pub(super) fn put(states: &mut [u8], place: u32, state: SlotState) {
    let shift = place % SLOTS_PER_BYTE * 2;
    if let Some(byte) = states.get_mut((place / SLOTS_PER_BYTE) as usize) {
        *byte = *byte & !(3 << shift) | state.bits() << shift;
    }
}

pub(super) const fn byte_length(slots: u32) -> usize {
    slots.div_ceil(SLOTS_PER_BYTE) as usize
}
