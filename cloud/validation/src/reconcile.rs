//! Settling: what is found in the rows that gates have told. Owns every rule and its figures; pure, refuses to know where rows are
//! stored, what was found before, and what people make of it.
//!
//! Findings follow from all that is known at once and from nothing else: in whatever order rows arrive, and however an upload is cut,
//! what is found in the end is the same. A seat's rows are looked at together, over all gates; a gate's in the order of its journal.

mod gate;
mod passages;
mod seat;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use countermark_service::contract::findings::{About, Doubt, Evidence, Jump, Objection, Rule, Scan};

pub use self::gate::{Attendance, Break, Follows, GateHistory, Link, SILENCE, jumps, lost};
pub use self::seat::{Issued, SeatHistory, Told};

/// How far apart two clocks may be that both go well: a minute. A gate's clock is signed to within five seconds and then runs on by a
/// crystal, which at 100 ppm loses 26 s in the three days that a gate may be without a network.
pub const CLOCKS_APART: Duration = Duration::from_mins(1);

/// What was found. There is never a second of the same rule about the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The seat, or the gate and the place in its journal.
    pub about: About,
    /// What it is.
    pub rule: Rule,
    /// What it rests on.
    pub evidence: Evidence,
}
