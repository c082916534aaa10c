//! The lease: how long a gate may do what. A stolen box runs out by itself, names first.

use minicbor::{Decode, Encode};

use crate::time::Timestamp;

/// What validation lends a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Lease {
    /// From here on the gate no longer admits. The design's value is the event's end and 12 hours.
    #[n(0)]
    pub until: Timestamp,
    /// From here on the gate opens no name and keeps neither event secret nor name in its memory; not after `until`. What its disk
    /// still gives away is in the specification, under “What remains”.
    #[n(1)]
    pub names_until: Timestamp,
    /// Whether the gate is to admit nobody for now, whatever the instants say.
    #[n(2)]
    pub suspended: bool,
}

/// What a lease permits at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseState {
    /// Admit, and show names.
    Held,
    /// Admit; wipe the event secrets and every name that was opened.
    WithoutNames,
    /// Admit nobody: its time is over. Wipe as above.
    Ended,
    /// Admit nobody: somebody said so. Wipe as above.
    Suspended,
}

impl Lease {
    /// What it permits at `now`, which a gate reads from a clock that never goes below its floor.
    pub fn at(&self, now: Timestamp) -> LeaseState {
        if self.suspended {
            LeaseState::Suspended
        } else if now >= self.until {
            LeaseState::Ended
        } else if now >= self.names_until {
            LeaseState::WithoutNames
        } else {
            LeaseState::Held
        }
    }
}

impl LeaseState {
    /// Whether people may be let in. Leaving never depends on a lease.
    pub const fn admits(self) -> bool {
        match self {
            Self::Held | Self::WithoutNames => true,
            Self::Ended | Self::Suspended => false,
        }
    }

    /// Whether event secrets and names may be on the box.
    pub const fn keeps_names(self) -> bool {
        match self {
            Self::Held => true,
            Self::WithoutNames | Self::Ended | Self::Suspended => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use core::time::Duration;

    #[test]
    fn names_leave_first_and_entry_last() {
        let lease = samples::lease();
        let instant = Duration::from_millis(1);
        for (now, expected) in [
            (lease.names_until - instant, LeaseState::Held),
            (lease.names_until, LeaseState::WithoutNames),
            (lease.until - instant, LeaseState::WithoutNames),
            (lease.until, LeaseState::Ended),
        ] {
            assert_eq!(lease.at(now), expected, "{now}");
            assert_eq!(Lease { suspended: true, ..lease }.at(now), LeaseState::Suspended);
        }
    }

    #[test]
    fn what_has_ended_neither_admits_nor_shows_names() {
        for (state, admits, names) in [
            (LeaseState::Held, true, true),
            (LeaseState::WithoutNames, true, false),
            (LeaseState::Ended, false, false),
            (LeaseState::Suspended, false, false),
        ] {
            assert_eq!((state.admits(), state.keeps_names()), (admits, names), "{state:?}");
        }
    }
}
