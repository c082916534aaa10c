//! How journal rows count.

use core::num::NonZeroU8;

use crate::decision::{Passages, Turn, Unfinished};
use crate::documents::Direction;
use crate::id::{EventId, GateId, Generation, LaneId, Slot};
use crate::journal::{Act, Actor, Actuation, BootId, ClockState, DocumentRevisions, JournalRow, Subject};
use crate::samples::DOORS;
use crate::time::Timestamp;
use crate::verdict::{Admission, Reason};

fn row(seconds: i64, direction: Direction, reason: Reason, persons: u8) -> JournalRow {
    JournalRow {
        gate: GateId(1),
        sequence: 1,
        boot: BootId::new([0; 16]),
        at: at(seconds),
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction,
        subject: Subject::Ticket { event: EventId(7), slot: Slot(1), generation: Generation(1) },
        persons,
        actor: Actor::Gate,
        reason,
        proved: true,
        documents: DocumentRevisions::NONE,
        act: None,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(DOORS.unix_seconds() + seconds)
}

fn admission(seconds: i64) -> Admission {
    Admission { at: at(seconds), gate: Some(GateId(1)) }
}

fn count(rows: &[JournalRow], last_reset: Option<Timestamp>) -> Passages {
    rows.iter().fold(Passages::NONE, |count, row| count.after(row, last_reset))
}

#[test]
fn rows_count_in_and_out_and_refusals_not_at_all() {
    let rows = [
        row(0, Direction::Entry, Reason::Admitted, 2),
        row(1, Direction::Entry, Reason::ListOld, 1),
        row(2, Direction::Entry, Reason::AlreadyUsed, 0),
        row(3, Direction::Exit, Reason::Exit, 1),
    ];
    let expected = Passages {
        admitted: 3,
        admitted_since_reset: 3,
        left: 1,
        last_entry: Some(admission(1)),
        last_exit: Some(at(3)),
    };
    assert_eq!(count(&rows, None), expected);
    assert_eq!(expected.inside(), 2);
}

#[test]
fn a_second_exit_buys_no_second_entry() {
    let rows = [
        row(0, Direction::Entry, Reason::Admitted, 1),
        row(1, Direction::Exit, Reason::Exit, 1),
        row(2, Direction::Exit, Reason::ExitWithoutEntry, 1),
        row(3, Direction::Entry, Reason::Admitted, 1),
    ];
    let counted = count(&rows, None);
    assert_eq!((counted.inside(), counted.last_exit), (1, Some(at(2))));
}

#[test]
fn what_was_forgiven_counts_once() {
    let rows = [row(0, Direction::Entry, Reason::Admitted, 2), row(1, Direction::Entry, Reason::Forgiven, 2)];
    let counted = count(&rows, None);
    assert_eq!((counted.admitted, counted.admitted_since_reset, counted.last_entry), (2, 2, Some(admission(1))));
}

#[test]
fn what_was_taken_back_counts_as_if_it_had_never_been() {
    let numbered = |sequence, row| JournalRow { sequence, ..row };
    let undo = |sequence, of| JournalRow {
        persons: 0,
        proved: false,
        act: Some(Act::Undo { of, persons: NonZeroU8::new(2).unwrap() }),
        ..numbered(sequence, row(9, Direction::Entry, Reason::Admitted, 2))
    };
    let (first, second) =
        (row(0, Direction::Entry, Reason::Admitted, 2), row(5, Direction::Entry, Reason::Admitted, 2));
    let rows = [first.clone(), undo(2, 1), numbered(3, second), undo(4, 3)];
    assert_eq!(Passages::of(&rows[..1], None).admitted, 2);
    assert_eq!(Passages::of(&rows[..2], None), Passages::NONE);
    assert_eq!(Passages::of(&rows[..3], None).last_entry, Some(admission(5)));
    assert_eq!(Passages::of(&[&rows[..1], &rows[2..]].concat(), None), count(&[first], None));
}

#[test]
fn an_exit_by_which_nobody_left_counts_as_if_it_had_never_been() {
    let numbered = |sequence, row| JournalRow { sequence, ..row };
    let both = [row(0, Direction::Entry, Reason::Admitted, 1), row(5, Direction::Exit, Reason::Exit, 1)];
    let [came, went] = &both;
    for (actuation, count_for) in
        [(Actuation::NotTurned, 1), (Actuation::NotOpened, 2), (Actuation::Opened, 2), (Actuation::Turned, 2)]
    {
        let told = |sequence, of, about: &JournalRow| JournalRow {
            persons: 0,
            proved: false,
            act: Some(Act::Actuated { of, actuation }),
            ..numbered(sequence, about.clone())
        };
        let rows = [came.clone(), told(2, 1, came), numbered(3, went.clone()), told(4, 3, went)];
        assert_eq!(Passages::of(&rows, None), count(&both[..count_for], None), "{actuation:?}");
    }
}

#[test]
fn an_entry_at_the_reset_is_after_it() {
    let rows = [row(9, Direction::Entry, Reason::Admitted, 1), row(10, Direction::Entry, Reason::Admitted, 1)];
    assert_eq!(count(&rows, Some(at(10))).admitted_since_reset, 1);
    assert_eq!(count(&rows, Some(at(11))).admitted_since_reset, 0);
    assert_eq!(count(&rows, Some(at(9))).admitted_since_reset, 2);
}

#[test]
fn what_never_happened_is_taken_out_whole() {
    let counted = count(&[row(0, Direction::Entry, Reason::Admitted, 3)], Some(at(0)));
    let unfinished = Unfinished { at: at(0), persons: NonZeroU8::new(3).unwrap(), turn: Turn::NotTurned };
    assert_eq!(counted.without(&unfinished, Some(at(0))), Passages::NONE);
    let yesterday = counted.without(&unfinished, Some(at(1)));
    assert_eq!((yesterday.admitted, yesterday.admitted_since_reset), (0, 3));
}

#[test]
fn counts_add_up_without_overflow() {
    let most = Passages { admitted: u32::MAX, admitted_since_reset: u32::MAX, left: u32::MAX, ..Passages::NONE };
    assert_eq!(most.and(most), most);
}
