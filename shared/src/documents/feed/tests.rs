//! The feed against the plain set of rows that it tells.

use std::collections::BTreeMap;

use super::*;
use crate::documents::{Document, DocumentHash, Refusal, Revision, Signed};
use crate::id::{EventId, GateId, Slot};
use crate::samples;
use crate::time::Timestamp;
use core::time::Duration;
use proptest::prelude::*;

mod bounds;
mod journal;
mod publishing;
mod standing;
mod sums;

const EVENT: EventId = EventId(7);
const NORTH: GateId = GateId(1);
const SOUTH: GateId = GateId(2);
const SEAT: Slot = Slot(42);

type Fits = fn(&Refusal) -> bool;

fn minute(minute: u64) -> Timestamp {
    samples::DOORS + Duration::from_mins(minute)
}

fn row(gate: GateId, sequence: u64, passage: Passage) -> FeedRow {
    FeedRow { gate, sequence, slot: SEAT, persons: 2, at: minute(sequence), passage }
}

fn revision(epoch: u32, sequence: u64) -> Revision {
    Revision { epoch, sequence }
}

fn feed(at: Revision, content: FeedContent) -> AdmissionFeed {
    AdmissionFeed { event: EVENT, epoch: at.epoch, sequence: at.sequence, issued: samples::DOORS, content }
}

fn empty() -> FeedSnapshot {
    FeedSnapshot {
        hash: DocumentHash::NONE,
        reset: Timestamp::from_unix_millis(0),
        folded: BTreeMap::new(),
        passages: vec![],
        rows: vec![],
        gates: BTreeMap::new(),
    }
}

fn sealed(feed: &AdmissionFeed) -> Vec<u8> {
    Signed::seal(feed, &[&samples::list_key()]).unwrap()
}

fn accept(state: &mut Option<FeedState>, feed: &AdmissionFeed) -> Result<(), Refusal> {
    FeedState::accept(state, &sealed(feed), &samples::bundle(), EVENT, samples::DOORS).map(drop)
}

fn started(snapshot: FeedSnapshot) -> Option<FeedState> {
    let mut state = None;
    let sequence = u64::from(snapshot.hash != DocumentHash::NONE);
    accept(&mut state, &feed(revision(1, sequence), FeedContent::Snapshot(snapshot))).unwrap();
    state
}

/// The batch after what is in force.
fn following(state: Option<&FeedState>, rows: &[FeedRow], gates: &[(GateId, GateStanding)]) -> AdmissionFeed {
    let standing = state.unwrap().standing();
    let at = revision(standing.revision.epoch, standing.revision.sequence + 1);
    let gates = gates.iter().copied().collect();
    feed(at, FeedContent::Batch(FeedBatch { before: standing.hash, rows: rows.to_vec(), gates }))
}

fn told(rows: &[FeedRow]) -> FeedPassages {
    let mut state = started(empty());
    let batch = following(state.as_ref(), rows, &[]);
    accept(&mut state, &batch).unwrap();
    seat(state.as_ref())
}

fn seat(state: Option<&FeedState>) -> FeedPassages {
    state.unwrap().passages(SEAT, None, None)
}

#[test]
fn entries_and_exits_add_up() {
    let passages = told(&[row(NORTH, 1, Passage::Entry), row(NORTH, 5, Passage::Entry), row(SOUTH, 3, Passage::Exit)]);
    assert_eq!(
        passages,
        FeedPassages {
            admitted: 4,
            admitted_since_reset: 4,
            left: 2,
            last_entry: Some(LastEntry { at: minute(5), gate: NORTH }),
            last_exit: Some(minute(3)),
            contested: false,
        }
    );
    assert_eq!(passages.inside(), 2);
}

#[test]
fn an_undone_admission_does_not_count() {
    assert_eq!(told(&[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Undo { of: 1 })]), FeedPassages::default());
    // A gate takes back its own rows only.
    assert_eq!(told(&[row(NORTH, 1, Passage::Entry), row(SOUTH, 2, Passage::Undo { of: 1 })]).admitted, 2);
}

