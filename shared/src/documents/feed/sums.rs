//! Older rows as sums: what makes a snapshot small.

use std::collections::BTreeMap;

use super::document::{FeedSnapshot, FoldedGate, FoldedPassages};
use super::row::{FeedRow, GateStanding};
use super::tally::Tally;
use crate::documents::hash::DocumentHash;
use crate::id::{GateId, Slot};
use crate::time::Timestamp;

impl FeedSnapshot {
    /// A snapshot of these rows, each there once: those of a gate up to the one that `folded` names as sums, the others as they are. A gate's
    /// rows are folded only where no row of it up to there is still to come: that one would be ignored. An undo of what is no entry of its
    /// seat and persons is left out. `hash` names the last batch in it, `reset` the last nightly reset.
    pub fn of(
        rows: impl IntoIterator<Item = FeedRow>,
        folded: BTreeMap<GateId, u64>,
        gates: BTreeMap<GateId, GateStanding>,
        reset: Option<Timestamp>,
        hash: DocumentHash,
    ) -> Self {
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.name(), row)).collect();
        let fits = |row: &&FeedRow| {
            let named = row.passage.cancels().map(|of| rows.get(&(row.gate, of)));
            named.is_none_or(|undone| undone.is_some_and(|undone| undone.is_undone_by(row)))
        };
        let is_folded = |row: &FeedRow| folded.get(&row.gate).is_some_and(|last| row.sequence <= *last);
        let (early, rows): (Vec<FeedRow>, Vec<_>) = rows.values().filter(fits).copied().partition(is_folded);
        let mut by_seat: BTreeMap<(Slot, GateId), Vec<FeedRow>> = BTreeMap::new();
        for row in early {
            by_seat.entry((row.slot, row.gate)).or_default().push(row);
        }
        let sum = |((slot, gate), rows): ((Slot, GateId), Vec<FeedRow>)| {
            let gate = FoldedGate::of(gate, &rows, reset)?;
            Some(FoldedPassages { slot, gate })
        };
        let passages = by_seat.into_iter().filter_map(sum).collect();
        Self { hash, reset: reset.unwrap_or(Timestamp::from_unix_millis(0)), folded, passages, rows, gates }
    }
}

impl FoldedGate {
    /// The sums of one gate's rows of one seat; nothing where all that they say was taken back.
    fn of(gate: GateId, rows: &[FeedRow], reset: Option<Timestamp>) -> Option<Self> {
        let nothing = BTreeMap::new();
        let summed_since = Timestamp::from_unix_millis(0);
        let tally = Tally { gates: &nothing, folded: &BTreeMap::new(), summed_since, reset };
        let passages = tally.of(rows.iter(), [].iter());
        let (last_entry, last_exit) = (passages.last_entry.map(|last| last.at), passages.last_exit);
        (last_entry.is_some() || last_exit.is_some()).then_some(Self {
            gate,
            admitted: passages.admitted,
            admitted_since_reset: passages.admitted_since_reset,
            left: passages.left,
            last_entry,
            last_exit,
        })
    }
}
