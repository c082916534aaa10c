//! Validation for whoever rehearses it: settling with its tables in memory, and the whole service over a real database by a clock that the
//! caller moves. What a row is worth and what is found is decided elsewhere: nothing here is a second way of doing it.

mod claims;
mod journals;
mod service;

pub use claims::Claims;
pub use journals::{Journals, NotTaken, Row};
pub use service::{Callers, Served, serve};
