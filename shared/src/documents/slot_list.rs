//! The slot list: two bits for each seat of an event. Signed by validation's list key.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use super::bundle::{KeyRole, TrustBundle};
use super::envelope::{Authentic, Document, Refusal, Revision, Signed, supersede};
use crate::id::{EventId, Generation, Slot};
use crate::label::Label;
use crate::time::Timestamp;

const SLOTS_PER_BYTE: u32 = 4;
const MAX_SLOTS: u32 = 16_000_000;
const MAX_GENERATIONS: usize = 100_000;

/// What the cloud says of a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SlotState {
    /// No ticket of it was reported issued.
    #[default]
    NotIssued,
    /// Issued, nothing against it.
    Good,
    /// Held back until somebody lifts it.
    Blocked,
    /// Withdrawn; final within an epoch.
    Revoked,
}

impl SlotState {
    const fn bits(self) -> u8 {
        match self {
            Self::NotIssued => 0,
            Self::Good => 1,
            Self::Blocked => 2,
            Self::Revoked => 3,
        }
    }

    const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotIssued,
            1 => Self::Good,
            2 => Self::Blocked,
            _ => Self::Revoked,
        }
    }
}

/// A snapshot of every seat of an event: 15 kB for 60,000.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SlotList {
    #[n(0)]
    event: EventId,
    #[n(1)]
    epoch: u32,
    #[n(2)]
    sequence: u64,
    #[n(3)]
    issued: Timestamp,
    #[n(4)]
    slots: u32,
    /// Four slots a byte, the lowest in the lowest bits; unused bits are 0.
    #[n(5)]
    states: ByteVec,
    #[n(6)]
    least_generations: BTreeMap<Slot, Generation>,
}

/// Slots that no list can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a slot list holds at most 16 million slots, and {slot} is beyond")]
pub struct InvalidSlots {
    /// The slot that does not fit.
    pub slot: Slot,
}

impl SlotList {
    /// A snapshot from what is known of each slot; slots not named are not issued. A least generation of 0 says nothing.
    pub fn snapshot(
        event: EventId,
        revision: Revision,
        issued: Timestamp,
        known: impl IntoIterator<Item = (Slot, SlotState, Generation)>,
    ) -> Result<Self, InvalidSlots> {
        let mut list = Self {
            event,
            epoch: revision.epoch,
            sequence: revision.sequence,
            issued,
            slots: 0,
            states: Vec::new().into(),
            least_generations: BTreeMap::new(),
        };
        for (slot, state, least) in known {
            if slot.0 >= MAX_SLOTS {
                return Err(InvalidSlots { slot });
            }
            list.put(slot, state);
            if least > Generation(0) {
                list.least_generations.insert(slot, least);
            }
        }
        Ok(list)
    }

    fn put(&mut self, slot: Slot, state: SlotState) {
        self.slots = self.slots.max(slot.0 + 1);
        let length = byte_length(self.slots);
        if self.states.len() < length {
            self.states.resize(length, 0);
        }
        let (index, shift) = place(slot);
        if let Some(byte) = self.states.get_mut(index) {
            *byte = *byte & !(3 << shift) | state.bits() << shift;
        }
    }

    /// Which event's.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// What is known of a seat.
    pub fn state(&self, slot: Slot) -> SlotState {
        let (index, shift) = place(slot);
        self.states.get(index).map_or(SlotState::NotIssued, |byte| SlotState::from_bits(byte >> shift))
    }

    /// The lowest generation of a seat that is still good; 0 when the list says nothing.
    pub fn least_generation(&self, slot: Slot) -> Generation {
        self.least_generations.get(&slot).copied().unwrap_or(Generation(0))
    }

    /// Takes a slot list if the list key signed it for this event, and it is not older than the one in force. The answer is
    /// the newer of the two.
    pub fn accept(
        bytes: &[u8],
        bundle: &TrustBundle,
        event: EventId,
        in_force: Option<&Authentic<Self>>,
        now: Timestamp,
    ) -> Result<Authentic<Self>, Refusal> {
        let signers: Vec<_> = bundle.believed(KeyRole::List).collect();
        let offered = Signed::<Self>::decode(bytes)?.open(&signers, 1)?;
        if offered.document().event != event {
            return Err(Refusal::OtherSubject { document: Self::NAME });
        }
        supersede(in_force.map(Authentic::standing), &offered, now)?;
        Ok(offered)
    }
}

