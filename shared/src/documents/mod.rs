//! Signed documents: what gates and services are told, and by whom they let themselves be told.
//!
//! A [`Document`] travels in an envelope: payload bytes and signatures over its label and those bytes as received. Only
//! [`Signed::open`] with enough of the right signatures makes an [`Authentic`] one, and only [`supersede`] says whether
//! it may replace what is in force. Knows nothing of transport or storage.

mod assignment;
mod bundle;
mod envelope;
mod event;
mod lane;
mod slot_list;

pub use assignment::Assignment;
pub use bundle::{KeyRole, KeyStatus, RootFingerprint, TrustBundle, TrustedKey, accept_bundle, claimed_root};
pub use envelope::{Authentic, Document, DocumentHash, MAX_SIGNATURES, Refusal, Revision, Signed, Standing, supersede};
pub(crate) use envelope::{canonical, from_canonical};
pub use event::{EventDocument, ListAgePolicy, Product, Text};
pub use lane::{Direction, Lane};
pub use slot_list::{InvalidSlots, SlotList, SlotState};
