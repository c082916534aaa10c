//! Journals as the tables `journal` and `journal_aside` keep them, as far as settling asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countermark_shared::decision::{Passages, Terms};
use countermark_shared::documents::GateStanding;
use countermark_shared::id::{EventId, GateId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Upload, Uploaded};

use crate::error::Error;
use crate::journal::{AsideReason, Batch, Entry, Link, Proof, Seat};
use crate::reconcile::{self, Told};
use crate::session::Gate;

/// What gates of one event told.
#[derive(Default)]
pub struct Journals(BTreeMap<GateId, Journal>);

#[derive(Default)]
struct Journal {
    rows: BTreeMap<u64, Row>,
    aside: Vec<reconcile::Link>,
    proofs: HashMap<Seat, Proof>,
    contested: bool,
    suspended: bool,
    retracted_from: Option<u64>,
    /// Rows whose claims are over.
    ended: BTreeSet<u64>,
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
    /// Takes an upload, as the route does: read, look up, settle, store.
    pub fn take(
        &mut self,
        (gate, key): (GateId, VerifyingKey),
        (event, keys): (EventId, &KeyRing),
        upload: Upload,
        received: Timestamp,
    ) -> Result<Uploaded, NotTaken> {
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
        let (links, proofs) = (journal.links(&batch.sequences()), journal.proofs(&batch.seats()));
        let is_disbelieved = journal.suspended || journal.retracted_from.is_some();
        let settled = batch.settle(links, proofs, is_disbelieved, received);
        journal.contested |= settled.doubtful;
        journal.ended.extend(settled.claims_ended());
        for entry in settled.entries {
            journal.keep(&entry);
            let sequence = entry.row.sequence;
            let before = before.get(&sequence).copied().unwrap_or(ChainHash::START);
            journal.rows.insert(sequence, Row::of(entry, before, received));
        }
        for aside in settled.aside.iter().filter(|aside| aside.reason == AsideReason::Fork) {
            let before = before.get(&aside.sequence).copied().unwrap_or(ChainHash::START);
            journal.aside.extend(JournalRow::from_bytes(&aside.bytes).ok().map(|row| reconcile::Link {
                row,
                before,
                after: before.next(&aside.bytes),
                received,
                believed: aside.told.believed,
                aside: true,
            }));
        }
        Ok(Uploaded { results: settled.results })
    }

    /// Suspends a gate that was in known hands until then, as the route does: what was received since is not believed, now or ever.
    pub fn retract(&mut self, gate: GateId, believed_until: Timestamp) {
        let journal = self.0.entry(gate).or_default();
        let late = journal.rows.values().find(|row| row.received > believed_until).map(|row| row.row.sequence);
        let next = journal.rows.last_key_value().map_or(1, |(last, _)| last + 1);
        let from = late.unwrap_or(next);
        let from = journal.retracted_from.map_or(from, |before| before.min(from));
        (journal.suspended, journal.retracted_from) = (true, Some(from));
        journal.rows.range_mut(from..).for_each(|(_, row)| row.believed = false);
    }

    /// Whether a gate is suspended.
    pub fn is_suspended(&self, gate: GateId) -> bool {
        self.0.get(&gate).is_some_and(|journal| journal.suspended)
    }

    pub(super) fn has_ended(&self, gate: GateId, claim: u64) -> bool {
        self.0.get(&gate).is_some_and(|journal| journal.ended.contains(&claim))
    }

    pub(super) fn believed_elsewhere(&self, gate: GateId, slot: Slot) -> Vec<JournalRow> {
        let others = self.0.iter().filter(|(of, _)| **of != gate);
        others.flat_map(|(_, journal)| journal.believed(slot).cloned()).collect()
    }

    /// What is thought of the gates, for the feed.
    pub fn standings(&self) -> BTreeMap<GateId, GateStanding> {
        let standing = |journal: &Journal| match (journal.retracted_from, journal.contested) {
            (Some(from), _) => GateStanding::Retracted { from },
            (None, true) => GateStanding::Contested,
            (None, false) => GateStanding::Trusted,
        };
        self.0.iter().map(|(gate, journal)| (*gate, standing(journal))).collect()
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

    /// The number of a gate's last row; 0 where there is none.
    pub fn last(&self, gate: GateId) -> u64 {
        self.0.get(&gate).and_then(|journal| journal.rows.last_key_value()).map_or(0, |(last, _)| *last)
    }

    /// How many rows of a gate cannot stand among them.
    pub fn aside(&self, gate: GateId) -> usize {
        self.0.get(&gate).map_or(0, |journal| journal.aside.len())
    }

    /// What all gates told of a seat.
    pub fn told(&self, slot: Slot) -> Vec<Told> {
        let of_seat = |row: &&Row| Seat::of(&row.row.subject).is_some_and(|seat| seat.slot == slot);
        let told = |row: &Row| Told { row: row.row.clone(), believed: row.believed, terms: row.terms };
        self.0.values().flat_map(|journal| journal.rows.values()).filter(of_seat).map(told).collect()
    }

    /// What passed with a seat at all gates, by the rows that count.
    pub fn passed(&self, slot: Slot) -> Passages {
        let journals = self.0.values().map(|journal| journal.believed(slot).cloned().collect::<Vec<_>>());
        let journals = journals.map(|rows| Passages::of(&rows, None));
        journals.fold(Passages::NONE, Passages::and)
    }

    /// What a gate told, link by link.
    pub fn links(&self, gate: GateId) -> Vec<reconcile::Link> {
        let aside = self.0.get(&gate).into_iter().flat_map(|journal| &journal.aside);
        self.rows(gate).map(Row::link).chain(aside.cloned()).collect()
    }
}

impl Journal {
    fn believed(&self, slot: Slot) -> impl Iterator<Item = &JournalRow> {
        let rows = self.rows.values().filter(|row| row.believed).map(|row| &row.row);
        rows.filter(move |row| Seat::of(&row.subject).is_some_and(|seat| seat.slot == slot))
    }

    fn links(&self, sequences: &[u64]) -> HashMap<u64, Link> {
        let link = |row: &Row| Link { row: row.bytes.clone(), chain: row.after };
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
