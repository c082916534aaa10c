//! What no feed says: rules between the fields, and unknown codes.

use super::sums::{counting_nobody, folded};
use super::*;

pub(super) fn cases() -> Vec<Case> {
    let snapshot = |change: fn(&mut FeedSnapshot)| {
        let mut snapshot = folded();
        change(&mut snapshot);
        sealed(&feed((1, 1), FeedContent::Snapshot(snapshot)), &[LIST])
    };
    let rows = |rows: &[FeedRow]| sealed(&batch(&start(), rows, &[]), &[LIST]);
    let one = row(NORTH, 1, Passage::Entry);
    let surgery = |from: &[u8], to: &[u8]| {
        envelope(Label::AdmissionFeed, &replaced(&payload(&batch(&start(), &[one], &[])), from, to), &[LIST])
    };
    // Passage and `of` of the row, and the gates after it.
    let tail: &[u8] = &[0, 0, 2, 0xa0];
    [
        (
            "a snapshot without its batch's hash",
            "of sequence 1",
            snapshot(|snapshot| snapshot.hash = DocumentHash::NONE),
        ),
        ("a batch 0", "they are numbered from 1", sealed(&feed((1, 0), batch(&start(), &[], &[]).content), &[LIST])),
        (
            "a second batch on none",
            "only the first follows on none",
            sealed(&feed((1, 2), batch(&start(), &[], &[]).content), &[LIST]),
        ),
        ("sums of a gate that is not folded", "nobody knows how far", snapshot(|snapshot| snapshot.folded.clear())),
        ("a sum twice", "each once", snapshot(|snapshot| snapshot.passages.push(snapshot.passages[0]))),
        ("more since the reset than in all", "3 of 2", snapshot(|snapshot| snapshot.passages[0].gate.admitted = 1)),
        ("exits without a last exit", "somebody left", snapshot(|snapshot| snapshot.passages[0].gate.last_exit = None)),
        (
            "entries without a last entry",
            "somebody entered",
            snapshot(|snapshot| snapshot.passages[0].gate.last_entry = None),
        ),
        ("a sum of nothing", "nobody ever passed", snapshot(|snapshot| *snapshot = counting_nobody(None, None))),
        (
            "a row that lies in the sums",
            "row 9",
            snapshot(|snapshot| snapshot.rows.push(row(NORTH, 9, Passage::Entry))),
        ),
        (
            "a retraction that reaches into the sums",
            "from row 9",
            snapshot(|snapshot| snapshot.gates.extend([(NORTH, GateStanding::Retracted { from: 9 })])),
        ),
        (
            "a gate simply trusted in a snapshot",
            "it need not be named",
            snapshot(|snapshot| snapshot.gates.extend([(SOUTH, GateStanding::Trusted)])),
        ),
        ("row 0", "rows are numbered from 1", rows(&[row(NORTH, 0, Passage::Entry)])),
        ("rows unsorted", "row 2 before row 1", rows(&[row(NORTH, 2, Passage::Entry), one])),
        ("a row twice", "each once", rows(&[one, one])),
        ("a row about nobody", "0 persons", rows(&[FeedRow { persons: 0, ..one }])),
        ("an undo of itself", "it is of an earlier row", rows(&[row(NORTH, 2, Passage::Undo { of: 2 })])),
        ("an undo of nothing", "row 0", rows(&[row(NORTH, 2, Passage::Undo { of: 0 })])),
        (
            "an undo of fewer persons",
            "it takes back the whole row",
            rows(&[one, FeedRow { persons: 1, ..row(NORTH, 2, Passage::Undo { of: 1 }) }]),
        ),
        (
            "an undo of another seat",
            "it is of its row's",
            rows(&[one, FeedRow { slot: Slot(43), ..row(NORTH, 2, Passage::Undo { of: 1 }) }]),
        ),
        (
            "an undo of an undo",
            "it is of an entry",
            rows(&[one, row(NORTH, 2, Passage::Undo { of: 1 }), row(NORTH, 3, Passage::Undo { of: 2 })]),
        ),
        ("an entry of a row", "it is of none", surgery(tail, &[0, 1, 2, 0xa0])),
        ("a forgiven entry of a row", "it is of none", surgery(tail, &[3, 1, 2, 0xa0])),
        ("an exit without entry of a row", "it is of none", surgery(tail, &[4, 1, 2, 0xa0])),
        ("an unknown passage", "5", surgery(tail, &[5, 0, 2, 0xa0])),
        ("an unknown standing", "3", surgery(tail, &[0, 0, 2, 0xa1, 11, 0x82, 3, 0x80])),
    ]
    .into_iter()
    .map(|(name, why, bytes)| {
        case(name, why, [trust(), take(&start()), refused("admission-feed", &bytes, "malformed")])
    })
    .collect()
}
