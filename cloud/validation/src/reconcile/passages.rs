//! The passages of one seat in one order. Owns which rows stand, which comes first, which were taken back, and where the seat is held back;
//! refuses to know what is wrong with any.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countermark_service::contract::findings::Scan;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::journal::{Act, JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::seat::Told;

/// Somebody who passed.
pub(super) struct Passage {
    /// The row, at the instant at which it counts.
    pub(super) row: JournalRow,
    /// What is told of it.
    pub(super) scan: Scan,
}

/// An admission that staff took back.
pub(super) struct TakenBack {
    /// The admission.
    pub(super) scan: Scan,
    /// The row that takes it back, the first that does.
    pub(super) row: u64,
    /// When that was.
    pub(super) at: Timestamp,
}

/// The believed passages of the seat that nobody took back, but for exits by which nobody left, each once, by their instants; and those that somebody did. What stands was
/// told first, and is taken back by what stands; a row that was kept aside takes nothing back, and is not taken back. No gate's row counts as earlier than one before it in its
/// journal, whatever its clock said: the order of a journal is certain, a clock is not.
pub(super) fn passages(event: EventId, slot: Slot, told: &[Told]) -> (Vec<Passage>, Vec<TakenBack>) {
    let believed = told.iter().filter(|told| told.believed);
    let mut rows: Vec<_> =
        believed.filter_map(|Told { row, aside, .. }| Some((row, issue(event, slot, row)?, *aside))).collect();
    rows.sort_by_cached_key(|(row, _, aside)| (row.gate, row.sequence, row.at, row.to_bytes(), *aside));
    rows.dedup_by_key(|(row, ..)| *row);
    let mut undone = BTreeMap::new();
    let standing = || rows.iter().filter(|(_, _, aside)| !aside).map(|(row, ..)| *row);
    let stopped: BTreeSet<_> = standing().filter_map(|row| Some((row.gate, row.stopped()?))).collect();
    for row in standing() {
        if let Some(of) = row.undoes() {
            undone.entry((row.gate, of)).or_insert(row);
        }
    }
    let mut latest = HashMap::<GateId, Timestamp>::new();
    let (mut passages, mut taken_back) = (Vec::new(), Vec::new());
    for (row, generation, aside) in rows {
        let at = latest.get(&row.gate).map_or(row.at, |latest| row.at.max(*latest));
        latest.insert(row.gate, at);
        let name = (row.gate, row.sequence);
        if row.persons == 0 || (!aside && row.reason.leaves() && stopped.contains(&name)) {
            continue;
        }
        let scan = scan(row, generation);
        match undone.get(&name).filter(|_| !aside) {
            Some(undo) => taken_back.push(TakenBack { scan, row: undo.sequence, at: undo.at }),
            None => passages.push(Passage { row: JournalRow { at, ..row.clone() }, scan }),
        }
    }
    // Stable: of two rows of one gate at one instant the order stays.
    passages.sort_by_key(|passage| (passage.row.at, passage.row.gate));
    taken_back.sort_by_key(|taken_back| (taken_back.scan.at, taken_back.scan.gate));
    (passages, taken_back)
}

/// The rows by which staff hold the seat back today, of each gate by the last that stands of it.
pub(super) fn held(event: EventId, slot: Slot, told: &[Told]) -> Vec<Scan> {
    let standing = told.iter().filter(|told| told.believed && !told.aside).map(|told| &told.row);
    let mut rows: Vec<_> =
        standing.filter(|row| row.holds().is_some()).filter_map(|row| Some((row, issue(event, slot, row)?))).collect();
    rows.sort_by_cached_key(|(row, _)| (row.gate, row.sequence, row.to_bytes()));
    let last: BTreeMap<_, _> = rows.into_iter().map(|(row, generation)| (row.gate, (row, generation))).collect();
    let held = last.into_values().filter(|(row, _)| row.holds() == Some(true));
    held.map(|(row, generation)| scan(row, generation)).collect()
}

impl Passage {
    /// Whether a gate let somebody in for the first time by its own judgement: not one that it had let in before and that did not get
    /// through, and not one whom a supervisor let in.
    pub(super) fn is_admission(&self) -> bool {
        !self.row.reason.leaves()
            && self.row.reason != Reason::Forgiven
            && !matches!(self.row.act, Some(Act::Overrule { .. }))
    }

    /// Whether somebody came in after that was taken back: at the same gate by the order of its journal, at another by the clocks.
    pub(super) fn comes_in_after(&self, undo: &TakenBack) -> bool {
        let is_later =
            if self.row.gate == undo.scan.gate { self.row.sequence > undo.row } else { self.row.at >= undo.at };
        is_later && !self.row.reason.leaves()
    }
}

/// Which issue of the seat the row is about; nothing where it is about something else.
fn issue(event: EventId, slot: Slot, row: &JournalRow) -> Option<Generation> {
    match row.subject {
        Subject::Ticket { event: of, slot: seat, generation } if (of, seat) == (event, slot) => Some(generation),
        Subject::Ticket { .. } | Subject::Payload { .. } => None,
    }
}

fn scan(row: &JournalRow, generation: Generation) -> Scan {
    let JournalRow { gate, sequence, lane, at, clock, persons, reason, .. } = *row;
    Scan { gate, row: sequence, lane, at, clock, generation, persons, reason }
}
