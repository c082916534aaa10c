//! One showing is one scan, however often a reader sees it. Owns which sightings belong together; knows nothing of what is decided.
//!
//! By lane and seat, after verification, whatever text a live ticket shows; what proves no ticket, by its hash. A camera's sightings go
//! on for as long as the code is held: it says since when it has had it in sight, so that a box that is slow, or a disk that stalled, ends
//! no showing. A scanner's readings go on for as long as its trigger is held, each a moment after the one before. Two
//! scanners of a lane that read one seat are two showings: nobody holds one code before both. What comes from a pipe or a folder is never a
//! repetition. A sighting that says something new is no repetition either: the ticket that was stale and is fresh now.

use std::collections::HashMap;
use std::time::Duration;

use countermark_shared::id::{EventId, LaneId, Slot};
use countermark_shared::journal::Subject;
use countermark_shared::verdict::Reason;

use crate::devices::{Device, DeviceKind};
use crate::input::{OUT_OF_SIGHT, RawScan, Source};

/// From one reading to the next of a scanner whose trigger is held.
const TRIGGER: Duration = Duration::from_millis(700);
/// Without a sighting for so long a showing is over, though the camera did not see the code leave: it may have been asleep or away. As long as it
/// takes until one that gives no pictures is told as lost. Nobody passes by what is taken for the same showing by mistake; they wait for an answer.
const FORGOTTEN: Duration = Duration::from_secs(5);

