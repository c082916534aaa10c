//! Admissions of which it is not known that people passed: told by an output, by staff, or by nobody because the agent was killed.

use super::*;
use countermark_shared::documents::{Direction, Lane};
use countermark_shared::id::Zones;
use countermark_shared::journal::Actuation;

const ARM: LaneId = LaneId(1);
const OUT: LaneId = LaneId(2);
const DOOR: LaneId = LaneId(3);

/// A gate with an arm that tells at one entry, and staff who look at a screen at another.
fn bench() -> Bench {
    let mut bench = Bench::synced();
    let mut wide = samples::assignment();
    wide.version = 2;
    wide.lanes.push(Lane { lane: DOOR, direction: Direction::Entry, zones: Zones(1) });
    bench.ledger().take(DocumentKind::Assignment, &samples::assignment_bytes(&wide), moment(DOORS)).unwrap();
    bench.ledger().is_told_at([ARM].into());
    bench
}

fn show(bench: &mut Bench, lane: LaneId, slot: u32) -> Reason {
    let scan = RawScan { lane, ..scan(&ticket(slot, 1)) };
    bench.ledger().scan(&[scan], moment(DOORS))[0].ruling.verdict
}

#[test]
fn an_arm_that_did_not_turn_lets_in_once_more_and_once_only() {
    let mut bench = bench();
    assert_eq!(show(&mut bench, ARM, 42), Reason::Admitted);
    assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp, "while it may turn yet");
    bench.ledger().tell(1, Actuation::NotTurned);
    assert_eq!(show(&mut bench, ARM, 42), Reason::Forgiven);
    bench.ledger().tell(4, Actuation::NotTurned);
    assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp);
    bench.reopen().unwrap();
    assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp);
    assert!(matches!(bench.ledger().undo(4, Actor::Operator, moment(DOORS)), Err(ActError::Forgiven { sequence: 4 })));
    assert!(matches!(
        bench.ledger().undo(1, Actor::Operator, moment(DOORS)),
        Err(ActError::PassedSince { sequence: 1 })
    ));
}

/// The relay was unplugged, or answered late and opened all the same; staff let the first one in by hand, as the screen told them.
#[test]
fn what_was_not_opened_is_no_word_that_nobody_passed() {
    for (passed, then) in [(true, Reason::PlacesUsedUp), (false, Reason::Forgiven)] {
        let mut bench = bench();
        assert_eq!(show(&mut bench, ARM, 42), Reason::Admitted);
        bench.ledger().tell(1, Actuation::NotOpened);
        assert_eq!(show(&mut bench, ARM, 42), Reason::Interrupted);
        bench.reopen().unwrap();
        assert_eq!(show(&mut bench, ARM, 42), Reason::Interrupted);
        assert_eq!(
            bench.ledger().recent(1, moment(DOORS)).unwrap()[0].may,
            [Deed::Overrule, Deed::Hold, Deed::Confirm]
        );
        bench.ledger().confirm(4, passed, moment(DOORS)).unwrap();
        assert_eq!(show(&mut bench, ARM, 42), then);
        bench.ledger().tell(6, Actuation::NotOpened);
        assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp, "once");
    }
}

/// Found in review: scanned out before an arm that did not turn, a ticket let a second person in.
#[test]
fn whoever_did_not_get_out_is_inside() {
    for (actuation, then) in [(Actuation::NotTurned, Reason::AlreadyInside), (Actuation::Turned, Reason::Admitted)] {
        let mut bench = bench();
        bench.ledger().is_told_at([ARM, OUT].into());
        let ticket = samples::sign(TicketBody { places: NonZeroU8::MIN, entries: 5, ..samples::body_of(42, 1) });
        let show = |bench: &mut Bench, lane| {
            bench.ledger().scan(&[RawScan { lane, ..scan(&ticket.to_text()) }], moment(DOORS))[0].ruling.verdict
        };
        assert_eq!(show(&mut bench, ARM), Reason::Admitted);
        bench.ledger().tell(1, Actuation::Turned);
        assert_eq!(show(&mut bench, OUT), Reason::Exit);
        bench.ledger().tell(3, actuation);
        assert_eq!(show(&mut bench, ARM), then, "{actuation:?}");
    }
}

/// Found in review: whoever scanned out and stood still let a second person in until the arm had said that it did not turn.
#[test]
fn whoever_may_still_stand_in_the_arm_has_not_left_for_who_wants_in() {
    let mut bench = bench();
    bench.ledger().is_told_at([ARM, OUT].into());
    let ticket = samples::sign(TicketBody { places: NonZeroU8::MIN, entries: 5, ..samples::body_of(42, 1) });
    let show = |bench: &mut Bench, lane| {
        bench.ledger().scan(&[RawScan { lane, ..scan(&ticket.to_text()) }], moment(DOORS))[0].ruling.verdict
    };
    assert_eq!(show(&mut bench, DOOR), Reason::Admitted);
    assert_eq!(show(&mut bench, OUT), Reason::Exit);
    assert_eq!(show(&mut bench, DOOR), Reason::AlreadyInside);
    assert_eq!(show(&mut bench, OUT), Reason::ExitWithoutEntry, "out once, by one entry");
    bench.ledger().tell(2, Actuation::Turned);
    assert_eq!(show(&mut bench, DOOR), Reason::Admitted);
    // Where nobody will tell any more, whoever was shown the way has gone it.
    assert_eq!(show(&mut bench, OUT), Reason::Exit);
    bench.crash().unwrap();
    assert_eq!(show(&mut bench, DOOR), Reason::Admitted);
}

