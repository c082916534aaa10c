//! One showing is one scan, however often a reader sees it. Owns which sightings belong together; knows nothing of what is decided.
//!
//! By lane and seat, after verification, whatever text a live ticket shows; what proves no ticket, by its hash. A camera's sightings go
//! on for as long as the code is held; a scanner's trigger is held for a moment. What comes from a pipe or a folder is never a repetition. A
//! sighting that says something new is no repetition either: the ticket that was stale and is fresh now.

use std::collections::HashMap;
use std::time::Duration;

use countermark_shared::id::{EventId, LaneId, Slot};
use countermark_shared::journal::Subject;
use countermark_shared::verdict::Reason;

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
    answer: Answer,
}

/// What a scan would be answered.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) reason: Reason,
    /// Whether people may pass.
    pub(super) opens: bool,
}

impl Debounce {
    /// Whether a scan belongs to a showing that was answered already; else it begins one.
    pub(super) fn repeats(&mut self, scan: &RawScan, subject: &Subject, answer: Answer) -> bool {
        let Source::Device(device) = &scan.source else { return false };
        let held = device.kind == DeviceKind::Camera;
        let at = scan.at;
        self.0.retain(|_, showing| at.saturating_sub(showing.last) < OUT_OF_SIGHT);
        let shown = match subject {
            Subject::Ticket { event, slot, generation: _ } => Shown::Seat(*event, *slot),
            Subject::Payload { hash } => Shown::Payload(**hash),
        };
        let key = (scan.lane, shown);
        if let Some(showing) = self.0.get_mut(&key) {
            let together = held || at.saturating_sub(showing.first) < TRIGGER;
            if together && (showing.answer.opens || showing.answer.reason == answer.reason) {
                showing.last = at;
                return true;
            }
        }
        self.0.insert(key, Showing { first: at, last: at, answer });
        false
    }

    /// What was answered could not be written down, so nobody was answered.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::devices::Device;
    use crate::input::ScannedText;
    use countermark_shared::id::Generation;

    const LANE: LaneId = LaneId(1);

    fn scan(source: Source, milliseconds: u64) -> RawScan {
        let text = ScannedText::Whole(String::new());
        RawScan { lane: LANE, source, text, at: Duration::from_millis(milliseconds) }
    }

    fn device(kind: DeviceKind) -> Source {
        Source::Device(Device::named(kind, "left"))
    }

    fn seat(slot: u32) -> Subject {
        Subject::Ticket { event: EventId(7), slot: Slot(slot), generation: Generation(0) }
    }

    const ADMITTED: Answer = Answer { reason: Reason::Admitted, opens: true };

    const fn no(reason: Reason) -> Answer {
        Answer { reason, opens: false }
    }

    /// Which of the sightings of one thing, at these milliseconds, are answered.
    fn answered(source: &Source, subject: &Subject, sightings: &[(u64, Answer)]) -> Vec<u64> {
        let mut debounce = Debounce::default();
        let answered = |(at, answer): &&(u64, Answer)| !debounce.repeats(&scan(source.clone(), *at), subject, *answer);
        sightings.iter().filter(answered).map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_trigger_that_is_held_scans_once_and_no_longer_than_a_moment() {
        let inside = no(Reason::AlreadyInside);
        let sightings = [(0, ADMITTED), (300, inside), (699, inside), (700, inside), (1000, inside), (1400, inside)];
        for kind in [DeviceKind::Scanner, DeviceKind::Keyboard] {
            assert_eq!(answered(&device(kind), &seat(1), &sightings), [0, 700, 1400], "{kind:?}");
        }
    }

    #[test]
    fn a_code_that_is_held_before_a_camera_is_one_showing_until_it_is_out_of_sight() {
        let inside = no(Reason::AlreadyInside);
        let sightings = [(0, ADMITTED), (1900, inside), (3800, inside), (5799, inside), (7799, inside)];
        assert_eq!(answered(&device(DeviceKind::Camera), &seat(1), &sightings), [0, 7799]);
    }

    #[test]
    fn what_is_new_of_a_held_code_is_said() {
        let (stale, again) = (no(Reason::LiveProofStale), no(Reason::ScanAgain));
        let inside = no(Reason::AlreadyInside);
        let sightings = [(0, again), (100, stale), (200, stale), (300, ADMITTED), (400, inside), (500, again)];
        assert_eq!(answered(&device(DeviceKind::Camera), &seat(1), &sightings), [0, 100, 300]);
    }

    #[test]
    fn another_seat_another_text_and_another_lane_are_other_showings() {
        let mut debounce = Debounce::default();
        let first = scan(device(DeviceKind::Camera), 0);
        assert!(!debounce.repeats(&first, &seat(1), ADMITTED));
        assert!(!debounce.repeats(&first, &seat(2), ADMITTED));
        assert!(!debounce.repeats(&first, &Subject::unverified("a"), no(Reason::IssuerForged)));
        assert!(!debounce.repeats(&first, &Subject::unverified("b"), no(Reason::IssuerForged)));
        assert!(!debounce.repeats(&RawScan { lane: LaneId(2), ..first.clone() }, &seat(1), ADMITTED));
        assert!(debounce.repeats(&first, &seat(1), ADMITTED));
        debounce.forget();
        assert!(!debounce.repeats(&first, &seat(1), ADMITTED));
    }

    #[test]
    fn pipes_and_folders_repeat_nothing() {
        let twice = [(0, ADMITTED), (1, ADMITTED)];
        for source in [Source::Lines, Source::Picture("a.png".into())] {
            assert_eq!(answered(&source, &seat(1), &twice), [0, 1]);
        }
    }
}
