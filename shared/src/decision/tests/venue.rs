//! The venue's side of a claim agrees with the gate's.

use core::num::NonZeroU8;
use core::time::Duration;

use proptest::prelude::*;

use super::scene::scene;
use crate::decision::shown::Shown;
use crate::decision::venue::grant_shown;
use crate::decision::{Claim, Facts, Passages};
use crate::documents::Direction;
use crate::id::GateId;
use crate::journal::ClockState;
use crate::samples::{self, DOORS};
use crate::ticket::TicketBody;
use crate::verdict::{Admission, Reason};

const TWO: NonZeroU8 = NonZeroU8::new(2).unwrap();

/// How many of so many a ticket for two is granted by these passages, ten minutes after the doors.
fn granted(entries: u8, asked: NonZeroU8, own: Passages, others: Passages) -> u8 {
    let body = TicketBody { places: TWO, entries, ..samples::body() };
    let shown = Shown { body: &body, must_be_listed: false, live: None, check_id: false };
    grant_shown(&shown, asked, own, others, &samples::event(), DOORS + Duration::from_mins(10))
}

fn entered(persons: u8) -> Passages {
    let persons = NonZeroU8::new(persons).unwrap();
    Passages::granted(GateId(2), persons, DOORS + Duration::from_mins(1), None)
}

#[test]
fn as_many_are_granted_as_were_asked_for_and_have_room() {
    assert_eq!(granted(1, TWO, Passages::NONE, Passages::NONE), 2);
    assert_eq!(granted(1, NonZeroU8::MIN, Passages::NONE, Passages::NONE), 1);
    assert_eq!(granted(1, TWO, Passages::NONE, entered(1)), 1);
    assert_eq!(granted(1, TWO, entered(1), entered(1)), 0);
    // Whoever left by the one gate enters again by the other.
    let left = Passages { left: 1, last_exit: Some(DOORS + Duration::from_mins(5)), ..Passages::NONE };
    assert_eq!(granted(2, TWO, left, entered(2)), 1);
}

#[test]
fn what_was_granted_entered_then() {
    let at = DOORS + Duration::from_mins(1);
    let last_entry = Some(Admission { at, gate: Some(GateId(2)) });
    let one = Passages { admitted: 1, admitted_since_reset: 1, last_entry, ..Passages::NONE };
    assert_eq!(Passages::granted(GateId(2), NonZeroU8::MIN, at, Some(at)), one);
    let before = Passages { admitted_since_reset: 0, ..one };
    assert_eq!(Passages::granted(GateId(2), NonZeroU8::MIN, at, Some(at + Duration::from_millis(1))), before);
}

proptest! {
    /// Nobody whom the gate would let in by an answer is missing from it, but for one that it forgives: who is forgiven was granted before.
    #[test]
    fn a_gate_lets_in_nobody_more_than_it_is_granted(scene in scene(Direction::Entry), others in super::scene::passages()) {
        let scene = scene.with(|scene| {
            scene.clock.state = ClockState::Signed;
            scene.facts = Facts { claim: Claim::Granted(others), ..scene.facts };
        });
        let verdict = scene.verdict();
        let asked = NonZeroU8::new(verdict.persons).unwrap_or(NonZeroU8::MIN);
        let granted = grant_shown(&scene.shown(), asked, scene.facts.own, others, &scene.event, scene.clock.now);
        prop_assert!(granted >= verdict.persons || verdict.reason == Reason::Forgiven, "{verdict:?} of {granted}");
    }
}