#[test]
fn after_five_minutes_an_arms_word_forgives_nobody_and_staffs_word_is_as_old_as_it_is() {
    let mut bench = bench();
    assert_eq!(show(&mut bench, ARM, 42), Reason::Admitted);
    bench.ledger().tell(1, Actuation::NotTurned);
    bench.ledger().write_outcomes(moment(DOORS)).unwrap();
    let shown = |bench: &mut Bench, at| bench.ledger().check(ARM, &ticket(42, 1), moment(at)).unwrap().verdict;
    let five = DOORS + Duration::from_mins(5);
    assert_eq!(shown(&mut bench, five), Reason::Forgiven);
    let late = five + Duration::from_millis(1);
    assert_eq!(shown(&mut bench, late), Reason::Interrupted);
    // Whoever asks the person there and then says it anew.
    bench.ledger().confirm(1, false, moment(late)).unwrap();
    assert_eq!(shown(&mut bench, late + Duration::from_mins(5)), Reason::Forgiven);
    bench.ledger().confirm(1, true, moment(late)).unwrap_err();
    assert_eq!(shown(&mut bench, late + Duration::from_mins(6)), Reason::Interrupted);
}

#[test]
fn an_arm_that_turned_or_a_door_that_opened_let_people_in() {
    for actuation in [Actuation::Turned, Actuation::Opened] {
        let mut bench = bench();
        show(&mut bench, ARM, 42);
        bench.ledger().tell(1, actuation);
        assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp);
        bench.crash().unwrap();
        assert_eq!(show(&mut bench, ARM, 42), Reason::PlacesUsedUp, "it was written with the scan after it");
    }
}

#[test]
fn killed_before_the_verdict_was_shown_staff_are_asked_and_their_word_counts() {
    for (passed, then) in [(true, Reason::PlacesUsedUp), (false, Reason::Forgiven)] {
        let mut bench = bench();
        assert_eq!(show(&mut bench, DOOR, 42), Reason::Admitted);
        bench.crash().unwrap();
        assert_eq!(show(&mut bench, DOOR, 42), Reason::Interrupted);
        // They name the scan that called them; the admission they may not know.
        assert_eq!(
            bench.ledger().recent(1, moment(DOORS)).unwrap()[0].may,
            [Deed::Overrule, Deed::Hold, Deed::Confirm]
        );
        let done = bench.ledger().confirm(2, passed, moment(DOORS)).unwrap();
        assert_eq!(done.sentence.en.contains("counts as used"), passed, "{}", done.sentence.en);
        assert_eq!(done.sentence.fr.contains("Scannez de nouveau"), !passed, "{}", done.sentence.fr);
        let actuation = if passed { Actuation::Turned } else { Actuation::NotTurned };
        assert_eq!(bench.acts(), [(Act::Actuated { of: 1, actuation }, Actor::Operator)]);
        assert!(matches!(
            bench.ledger().confirm(2, passed, moment(DOORS)),
            Err(ActError::NothingToConfirm { sequence: 2 })
        ));
        assert_eq!(show(&mut bench, DOOR, 42), then);
        assert_eq!(show(&mut bench, DOOR, 42), Reason::PlacesUsedUp);
        bench.reopen().unwrap();
        assert_eq!(show(&mut bench, DOOR, 42), Reason::PlacesUsedUp);
    }
}

#[test]
fn what_was_shown_and_what_is_under_way_are_told_apart() {
    let mut bench = bench();
    assert_eq!(show(&mut bench, ARM, 41), Reason::Admitted);
    assert_eq!(show(&mut bench, DOOR, 42), Reason::Admitted);
    // By now both were announced, and nothing was told of the arm.
    assert_eq!(show(&mut bench, DOOR, 43), Reason::Admitted);
    assert!(
        matches!(bench.ledger().confirm(1, false, moment(DOORS)), Err(ActError::NothingToConfirm { .. })),
        "it runs"
    );
    bench.crash().unwrap();
    assert_eq!(show(&mut bench, DOOR, 41), Reason::Interrupted, "the arm may have turned");
    assert_eq!(show(&mut bench, DOOR, 42), Reason::PlacesUsedUp, "the one after it was decided later");
    assert_eq!(show(&mut bench, DOOR, 43), Reason::Interrupted, "nobody knows whether it was shown");
}

#[test]
fn an_idle_gate_writes_down_that_all_was_shown() {
    let mut bench = bench();
    show(&mut bench, DOOR, 42);
    bench.ledger().write_outcomes(moment(DOORS)).unwrap();
    bench.crash().unwrap();
    assert_eq!(show(&mut bench, DOOR, 42), Reason::PlacesUsedUp);
}

#[test]
fn who_left_was_inside() {
    let mut bench = bench();
    show(&mut bench, DOOR, 42);
    assert_eq!(show(&mut bench, LaneId(2), 42), Reason::Exit);
    bench.crash().unwrap();
    assert_eq!(show(&mut bench, DOOR, 42), Reason::PlacesUsedUp);
}

#[test]
fn what_an_output_tells_of_no_admission_is_no_row() {
    let mut bench = bench();
    bench.verdicts(&["junk".to_owned()]);
    for row in [1, 9] {
        bench.ledger().tell(row, Actuation::Turned);
    }
    bench.ledger().write_outcomes(moment(DOORS)).unwrap();
    assert_eq!(bench.rows().len(), 1);
    bench.reopen().unwrap();
}