/// As its own ledger counts: otherwise a second scan on the way out of one gate would buy a second entry at another.
#[test]
fn forgiven_and_without_entry_count_nobody_and_are_the_last() {
    let forgiven = told(&[row(NORTH, 1, Passage::Entry), FeedRow { persons: 1, ..row(NORTH, 2, Passage::Forgiven) }]);
    assert_eq!((forgiven.admitted, forgiven.admitted_since_reset), (2, 2));
    assert_eq!(forgiven.last_entry, Some(LastEntry { at: minute(2), gate: NORTH }));
    let without_entry =
        [row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Exit), row(SOUTH, 3, Passage::ExitWithoutEntry)];
    let left = told(&without_entry);
    assert_eq!((left.admitted, left.left, left.inside(), left.last_exit), (2, 2, 0, Some(minute(3))));
}

#[test]
fn a_gate_leaves_its_own_rows_out() {
    let mut state = started(empty());
    let batch = following(state.as_ref(), &[row(NORTH, 1, Passage::Entry), row(SOUTH, 2, Passage::Exit)], &[]);
    accept(&mut state, &batch).unwrap();
    let of_others = state.unwrap().passages(SEAT, Some(NORTH), None);
    assert_eq!((of_others.admitted, of_others.left), (0, 2));
}

#[test]
fn a_reset_counts_from_its_instant_on() {
    let mut state = started(empty());
    let batch = following(state.as_ref(), &[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Entry)], &[]);
    accept(&mut state, &batch).unwrap();
    let since = |reset| state.as_ref().unwrap().passages(SEAT, None, reset).admitted_since_reset;
    assert_eq!(since(None), 4);
    assert_eq!(since(Some(minute(2))), 2);
    assert_eq!(since(Some(minute(2) + Duration::from_millis(1))), 0);
}

#[test]
fn a_stolen_gates_rows_are_taken_back_whenever_they_come() {
    let mut state = started(empty());
    for (rows, gates) in [
        (&[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Entry), row(SOUTH, 1, Passage::Entry)][..], &[][..]),
        (&[], &[(NORTH, GateStanding::Retracted { from: 2 })]),
        (&[row(NORTH, 3, Passage::Entry)], &[]),
    ] {
        let batch = following(state.as_ref(), rows, gates);
        accept(&mut state, &batch).unwrap();
    }
    assert_eq!(seat(state.as_ref()).admitted, 4);
    // It grows, and is not taken back.
    for (gates, admitted) in [
        (GateStanding::Retracted { from: 3 }, 4),
        (GateStanding::Trusted, 4),
        (GateStanding::Contested, 4),
        (GateStanding::Retracted { from: 1 }, 2),
    ] {
        let batch = following(state.as_ref(), &[], &[(NORTH, gates)]);
        accept(&mut state, &batch).unwrap();
        assert_eq!(seat(state.as_ref()).admitted, admitted, "{gates:?}");
    }
}

#[test]
fn a_retracted_undo_gives_the_admission_back() {
    let mut state = started(empty());
    let rows = [row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Undo { of: 1 })];
    let batch = following(state.as_ref(), &rows, &[(NORTH, GateStanding::Retracted { from: 2 })]);
    accept(&mut state, &batch).unwrap();
    assert_eq!(seat(state.as_ref()).admitted, 2);
}

#[test]
fn a_contested_gate_is_told() {
    let mut state = started(empty());
    let batch = following(state.as_ref(), &[row(NORTH, 1, Passage::Entry)], &[(NORTH, GateStanding::Contested)]);
    accept(&mut state, &batch).unwrap();
    assert!(seat(state.as_ref()).contested);
    let batch = following(state.as_ref(), &[], &[(NORTH, GateStanding::Trusted)]);
    accept(&mut state, &batch).unwrap();
    assert!(!seat(state.as_ref()).contested);
}

/// Rows 1 to 9 of the north gate as sums: four in, of which two since the reset at minute 4, and two out.
fn folded() -> FeedSnapshot {
    let gate = FoldedGate {
        gate: NORTH,
        admitted: 4,
        admitted_since_reset: 2,
        left: 2,
        last_entry: Some(minute(5)),
        last_exit: Some(minute(3)),
    };
    FeedSnapshot {
        hash: DocumentHash([1; 32]),
        reset: minute(4),
        folded: BTreeMap::from([(NORTH, 9)]),
        passages: vec![FoldedPassages { slot: SEAT, gate }],
        ..empty()
    }
}