impl Document for SlotList {
    const LABEL: Label = Label::SlotList;
    const NAME: &'static str = "slot list";
    const MAX_PAYLOAD: usize = 5 * 1024 * 1024;

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
        let unused = self.slots.next_multiple_of(SLOTS_PER_BYTE) - self.slots;
        if unused > 0 && self.states.last().is_some_and(|byte| byte >> (8 - 2 * unused) != 0) {
            return Err("bits beyond its last slot are set");
        }
        if self.least_generations.len() > MAX_GENERATIONS {
            return Err("it has too many least generations");
        }
        if self.least_generations.iter().any(|(slot, least)| slot.0 >= self.slots || *least == Generation(0)) {
            return Err("a least generation is about no slot, or says nothing");
        }
        Ok(())
    }
}

const fn place(slot: Slot) -> (usize, u32) {
    ((slot.0 / SLOTS_PER_BYTE) as usize, slot.0 % SLOTS_PER_BYTE * 2)
}

const fn byte_length(slots: u32) -> usize {
    slots.div_ceil(SLOTS_PER_BYTE) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use proptest::prelude::*;

    fn list(sequence: u64, known: &[(u32, SlotState, u8)]) -> SlotList {
        let known = known.iter().map(|(slot, state, least)| (Slot(*slot), *state, Generation(*least)));
        let revision = Revision { epoch: 0, sequence };
        SlotList::snapshot(EventId(7), revision, samples::DOORS, known).unwrap()
    }

    fn accept(list: &SlotList, in_force: Option<&Authentic<SlotList>>) -> Result<Authentic<SlotList>, Refusal> {
        let bytes = Signed::seal(list, &[&samples::list_key()]).unwrap();
        SlotList::accept(&bytes, &samples::bundle(), EventId(7), in_force, samples::DOORS)
    }

    #[test]
    fn it_says_what_was_put_in() {
        let accepted = accept(&list(1, &[(5, SlotState::Revoked, 0), (0, SlotState::Good, 3)]), None).unwrap();
        let list = accepted.document();
        assert_eq!(list.state(Slot(0)), SlotState::Good);
        assert_eq!(list.state(Slot(5)), SlotState::Revoked);
        assert_eq!(list.state(Slot(4)), SlotState::NotIssued);
        assert_eq!(list.state(Slot(u32::MAX)), SlotState::NotIssued);
        assert_eq!(list.least_generation(Slot(0)), Generation(3));
        assert_eq!(list.least_generation(Slot(5)), Generation(0));
    }

    #[test]
    fn sixty_thousand_seats_take_15_kilobytes() {
        let known = (0..60_000).map(|slot| (Slot(slot), SlotState::Good, Generation(0)));
        let list = SlotList::snapshot(EventId(7), Revision::version(1), samples::DOORS, known).unwrap();
        let bytes = Signed::seal(&list, &[&samples::list_key()]).unwrap();
        assert!(bytes.len() < 15_200, "{}", bytes.len());
    }

    #[test]
    fn lists_of_others_and_older_ones_are_refused() {
        let newer = accept(&list(2, &[(1, SlotState::Good, 0)]), None).unwrap();
        assert!(matches!(accept(&list(1, &[]), Some(&newer)), Err(Refusal::Older { .. })));
        assert!(matches!(accept(&list(2, &[]), Some(&newer)), Err(Refusal::Conflicting { .. })));

        let forged = Signed::seal(&list(3, &[]), &[&samples::organiser_key()]).unwrap();
        let outcome = SlotList::accept(&forged, &samples::bundle(), EventId(7), None, samples::DOORS);
        assert!(matches!(outcome, Err(Refusal::NotSigned { .. })));

        let bytes = Signed::seal(&list(3, &[]), &[&samples::list_key()]).unwrap();
        let outcome = SlotList::accept(&bytes, &samples::bundle(), EventId(8), None, samples::DOORS);
        assert!(matches!(outcome, Err(Refusal::OtherSubject { .. })));
    }

    #[test]
    fn a_slot_beyond_every_list_is_an_error() {
        let known = [(Slot(MAX_SLOTS), SlotState::Good, Generation(0))];
        assert!(SlotList::snapshot(EventId(7), Revision::version(1), samples::DOORS, known).is_err());
    }

    proptest! {
        #[test]
        fn every_snapshot_reads_back(known in proptest::collection::btree_map(0_u32..5000, (0_u8..4, 0_u8..4), 0..200)) {
            let entries: Vec<_> =
                known.iter().map(|(slot, (bits, least))| (*slot, SlotState::from_bits(*bits), *least)).collect();
            let accepted = accept(&list(1, &entries), None).unwrap();
            for slot in 0..5001 {
                let (bits, least) = known.get(&slot).copied().unwrap_or_default();
                prop_assert_eq!(accepted.document().state(Slot(slot)), SlotState::from_bits(bits));
                prop_assert_eq!(accepted.document().least_generation(Slot(slot)), Generation(least));
            }
        }

        #[test]
        fn arbitrary_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Signed::<SlotList>::decode(&bytes).and_then(|signed| signed.unbelieved()).is_err());
        }
    }
}
