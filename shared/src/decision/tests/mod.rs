//! The decision, attacked.

mod counting;
mod examining;
pub(super) mod json;
mod properties;
mod scene;
mod vectors;
mod venue;

pub(super) use json::{milliseconds, slot_state};
