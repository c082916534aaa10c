//! Asking whoever speaks for all gates of the event, on its own connection: no claim waits behind what is synced. [`machine`] decides without I/O or
//! clock what is asked, and how long is waited; [`shell`] moves the bytes.
//!
//! Today validation answers, at the cloud's address. A node at the venue would serve the same route from the LAN, and be another address that
//! the shell's client is made with.

pub(crate) mod machine;
mod shell;

pub(crate) use shell::Claims;
