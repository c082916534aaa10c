//! The passages of one seat in one order. Owns which rows stand and which comes first; refuses to know what is wrong with any.

use std::collections::{BTreeSet, HashMap};

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

/// The believed passages of the seat that nobody took back, but for exits by which nobody left, each once, by their instants. No gate's row
/// counts as earlier than one before it in its journal, whatever its clock said: the order of a journal is certain, a clock is not.
pub(super) fn standing(event: EventId, slot: Slot, told: &[Told]) -> Vec<Passage> {
    let believed = told.iter().filter(|told| told.believed).map(|told| &told.row);
    let mut rows: Vec<_> = believed.filter_map(|row| Some((row, issue(event, slot, row)?))).collect();
    rows.sort_by_cached_key(|(row, _)| (row.gate, row.sequence, row.at, row.to_bytes()));
    rows.dedup();
    let undone: BTreeSet<_> = rows.iter().filter_map(|(row, _)| Some((row.gate, row.undoes()?))).collect();
    let stopped: BTreeSet<_> = rows.iter().filter_map(|(row, _)| Some((row.gate, row.stopped()?))).collect();
    let mut latest = HashMap::<GateId, Timestamp>::new();
    let mut passages: Vec<_> = rows
        .into_iter()
        .map(|(row, generation)| {
            let at = latest.get(&row.gate).map_or(row.at, |latest| row.at.max(*latest));
            latest.insert(row.gate, at);
            Passage { row: JournalRow { at, ..row.clone() }, scan: scan(row, generation) }
        })
        .filter(|Passage { row, .. }| {
            let name = (row.gate, row.sequence);
            row.persons > 0 && !undone.contains(&name) && !(row.reason.leaves() && stopped.contains(&name))
        })
        .collect();
    // Stable: of two rows of one gate at one instant the order stays.
    passages.sort_by_key(|passage| (passage.row.at, passage.row.gate));
    passages
}

impl Passage {
    /// Whether a gate let somebody in for the first time by its own judgement: not one that it had let in before and that did not get
    /// through, and not one whom a supervisor let in.
    pub(super) fn is_admission(&self) -> bool {
        !self.row.reason.leaves()
            && self.row.reason != Reason::Forgiven
            && !matches!(self.row.act, Some(Act::Overrule { .. }))
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
