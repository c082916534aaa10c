#![doc = include_str!("../README.md")]

pub mod decision;
pub mod documents;
pub mod enrolment;
pub mod id;
pub mod journal;
pub mod key_ring;
pub mod keys;
pub mod label;
pub mod money;
#[cfg(test)]
mod samples;
pub mod ticket;
pub mod time;
pub mod verdict;
pub mod wire;
