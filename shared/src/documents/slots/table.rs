//! What is said of every seat, in blocks that are hashed one by one: a step rehashes what it touches, and shares the rest with
//! the table before it.

use std::sync::Arc;

use super::entry::{SlotEntry, SlotReason, SlotState};
use super::list::{MAX_SPARSE, SlotList, byte_length, put, state};
use super::sparse::Sparse;
use crate::documents::hash::ContentHash;
use crate::documents::refusal::Refusal;
use crate::documents::revision::Revision;
use crate::id::{EventId, Generation, Slot};
use crate::keys::labelled_digest;
use crate::label::Label;
use crate::time::Timestamp;

/// 1 KiB of states: 2,442 blocks for ten million seats.
const SLOTS_PER_BLOCK: u32 = 4096;
/// Told apart in the hash: a block, and all blocks together.
const BLOCK: &[u8] = &[0];
const TABLE: &[u8] = &[1];

/// The content of a slot list, however it came to be known. Two of equal [`content`](Self::content) say the same.
#[derive(Clone, Debug)]
pub struct SlotTable {
    event: EventId,
    slots: u32,
    blocks: Vec<Arc<Block>>,
    content: ContentHash,
}

#[derive(Clone, Debug)]
struct Block {
    slots: u16,
    states: Vec<u8>,
    /// By place within the block, ascending; so are the reasons.
    generations: Vec<(u16, Generation)>,
    reasons: Vec<(u16, SlotReason)>,
    hash: [u8; 32],
}

impl SlotTable {
    /// The content of a snapshot that was checked.
    pub fn of(list: &SlotList) -> Self {
        let mut generations = list.least_generations.pairs();
        let mut reasons = list.reasons.pairs();
        let blocks = list
            .states
            .chunks(byte_length(SLOTS_PER_BLOCK))
            .zip(0..)
            .map(|(states, index)| {
                let end = block_start(index).saturating_add(SLOTS_PER_BLOCK);
                let block = Block {
                    slots: block_slots(list.slots, index),
                    states: states.to_vec(),
                    generations: split_before(&mut generations, end),
                    reasons: split_before(&mut reasons, end),
                    hash: [0; 32],
                };
                Arc::new(block.hashed())
            })
            .collect();
        Self { event: list.event, slots: list.slots, blocks, content: ContentHash([0; 32]) }.hashed()
    }

    /// Which event's.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// How many slots it covers: every one from there on is not issued.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// What names all it says.
    pub fn content(&self) -> ContentHash {
        self.content
    }

    /// What is known of a seat.
    pub fn state(&self, slot: Slot) -> SlotState {
        self.block(slot).map_or(SlotState::NotIssued, |(block, place)| state(&block.states, place.into()))
    }

    /// The lowest generation of a seat that is still good; 0 where nothing is said.
    pub fn least_generation(&self, slot: Slot) -> Generation {
        self.block(slot).map_or(Generation(0), |(block, place)| at(&block.generations, place).unwrap_or(Generation(0)))
    }

    /// Why a seat is blocked or revoked.
    pub fn reason(&self, slot: Slot) -> SlotReason {
        self.block(slot).and_then(|(block, place)| at(&block.reasons, place)).unwrap_or_default()
    }

    /// All that is known of a seat.
    pub fn entry(&self, slot: Slot) -> SlotEntry {
        SlotEntry { state: self.state(slot), least_generation: self.least_generation(slot), reason: self.reason(slot) }
    }

    /// The snapshot that says the same.
    pub fn snapshot(&self, revision: Revision, issued: Timestamp) -> SlotList {
        let mut states = Vec::with_capacity(byte_length(self.slots));
        let (mut generations, mut reasons) = (Vec::new(), Vec::new());
        for (block, index) in self.blocks.iter().zip(0..) {
            let slot = |place: u16| Slot(block_start(index) + u32::from(place));
            states.extend_from_slice(&block.states);
            generations.extend(block.generations.iter().map(|(place, least)| (slot(*place), *least)));
            reasons.extend(block.reasons.iter().map(|(place, reason)| (slot(*place), *reason)));
        }
        SlotList {
            event: self.event,
            epoch: revision.epoch,
            sequence: revision.sequence,
            issued,
            slots: self.slots,
            states: states.into(),
            least_generations: Sparse::ascending(generations),
            reasons: Sparse::ascending(reasons),
        }
    }

