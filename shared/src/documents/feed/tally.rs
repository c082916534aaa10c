//! One seat's rows and sums, added up. Each row is looked at twice, however many the seat has: what takes back, then what counts.

use std::collections::BTreeMap;

use super::document::FoldedGate;
use super::passages::FeedPassages;
use super::row::{FeedRow, GateStanding, Passage};
use crate::id::GateId;
use crate::time::Timestamp;

/// What adding up rests on besides rows and sums.
pub(super) struct Tally<'a> {
    /// What is thought of gates that are not simply trusted.
    pub(super) gates: &'a BTreeMap<GateId, GateStanding>,
    /// How far each gate's rows are in its sums.
    pub(super) folded: &'a BTreeMap<GateId, u64>,
    /// The reset that the sums know.
    pub(super) summed_since: Timestamp,
    /// The reset that is asked about.
    pub(super) reset: Option<Timestamp>,
}

/// Persons taken back, by the row that no longer counts: once, however many undo it.
struct TakenBack(BTreeMap<(GateId, u64), u32>);

impl Tally<'_> {
    /// What rows and sums of one seat make; of rows those alone that count.
    pub(super) fn of<'r>(
        &self,
        rows: impl Iterator<Item = &'r FeedRow> + Clone,
        sums: impl Iterator<Item = &'r FoldedGate>,
    ) -> FeedPassages {
        let taken_back = TakenBack::by(rows.clone());
        let mut passages = FeedPassages::default();
        for sum in sums {
            self.add_sum(&mut passages, sum, &taken_back);
        }
        for row in rows {
            self.add_row(&mut passages, row, &taken_back);
        }
        passages
    }

    fn add_sum(&self, passages: &mut FeedPassages, sum: &FoldedGate, taken_back: &TakenBack) {
        let cancelled = self.folded.get(&sum.gate).map_or(0, |last| taken_back.up_to(sum.gate, *last));
        passages.contested |= self.is_contested(sum.gate);
        if let Some(at) = sum.last_entry {
            passages.enter(sum.admitted.saturating_sub(cancelled), at, sum.gate);
        }
        if let Some(at) = sum.last_exit {
            passages.leave(sum.left, at);
        }
        let since = match self.reset {
            Some(reset) if sum.last_entry < Some(reset) => 0,
            // Of a reset after the one that the sums know, some of these were let in before it: rather too many than too few.
            Some(reset) if reset >= self.summed_since => sum.admitted_since_reset,
            None | Some(_) => sum.admitted,
        };
        passages.admitted_since_reset = passages.admitted_since_reset.saturating_add(since.saturating_sub(cancelled));
    }

    fn add_row(&self, passages: &mut FeedPassages, row: &FeedRow, taken_back: &TakenBack) {
        let persons = u32::from(row.persons);
        passages.contested |= self.is_contested(row.gate);
        match row.passage {
            Passage::Entry if taken_back.has(row) => {}
            Passage::Entry => {
                passages.enter(persons, row.at, row.gate);
                if self.reset.is_none_or(|reset| row.at >= reset) {
                    passages.admitted_since_reset = passages.admitted_since_reset.saturating_add(persons);
                }
            }
            Passage::Exit => passages.leave(persons, row.at),
            Passage::Undo { .. } => {}
            Passage::Forgiven => passages.enter(0, row.at, row.gate),
            Passage::ExitWithoutEntry => passages.leave(0, row.at),
        }
    }

    fn is_contested(&self, gate: GateId) -> bool {
        self.gates.get(&gate) == Some(&GateStanding::Contested)
    }
}

impl TakenBack {
    fn by<'r>(rows: impl Iterator<Item = &'r FeedRow>) -> Self {
        let mut taken_back = BTreeMap::new();
        for row in rows {
            if let Some(of) = row.passage.cancels() {
                let persons: &mut u32 = taken_back.entry((row.gate, of)).or_default();
                *persons = (*persons).max(row.persons.into());
            }
        }
        Self(taken_back)
    }

    fn has(&self, row: &FeedRow) -> bool {
        self.0.contains_key(&(row.gate, row.sequence))
    }

    /// Persons of a gate's rows up to this one.
    fn up_to(&self, gate: GateId, last: u64) -> u32 {
        self.0.range((gate, 0)..=(gate, last)).map(|(_, persons)| persons).sum()
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::id::Slot;
    use crate::samples;

    /// One seat with as many rows as a reader holds would otherwise keep the thread that decides for minutes.
    #[test]
    fn each_row_is_looked_at_twice_however_many_there_are() {
        let gates = BTreeMap::new();
        let folded = (1..=100).map(|gate| (GateId(gate), 100)).collect();
        let sum = |gate| FoldedGate {
            gate: GateId(gate),
            admitted: 1000,
            admitted_since_reset: 0,
            left: 0,
            last_entry: Some(samples::DOORS),
            last_exit: None,
        };
        let sums: Vec<_> = (1..=100).map(sum).collect();
        let tally = Tally { gates: &gates, folded: &folded, summed_since: samples::DOORS, reset: None };
        let row = |(gate, sequence): (u32, u64)| {
            let passage = if sequence % 2 == 0 { Passage::Entry } else { Passage::Undo { of: sequence - 100 } };
            FeedRow { gate: GateId(gate), sequence, slot: Slot(1), persons: 1, at: samples::DOORS, passage }
        };
        let rows: Vec<_> =
            (1..=100).flat_map(|gate| (101..=200).map(move |sequence| (gate, sequence))).map(row).collect();
        let looked_at = Cell::new(0);
        let counted = rows.iter().inspect(|_| looked_at.set(looked_at.get() + 1));
        // Of each gate: 1,000 in the sum, less the 50 that odd rows take out of it, and the 50 of even rows.
        assert_eq!(tally.of(counted, sums.iter()).admitted, 100 * (1000 - 50 + 50));
        assert_eq!(looked_at.get(), 2 * rows.len());
    }
}
