//! What gates told, as validation's `journal` and `journal_aside` keep it.

use std::collections::{BTreeMap, HashMap};

use anyhow::ensure;
use countermark_shared::id::GateId;
use countermark_shared::journal::ChainHash;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Upload, Uploaded};
use countermark_validation::Gate;
use countermark_validation::journal::{Aside, Batch, Entry, Link, Seat};

use super::venue::{EVENT, Venue};

/// All journals, and each upload as it came.
#[derive(Default)]
pub(super) struct Journals {
    gates: BTreeMap<GateId, Journal>,
    /// In the order in which they arrived, for whoever plays them again.
    pub(super) uploads: Vec<Received>,
}

/// One gate's.
#[derive(Default)]
pub(super) struct Journal {
    /// By their numbers.
    pub(super) rows: BTreeMap<u64, Stored>,
    /// What cannot stand among them.
    pub(super) aside: Vec<Aside>,
    proofs: HashMap<Seat, u8>,
}

/// A row that was stored.
pub(super) struct Stored {
    /// The row.
    pub(super) entry: Entry,
    /// The chain before it, as its gate told it.
    pub(super) before: ChainHash,
    /// When it arrived.
    pub(super) received: Timestamp,
}

/// An upload that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub gate: GateId,
    /// What.
    pub upload: Upload,
    /// What it was answered, whether or not the gate heard it.
    pub answer: Uploaded,
}

impl Journals {
    /// Takes one upload as the route does: read, look up, settle, store.
    pub(super) fn take(
        &mut self,
        gate: GateId,
        key: VerifyingKey,
        upload: &Upload,
        venue: &Venue,
        at: Timestamp,
    ) -> anyhow::Result<Uploaded> {
        let batch = Batch::read(upload.clone(), &Gate { gate, event: EVENT, key }, &venue.keys)?;
        let journal = self.gates.entry(gate).or_default();
        let settled = batch.settle(journal.links(&batch.sequences()), journal.proofs(&batch.seats()), false);
        let mut chain = upload.previous;
        let before = upload.rows.iter().map(|row| {
            let before = chain;
            chain = before.next(&row.row.0);
            (row.sequence, before)
        });
        let before: HashMap<_, _> = before.collect();
        for entry in settled.entries {
            if let (Some(seat), Some(places)) = (entry.seat, entry.proved_places) {
                let proved = journal.proofs.entry(seat).or_default();
                *proved = places.max(*proved);
            }
            let sequence = entry.row.sequence;
            let before = before.get(&sequence).copied().unwrap_or(ChainHash::START);
            let replaced = journal.rows.insert(sequence, Stored { entry, before, received: at });
            ensure!(replaced.is_none(), "row {sequence} of gate {gate} was stored twice");
        }
        journal.aside.extend(settled.aside);
        let answer = Uploaded { results: settled.results };
        self.uploads.push(Received { at, gate, upload: upload.clone(), answer: answer.clone() });
        Ok(answer)
    }

    /// A gate's journal, if it told anything.
    pub(super) fn of(&self, gate: GateId) -> Option<&Journal> {
        self.gates.get(&gate)
    }

    /// Those that told anything.
    pub(super) fn gates(&self) -> impl Iterator<Item = GateId> {
        self.gates.keys().copied()
    }

    /// All rows, by gate and number.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Stored> {
        self.gates.values().flat_map(|journal| journal.rows.values())
    }
}

impl Journal {
    fn links(&self, sequences: &[u64]) -> HashMap<u64, Link> {
        let link = |entry: &Entry| Link { row: entry.bytes.clone(), chain: entry.chain };
        sequences.iter().filter_map(|sequence| Some((*sequence, link(&self.rows.get(sequence)?.entry)))).collect()
    }

    fn proofs(&self, seats: &[Seat]) -> HashMap<Seat, u8> {
        seats.iter().filter_map(|seat| Some((*seat, *self.proofs.get(seat)?))).collect()
    }

    /// Whether it is whole: every row from the first to the last, each following on the one before; how far it goes.
    pub(super) fn reaches(&self) -> anyhow::Result<(u64, ChainHash)> {
        let (mut last, mut chain) = (0, ChainHash::START);
        for (sequence, Stored { entry, .. }) in &self.rows {
            chain = chain.next(&entry.bytes);
            ensure!(*sequence == last + 1, "row {} is missing", last + 1);
            ensure!(entry.chain == chain && !entry.after_gap, "row {sequence} does not follow on the one before");
            ensure!(entry.believed, "row {sequence} is not believed");
            last = *sequence;
        }
        ensure!(self.aside.is_empty(), "row {:?} was put aside", self.aside.first().map(|aside| aside.sequence));
        Ok((last, chain))
    }
}
