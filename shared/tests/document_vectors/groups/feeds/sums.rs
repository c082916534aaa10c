//! Rows that are held as sums.

use super::*;

/// Rows 1 to 9 of the north gate as sums: four in, of which two since the reset at minute 4, and two out.
pub(super) fn folded() -> FeedSnapshot {
    let gate = FoldedGate {
        gate: NORTH,
        admitted: 4,
        admitted_since_reset: 2,
        left: 2,
        last_entry: Some(minute(5)),
        last_exit: Some(minute(3)),
    };
    FeedSnapshot {
        hash: hash(&batch(&start(), &[], &[])),
        reset: minute(4),
        folded: BTreeMap::from([(NORTH, 9)]),
        passages: vec![FoldedPassages { slot: SEAT, gate }],
        ..empty()
    }
}

/// Sums that say when somebody passed last, and nothing else.
pub(super) fn counting_nobody(last_entry: Option<i64>, last_exit: Option<i64>) -> FeedSnapshot {
    let mut snapshot = folded();
    for folded in &mut snapshot.passages {
        let (last_entry, last_exit) = (last_entry.map(minute), last_exit.map(minute));
        folded.gate = FoldedGate { gate: NORTH, admitted: 0, admitted_since_reset: 0, left: 0, last_entry, last_exit };
    }
    snapshot
}

pub(super) fn cases() -> Vec<Case> {
    let snapshot = feed((1, 1), FeedContent::Snapshot(folded()));
    let told = |counts, entry| told(Told { counts, last_entry: Some((entry, NORTH)), last_exit: Some(3) });
    let since = |reset, counts, entry| PassagesOf { reset: Some(minute(reset).unix_millis()), ..told(counts, entry) };
    let next = batch(&snapshot, &[row(NORTH, 7, Passage::Entry), row(NORTH, 10, Passage::Entry)], &[]);
    let undone = batch(&next, &[row(NORTH, 11, Passage::Undo { of: 8 })], &[]);
    let with_rows = FeedSnapshot { rows: vec![row(NORTH, 10, Passage::Exit)], ..folded() };
    vec![
        case(
            "sums and resets",
            "of an earlier reset than their own, all count; of a later one, what they say since their own; after the last entry, nothing",
            [
                trust(),
                take(&snapshot).then(says([
                    told([4, 4, 2, 2], 5),
                    since(3, [4, 4, 2, 2], 5),
                    since(4, [4, 2, 2, 2], 5),
                    since(5, [4, 2, 2, 2], 5),
                    since(6, [4, 0, 2, 2], 5),
                ])),
            ],
        ),
        case(
            "sums and the rows after them",
            "row 7 is in the sums, row 10 is not; row 11 takes row 8 out of them",
            [
                trust(),
                take(&snapshot),
                take(&next).then(says([told([6, 6, 2, 4], 10), since(4, [6, 4, 2, 4], 10)])),
                take(&undone).then(says([told([4, 4, 2, 2], 10), since(4, [4, 2, 2, 2], 10)])),
            ],
        ),
        case(
            "two undos of one admission in the sums",
            "it is taken back once",
            [
                trust(),
                take(&snapshot),
                take(&batch(
                    &snapshot,
                    &[row(NORTH, 10, Passage::Undo { of: 8 }), row(NORTH, 11, Passage::Undo { of: 8 })],
                    &[],
                ))
                .then(says([told([2, 2, 2, 0], 5)])),
            ],
        ),
        case(
            "sums that count nobody",
            "of a forgiven entry and an exit without entry",
            [
                trust(),
                take(&feed((1, 1), FeedContent::Snapshot(counting_nobody(Some(5), Some(3)))))
                    .then(says([super::told(Told { last_entry: Some((5, NORTH)), last_exit: Some(3), ..NOBODY })])),
            ],
        ),
        case(
            "sums of an exit without entry",
            "there is no last entry",
            [
                trust(),
                take(&feed((1, 1), FeedContent::Snapshot(counting_nobody(None, Some(3)))))
                    .then(says([super::told(Told { last_exit: Some(3), ..NOBODY })])),
            ],
        ),
        case(
            "sums without one's own",
            "they are by gate",
            [trust(), take(&snapshot).then(says([PassagesOf { except: Some(NORTH.0), ..super::told(NOBODY) }]))],
        ),
        case(
            "a snapshot with rows",
            "they count beside the sums",
            [
                trust(),
                take(&feed((1, 1), FeedContent::Snapshot(with_rows)))
                    .then(says([PassagesOf { last_exit: Some(minute(10).unix_millis()), ..told([4, 4, 4, 0], 5) }])),
            ],
        ),
        case(
            "a retraction of summed rows",
            "the sums cannot tell: a snapshot helps",
            [
                trust(),
                take(&snapshot),
                refuse(&batch(&snapshot, &[], &[(NORTH, GateStanding::Retracted { from: 9 })]), "retracts-folded"),
                take(&batch(&snapshot, &[], &[(NORTH, GateStanding::Retracted { from: 10 })])),
            ],
        ),
    ]
}