fn summed(admitted: u32, left: u32) -> FoldedGate {
    let (last_entry, last_exit) = (Some(minute(5)), Some(minute(3)));
    FoldedGate { gate: NORTH, admitted, admitted_since_reset: 0, left, last_entry, last_exit }
}

#[test]
fn each_batch_that_does_not_follow_has_its_refusal_and_changes_nothing() {
    let mut state = started(empty());
    let one = following(state.as_ref(), &[row(NORTH, 1, Passage::Entry)], &[]);
    assert!(matches!(accept(&mut None, &one), Err(Refusal::NoSnapshot { .. })));
    accept(&mut state, &one).unwrap();
    let two = following(state.as_ref(), &[row(NORTH, 2, Passage::Exit)], &[]);
    let batch = |at, before| feed(at, FeedContent::Batch(FeedBatch { before, rows: vec![], gates: BTreeMap::new() }));
    let hash = state.as_ref().unwrap().standing().hash;
    let rewritten = FeedRow { persons: 1, ..row(NORTH, 1, Passage::Entry) };
    let cases: [(AdmissionFeed, Fits); 6] = [
        (batch(revision(1, 3), hash), |refusal| matches!(refusal, Refusal::Gap { .. })),
        (batch(revision(2, 2), hash), |refusal| matches!(refusal, Refusal::OtherEpoch { .. })),
        (batch(revision(1, 2), DocumentHash([9; 32])), |refusal| matches!(refusal, Refusal::WrongBefore { .. })),
        (batch(revision(1, 1), DocumentHash::NONE), |refusal| matches!(refusal, Refusal::Conflicting { .. })),
        (following(state.as_ref(), &[rewritten], &[]), |refusal| {
            matches!(refusal, Refusal::RowConflict { gate: NORTH, sequence: 1, .. })
        }),
        (AdmissionFeed { event: EventId(8), ..two.clone() }, |refusal| matches!(refusal, Refusal::OtherSubject { .. })),
    ];
    let before = state.as_ref().unwrap().to_record();
    for (offered, fits) in cases {
        let refusal = accept(&mut state, &offered).unwrap_err();
        assert!(fits(&refusal), "{refusal}");
        assert_eq!(state.as_ref().unwrap().to_record(), before);
    }
    accept(&mut state, &two).unwrap();
    accept(&mut state, &two).unwrap();
    assert_eq!(seat(state.as_ref()).left, 2);
    assert!(matches!(accept(&mut state, &one), Err(Refusal::Older { .. })));
}

/// An undo takes back the whole row, in sight or in sums: one that says another row than there is would not count alike in both.
#[test]
fn an_undo_that_misnames_its_row_is_refused_whichever_comes_first() {
    let undo = row(NORTH, 9, Passage::Undo { of: 5 });
    for entry in [
        FeedRow { persons: 3, ..row(NORTH, 5, Passage::Entry) },
        FeedRow { slot: Slot(43), ..row(NORTH, 5, Passage::Entry) },
        row(NORTH, 5, Passage::Exit),
        row(NORTH, 5, Passage::Forgiven),
        row(NORTH, 5, Passage::Undo { of: 1 }),
    ] {
        assert!(following(started(empty()).as_ref(), &[entry, undo], &[]).check().is_err(), "{entry:?}");
        for (first, second) in [(entry, undo), (undo, entry)] {
            let mut state = started(empty());
            let batch = following(state.as_ref(), &[first], &[]);
            accept(&mut state, &batch).unwrap();
            let batch = following(state.as_ref(), &[second], &[]);
            assert!(matches!(accept(&mut state, &batch), Err(Refusal::RowConflict { .. })), "{first:?}, {second:?}");
        }
    }
    for (first, second) in [(row(NORTH, 5, Passage::Entry), undo), (undo, row(NORTH, 5, Passage::Entry))] {
        let mut state = started(empty());
        for row in [first, second] {
            let batch = following(state.as_ref(), &[row], &[]);
            accept(&mut state, &batch).unwrap();
        }
        assert_eq!(seat(state.as_ref()).admitted, 0);
        FeedState::from_record(&state.unwrap().to_record()).unwrap();
    }
}

