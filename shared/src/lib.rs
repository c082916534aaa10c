#![doc = include_str!("../README.md")]

pub mod clock;
pub mod decision;
mod derivation;
pub mod documents;
pub mod enrolment;
pub mod holder;
pub mod id;
pub mod invitation;
pub mod journal;
pub mod key_ring;
pub mod keys;
pub mod label;
pub mod money;
pub mod order_code;
#[cfg(test)]
mod samples;
pub mod sealing;
#[cfg(test)]
mod thieves;
pub mod ticket;
pub mod time;
pub mod verdict;
pub mod wire;
