//! As much as a feed may say, and no more.

use super::*;

#[test]
fn more_rows_than_fit_ask_for_a_snapshot() {
    let rows = (1..=MAX_ROWS_HELD as u64).map(|sequence| row(NORTH, sequence, Passage::Entry)).collect();
    let mut state = started(FeedSnapshot { rows, ..empty() });
    let batch = following(state.as_ref(), &[row(SOUTH, 1, Passage::Entry)], &[]);
    assert!(matches!(accept(&mut state, &batch), Err(Refusal::Full { .. })));
    let known = following(state.as_ref(), &[row(NORTH, 1, Passage::Entry)], &[]);
    accept(&mut state, &known).unwrap();
}

/// A batch never leads where no snapshot and no record could follow.
#[test]
fn more_gates_than_a_snapshot_names_are_refused() {
    let gates =
        |gates: core::ops::Range<u32>| gates.map(|gate| (GateId(gate), GateStanding::Contested)).collect::<Vec<_>>();
    let mut state = started(FeedSnapshot { gates: gates(1..1024).into_iter().collect(), ..empty() });
    let last = following(state.as_ref(), &[], &gates(1024..1025));
    accept(&mut state, &last).unwrap();
    FeedState::from_record(&state.as_ref().unwrap().to_record()).unwrap();
    let beyond = following(state.as_ref(), &[], &gates(1025..1026));
    assert!(matches!(accept(&mut state, &beyond), Err(Refusal::Full { .. })));
    // Who is trusted again makes room.
    let exchanged =
        following(state.as_ref(), &[], &[(GateId(1), GateStanding::Trusted), (GateId(1025), GateStanding::Contested)]);
    accept(&mut state, &exchanged).unwrap();
}

/// Rows whose every number is as long as there can be.
fn long_rows(count: usize) -> Vec<FeedRow> {
    let row = |sequence| FeedRow {
        gate: GateId(u32::MAX),
        sequence,
        slot: Slot(u32::MAX),
        persons: u8::MAX,
        at: Timestamp::from_unix_millis(i64::MAX),
        passage: Passage::Undo { of: u64::MAX - MAX_ROWS_HELD as u64 - 1 },
    };
    (0..count as u64).rev().map(|back| row(u64::MAX - back)).collect()
}

#[test]
fn feeds_are_as_large_as_their_bounds_and_no_larger() {
    let gates = |count: u32| (0..count).map(|gate| (GateId(gate), GateStanding::Contested)).collect();
    let batch = |rows, gates| {
        let (before, rows) = (DocumentHash::NONE, long_rows(rows));
        feed(revision(1, 1), FeedContent::Batch(FeedBatch { before, rows, gates }))
    };
    batch(10_000, gates(1024)).check().unwrap();
    batch(10_001, gates(0)).check().unwrap_err();
    batch(0, gates(1025)).check().unwrap_err();
    let last = Some(Timestamp::from_unix_millis(i64::MAX));
    let (gate, admitted, left) = (GateId(u32::MAX - 1), u32::MAX, u32::MAX);
    let sum = FoldedGate { gate, admitted, admitted_since_reset: admitted, left, last_entry: last, last_exit: last };
    let snapshot = |sums: u32, rows, folded: u32, gates| {
        let folded = (1..=folded).map(|gate| (GateId(u32::MAX - gate), u64::MAX)).collect();
        let passages = (0..sums).rev().map(|back| FoldedPassages { slot: Slot(u32::MAX - back), gate: sum }).collect();
        let (hash, rows) = (DocumentHash::NONE, long_rows(rows));
        let snapshot = FeedSnapshot { hash, folded, passages, rows, gates, ..empty() };
        feed(revision(1, 0), FeedContent::Snapshot(snapshot))
    };
    let greatest = snapshot(500_000, MAX_ROWS_HELD, 1024, gates(1024));
    greatest.check().unwrap();
    assert!(crate::documents::canonical(&greatest).len() <= AdmissionFeed::MAX_PAYLOAD);
    snapshot(500_001, 0, 1, gates(0)).check().unwrap_err();
    snapshot(0, MAX_ROWS_HELD + 1, 0, gates(0)).check().unwrap_err();
    snapshot(0, 0, 1025, gates(0)).check().unwrap_err();
    snapshot(0, 0, 0, gates(1025)).check().unwrap_err();
}
