//! A gate's clock: what time it is, as far as a box without a trusted clock can tell.
//!
//! Time comes from a signed answer to the gate's own nonce and runs on by the machine's monotonic clock; a battery clock serves until
//! then. Signed documents raise a floor below which `now` never goes. A jump of more than a day forward waits for staff. Reads no clock: boot time,
//! battery clock and answers come in as values.

mod answer;
mod machine;

pub use answer::{Exchange, SignedTime, TimeQuestion, answer_time};
pub use machine::{GateClock, NotTaken};

pub use crate::journal::ClockState;
use core::time::Duration;

use crate::time::Timestamp;

/// What a gate's clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What it is worth.
    pub state: ClockState,
    /// The instant, never below the floor.
    pub now: Timestamp,
    /// How far that may be from the truth, where the clock tells the time.
    pub error: Duration,
}

impl Clock {
    /// Whether it tells the time, or only an instant that has passed.
    pub const fn tells_time(self) -> bool {
        match self.state {
            ClockState::Signed | ClockState::Battery => true,
            ClockState::RolledBack | ClockState::Ahead | ClockState::Unknown => false,
        }
    }
}
