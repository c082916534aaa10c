//! When a ticket is valid.

use crate::time::Timestamp;

/// A window of whole Unix seconds that is not empty: valid at `from`, no longer valid at `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: u32,
    until: u32,
}

impl Validity {
    /// The window; none when it would be empty.
    pub const fn new(from: u32, until: u32) -> Option<Self> {
        if from < until { Some(Self { from, until }) } else { None }
    }

    /// The window between two instants, rounded down to seconds; none when it is empty or outside 1970 to 2106.
    pub fn between(from: Timestamp, until: Timestamp) -> Option<Self> {
        Self::new(u32::try_from(from.unix_seconds()).ok()?, u32::try_from(until.unix_seconds()).ok()?)
    }

    /// The first instant at which the ticket is valid.
    pub fn from(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.from.into())
    }

    /// The first instant at which it is no longer valid.
    pub fn until(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.until.into())
    }

    /// Both ends in Unix seconds, as a ticket carries them.
    pub(super) const fn seconds(self) -> (u32, u32) {
        (self.from, self.until)
    }
}
