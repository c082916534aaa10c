//! Talking to validation: its address, and one thin client over its HTTP interface. Knows nothing of when to ask or what to make of the
//! answers.

mod address;
mod client;
mod tls;
mod wanted;

pub(crate) use address::CloudAddress;
pub(crate) use client::{CallError, Client, Fetched, NoConnection, Session};
pub use wanted::Wanted;
