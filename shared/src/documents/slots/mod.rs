//! What the cloud says of every seat of an event: a snapshot, the steps that follow on it, and what of them is in force.
//!
//! [`SlotList`] and [`SlotDelta`] are what is signed, [`SlotTable`] is their content, [`Slots`] is what a reader holds.

mod delta;
mod entry;
mod in_force;
mod list;
mod sparse;
mod table;

pub use delta::{MAX_CHANGES, SlotDelta, TooManyChanges};
pub use entry::{SlotEntry, SlotReason, SlotState};
pub use in_force::Slots;
pub use list::{InvalidSlots, SlotList};
pub use table::SlotTable;

/// More slots than this have no list: two bits each must fit a document.
pub(crate) const MAX_SLOTS: u32 = 16_000_000;

#[cfg(test)]
mod tests;
