//! What whoever publishes makes of rows and standings.

use super::*;

fn next(state: Option<&FeedState>, rows: &[FeedRow], gates: &[(GateId, GateStanding)]) -> Option<AdmissionFeed> {
    state.unwrap().following(rows.iter().copied(), &gates.iter().copied().collect(), samples::DOORS)
}

fn batch(feed: Option<AdmissionFeed>) -> (Vec<u64>, Vec<GateId>) {
    match feed.map(|feed| feed.content) {
        Some(FeedContent::Batch(batch)) => {
            (batch.rows.iter().map(|row| row.sequence).collect(), batch.gates.keys().copied().collect())
        }
        other => panic!("no batch: {other:?}"),
    }
}

/// Found while writing: what a snapshot told first was not told again, and whoever took every batch never heard of it.
#[test]
fn a_batch_tells_its_rows_in_order_whoever_has_them_already() {
    let mut state = started(folded());
    // Row 7 is in the sums.
    let rows = [row(NORTH, 12, Passage::Entry), row(NORTH, 7, Passage::Entry), row(NORTH, 10, Passage::Entry)];
    for _ in 0..2 {
        let told = next(state.as_ref(), &rows, &[(SOUTH, GateStanding::Trusted)]).unwrap();
        assert_eq!(batch(Some(told.clone())), (vec![7, 10, 12], vec![]));
        accept(&mut state, &told).unwrap();
        assert_eq!(seat(state.as_ref()).admitted, folded().passages[0].gate.admitted + 4);
    }
    assert_eq!(next(state.as_ref(), &[], &[(SOUTH, GateStanding::Trusted)]), None);
}

#[test]
fn a_standing_is_told_when_it_changes_and_a_retraction_stays() {
    let mut state = started(empty());
    for (standing, is_told) in [
        (GateStanding::Trusted, false),
        (GateStanding::Contested, true),
        (GateStanding::Contested, false),
        (GateStanding::Trusted, true),
        (GateStanding::Retracted { from: 9 }, true),
        (GateStanding::Retracted { from: 12 }, false),
        (GateStanding::Contested, false),
        (GateStanding::Retracted { from: 4 }, true),
        (GateStanding::Trusted, false),
    ] {
        let told = next(state.as_ref(), &[], &[(NORTH, standing)]);
        assert_eq!(told.is_some(), is_told, "{standing:?}");
        told.inspect(|told| accept(&mut state, told).unwrap());
    }
    assert_eq!(state.unwrap().gate(NORTH), GateStanding::Retracted { from: 4 });
}

#[test]
fn an_undo_of_what_is_no_such_entry_is_not_told() {
    let mut state = started(empty());
    let first = next(state.as_ref(), &[row(NORTH, 1, Passage::Exit), row(NORTH, 2, Passage::Entry)], &[]).unwrap();
    accept(&mut state, &first).unwrap();
    let elsewhere = FeedRow { slot: Slot(1), ..row(NORTH, 9, Passage::Undo { of: 3 }) };
    let rows = [
        row(NORTH, 3, Passage::Entry),
        row(NORTH, 7, Passage::Undo { of: 1 }),
        row(NORTH, 8, Passage::Undo { of: 2 }),
        elsewhere,
    ];
    let told = next(state.as_ref(), &rows, &[]);
    assert_eq!(batch(told.clone()), (vec![3, 8], vec![]));
    accept(&mut state, &told.unwrap()).unwrap();
    assert_eq!(seat(state.as_ref()).admitted, 2);
}

#[test]
fn a_newer_snapshot_under_the_same_feed_takes_the_place_of_rows_and_no_floor() {
    let rows: Vec<_> = (1..=6).map(|sequence| row(NORTH, sequence, Passage::Entry)).collect();
    let mut state = started(empty());
    for part in rows.chunks(3) {
        let told = next(state.as_ref(), part, &[]).unwrap();
        accept(&mut state, &told).unwrap();
    }
    let state = state.unwrap();
    let Revision { epoch, sequence } = state.revision();
    let of = |last: u64, hash| {
        let folded = BTreeMap::from([(NORTH, last)]);
        FeedContent::Snapshot(FeedSnapshot::of(rows.iter().copied(), folded, BTreeMap::new(), None, hash))
    };
    let mut summed = None;
    accept(&mut summed, &feed(revision(epoch, sequence), of(6, state.standing().hash))).unwrap();
    let summed = state.upon(summed.unwrap()).unwrap();
    assert_eq!((state.rows(), summed.rows()), (6, 0));
    assert_eq!(summed.passages(SEAT, None, None), state.passages(SEAT, None, None));
    assert_eq!(summed.floor(&samples::bundle().list_keys()), state.floor(&samples::bundle().list_keys()));
    let mut other = None;
    accept(&mut other, &feed(revision(epoch, sequence), of(6, DocumentHash([7; 32])))).unwrap();
    assert!(state.upon(other.unwrap()).is_none());
}

/// More than are kept apart as the newest.
#[test]
fn many_rows_are_found_whether_they_are_old_or_new() {
    let mut state = started(empty());
    for first in (1..=3000).step_by(600) {
        let rows: Vec<_> = (first..first + 600).map(|sequence| row(NORTH, sequence, Passage::Entry)).collect();
        let told = next(state.as_ref(), &rows, &[]).unwrap();
        accept(&mut state, &told).unwrap();
    }
    let undos = [row(NORTH, 3001, Passage::Undo { of: 1 }), row(NORTH, 3002, Passage::Undo { of: 2999 })];
    let told = next(state.as_ref(), &undos, &[]).unwrap();
    accept(&mut state, &told).unwrap();
    assert_eq!((seat(state.as_ref()).admitted, state.unwrap().rows()), (2 * 2998, 3002));
}
