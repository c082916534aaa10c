//! Rows that are held as sums, against the same rows in sight.

use std::collections::BTreeSet;

use super::*;

#[test]
fn sums_count_with_the_rows_after_them() {
    let mut state = started(folded());
    let rows = [row(NORTH, 7, Passage::Entry), row(NORTH, 10, Passage::Entry), row(NORTH, 11, Passage::Undo { of: 8 })];
    let batch = following(state.as_ref(), &rows, &[]);
    accept(&mut state, &batch).unwrap();
    // Row 7 is in the sums already, and row 11 takes two persons out of them.
    let passages = state.as_ref().unwrap().passages(SEAT, None, Some(minute(4)));
    assert_eq!((passages.admitted, passages.admitted_since_reset, passages.left), (4, 2, 2));
    let since = |reset| state.as_ref().unwrap().passages(SEAT, None, Some(reset)).admitted_since_reset;
    assert_eq!(since(minute(0)), 4, "more than the sums tell apart: all of them");
    assert_eq!(since(minute(5)), 2);
    assert_eq!(since(minute(6)), 2, "row 10 alone");
    let restarted = FeedState::from_record(&state.as_ref().unwrap().to_record()).unwrap();
    assert_eq!(restarted.passages(SEAT, None, None), seat(state.as_ref()));
    assert_eq!(restarted.standing(), state.unwrap().standing());
}

#[test]
fn of_sums_before_a_reset_nothing_counts_since_it() {
    let state = started(folded()).unwrap();
    let since = |reset| state.passages(SEAT, None, Some(reset)).admitted_since_reset;
    assert_eq!((since(minute(4)), since(minute(5)), since(minute(6))), (2, 2, 0));
}

#[test]
fn sums_of_a_contested_gate_are_contested() {
    let contested = |gates| started(FeedSnapshot { gates, ..folded() }).unwrap().passages(SEAT, None, None).contested;
    assert!(contested(BTreeMap::from([(NORTH, GateStanding::Contested)])));
    assert!(!contested(BTreeMap::from([(SOUTH, GateStanding::Contested)])));
}

#[test]
fn rows_that_were_folded_are_retracted_by_a_snapshot_alone() {
    let mut state = started(folded());
    for (from, refused) in [(9, true), (10, false)] {
        let batch = following(state.as_ref(), &[], &[(NORTH, GateStanding::Retracted { from })]);
        let outcome = accept(&mut state, &batch);
        assert_eq!(matches!(outcome, Err(Refusal::RetractsFolded { gate: NORTH, .. })), refused, "{outcome:?}");
    }
}

#[test]
fn a_row_is_taken_back_once_in_sight_or_in_sums() {
    let undos = [row(NORTH, 10, Passage::Undo { of: 8 }), row(NORTH, 11, Passage::Undo { of: 8 })];
    let mut state = started(folded());
    let batch = following(state.as_ref(), &undos, &[]);
    accept(&mut state, &batch).unwrap();
    assert_eq!(seat(state.as_ref()).admitted, 2);
    assert_eq!(
        told(&[&[row(NORTH, 7, Passage::Entry), row(NORTH, 8, Passage::Entry)], &undos[..]].concat()).admitted,
        2
    );
}

/// A snapshot in which each gate's rows up to `last` are sums, and the others are as they are.
fn summed_up_to(last: u64, rows: &[FeedRow]) -> FeedSnapshot {
    let folded = (1..4).map(|gate| (GateId(gate), last)).collect();
    FeedSnapshot::of(rows.iter().copied(), folded, BTreeMap::new(), None, DocumentHash::NONE)
}

#[test]
fn sums_know_since_when_they_count_and_what_was_taken_back() {
    let rows = [
        row(NORTH, 1, Passage::Entry),
        row(NORTH, 2, Passage::Exit),
        row(NORTH, 5, Passage::Entry),
        row(NORTH, 6, Passage::Entry),
        row(NORTH, 7, Passage::Undo { of: 6 }),
        row(SOUTH, 3, Passage::Entry),
        row(SOUTH, 4, Passage::Undo { of: 3 }),
    ];
    let snapshot = |reset| {
        let folded = BTreeMap::from([(NORTH, 7), (SOUTH, 4)]);
        FeedSnapshot::of(rows.into_iter().rev(), folded, BTreeMap::new(), reset, DocumentHash::NONE)
    };
    let summed = snapshot(Some(minute(5)));
    assert_eq!(summed.rows, []);
    let [FoldedPassages { slot: SEAT, gate }] = summed.passages[..] else { panic!("{:?}", summed.passages) };
    assert_eq!((gate.gate, gate.admitted, gate.admitted_since_reset, gate.left), (NORTH, 4, 2, 2));
    assert_eq!((gate.last_entry, gate.last_exit), (Some(minute(5)), Some(minute(2))));
    assert_eq!((summed.reset, snapshot(None).reset), (minute(5), Timestamp::from_unix_millis(0)));
    assert_eq!(snapshot(None).passages[0].gate.admitted_since_reset, 4);
    started(summed);
}

/// Found while writing: one false undo in a journal would have kept the snapshot from being signed for ever.
#[test]
fn an_undo_of_no_such_entry_is_in_no_snapshot() {
    let rows = [
        row(NORTH, 1, Passage::Exit),
        row(NORTH, 2, Passage::Entry),
        row(NORTH, 3, Passage::Undo { of: 1 }),
        row(NORTH, 4, Passage::Undo { of: 2 }),
        row(SOUTH, 9, Passage::Undo { of: 8 }),
    ];
    for last in 1..5 {
        let snapshot = summed_up_to(last, &rows);
        assert!(snapshot.rows.iter().all(|row| row.passage.cancels().is_none_or(|of| of == 2)), "{:?}", snapshot.rows);
        assert_eq!(seat(started(snapshot).as_ref()).admitted, 0);
    }
}

proptest! {
    /// Whatever is held as sums counts as its rows would. Of each row there is one undo, as journals write them.
    #[test]
    fn sums_count_as_their_rows_would(rows in rows(), last in 1_u64..40) {
        let mut undone = BTreeSet::new();
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.passage.cancels().is_none_or(|of| {
                rows.iter().any(|row_of| (row_of.gate, row_of.sequence) == (row.gate, of)) && undone.insert((row.gate, of))
            }))
            .copied()
            .collect();
        let as_rows = started(FeedSnapshot { rows: rows.clone(), ..empty() }).unwrap();
        let as_sums = started(summed_up_to(last, &rows)).unwrap();
        for slot in (0..3).map(Slot) {
            let [rows, sums] = [&as_rows, &as_sums].map(|state| {
                let passages = state.passages(slot, None, None);
                (passages.admitted, passages.left, passages.last_exit)
            });
            prop_assert_eq!(rows, sums);
        }
    }
}