    /// These changes, each of a slot of its own, as a publisher may sign them: what finds no room in a list is left out of them. A reason is
    /// dropped, those that are held already keep their place; a new least generation leaves its slot with the one it had and blocks it
    /// instead, so that staff are called rather than a replaced ticket admitted. Being revoked takes no room, and is never left out.
    ///
    /// What the answer says is what to keep of these slots: a list made of anything else differs from the one that the steps lead to.
    #[must_use]
    pub fn within_bounds(&self, mut changes: Vec<(Slot, SlotEntry)>) -> Vec<(Slot, SlotEntry)> {
        let mut room = MAX_SPARSE.saturating_sub(self.least_generations());
        for (slot, entry) in &mut changes {
            let held = self.least_generation(*slot);
            if held > Generation(0) || entry.least_generation == Generation(0) {
                continue;
            }
            match room.checked_sub(1) {
                Some(left) => room = left,
                None => *entry = entry.without_room_for_its_generation(held),
            }
        }
        let speaks = |reason: SlotReason| reason != SlotReason::Unspecified;
        let freed = changes.iter().filter(|(slot, entry)| speaks(self.reason(*slot)) && !speaks(entry.reason)).count();
        let mut room = (MAX_SPARSE + freed).saturating_sub(self.reasons());
        for (slot, entry) in &mut changes {
            if speaks(entry.reason) && !speaks(self.reason(*slot)) {
                match room.checked_sub(1) {
                    Some(left) => room = left,
                    None => entry.reason = SlotReason::Unspecified,
                }
            }
        }
        changes
    }

    /// This table after `changes`, sorted by slot and each below the limit of a list, if each may follow within an epoch and a snapshot
    /// can say them all. Names `document` when not.
    pub(super) fn changed(&self, changes: &[(Slot, SlotEntry)], document: &'static str) -> Result<Self, Refusal> {
        let last = changes.last().map_or(0, |(slot, _)| slot.0.saturating_add(1));
        let mut next = self.grown(self.slots.max(last));
        for group in changes.chunk_by(|(a, _), (b, _)| block_index(*a) == block_index(*b)) {
            let Some(shared) = group.first().and_then(|(slot, _)| next.blocks.get_mut(block_index(*slot))) else {
                continue;
            };
            let block = Arc::make_mut(shared);
            for (slot, entry) in group {
                self.entry(*slot).may_become(*entry, *slot, document)?;
                block.put(place(*slot), *entry);
            }
            block.hash = block.digest();
        }
        if next.least_generations() > MAX_SPARSE || next.reasons() > MAX_SPARSE {
            return Err(Refusal::Full { document });
        }
        Ok(next.hashed())
    }

    /// Whether this table may follow `earlier` within an epoch.
    pub(super) fn may_follow(&self, earlier: &Self, document: &'static str) -> Result<(), Refusal> {
        for (block, index) in earlier.blocks.iter().zip(0_usize..) {
            if self.blocks.get(index).is_some_and(|own| own.hash == block.hash) {
                continue;
            }
            for offset in 0..block.slots {
                let slot = Slot(block_start(index) + u32::from(offset));
                earlier.entry(slot).may_become(self.entry(slot), slot, document)?;
            }
        }
        Ok(())
    }

    /// The slots of which the two say different things, with what `later` says.
    pub(super) fn differences(&self, later: &Self) -> Vec<(Slot, SlotEntry)> {
        let blocks = self.blocks.len().max(later.blocks.len());
        let same = |index: &usize| {
            let hash = |table: &Self| table.blocks.get(*index).map(|block| block.hash);
            hash(self) == hash(later)
        };
        (0..blocks)
            .filter(|index| !same(index))
            .flat_map(|index| (block_start(index)..block_start(index).saturating_add(SLOTS_PER_BLOCK)).map(Slot))
            .map(|slot| (slot, later.entry(slot)))
            .filter(|(slot, entry)| self.entry(*slot) != *entry)
            .collect()
    }

    /// Of how many slots a least generation is said.
    fn least_generations(&self) -> usize {
        self.blocks.iter().map(|block| block.generations.len()).sum()
    }

    /// Of how many slots a reason is said.
    fn reasons(&self) -> usize {
        self.blocks.iter().map(|block| block.reasons.len()).sum()
    }

