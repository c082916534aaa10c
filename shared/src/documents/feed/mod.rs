//! What other gates did: their rows in batches, a snapshot for a new box, and what of them is in force.
//!
//! [`AdmissionFeed`] is what is signed, [`FeedState`] is what a reader holds, [`FeedPassages`] what it says of one seat.

mod document;
mod passages;
mod row;
mod rows;
mod state;
mod sums;
mod tally;

pub use document::{
    AdmissionFeed, FeedBatch, FeedContent, FeedSnapshot, FoldedGate, FoldedPassages, MAX_ROWS_IN_A_BATCH,
};
pub use passages::{FeedPassages, LastEntry};
pub use row::{FeedRow, GateStanding, Passage};
pub use state::{FeedForm, FeedState, MAX_ROWS_HELD};

#[cfg(test)]
mod tests;
