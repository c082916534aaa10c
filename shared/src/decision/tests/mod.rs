//! The decision, attacked.

mod counting;
mod examining;
pub(super) mod json;
mod properties;
mod scene;
mod vectors;

pub(super) use json::{milliseconds, slot_state};