/// What was shown lately.
#[derive(Default)]
pub(super) struct Debounce(HashMap<(LaneId, Shown), Showing>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shown {
    Seat(EventId, Slot),
    Payload([u8; 32]),
}

struct Showing {
    device: Device,
    last: Duration,
    /// What it came to by itself, before the other gates or a supervisor had a word in it.
    judged: Reason,
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
    /// What was answered to the showing that a scan belongs to; none to one that begins with it.
    pub(super) fn repeats(&mut self, scan: &RawScan, subject: &Subject, answer: Answer) -> Option<Answer> {
        let Source::Device(device) = &scan.source else { return None };
        let at = scan.at;
        self.0.retain(|_, showing| at.saturating_sub(showing.last) < FORGOTTEN);
        let shown = match subject {
            Subject::Ticket { event, slot, generation: _ } => Shown::Seat(*event, *slot),
            Subject::Payload { hash } => Shown::Payload(**hash),
        };
        let key = (scan.lane, shown);
        if let Some(showing) = self.0.get_mut(&key) {
            let camera = [device, &showing.device].iter().any(|device| device.kind == DeviceKind::Camera);
            let pause = at.saturating_sub(showing.last);
            let held = scan.in_sight_since.is_some_and(|since| since <= showing.last);
            let of_camera = held || pause < OUT_OF_SIGHT;
            let together = if camera { of_camera } else { pause < TRIGGER && *device == showing.device };
            let is_news = ![showing.judged, showing.answer.reason].contains(&answer.reason);
            if together && (showing.answer.opens || !is_news) {
                showing.last = at;
                return Some(showing.answer);
            }
        }
        self.0.insert(key, Showing { device: device.clone(), last: at, judged: answer.reason, answer });
        None
    }

    /// What was answered could not be written down, so nobody was answered.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Staff did something about a seat: what is read of it next is shown anew.
    pub(super) fn forget_seat(&mut self, event: EventId, slot: Slot) {
        self.0.retain(|(_, shown), _| *shown != Shown::Seat(event, slot));
    }

    /// Whoever shows this was answered once more, by a supervisor or the other gates: what is held still is not answered again behind their
    /// back.
    pub(super) fn answer(&mut self, lane: LaneId, event: EventId, slot: Slot, answer: Answer) {
        if let Some(showing) = self.0.get_mut(&(lane, Shown::Seat(event, slot))) {
            showing.answer = answer;
        }
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
        RawScan { lane: LANE, source, text, at: Duration::from_millis(milliseconds), in_sight_since: None }
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
        let answered =
            |(at, answer): &&(u64, Answer)| debounce.repeats(&scan(source.clone(), *at), subject, *answer).is_none();
        sightings.iter().filter(answered).map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_trigger_that_is_held_scans_once() {
        let inside = no(Reason::AlreadyInside);
        let sightings = [(0, ADMITTED), (300, inside), (999, inside), (1699, inside), (2000, inside)];
        for kind in [DeviceKind::Scanner, DeviceKind::Keyboard] {
            assert_eq!(answered(&device(kind), &seat(1), &sightings), [0, 1699], "{kind:?}");
        }
    }

    #[test]
    fn a_copy_at_the_next_scanner_is_another_showing() {
        let mut debounce = Debounce::default();
        let scanner = |name| scan(Source::Device(Device::named(DeviceKind::Scanner, name)), 0);
        assert!(debounce.repeats(&scanner("left"), &seat(1), ADMITTED).is_none());
        assert!(debounce.repeats(&scanner("right"), &seat(1), no(Reason::AlreadyInside)).is_none());
    }

    #[test]
    fn a_code_that_is_held_before_a_camera_is_one_showing_until_it_is_out_of_sight() {
        let inside = no(Reason::AlreadyInside);
        let sightings = [(0, ADMITTED), (900, inside), (1800, inside), (2799, inside), (3799, inside)];
        assert_eq!(answered(&device(DeviceKind::Camera), &seat(1), &sightings), [0, 3799]);
    }

    #[test]
    fn a_code_that_is_held_is_one_showing_however_seldom_it_is_looked_at() {
        let mut debounce = Debounce::default();
        let mut is_answered = |at, since| {
            let sighting =
                RawScan { in_sight_since: Some(Duration::from_millis(since)), ..scan(device(DeviceKind::Camera), at) };
            let answer = if at == 0 { ADMITTED } else { no(Reason::AlreadyInside) };
            debounce.repeats(&sighting, &seat(1), answer).is_none()
        };
        assert!(is_answered(0, 0));
        assert!(!is_answered(1500, 0), "a slow box");
        assert!(!is_answered(6499, 0), "a disk that stalled");
        assert!(is_answered(8000, 7900), "it was out of sight since");
        assert!(is_answered(13_000, 7900), "nobody looked for five seconds");
    }

    #[test]
    fn what_is_new_of_a_held_code_is_said() {
        let (stale, inside) = (no(Reason::LiveProofStale), no(Reason::AlreadyInside));
        let sightings = [(0, stale), (100, stale), (200, ADMITTED), (300, inside)];
        assert_eq!(answered(&device(DeviceKind::Camera), &seat(1), &sightings), [0, 200]);
    }

    #[test]
    fn another_seat_another_text_and_another_lane_are_other_showings() {
        let mut debounce = Debounce::default();
        let first = scan(device(DeviceKind::Camera), 0);
        assert!(debounce.repeats(&first, &seat(1), ADMITTED).is_none());
        assert!(debounce.repeats(&first, &seat(2), ADMITTED).is_none());
        assert!(debounce.repeats(&first, &Subject::unverified("a"), no(Reason::IssuerForged)).is_none());
        assert!(debounce.repeats(&first, &Subject::unverified("b"), no(Reason::IssuerForged)).is_none());
        assert!(debounce.repeats(&RawScan { lane: LaneId(2), ..first.clone() }, &seat(1), ADMITTED).is_none());
        assert!(debounce.repeats(&first, &seat(1), ADMITTED).is_some_and(|answer| answer.opens));
        debounce.forget();
        assert!(debounce.repeats(&first, &seat(1), ADMITTED).is_none());
    }

    #[test]
    fn pipes_and_folders_repeat_nothing() {
        let twice = [(0, ADMITTED), (1, ADMITTED)];
        for source in [Source::Lines, Source::Picture("a.png".into())] {
            assert_eq!(answered(&source, &seat(1), &twice), [0, 1]);
        }
    }
}
