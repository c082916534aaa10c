use core::num::NonZeroU8;

use super::*;
use crate::documents::Direction;
use crate::id::{EventId, Generation, LaneId, Slot};
use crate::journal::{Act, Actor, BootId, ClockState, DocumentRevisions, Subject};
use crate::samples::DOORS;
use crate::verdict::Reason;

const GATE: GateId = GateId(3);

fn key() -> SigningKey {
    SigningKey::from_seed(&zeroize::Zeroizing::new([6; 32]))
}

fn row(sequence: u64) -> JournalRow {
    JournalRow {
        gate: GATE,
        sequence,
        boot: BootId::new([9; 16]),
        at: DOORS,
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction: Direction::Entry,
        subject: Subject::Ticket { event: EventId(7), slot: Slot(42), generation: Generation(1) },
        persons: 2,
        actor: Actor::Gate,
        reason: Reason::Admitted,
        proved: true,
        documents: DocumentRevisions::NONE,
        act: None,
    }
}

/// A journal that goes on after row `after`, with every kind of line in it.
fn journal(after: u64) -> (ExportHead, Vec<ExportedRow>, ExportEnd) {
    let start = (1..=after).fold(ChainHash::START, |hash, sequence| hash.next(&row(sequence).to_bytes()));
    let undo = Act::Undo { of: after + 1, persons: NonZeroU8::new(2).unwrap() };
    let stranger = JournalRow {
        subject: Subject::unverified("x"),
        persons: 0,
        reason: Reason::NotOurs,
        proved: false,
        ..row(after + 3)
    };
    let rows = [
        row(after + 1),
        JournalRow { persons: 0, proved: false, actor: Actor::Operator, act: Some(undo), ..row(after + 2) },
        stranger,
    ];
    let mut hash = start;
    let lines = rows.map(|says| {
        let bytes = says.to_bytes();
        hash = hash.next(&bytes);
        ExportedRow { sequence: says.sequence, row: Base64(bytes), hash, says, outcome: None, ticket: None }
    });
    let end = ExportEnd::sign(GATE, after + 3, hash, &key());
    (ExportHead::new(GATE, key().verifying_key(), after, start), lines.to_vec(), end)
}

fn audit(head: &ExportHead, rows: &[ExportedRow], end: &ExportEnd) -> Result<u64, Unsound> {
    let mut audit = Audit::begin(head)?;
    rows.iter().try_for_each(|row| audit.row(row))?;
    audit.end(end)
}

#[test]
fn a_whole_journal_holds_and_a_pruned_one_too_and_each_survives_its_json() {
    for after in [0, 1, 5] {
        let (head, rows, end) = journal(after);
        let head: ExportHead = serde_json::from_str(&serde_json::to_string(&head).unwrap()).unwrap();
        let rows: Vec<ExportedRow> = serde_json::from_str(&serde_json::to_string(&rows).unwrap()).unwrap();
        let end: ExportEnd = serde_json::from_str(&serde_json::to_string(&end).unwrap()).unwrap();
        assert_eq!(audit(&head, &rows, &end), Ok(after + 3));
        let nothing = ExportEnd::sign(GATE, head.after, head.hash, &key());
        assert_eq!(audit(&head, &[], &nothing), Ok(after));
    }
}

#[test]
fn whatever_is_changed_does_not_hold() {
    let check = |change: fn(&mut ExportHead, &mut Vec<ExportedRow>, &mut ExportEnd)| {
        let (mut head, mut rows, mut end) = journal(1);
        change(&mut head, &mut rows, &mut end);
        audit(&head, &rows, &end).unwrap_err()
    };
    assert_eq!(check(|head, _, _| head.format = "countermark-journal/2".into()), Unsound::Format);
    assert_eq!(check(|head, _, _| head.after = 0), Unsound::Beginning);
    assert_eq!(check(|head, _, _| head.hash = ChainHash::START), Unsound::Beginning);
    assert_eq!(check(|head, _, _| head.hash = ChainHash([1; 32])), Unsound::Chain);
    assert_eq!(check(|head, _, _| head.gate = GateId(4)), Unsound::Row);
    assert_eq!(check(|_, rows, _| drop(rows.remove(0))), Unsound::Order { expected: 2 });
    assert_eq!(check(|_, rows, _| rows.swap(1, 2)), Unsound::Order { expected: 3 });
    assert_eq!(check(|_, rows, _| rows[1].row.0.truncate(3)), Unsound::Row);
    assert_eq!(check(|_, rows, _| rows[1].row = rows[0].row.clone()), Unsound::Row);
    assert_eq!(check(|_, rows, _| rows[1].says.persons = 9), Unsound::Says);
    assert_eq!(check(|_, rows, _| rows[1].hash = rows[0].hash), Unsound::Chain);
    assert_eq!(check(|_, rows, _| drop(rows.pop())), Unsound::Checkpoint);
    assert_eq!(check(|_, _, end| end.checkpoint.hash = ChainHash([1; 32])), Unsound::Checkpoint);
    assert_eq!(check(|_, _, end| end.checkpoint.signature.0[0] ^= 1), Unsound::Signature);
    let stranger = |head: &mut ExportHead, _: &mut _, _: &mut _| {
        head.key = SigningKey::from_seed(&zeroize::Zeroizing::new([7; 32])).verifying_key();
    };
    assert_eq!(check(stranger), Unsound::Signature);
}

/// A row that says something else, with its hashes made to fit: only the signature tells.
#[test]
fn a_chain_that_was_made_anew_is_not_signed() {
    let (head, mut rows, mut end) = journal(0);
    let mut hash = head.hash;
    rows[0].says.persons = 1;
    for line in &mut rows {
        line.row = Base64(line.says.to_bytes());
        hash = hash.next(&line.row.0);
        line.hash = hash;
    }
    end.checkpoint.hash = hash;
    assert_eq!(audit(&head, &rows, &end), Err(Unsound::Signature));
}
