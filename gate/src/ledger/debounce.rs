//! One showing is one scan, however often a reader sees it. Owns which sightings belong together; knows nothing of what is decided.
//!
//! By lane and seat, after verification, whatever text a live ticket shows; what proves no ticket, by its hash. A camera's sightings go
//! on for as long as the code is held; a scanner's trigger is held for a moment. What comes from a pipe or a folder is never a repetition. A
//! sighting that says something new is no repetition either: the ticket that was stale and is fresh now.

use std::collections::HashMap;
use std::time::Duration;

use countermark_shared::id::{EventId, LaneId, Slot};
use countermark_shared::journal::Subject;
use countermark_shared::verdict::{Reason, Verdict};

use crate::devices::DeviceKind;
use crate::input::{RawScan, Source};

/// Without a sighting for so long, a code that was held before a camera is shown anew.
const OUT_OF_SIGHT: Duration = Duration::from_secs(2);
/// From the first reading of a scanner whose trigger is held.
const TRIGGER: Duration = Duration::from_millis(700);

/// What was shown lately.
#[derive(Default)]
pub(super) struct Debounce(HashMap<(LaneId, Shown), Showing>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shown {
    Seat(EventId, Slot),
    Payload([u8; 32]),
}

struct Showing {
    first: Duration,
    last: Duration,
    opened: bool,
    reason: Reason,
}

impl Debounce {
    /// Whether a scan belongs to a showing that was answered already; else it begins one.
    pub(super) fn repeats(&mut self, scan: &RawScan, subject: &Subject, verdict: &Verdict) -> bool {
        let Source::Device(device) = &scan.source else { return false };
        let held = device.kind == DeviceKind::Camera;
        let at = scan.at;
        // Nobody is answered by these: they say "once more".
        if matches!(verdict.reason, Reason::ScanAgain | Reason::CannotDecide) {
            return false;
        }
        self.0.retain(|_, showing| at.saturating_sub(showing.last) < OUT_OF_SIGHT);
        let shown = match subject {
            Subject::Ticket { event, slot, generation: _ } => Shown::Seat(*event, *slot),
            Subject::Payload { hash } => Shown::Payload(*hash),
        };
        let key = (scan.lane, shown);
        if let Some(showing) = self.0.get_mut(&key) {
            let together = held || at.saturating_sub(showing.first) < TRIGGER;
            if together && (showing.opened || showing.reason == verdict.reason) {
                showing.last = at;
                return true;
            }
        }
        self.0.insert(key, Showing { first: at, last: at, opened: verdict.opens(), reason: verdict.reason });
        false
    }

    /// What was answered could not be written down, so nobody was answered.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