#[test]
fn what_contradicts_itself_is_not_signed() {
    let snapshot = |change: fn(&mut FeedSnapshot)| {
        let mut snapshot = folded();
        change(&mut snapshot);
        feed(revision(1, 1), FeedContent::Snapshot(snapshot))
    };
    snapshot(|_| {}).check().unwrap();
    // A last entry or exit that counted nobody.
    snapshot(|snapshot| snapshot.passages[0].gate = summed(0, 2)).check().unwrap();
    snapshot(|snapshot| snapshot.passages[0].gate = FoldedGate { last_entry: None, ..summed(0, 0) }).check().unwrap();
    let batch = |rows: &[FeedRow]| {
        let (before, gates) = (DocumentHash::NONE, BTreeMap::new());
        feed(revision(1, 1), FeedContent::Batch(FeedBatch { before, rows: rows.to_vec(), gates }))
    };
    batch(&[row(NORTH, 1, Passage::Entry)]).check().unwrap();
    for contradiction in [
        snapshot(|snapshot| snapshot.hash = DocumentHash::NONE),
        snapshot(|snapshot| snapshot.folded.clear()),
        snapshot(|snapshot| snapshot.passages.push(snapshot.passages[0])),
        snapshot(|snapshot| snapshot.passages[0].gate.last_exit = None),
        snapshot(|snapshot| snapshot.passages[0].gate.last_entry = None),
        snapshot(|snapshot| {
            let gate = FoldedGate { last_entry: None, last_exit: None, ..summed(0, 0) };
            snapshot.passages[0].gate = gate;
        }),
        snapshot(|snapshot| snapshot.passages[0].gate.admitted_since_reset = 5),
        snapshot(|snapshot| snapshot.rows.push(row(NORTH, 9, Passage::Entry))),
        snapshot(|snapshot| snapshot.gates.extend([(SOUTH, GateStanding::Trusted)])),
        snapshot(|snapshot| snapshot.gates.extend([(NORTH, GateStanding::Retracted { from: 9 })])),
        batch(&[row(NORTH, 0, Passage::Entry)]),
        batch(&[row(NORTH, 2, Passage::Entry), row(NORTH, 1, Passage::Entry)]),
        batch(&[row(NORTH, 1, Passage::Entry), row(NORTH, 1, Passage::Entry)]),
        batch(&[row(NORTH, 2, Passage::Undo { of: 2 })]),
        batch(&[row(NORTH, 2, Passage::Undo { of: 0 })]),
        batch(&[FeedRow { persons: 0, ..row(NORTH, 1, Passage::Entry) }]),
        feed(revision(1, 2), batch(&[]).content),
    ] {
        assert!(contradiction.check().is_err(), "{contradiction:?}");
    }
}

/// The specification's words, in bytes.
#[test]
fn a_row_is_seven_numbers() {
    let row = FeedRow { at: Timestamp::from_unix_millis(9), ..row(NORTH, 3, Passage::Undo { of: 2 }) };
    assert_eq!(crate::documents::canonical(&row), [0x87, 1, 3, 0x18, 42, 2, 9, 2, 2]);
    assert_eq!(crate::documents::canonical(&GateStanding::Contested), [0x82, 1, 0x80]);
    assert_eq!(crate::documents::canonical(&GateStanding::Retracted { from: 4 }), [0x82, 2, 0x81, 4]);
}

