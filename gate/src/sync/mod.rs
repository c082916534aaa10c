//! Keeping step with the cloud: documents in, journal out, for days without a network if need be. [`machine`] decides what to ask and when,
//! without I/O or clock, so that a simulation runs it in virtual time; [`shell`] moves the bytes.

mod back_off;
pub(crate) mod claims;
mod exchange;
mod machine;
mod shell;

pub(crate) use back_off::Jitter;
pub(crate) use claims::Claims;
pub(crate) use exchange::{Held, Request, Response, Step, upload};
pub(crate) use machine::Machine;
#[cfg(test)]
pub(crate) use shell::Problem;
pub(crate) use shell::{Contact, Sync};

#[cfg(test)]
mod model;
