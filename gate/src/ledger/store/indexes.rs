//! The journal's indexes, held against its rows: facts are found by them. SQLite's own comparison looks up each row in each index, which is most of
//! what a start would take after three days; this one reads each of them once, in its order.

use std::hash::{DefaultHasher, Hash, Hasher};

use countermark_shared::wire::RowOutcome;
use rusqlite::Connection;

use super::{ActName, Number, Outcome, StoredRow};

/// What leads an index, before the row's number.
#[derive(Clone, Copy)]
enum Key {
    /// The event and the slot.
    Seat,
    /// These and the generation.
    Issue,
    /// What validation answered.
    Outcome,
}

/// As the migrations make it.
struct Index {
    name: &'static str,
    key: Key,
    /// Which rows are in it, for SQLite and for us.
    rows: &'static str,
    has: fn(&StoredRow) -> bool,
}

const INDEXES: [Index; 7] = [
    Index { name: "journal_seats", key: Key::Issue, rows: "slot IS NOT NULL", has: |row| row.columns.seat.is_some() },
    Index { name: "journal_proved", key: Key::Issue, rows: "proved = 1", has: |row| row.columns.proved },
    Index {
        name: "journal_history",
        key: Key::Seat,
        rows: "persons > 0 OR act IS NOT NULL",
        has: |row| row.columns.persons > 0 || row.columns.act.is_some(),
    },
    Index {
        name: "journal_holds",
        key: Key::Seat,
        rows: "act = 'hold'",
        has: |row| row.columns.act == Some(ActName("hold")),
    },
    Index { name: "journal_unsettled", key: Key::Outcome, rows: "outcome IS NULL", has: |row| row.outcome.is_none() },
    Index {
        name: "journal_contested",
        key: Key::Outcome,
        rows: "outcome IN ('fork', 'unreadable', 'unproved')",
        has: |row| matches!(row.outcome, Some(RowOutcome::Fork | RowOutcome::Unreadable | RowOutcome::Unproved)),
    },
    Index {
        name: "journal_texts",
        key: Key::Outcome,
        rows: "ticket IS NOT NULL AND outcome IN ('stored', 'known', 'fork', 'unproved')",
        has: |row| {
            let left = [RowOutcome::Stored, RowOutcome::Known, RowOutcome::Fork, RowOutcome::Unproved];
            row.has_text && row.outcome.is_some_and(|outcome| left.contains(&outcome))
        },
    },
];

/// In the order of its index.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Entry {
    outcome: Option<&'static str>,
    seat: [Option<u32>; 3],
    sequence: u64,
}

/// Entries, whatever their order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    entries: u64,
    hashes: u64,
}

/// What the indexes should have.
#[derive(Default)]
pub(in crate::ledger) struct Indexed([Sum; INDEXES.len()]);

impl Indexed {
    /// Of one more row.
    pub(in crate::ledger) fn add(&mut self, row: &StoredRow) {
        for (index, sum) in INDEXES.iter().zip(&mut self.0).filter(|(index, _)| (index.has)(row)) {
            sum.add(&index.key.entry(row));
        }
    }

    /// An index that has something else.
    pub(in crate::ledger) fn first_wrong(&self, connection: &Connection) -> rusqlite::Result<Option<&'static str>> {
        for (index, expected) in INDEXES.iter().zip(&self.0) {
            if index.read(connection)? != Some(*expected) {
                return Ok(Some(index.name));
            }
        }
        Ok(None)
    }
}

impl Index {
    /// All its entries; none where they are not in order, and could not be found.
    fn read(&self, connection: &Connection) -> rusqlite::Result<Option<Sum>> {
        let Self { name, key, rows, has: _ } = self;
        let key = match key {
            Key::Seat => "NULL, event, slot, NULL",
            Key::Issue => "NULL, event, slot, generation",
            Key::Outcome => "outcome, NULL, NULL, NULL",
        };
        let mut statement =
            connection.prepare(&format!("SELECT {key}, sequence FROM journal INDEXED BY {name} WHERE {rows}"))?;
        let mut entries = statement.query([])?;
        let (mut sum, mut last) = (Sum::default(), None);
        while let Some(row) = entries.next()? {
            let entry = Entry {
                outcome: row.get::<_, Option<Outcome>>(0)?.map(Outcome::spelt),
                seat: [row.get(1)?, row.get(2)?, row.get(3)?],
                sequence: row.get::<_, Number>(4)?.0,
            };
            sum.add(&entry);
            let entry = Some(entry);
            if last >= entry {
                return Ok(None);
            }
            last = entry;
        }
        Ok(Some(sum))
    }
}

impl Key {
    fn entry(self, row: &StoredRow) -> Entry {
        let (event, slot, generation) = row
            .columns
            .seat
            .map_or((None, None, None), |(event, slot, generation)| (Some(event), Some(slot), Some(generation.into())));
        let sequence = row.sequence;
        match self {
            Self::Seat => Entry { outcome: None, seat: [event, slot, None], sequence },
            Self::Issue => Entry { outcome: None, seat: [event, slot, generation], sequence },
            Self::Outcome => {
                let outcome = row.outcome.map(|outcome| Outcome(outcome).spelt());
                Entry { outcome, seat: [None; 3], sequence }
            }
        }
    }
}

impl Sum {
    fn add(&mut self, entry: &Entry) {
        let mut hasher = DefaultHasher::new();
        entry.hash(&mut hasher);
        self.entries += 1;
        self.hashes = self.hashes.wrapping_add(hasher.finish());
    }
}

#[cfg(test)]
pub(in crate::ledger) fn names() -> [&'static str; INDEXES.len()] {
    INDEXES.map(|index| index.name)
}
