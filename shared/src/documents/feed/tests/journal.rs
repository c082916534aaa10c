//! What a journal's rows are told as, against what its own gate makes of them.

use core::num::NonZeroU8;

use super::*;
use crate::decision::Passages;
use crate::documents::Direction;
use crate::id::{Generation, LaneId, SupervisorId};
use crate::journal::{
    Act, Actor, Actuation, BootId, ClockState, DocumentRevisions, JournalRow, OverruleReason, Subject,
};
use crate::verdict::Reason;

fn journal(sequence: u64, direction: Direction, reason: Reason, persons: u8) -> JournalRow {
    JournalRow {
        gate: NORTH,
        sequence,
        boot: BootId::new([0; 16]),
        at: minute(sequence),
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction,
        subject: Subject::Ticket { event: EVENT, slot: SEAT, generation: Generation(1) },
        persons,
        actor: Actor::Gate,
        reason,
        proved: true,
        documents: DocumentRevisions::NONE,
        act: None,
    }
}

fn undo(sequence: u64, of: u64, persons: u8) -> JournalRow {
    let act = Act::Undo { of, persons: NonZeroU8::new(persons).unwrap() };
    JournalRow { persons: 0, proved: false, act: Some(act), ..journal(sequence, Direction::Entry, Reason::Admitted, 0) }
}

fn overruled() -> Act {
    Act::Overrule { of: 2, supervisor: SupervisorId(1), why: OverruleReason::NotPassed }
}

/// Whatever is known of a journal, with whatever reset, says the same to other gates as to its own.
#[test]
fn others_count_what_a_ledger_counts() {
    let rows = [
        journal(1, Direction::Entry, Reason::Admitted, 2),
        journal(2, Direction::Entry, Reason::AlreadyUsed, 0),
        journal(3, Direction::Entry, Reason::Forgiven, 1),
        journal(4, Direction::Exit, Reason::Exit, 1),
        journal(5, Direction::Exit, Reason::ExitWithoutEntry, 1),
        journal(6, Direction::Entry, Reason::ListOld, 3),
        undo(7, 6, 3),
        JournalRow { act: Some(Act::Actuated { of: 1, actuation: Actuation::Opened }), ..undo(8, 1, 2) },
        JournalRow {
            actor: Actor::Supervisor,
            act: Some(overruled()),
            ..journal(9, Direction::Entry, Reason::Overruled, 1)
        },
        undo(10, 9, 1),
    ];
    for known in 0..=rows.len() {
        for reset in [None, Some(minute(1)), Some(minute(4)), Some(minute(7))] {
            let ledger = Passages::of(&rows[..known], reset);
            let mut state = started(empty());
            let rows: Vec<_> = rows[..known].iter().filter_map(|row| FeedRow::of(row, EVENT)).collect();
            let batch = following(state.as_ref(), &rows, &[]);
            accept(&mut state, &batch).unwrap();
            let told = state.unwrap().passages(SEAT, None, reset);
            let counts = (told.admitted, told.admitted_since_reset, told.left, told.last_exit);
            assert_eq!(counts, (ledger.admitted, ledger.admitted_since_reset, ledger.left, ledger.last_exit));
            assert_eq!(told.last_entry.map(|last| last.at), ledger.last_entry.map(|last| last.at));
        }
    }
}

#[test]
fn each_row_that_lets_somebody_pass_is_told_as_what_it_was() {
    for (direction, reason, passage) in [
        (Direction::Entry, Reason::Admitted, Passage::Entry),
        (Direction::Entry, Reason::ListOld, Passage::Entry),
        (Direction::Entry, Reason::Forgiven, Passage::Forgiven),
        (Direction::Exit, Reason::Exit, Passage::Exit),
        (Direction::Exit, Reason::ExitWithoutEntry, Passage::ExitWithoutEntry),
    ] {
        let told = FeedRow::of(&journal(3, direction, reason, 2), EVENT);
        assert_eq!(told, Some(row(NORTH, 3, passage)), "{reason}");
    }
}

#[test]
fn nothing_is_told_of_who_stays_outside_of_other_events_or_of_what_is_no_ticket() {
    let refused = journal(1, Direction::Entry, Reason::AlreadyUsed, 0);
    let unread = JournalRow { subject: Subject::unverified("text"), reason: Reason::NotOurs, ..refused.clone() };
    assert_eq!([&refused, &unread].map(|row| FeedRow::of(row, EVENT)), [None, None]);
    assert_eq!(FeedRow::of(&journal(1, Direction::Entry, Reason::Admitted, 1), EventId(8)), None);
}
