//! The journal of a dead gate, as its disk has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use countermark_shared::journal::{ChainHash, JournalRow, Subject};
use countermark_tests::gate::{Gate, Verdict};
use rusqlite::Connection;

/// Rows whose chain holds from the first on.
pub(super) struct Journal {
    pub(super) rows: Vec<JournalRow>,
    /// How many of them the gate knows to be at validation.
    pub(super) answered: u64,
}

impl Journal {
    /// Reads a copy, so that recovery of the original is left to the gate itself.
    pub(super) fn of_dead_gate(gate: &Gate) -> Result<Self> {
        let ledger = gate.ledger();
        let folder = tempfile::tempdir()?;
        for suffix in ["", "-wal"] {
            let name = format!("ledger.sqlite{suffix}");
            let from = ledger.with_file_name(&name);
            if from.exists() {
                std::fs::copy(from, folder.path().join(name))?;
            }
        }
        Self::read(&folder.path().join("ledger.sqlite"))
    }

    fn read(ledger: &Path) -> Result<Self> {
        let connection = Connection::open(ledger)?;
        let mut statement = connection.prepare("SELECT sequence, row, hash FROM journal ORDER BY sequence")?;
        let stored = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (mut rows, mut chain) = (Vec::new(), ChainHash::START);
        for stored in stored {
            let (sequence, bytes, hash): (i64, Vec<u8>, [u8; 32]) = stored?;
            let sequence = sequence.unsigned_abs();
            let row = JournalRow::from_bytes(&bytes).with_context(|| format!("row {sequence} cannot be read"))?;
            chain = chain.next(&bytes);
            ensure!(chain.0 == hash, "the chain breaks at row {sequence}");
            ensure!(row.sequence == sequence && sequence == rows.len() as u64 + 1, "a row is missing at {sequence}");
            rows.push(row);
        }
        let answered = "SELECT count(*) FROM journal WHERE outcome IS NOT NULL";
        let answered: i64 = connection.query_row(answered, [], |row| row.get(0))?;
        Ok(Self { rows, answered: answered.unsigned_abs() })
    }

    /// Every verdict is in it, and nobody was let in twice.
    pub(super) fn holds(&self, shown: &[Verdict]) -> Result<()> {
        let rows: BTreeMap<_, _> = self.rows.iter().map(|row| (row.sequence, row)).collect();
        for verdict in shown {
            let sequence = verdict.sequence.context("a verdict was shown without a row")?;
            let row = rows.get(&sequence).with_context(|| format!("row {sequence} was shown and is gone"))?;
            let same = row.reason == verdict.verdict && row.persons == verdict.persons && tells(&row.subject, verdict);
            ensure!(same, "row {sequence} says {row:?}, and {verdict:?} was shown");
        }
        let mut slots = BTreeSet::new();
        for slot in self.admitted() {
            ensure!(slots.insert(slot), "slot {slot} was let in twice");
        }
        Ok(())
    }

    /// The slots that were let in, in order.
    pub(super) fn admitted(&self) -> impl Iterator<Item = u32> {
        self.rows.iter().filter(|row| row.persons > 0).filter_map(|row| match &row.subject {
            Subject::Ticket { slot, .. } => Some(slot.0),
            Subject::Payload { .. } => None,
        })
    }
}

/// Whether a row is about what the verdict was about.
fn tells(subject: &Subject, verdict: &Verdict) -> bool {
    match subject {
        Subject::Ticket { slot, .. } => verdict.slot == Some(slot.0),
        Subject::Payload { .. } => verdict.slot.is_none(),
    }
}