    /// The same table over more slots, all of them not issued. Its own hash is not made anew yet.
    fn grown(&self, slots: u32) -> Self {
        if slots == self.slots {
            return self.clone();
        }
        let mut blocks = self.blocks.clone();
        // The last block may have been short.
        if let Some((shared, index)) = blocks.last_mut().zip(self.blocks.len().checked_sub(1)) {
            let block = Arc::make_mut(shared);
            block.slots = block_slots(slots, index);
            block.states.resize(byte_length(block.slots.into()), 0);
            block.hash = block.digest();
        }
        let full = Arc::new(Block::empty(block_slots(SLOTS_PER_BLOCK, 0)));
        for index in blocks.len()..slots.div_ceil(SLOTS_PER_BLOCK) as usize {
            let size = block_slots(slots, index);
            blocks.push(if size == full.slots { Arc::clone(&full) } else { Arc::new(Block::empty(size)) });
        }
        Self { event: self.event, slots, blocks, content: self.content }
    }

    fn hashed(mut self) -> Self {
        let (event, slots) = (self.event.0.to_be_bytes(), self.slots.to_be_bytes());
        let blocks: Vec<u8> = self.blocks.iter().flat_map(|block| block.hash).collect();
        self.content = ContentHash(labelled_digest(Label::SlotContent, &[TABLE, &event, &slots, &blocks]));
        self
    }

    fn block(&self, slot: Slot) -> Option<(&Block, u16)> {
        self.blocks.get(block_index(slot)).map(|block| (block.as_ref(), place(slot)))
    }
}

impl Block {
    fn empty(slots: u16) -> Self {
        let states = vec![0; byte_length(slots.into())];
        Self { slots, states, generations: Vec::new(), reasons: Vec::new(), hash: [0; 32] }.hashed()
    }

    fn put(&mut self, place: u16, entry: SlotEntry) {
        put(&mut self.states, place.into(), entry.state);
        let least = (entry.least_generation > Generation(0)).then_some(entry.least_generation);
        set(&mut self.generations, place, least);
        set(&mut self.reasons, place, (entry.reason != SlotReason::Unspecified).then_some(entry.reason));
    }

    fn hashed(mut self) -> Self {
        self.hash = self.digest();
        self
    }

    fn digest(&self) -> [u8; 32] {
        let generations = listed(&self.generations, |least| least.0);
        let reasons = listed(&self.reasons, SlotReason::code);
        let parts = [BLOCK, &self.slots.to_be_bytes(), &self.states, &generations, &reasons];
        labelled_digest(Label::SlotContent, &parts)
    }
}

/// How many, 2 bytes; then of each its place, 2 bytes, and its value, 1 byte.
fn listed<V: Copy>(pairs: &[(u16, V)], value: impl Fn(V) -> u8) -> Vec<u8> {
    // A block has 4,096 places, so that their number fits.
    let count = u16::try_from(pairs.len()).unwrap_or(u16::MAX);
    let each = pairs.iter().flat_map(|(place, of)| {
        let [high, low] = place.to_be_bytes();
        [high, low, value(*of)]
    });
    count.to_be_bytes().into_iter().chain(each).collect()
}

fn at<V: Copy>(pairs: &[(u16, V)], place: u16) -> Option<V> {
    let index = pairs.binary_search_by_key(&place, |(known, _)| *known).ok()?;
    pairs.get(index).map(|(_, value)| *value)
}

fn set<V>(pairs: &mut Vec<(u16, V)>, place: u16, value: Option<V>) {
    match (pairs.binary_search_by_key(&place, |(known, _)| *known), value) {
        (Ok(index), Some(value)) => {
            if let Some(pair) = pairs.get_mut(index) {
                pair.1 = value;
            }
        }
        (Ok(index), None) => {
            pairs.remove(index);
        }
        (Err(index), Some(value)) => pairs.insert(index, (place, value)),
        (Err(_), None) => {}
    }
}

/// Takes the pairs below `end` off the front, by their places within a block.
fn split_before<V: Copy>(pairs: &mut &[(Slot, V)], end: u32) -> Vec<(u16, V)> {
    let (before, rest) = pairs.split_at(pairs.partition_point(|(slot, _)| slot.0 < end));
    *pairs = rest;
    before.iter().map(|(slot, value)| (place(*slot), *value)).collect()
}

const fn block_index(slot: Slot) -> usize {
    (slot.0 / SLOTS_PER_BLOCK) as usize
}

const fn place(slot: Slot) -> u16 {
    (slot.0 % SLOTS_PER_BLOCK) as u16
}

fn block_start(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(SLOTS_PER_BLOCK)
}

/// How many of a table's slots lie in a block.
fn block_slots(slots: u32, index: usize) -> u16 {
    slots.saturating_sub(block_start(index)).min(SLOTS_PER_BLOCK) as u16
}
