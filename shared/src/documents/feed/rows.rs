//! Rows that are held as they are, found by name, by seat, and by what they take back. Owns their indexes; refuses to know what counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::row::FeedRow;
use crate::id::{GateId, Slot};

/// With so many new ones they join the others: what a clone copies at most, some 100 kB.
const MOST_NEWER: usize = 1000;

/// A row's gate and number.
pub(super) type Name = (GateId, u64);

/// A set of rows. Clones share the older ones.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldRows {
    older: Arc<Rows>,
    newer: Rows,
}

#[derive(Clone, Debug, Default)]
struct Rows {
    named: BTreeMap<Name, FeedRow>,
    by_slot: BTreeMap<Slot, Vec<Name>>,
    /// Gate, the row that is taken back, and the row that does.
    undos: BTreeSet<(GateId, u64, u64)>,
}

impl HeldRows {
    /// These rows, none twice.
    pub(super) fn of(rows: Vec<FeedRow>) -> Self {
        let mut older = Rows::default();
        for row in rows {
            older.insert(row);
        }
        Self { older: Arc::new(older), newer: Rows::default() }
    }

    /// Adds rows of which none is held.
    pub(super) fn extend(&mut self, rows: Vec<FeedRow>) {
        for row in rows {
            self.newer.insert(row);
        }
        if self.newer.named.len() > MOST_NEWER {
            let older = Arc::make_mut(&mut self.older);
            for row in std::mem::take(&mut self.newer).named.into_values() {
                older.insert(row);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.older.named.len() + self.newer.named.len()
    }

    pub(super) fn get(&self, name: Name) -> Option<&FeedRow> {
        self.both().find_map(|rows| rows.named.get(&name))
    }

    /// The rows of a seat.
    pub(super) fn of_slot(&self, slot: Slot) -> impl Iterator<Item = &FeedRow> + Clone {
        self.both()
            .flat_map(move |rows| rows.by_slot.get(&slot).into_iter().flatten().filter_map(|name| rows.named.get(name)))
    }

    /// The rows that take a row back.
    pub(super) fn undoing(&self, (gate, of): Name) -> impl Iterator<Item = &FeedRow> {
        let undos = self.both().flat_map(move |rows| rows.undos.range((gate, of, 0)..=(gate, of, u64::MAX)));
        undos.filter_map(|(gate, _, sequence)| self.get((*gate, *sequence)))
    }

    /// All of them, by gate and number.
    pub(super) fn sorted(&self) -> Vec<FeedRow> {
        let mut rows: Vec<_> = self.both().flat_map(|rows| rows.named.values().copied()).collect();
        rows.sort_unstable_by_key(FeedRow::name);
        rows
    }

    fn both(&self) -> impl Iterator<Item = &Rows> + Clone {
        [&*self.older, &self.newer].into_iter()
    }
}

impl Rows {
    fn insert(&mut self, row: FeedRow) {
        if let Some(of) = row.passage.cancels() {
            self.undos.insert((row.gate, of, row.sequence));
        }
        self.by_slot.entry(row.slot).or_default().push(row.name());
        self.named.insert(row.name(), row);
    }
}
