//! Signed documents: what gates and services are told, and by whom they let themselves be told.
//!
//! A [`Document`] travels in an envelope: payload bytes and signatures over its label and those bytes as received. Only
//! [`Signed::open`] with enough of the right signatures makes an [`Authentic`] one, and each document's `accept` or `step`
//! says whether it may follow on what is in force, which stays whenever something is refused. Knows nothing of transport or storage.

mod admission;
mod assignment;
mod bundle;
mod canonical;
mod envelope;
mod event;
mod expiry;
mod feed;
mod hash;
mod head;
mod lane;
mod lease;
mod needs;
mod product;
mod refusal;
mod revision;
mod root;
mod set;
mod slots;

pub use admission::{AdmissionPolicy, Alone, ListAgePolicy};
pub use assignment::{Assignment, WrappedSecret};
pub use bundle::{KeyRole, KeyStatus, TrustBundle, TrustedKey, accept_bundle, claimed_root, unfinished_bundle};
pub(crate) use canonical::{canonical, from_canonical};
pub use envelope::{Authentic, Document, MAX_CLOCK_LEAD, MAX_SIGNATURES, Signed, supersede};
pub use event::{EventDocument, Text};
pub use expiry::Expiry;
pub use feed::{
    AdmissionFeed, FeedBatch, FeedContent, FeedForm, FeedPassages, FeedRow, FeedSnapshot, FeedState, FoldedGate,
    FoldedPassages, GateStanding, LastEntry, MAX_ROWS_HELD, MAX_ROWS_IN_A_BATCH, Passage,
};
pub use hash::{ContentHash, DocumentHash};
pub use head::Head;
pub use lane::{Direction, Lane};
pub use lease::{Lease, LeaseState};
pub use needs::{Fetch, Held, HeldOf, MAX_STEPS, Needs};
pub use product::{HolderName, Product, TicketForm, Window};
pub use refusal::{Refusal, Remedy};
pub use revision::{Floors, Revision, Standing};
pub use root::{InvalidFingerprint, RootFingerprint};
pub use set::{DocumentKind, DocumentSet};
pub use slots::{
    InvalidSlots, MAX_CHANGES, SlotDelta, SlotEntry, SlotList, SlotReason, SlotState, SlotTable, Slots, TooManyChanges,
};