fn rows() -> impl Strategy<Value = Vec<FeedRow>> {
    let passage = (0_u8..5, 1_u64..12).prop_map(|(code, of)| match code {
        0 => Passage::Entry,
        1 => Passage::Exit,
        2 => Passage::Undo { of },
        3 => Passage::Forgiven,
        _ => Passage::ExitWithoutEntry,
    });
    let row = (1_u32..4, 12_u64..40, 0_u32..3, 1_u8..4, 0_u64..9, passage).prop_map(
        |(gate, sequence, slot, persons, at, passage)| FeedRow {
            gate: GateId(gate),
            // Admissions that are taken back have the lower numbers.
            sequence: if passage == Passage::Entry { sequence - 11 } else { sequence },
            slot: Slot(slot),
            persons,
            at: minute(at),
            passage,
        },
    );
    prop::collection::vec(row, 0..30).prop_map(|rows| {
        let by_name: BTreeMap<_, _> = rows.into_iter().map(|row| ((row.gate, row.sequence), row)).collect();
        let named = |row: FeedRow| {
            let undone = row.passage.cancels().and_then(|of| by_name.get(&(row.gate, of)));
            undone.map_or(row, |undone| FeedRow { slot: undone.slot, persons: undone.persons, ..row })
        };
        by_name.values().copied().map(named).collect()
    })
}

/// What the rows make of a seat, found the plain way.
fn expected(rows: &[FeedRow], slot: Slot, retracted: Option<(GateId, u64)>) -> (u32, u32) {
    let counts = |row: &&&FeedRow| retracted.is_none_or(|(gate, from)| row.gate != gate || row.sequence < from);
    let rows: Vec<_> = rows.iter().collect();
    let rows: Vec<_> = rows.iter().filter(counts).filter(|row| row.slot == slot).collect();
    let cancelled = |row: &FeedRow| {
        rows.iter().any(|other| match other.passage {
            Passage::Undo { of } => other.gate == row.gate && of == row.sequence,
            Passage::Entry | Passage::Exit | Passage::Forgiven | Passage::ExitWithoutEntry => false,
        })
    };
    let (mut admitted, mut left) = (0, 0);
    for row in &rows {
        match row.passage {
            Passage::Entry if !cancelled(row) => admitted += u32::from(row.persons),
            Passage::Exit => left += u32::from(row.persons),
            Passage::Entry | Passage::Forgiven | Passage::ExitWithoutEntry | Passage::Undo { .. } => {}
        }
    }
    (admitted, left)
}

proptest! {
    /// However rows are cut into batches, repeated, or carried in a snapshot, they count once; batches out of order are refused.
    #[test]
    fn rows_count_once_however_they_come(
        rows in rows(),
        cut in any::<prop::sample::Index>(),
        arrivals in prop::collection::vec(0_usize..3, 1..8),
        retracted in prop::option::of((1_u32..4, 1_u64..40)),
    ) {
        let retracted = retracted.map(|(gate, from)| (GateId(gate), from));
        let cut = cut.index(rows.len() + 1);
        let gates: Vec<_> = retracted.iter().map(|(gate, from)| (*gate, GateStanding::Retracted { from: *from })).collect();
        let start = started(empty());
        let mut state = start.clone();
        let batches: Vec<_> = [(&rows[..cut], &[][..]), (&rows[cut..], &[]), (&rows, &gates)]
            .into_iter()
            .map(|(rows, gates)| {
                let batch = following(state.as_ref(), rows, gates);
                accept(&mut state, &batch).unwrap();
                (batch, state.clone().unwrap())
            })
            .collect();

        let mut state = start;
        for arrival in arrivals {
            let held = state.as_ref().unwrap().revision().sequence;
            let outcome = accept(&mut state, &batches[arrival].0);
            let number = arrival as u64 + 1;
            match outcome {
                Ok(()) => prop_assert!(number == held || number == held + 1),
                Err(Refusal::Older { .. }) => prop_assert!(number < held),
                Err(Refusal::Gap { .. }) => prop_assert!(number > held + 1),
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
        let reached = state.as_ref().unwrap().revision().sequence;
        let known = match reached { 0 => &[][..], 1 => &rows[..cut], _ => &rows };
        let state = state.unwrap();
        let through_a_snapshot = started(match state.snapshot(samples::DOORS).content {
            FeedContent::Snapshot(snapshot) => snapshot,
            FeedContent::Batch(_) => unreachable!(),
        });
        for slot in (0..3).map(Slot) {
            let passages = state.passages(slot, None, None);
            let retracted = retracted.filter(|_| reached == 3);
            prop_assert_eq!((passages.admitted, passages.left), expected(known, slot, retracted));
            prop_assert_eq!(through_a_snapshot.as_ref().unwrap().passages(slot, None, None), passages);
        }
    }
}
