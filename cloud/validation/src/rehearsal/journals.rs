//! Journals as the tables `journal` and `journal_aside` keep them, as far as settling asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countermark_shared::decision::Terms;
use countermark_shared::documents::Assignment;
use countermark_shared::id::{GateId, LaneId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Upload, Uploaded};

use crate::assignment::exits_of;
use crate::error::Error;
use crate::journal::{Batch, Entry, Link, Proof, Seat, Stored, turned};
use crate::reconcile::{self, Told};
use crate::session::Gate;

/// What gates of one event told.
#[derive(Default)]
pub struct Journals(BTreeMap<GateId, Journal>);

#[derive(Default)]
struct Journal {
    rows: BTreeMap<u64, Row>,
    aside: usize,
    proofs: HashMap<Seat, Proof>,
}

/// A row that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it says.
    pub row: JournalRow,
    /// As it came.
    pub bytes: Vec<u8>,
    /// The chain before it, as its gate told it.
    pub before: ChainHash,
    /// The chain after it.
    pub after: ChainHash,
    /// Whether the row before it was missing, or another one.
    pub after_gap: bool,
    /// Whether it counts.
    pub believed: bool,
    /// What the ticket that came with it says of entries, where that proves the seat.
    pub terms: Option<Terms>,
    /// When it arrived.
    pub received: Timestamp,
}

/// The upload is none: too long, or its checkpoint does not hold.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotTaken(Box<dyn std::error::Error + Send + Sync>);

impl Journals {
    /// Takes an upload of a gate in service, as the route does: read, look up, settle, store.
    pub fn take(
        &mut self,
        (assignment, key): (&Assignment, VerifyingKey),
        keys: &KeyRing,
        upload: Upload,
        received: Timestamp,
    ) -> Result<Uploaded, NotTaken> {
        let Assignment { gate, event, .. } = *assignment;
        let mut chain = upload.previous;
        let before = upload.rows.iter().map(|row| {
            let before = chain;
            chain = before.next(&row.row.0);
            (row.sequence, before)
        });
        let before: HashMap<_, _> = before.collect();
        let batch =
            Batch::read(upload, &Gate { gate, event, key }, keys).map_err(|error: Error| NotTaken(error.into()))?;
        let journal = self.0.entry(gate).or_default();
        let settled = batch.settle(journal.stored(&batch, exits_of(assignment)), false, received);
        for entry in settled.entries {
            journal.keep(&entry);
            let sequence = entry.row.sequence;
            let before = before.get(&sequence).copied().unwrap_or(ChainHash::START);
            journal.rows.insert(sequence, Row::of(entry, before, received));
        }
        journal.aside += settled.aside.len();
        Ok(Uploaded { results: settled.results })
    }

    /// The gates that told anything.
    pub fn gates(&self) -> impl Iterator<Item = GateId> {
        self.0.keys().copied()
    }

    /// A gate's rows, by their numbers.
    pub fn rows(&self, gate: GateId) -> impl Iterator<Item = &Row> {
        self.0.get(&gate).into_iter().flat_map(|journal| journal.rows.values())
    }

    /// One of them.
    pub fn row(&self, gate: GateId, sequence: u64) -> Option<&Row> {
        self.0.get(&gate)?.rows.get(&sequence)
    }

    /// How many rows of a gate cannot stand among them.
    pub fn aside(&self, gate: GateId) -> usize {
        self.0.get(&gate).map_or(0, |journal| journal.aside)
    }

    /// What all gates told of a seat.
    pub fn told(&self, slot: Slot) -> Vec<Told> {
        let of_seat = |row: &&Row| Seat::of(&row.row.subject).is_some_and(|seat| seat.slot == slot);
        let told = |row: &Row| Told { row: row.row.clone(), believed: row.believed, aside: false, terms: row.terms };
        self.0.values().flat_map(|journal| journal.rows.values()).filter(of_seat).map(told).collect()
    }

    /// What a gate told, link by link.
    pub fn links(&self, gate: GateId) -> Vec<reconcile::Link> {
        self.rows(gate).map(Row::link).collect()
    }
}

impl Journal {
    fn stored(&self, batch: &Batch, exits: BTreeSet<LaneId>) -> Stored {
        let (links, proofs) = (self.links(&batch.sequences()), self.proofs(&batch.seats()));
        Stored { links, proofs, turned: self.turned(&batch.undone()), exits }
    }

    fn turned(&self, of: &[u64]) -> BTreeSet<u64> {
        let has_turned = |of: &u64| self.rows.range(of..).any(|(_, row)| turned(&row.row) == Some(*of));
        of.iter().copied().filter(has_turned).collect()
    }

    fn links(&self, sequences: &[u64]) -> HashMap<u64, Link> {
        let link = |row: &Row| Link { row: row.bytes.clone(), chain: row.after, received: row.received };
        sequences.iter().filter_map(|sequence| Some((*sequence, link(self.rows.get(sequence)?)))).collect()
    }

    fn proofs(&self, seats: &[Seat]) -> HashMap<Seat, Proof> {
        seats.iter().filter_map(|seat| Some((*seat, *self.proofs.get(seat)?))).collect()
    }

    /// The most that was ever proved counts.
    fn keep(&mut self, entry: &Entry) {
        if let (Some(seat), Some(proof)) = (entry.told.seat, entry.told.proof) {
            let proved = self.proofs.entry(seat).or_insert(proof);
            proved.places = proof.places.max(proved.places);
        }
    }
}

impl Row {
    fn of(entry: Entry, before: ChainHash, received: Timestamp) -> Self {
        let proof = entry.told.ticket.filter(|_| entry.told.proof.is_some());
        let ticket = proof.and_then(|text| UnverifiedTicket::parse(&text).ok());
        Self {
            row: entry.row,
            bytes: entry.bytes,
            before,
            after: entry.chain,
            after_gap: entry.after_gap,
            believed: entry.told.believed,
            terms: ticket.map(|ticket| Terms::of(ticket.body())),
            received,
        }
    }

    fn link(&self) -> reconcile::Link {
        let Self { row, before, after, received, believed, .. } = self;
        reconcile::Link {
            row: row.clone(),
            before: *before,
            after: *after,
            received: *received,
            believed: *believed,
            aside: false,
        }
    }
}
