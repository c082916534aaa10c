//! Seats.

use std::num::NonZeroU8;

use countermark_service::contract::findings::{Doubt, MOST_ITEMS};
use countermark_shared::id::SupervisorId;
use countermark_shared::journal::{Actuation, OverruleReason};

use super::*;

use Reason::{Admitted, Exit, ExitWithoutEntry, Forgiven, Overruled};

fn once() -> AdmissionPolicy {
    AdmissionPolicy::default()
}

fn festival() -> AdmissionPolicy {
    AdmissionPolicy { entries: 0, ..once() }
}

fn double(rows: &[(u64, Reason)]) -> Rules {
    vec![(Rule::DoubleAdmission, rows.iter().map(|(row, reason)| (row + 1, Some(*reason))).collect())]
}

#[test]
fn one_seat_at_two_gates_is_one_finding_that_says_where_and_how_far_apart() {
    let event = event(once(), &[]);
    let rows = [row(1, 0, Admitted, 1), row(2, 90, Admitted, 1)];
    let history = history(&event, told(terms(1, 1), &rows));
    let findings = history.findings();
    let [Found { about, rule, evidence }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((*about, *rule), (About::Seat { slot: SEAT }, Rule::DoubleAdmission));
    let Evidence::Scans { scans, count: 1 } = evidence else { panic!("{evidence:?}") };
    let [Doubt { scan, objection: Objection::PassedBefore { before, apart, would_say } }] = &scans[..] else {
        panic!("{scans:?}")
    };
    assert_eq!((before.gate, before.row, before.at), (GateId(1), 1, at(0)));
    assert_eq!((scan.gate, scan.row, scan.at), (GateId(2), 91, at(90)));
    assert_eq!((*apart, *would_say), (90_000, Reason::AlreadyUsed));
}

#[test]
fn what_is_too_often_is_what_a_gate_that_knew_of_all_would_have_said() {
    let again = AdmissionPolicy { exit_before_reentry: false, ..festival() };
    let daily = AdmissionPolicy { entries_between_resets: 1, ..again };
    let slow = AdmissionPolicy { pass_back_seconds: 60, ..again };
    let enter = |gate, seconds| row(gate, seconds, Admitted, 1);
    let leave = |gate, seconds| row(gate, seconds, Exit, 1);
    for (name, policy, resets, terms, rows, expected) in [
        ("as often as one likes", again, vec![], terms(1, 0), vec![enter(1, 0), enter(2, 1), enter(3, 2)], vec![]),
        ("twice of two", once(), vec![], terms(1, 2), vec![enter(1, 0), leave(2, 5), enter(2, 9)], vec![]),
        (
            "three times of two",
            AdmissionPolicy { exit_before_reentry: false, ..once() },
            vec![],
            terms(1, 2),
            vec![enter(1, 0), enter(2, 1), enter(3, 2)],
            double(&[(2, Reason::EntriesUsedUp)]),
        ),
        (
            "inside",
            festival(),
            vec![],
            terms(1, 0),
            vec![enter(1, 0), enter(2, 9)],
            double(&[(9, Reason::AlreadyInside)]),
        ),
        ("out and in", festival(), vec![], terms(1, 0), vec![enter(1, 0), leave(2, 5), enter(3, 9)], vec![]),
        ("a night between", festival(), vec![5], terms(1, 0), vec![enter(1, 0), enter(2, 9)], vec![]),
        ("twice a day", daily, vec![5], terms(1, 0), vec![enter(1, 0), enter(2, 9)], vec![]),
        (
            "twice in a day",
            daily,
            vec![5],
            terms(1, 0),
            vec![enter(1, 0), enter(2, 9), enter(1, 12)],
            double(&[(12, Reason::EntriesTodayUsedUp)]),
        ),
        (
            "over the fence",
            slow,
            vec![],
            terms(1, 0),
            vec![enter(1, 0), enter(2, 59)],
            double(&[(59, Reason::PassBack)]),
        ),
        ("long after", slow, vec![], terms(1, 0), vec![enter(1, 0), enter(2, 60)], vec![]),
        ("two of a pair", once(), vec![], terms(2, 1), vec![enter(1, 0), enter(2, 1)], vec![]),
        (
            "three of a pair",
            once(),
            vec![],
            terms(2, 1),
            vec![enter(1, 0), row(2, 1, Admitted, 2)],
            double(&[(1, Reason::PlacesUsedUp)]),
        ),
        (
            "a pair at three gates is one finding",
            once(),
            vec![],
            terms(2, 1),
            vec![row(1, 0, Admitted, 2), row(2, 1, Admitted, 2), row(3, 2, Admitted, 1)],
            double(&[(1, Reason::PlacesUsedUp), (2, Reason::PlacesUsedUp)]),
        ),
    ] {
        let event = event(policy, &resets);
        assert_eq!(found(&history(&event, told(terms, &rows))), expected, "{name}");
    }
}

#[test]
fn what_was_taken_back_forgiven_or_overruled_is_no_admission_too_many() {
    let event = event(once(), &[]);
    let undo = act(row(1, 5, Admitted, 1), Act::Undo { of: 1, persons: NonZeroU8::MIN });
    let rows = [row(1, 0, Admitted, 1), undo.clone(), row(2, 9, Admitted, 1)];
    assert_eq!(found(&history(&event, told(terms(1, 1), &rows))), [(Rule::TakenBack, vec![(1, None)])]);
    // Whatever the order in which they are told, and by its own gate's word alone.
    let elsewhere = JournalRow { gate: GateId(3), ..undo };
    let rows = [row(2, 9, Admitted, 1), elsewhere, row(1, 0, Admitted, 1)];
    assert_eq!(found(&history(&event, told(terms(1, 1), &rows))), double(&[(9, Reason::AlreadyUsed)]));

    let rows = [row(1, 0, Admitted, 1), row(1, 3, Forgiven, 1)];
    assert_eq!(found(&history(&event, told(terms(1, 1), &rows))), []);

    let why = OverruleReason::Identified;
    let overrule = Act::Overrule { of: 1, supervisor: SupervisorId(3), why };
    let overruled = act(row(2, 9, Overruled, 1), overrule);
    let rows = [row(1, 0, Admitted, 1), overruled];
    let history = history(&event, told(terms(1, 1), &rows));
    assert_eq!(found(&history), [(Rule::Overruled, vec![(10, None)])]);
    // It counts for those that follow.
    let mut later = history;
    later.told.extend(told(terms(1, 1), &[row(3, 12, Admitted, 1)]));
    assert_eq!(found(&later)[0], double(&[(12, Reason::AlreadyUsed)])[0]);
}

/// Found in review: whoever had a gate's key could explain a true double admission away, by another row under a number that was told.
#[test]
fn what_was_kept_aside_takes_nothing_back_and_counts() {
    let event = event(once(), &[]);
    let undo = act(row(1, 5, Admitted, 1), Act::Undo { of: 1, persons: NonZeroU8::MIN });
    let mut rows = told(terms(1, 1), &[row(1, 0, Admitted, 1), undo, row(2, 9, Admitted, 1)]);
    rows[1].aside = true;
    assert_eq!(found(&history(&event, rows.clone())), double(&[(9, Reason::AlreadyUsed)]));
    // The undo stands, and is of the row that stands.
    rows[1].aside = false;
    assert_eq!(found(&history(&event, rows.clone())), [(Rule::TakenBack, vec![(1, None)])]);
    rows[0].aside = true;
    assert_eq!(found(&history(&event, rows)), double(&[(9, Reason::AlreadyUsed)]));
}

#[test]
fn what_staff_took_back_is_told_where_it_was_not_once_and_for_good() {
    let event = event(once(), &[]);
    let undo = |gate, seconds, of| act(row(gate, seconds, Admitted, 1), Act::Undo { of, persons: NonZeroU8::MIN });
    let then = |rows: &[JournalRow]| {
        let findings = history(&event, told(terms(1, 1), rows)).findings();
        let found = findings.into_iter().find(|found| found.rule == Rule::TakenBack)?;
        let Evidence::Scans { scans, .. } = found.evidence else { panic!("{found:?}") };
        let said = scans.iter().map(|doubt| {
            let Objection::TakenBack { row, at, then } = doubt.objection else { panic!("{doubt:?}") };
            (doubt.scan.row, row, at, then.map(|scan| (scan.gate, scan.row)))
        });
        Some(said.collect::<Vec<_>>())
    };
    let once = [row(1, 0, Admitted, 1), undo(1, 5, 1)];
    assert_eq!(then(&once), None, "nobody came in");
    let elsewhere = [&once[..], &[row(2, 4, Admitted, 1)]].concat();
    assert_eq!(then(&elsewhere), None, "that was before");
    let again = [&once[..], &[row(2, 9, Admitted, 1), row(3, 10, Exit, 1)]].concat();
    assert_eq!(then(&again), Some(vec![(1, 6, at(5), Some((GateId(2), 10)))]));
    // By the order of its own journal, whatever the clock says.
    let back = JournalRow { at: at(1), ..row(1, 8, Admitted, 1) };
    assert_eq!(then(&[&once[..], &[back]].concat()), Some(vec![(1, 6, at(5), Some((GateId(1), 9)))]));
    let twice = [&once[..], &[row(2, 9, Admitted, 1), undo(2, 12, 10)]].concat();
    assert_eq!(then(&twice), Some(vec![(1, 6, at(5), None), (10, 13, at(12), None)]));
    // The same one twice is one.
    assert_eq!(then(&[&once[..], &[undo(1, 7, 1)]].concat()), None);
}

#[test]
fn a_seat_that_is_held_at_a_gate_is_told_while_the_cloud_says_nothing_of_it() {
    let event = event(once(), &[]);
    let held = |gate, seconds| act(row(gate, seconds, Reason::Blocked, 0), Act::Hold);
    let released = |gate, seconds| act(row(gate, seconds, Reason::Blocked, 0), Act::Release);
    let of = |rows: &[JournalRow]| history(&event, told(terms(1, 1), rows));
    let told = |numbers: &[u64]| vec![(Rule::Held, numbers.iter().map(|number| (number + 1, None)).collect())];
    for (name, rows, expected) in [
        ("held", vec![held(1, 5)], told(&[5])),
        ("at two gates", vec![held(2, 7), held(1, 5)], told(&[5, 7])),
        ("released", vec![held(1, 5), released(1, 9)], vec![]),
        ("released elsewhere", vec![held(1, 5), released(2, 9)], told(&[5])),
        ("and again, in whatever order it is told", vec![held(1, 12), released(1, 9), held(1, 5)], told(&[12])),
    ] {
        assert_eq!(found(&of(&rows)), expected, "{name}");
    }
    let rows = [held(1, 5)];
    assert_eq!(found(&SeatHistory { blocked: true, ..of(&rows) }), []);
    assert_eq!(found(&SeatHistory { issued: Some(Issued { revoked: Some(at(9)), ..sold() }), ..of(&rows) }), []);
    assert_eq!(found(&SeatHistory { issued: None, ..of(&rows) }), told(&[5]), "who is not sold is not withdrawn");
    let mut disbelieved = of(&rows);
    disbelieved.told[0].aside = true;
    assert_eq!(found(&disbelieved), []);
}

#[test]
fn an_exit_by_which_nobody_left_makes_room_for_nobody() {
    let event = event(festival(), &[]);
    let twice = double(&[(30, Reason::AlreadyInside)]);
    for (actuation, expected) in [(Actuation::NotTurned, twice), (Actuation::Turned, vec![])] {
        let told_of_exit = act(row(1, 11, Exit, 1), Act::Actuated { of: 11, actuation });
        let rows = [row(1, 0, Admitted, 1), row(1, 10, Exit, 1), told_of_exit, row(2, 30, Admitted, 1)];
        assert_eq!(found(&history(&event, told(terms(1, 0), &rows))), expected, "{actuation:?}");
    }
}

#[test]
fn a_ticket_that_was_withdrawn_is_told_with_what_became_of_it() {
    let event = event(once(), &[]);
    let rows = told(terms(1, 1), &[row(1, 5, Admitted, 1)]);
    let objections = |issued: Option<Issued>| {
        let history = SeatHistory { issued, ..history(&event, rows.clone()) };
        let findings = history.findings().into_iter().map(|found| {
            let Evidence::Scans { scans, .. } = found.evidence else { panic!("{:?}", found.rule) };
            (found.rule, scans[0].objection)
        });
        findings.collect::<Vec<_>>()
    };
    assert_eq!(objections(Some(sold())), []);
    let revoked = |seconds| Some(Issued { revoked: Some(at(seconds)), ..sold() });
    assert_eq!(objections(revoked(4)), [(Rule::UsedAfterRevocation, Objection::Revoked { since: at(4) })]);
    assert_eq!(objections(revoked(5)), []);
    let replaced = |seconds| Some(Issued { generation: Generation(2), since: at(seconds), revoked: None });
    assert_eq!(objections(replaced(4)), [(Rule::UsedAfterRevocation, Objection::Replaced { since: at(4) })]);
    assert_eq!(objections(replaced(6)), []);
    assert_eq!(objections(None), [(Rule::NeverIssued, Objection::NotIssued)]);
    let earlier = Some(Issued { generation: Generation(0), ..sold() });
    assert_eq!(objections(earlier), [(Rule::NeverIssued, Objection::NotIssued)]);
}

#[test]
fn more_that_left_than_came_are_told() {
    let event = event(festival(), &[]);
    let minute = CLOCKS_APART.as_secs();
    for (name, rows, exits) in [
        ("nobody came", vec![row(1, 0, ExitWithoutEntry, 1)], vec![0]),
        ("one came", vec![row(1, 0, Admitted, 1), row(2, 9, Exit, 1)], vec![]),
        ("another gate saw them come", vec![row(1, 0, Admitted, 1), row(2, 9, ExitWithoutEntry, 1)], vec![]),
        ("a clock is behind", vec![row(2, 9, Exit, 1), row(1, 9 + minute, Admitted, 1)], vec![]),
        ("they came after", vec![row(2, 9, Exit, 1), row(1, 10 + minute, Admitted, 1)], vec![9]),
        ("twice", vec![row(1, 0, Admitted, 1), row(2, 9, Exit, 1), row(3, 30, ExitWithoutEntry, 1)], vec![30]),
        (
            "who was forgiven came once",
            vec![row(1, 0, Admitted, 1), row(1, 1, Forgiven, 1), row(2, 9, Exit, 2)],
            vec![9],
        ),
    ] {
        let expected: Vec<_> = exits.iter().map(|row| (row + 1, None)).collect();
        let expected: Vec<_> =
            (!expected.is_empty()).then_some((Rule::ExitWithoutEntry, expected)).into_iter().collect();
        assert_eq!(found(&history(&event, told(terms(1, 0), &rows))), expected, "{name}");
    }
}

#[test]
fn who_is_not_believed_makes_no_finding() {
    let event = event(once(), &[]);
    let mut rows = told(terms(1, 1), &[row(1, 0, Admitted, 1), row(2, 9, Admitted, 1), row(3, 10, Exit, 5)]);
    for told in &mut rows[1..] {
        told.believed = false;
    }
    assert_eq!(found(&history(&event, rows)), []);
}

#[test]
fn a_clock_that_goes_back_does_not_turn_the_order_of_a_journal() {
    let event = event(festival(), &[]);
    // In, out, and in again; by then the clock was an hour behind.
    let again = JournalRow { at: NOON - Duration::from_hours(1), ..row(1, 20, Admitted, 1) };
    let rows = [row(1, 0, Admitted, 1), row(1, 10, Exit, 1), again];
    assert_eq!(found(&history(&event, told(terms(1, 0), &rows))), []);
}

#[test]
fn thousands_of_scans_are_counted_and_the_first_are_written_down() {
    let event = event(once(), &[]);
    let rows: Vec<_> = (0..3000).map(|seconds| row(1, seconds, Admitted, 1)).collect();
    let findings = history(&event, told(terms(1, 1), &rows)).findings();
    let [Found { evidence: Evidence::Scans { scans, count: 2999 }, .. }] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((scans.len(), scans[0].scan.row), (MOST_ITEMS, 2));
}
