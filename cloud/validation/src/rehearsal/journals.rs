//! Journals as the tables `journal` and `journal_aside` keep them, as far as settling asks.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use countermark_shared::decision::{Passages, Terms};
use countermark_shared::documents::{Assignment, GateStanding};
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Upload, Uploaded};

use crate::assignment::exits_of;
use crate::error::Error;
use crate::journal::{AsideReason, Batch, Entry, Link, Proof, Seat, Served, Stored};
use crate::reconcile::{self, Told};
use crate::session::Gate;

/// What gates of one event told.
#[derive(Clone, Default)]
pub struct Journals(BTreeMap<GateId, Journal>);

#[derive(Clone, Default)]
struct Journal {
    rows: BTreeMap<u64, Row>,
    aside: Vec<reconcile::Link>,
    proofs: HashMap<Seat, Proof>,
    contested: bool,
    suspended: bool,
    retracted_from: Option<u64>,
    /// Claims that are over: what they were called, and about which seat.
    ended: HashSet<([u8; 16], Seat)>,
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
        let stored = journal.stored(&batch, Served::from([(event, exits_of(assignment))]));
        let is_disbelieved = journal.suspended || journal.retracted_from.is_some();
        let settled = batch.settle(stored, is_disbelieved, received);
        journal.contested |= settled.doubtful;
        journal.ended.extend(settled.claims_ended.iter().map(|ended| (ended.attempt, ended.seat)));
        for entry in settled.entries {
            journal.keep(&entry);
            let sequence = entry.row.sequence;
            let before = before.get(&sequence).copied().unwrap_or(ChainHash::START);
            journal.rows.insert(sequence, Row::of(entry, before, received));
        }
        for aside in settled.aside.iter().filter(|aside| aside.reason == AsideReason::Fork) {
            let before = before.get(&aside.sequence).copied().unwrap_or(ChainHash::START);
            let Ok(row) = JournalRow::from_bytes(&aside.bytes) else { continue };
            // However often it comes, it is kept once.
            if journal.aside.iter().all(|link| link.row != row) {
                let (after, believed) = (before.next(&aside.bytes), aside.told.believed);
                journal.aside.push(reconcile::Link { row, before, after, received, believed, aside: true });
            }
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
        let late = |link: &&mut reconcile::Link| link.row.sequence >= from || link.received > believed_until;
        journal.aside.iter_mut().filter(late).for_each(|link| link.believed = false);
    }

    /// Whether a gate is suspended.
    pub fn is_suspended(&self, gate: GateId) -> bool {
        self.0.get(&gate).is_some_and(|journal| journal.suspended)
    }

    pub(super) fn has_ended(&self, gate: GateId, attempt: [u8; 16], seat: Seat) -> bool {
        self.0.get(&gate).is_some_and(|journal| journal.ended.contains(&(attempt, seat)))
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

    /// Rows of a gate that count, and cannot stand in its journal beside others of their numbers.
    pub fn set_aside(&self, gate: GateId) -> impl Iterator<Item = &JournalRow> {
        let aside = self.0.get(&gate).into_iter().flat_map(|journal| &journal.aside);
        aside.filter(|link| link.believed).map(|link| &link.row)
    }

    /// Whether a gate told so late that it took an admission back, that it is not believed.
    pub fn has_undone_late(&self, gate: GateId) -> bool {
        self.rows(gate).any(|row| !row.believed && row.row.undoes().is_some())
    }

    /// The number of a gate's last row; 0 where there is none.
    pub fn last(&self, gate: GateId) -> u64 {
        self.0.get(&gate).and_then(|journal| journal.rows.last_key_value()).map_or(0, |(last, _)| *last)
    }

    /// How far a gate hears at its log-in that its journal is known, in it or aside.
    pub fn known_up_to(&self, gate: GateId) -> u64 {
        let aside = self.0.get(&gate).into_iter().flat_map(|journal| &journal.aside);
        aside.map(|link| link.row.sequence).max().unwrap_or(0).max(self.last(gate))
    }

    /// How many rows of a gate cannot stand among them.
    pub fn aside(&self, gate: GateId) -> usize {
        self.0.get(&gate).map_or(0, |journal| journal.aside.len())
    }

    /// What all gates told of a seat.
    pub fn told(&self, slot: Slot) -> Vec<Told> {
        let of_seat = |row: &&Row| Seat::of(&row.row.subject).is_some_and(|seat| seat.slot == slot);
        let told = |row: &Row| Told { row: row.row.clone(), believed: row.believed, aside: false, terms: row.terms };
        let aside = self
            .0
            .values()
            .flat_map(|journal| &journal.aside)
            .filter(|link| link.believed && Seat::of(&link.row.subject).is_some_and(|seat| seat.slot == slot));
        let aside = aside.map(|link| Told { row: link.row.clone(), believed: true, aside: true, terms: None });
        self.0.values().flat_map(|journal| journal.rows.values()).filter(of_seat).map(told).chain(aside).collect()
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

    fn stored(&self, batch: &Batch, served: Served) -> Stored {
        let (links, proofs) = (self.links(&batch.sequences()), self.proofs(&batch.seats()));
        Stored { links, proofs, turned: self.turned(&batch.undone()), served }
    }

    fn turned(&self, of: &[u64]) -> BTreeSet<u64> {
        let has_turned = |of: &u64| self.rows.range(of..).any(|(_, row)| row.row.turned() == Some(*of));
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
