//! The feed in force: rows as a set, older ones as sums, and what they make of a seat.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::document::{AdmissionFeed, FeedBatch, FeedContent, FeedSnapshot, FoldedGate, FoldedPassages, MAX_GATES};
use super::passages::FeedPassages;
use super::row::{FeedRow, GateStanding};
use super::rows::HeldRows;
use super::tally::Tally;
use crate::documents::bundle::TrustBundle;
use crate::documents::canonical::{canonical, read};
use crate::documents::envelope::{Authentic, Document, Signed, not_from_the_future};
use crate::documents::hash::{ContentHash, DocumentHash};
use crate::documents::head::Head;
use crate::documents::refusal::Refusal;
use crate::documents::revision::{Floors, Revision, Standing, ascend};
use crate::id::{EventId, GateId, Slot};
use crate::keys::VerifyingKey;
use crate::time::Timestamp;

/// A reader holds no more rows than this beside the sums: 40 MB at worst.
pub const MAX_ROWS_HELD: usize = 250_000;

/// What is known of other gates. Rows are a set, named by gate and number: however often and in whatever batch they come, they count once.
/// A clone shares what does not change any more, so that a batch costs what it brings and not what there is.
#[derive(Clone, Debug)]
pub struct FeedState {
    event: EventId,
    standing: Standing,
    confirmed: Timestamp,
    floors: Floors<DocumentHash>,
    reset: Timestamp,
    folded: BTreeMap<GateId, u64>,
    sums: Arc<BTreeMap<Slot, Vec<FoldedGate>>>,
    rows: HeldRows,
    gates: BTreeMap<GateId, GateStanding>,
}

/// What of a feed a document brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForm {
    /// The next rows.
    Batch,
    /// Everything up to somewhere.
    Snapshot,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(0)]
    feed: AdmissionFeed,
    #[n(1)]
    floors: Floors<DocumentHash>,
    /// Of the two: nothing in a record is signed, and what rots on a disk is not taken for what happened.
    #[n(2)]
    content: ContentHash,
}

/// A batch that was found good.
struct Step {
    to: Standing,
    rows: Vec<FeedRow>,
    gates: BTreeMap<GateId, GateStanding>,
}

impl FeedState {
    /// Takes a snapshot or the next batch of this event, if a list key signed it and it follows on what is in force. Nothing changes when it is
    /// refused; what is in force of another event does not count. The answer is which of the two it was.
    pub fn accept(
        in_force: &mut Option<Self>,
        bytes: &[u8],
        bundle: &TrustBundle,
        event: EventId,
        now: Timestamp,
    ) -> Result<FeedForm, Refusal> {
        let document = AdmissionFeed::NAME;
        let list_keys = bundle.list_keys();
        let offered = Signed::<AdmissionFeed>::decode(bytes)?.open(&list_keys, 1)?;
        if offered.document().event != event {
            return Err(Refusal::OtherSubject { document });
        }
        not_from_the_future(offered.document(), now)?;
        let (hash, signers) = (offered.hash(), offered.signers().to_vec());
        let feed = offered.into_document();
        let (revision, issued) = (feed.revision(), feed.issued);
        let current = in_force.as_mut().filter(|current| current.event == event);
        match (feed.content, current) {
            (FeedContent::Snapshot(snapshot), current) => {
                let start = Self::start(event, Standing { revision, hash: snapshot.hash }, issued, snapshot);
                *in_force = Some(start.in_place_of(current.as_deref(), &signers, &list_keys)?);
                Ok(FeedForm::Snapshot)
            }
            (FeedContent::Batch(batch), Some(current)) => {
                let step = current.step(batch, Standing { revision, hash })?;
                current.carry_out(step);
                current.confirmed = current.confirmed.max(issued);
                current.floors = current.floors.raised(&signers, current.standing, &list_keys);
                Ok(FeedForm::Batch)
            }
            (FeedContent::Batch(_), None) => Err(Refusal::NoSnapshot { document }),
        }
    }

    /// What other gates' word makes of a seat. Rows of the gate `except` are left out: it knows its own better. `reset` is the last nightly
    /// reset, none where the event has none; from it on [`FeedPassages::admitted_since_reset`] counts.
    pub fn passages(&self, slot: Slot, except: Option<GateId>, reset: Option<Timestamp>) -> FeedPassages {
        let told = |gate: GateId| Some(gate) != except;
        let rows = self.rows_of(slot).filter(|row| told(row.gate));
        let sums = self.sums.get(&slot).into_iter().flatten().filter(|sum| told(sum.gate));
        Tally { gates: &self.gates, folded: &self.folded, summed_since: self.reset, reset }.of(rows, sums)
    }

    /// Notes that a head says what is in force is the newest.
    pub fn confirm(&mut self, head: &Authentic<Head>) {
        let head = head.document();
        if head.event == self.event && head.feed == Some(self.standing) {
            self.confirmed = self.confirmed.max(head.issued);
        }
    }

    /// Which event's.
    pub fn event(&self) -> EventId {
        self.event
    }

    /// The last batch in it, and its name.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// The last batch in it.
    pub fn revision(&self) -> Revision {
        self.standing.revision
    }

    /// The newest that any believed key has signed: what a snapshot is held against.
    pub fn floor(&self, believed: &[VerifyingKey]) -> Option<Standing> {
        self.floors.highest(believed)
    }

    /// How long ago it was last said to be the newest.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.confirmed)
    }

    /// When it was last said to be the newest.
    pub fn confirmed(&self) -> Timestamp {
        self.confirmed
    }

    /// How many rows are held beside the sums.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// What validation thinks of a gate.
    pub fn gate(&self, gate: GateId) -> GateStanding {
        self.gates.get(&gate).copied().unwrap_or(GateStanding::Trusted)
    }

    /// The batch that tells these rows, and of these standings those that are news; nothing where there is neither. A row that is held is told
    /// all the same: where a snapshot told it first, whoever takes every batch does not have it. Left out is what a reader would refuse the
    /// batch for: an undo of what is no entry of its seat and persons.
    pub fn following(
        &self,
        rows: impl IntoIterator<Item = FeedRow>,
        gates: &BTreeMap<GateId, GateStanding>,
        issued: Timestamp,
    ) -> Option<AdmissionFeed> {
        let told = rows.into_iter().filter(|row| !self.contradicts(row));
        let told: BTreeMap<_, _> = told.map(|row| (row.name(), row)).collect();
        let fits = |row: &&FeedRow| {
            let undone = row.passage.cancels().and_then(|of| told.get(&(row.gate, of)));
            undone.is_none_or(|undone| undone.is_undone_by(row))
        };
        let rows: Vec<_> = told.values().filter(fits).copied().collect();
        let is_new = |(gate, standing): &(&GateId, &GateStanding)| {
            let current = self.gate(**gate);
            current.then(**standing) != current
        };
        let gates: BTreeMap<_, _> = gates.iter().filter(is_new).map(|(gate, standing)| (*gate, *standing)).collect();
        let Revision { epoch, sequence } = self.standing.revision;
        (!rows.is_empty() || !gates.is_empty()).then(|| AdmissionFeed {
            event: self.event,
            epoch,
            sequence: sequence.saturating_add(1),
            issued,
            content: FeedContent::Batch(FeedBatch { before: self.standing.hash, rows, gates }),
        })
    }

    /// The same feed on what `other` holds, if that leads as far: where a newer snapshot is under it, its sums take the place of their rows.
    #[must_use]
    pub fn upon(&self, other: Self) -> Option<Self> {
        let same = (self.event, self.standing) == (other.event, other.standing);
        same.then(|| Self { confirmed: self.confirmed.max(other.confirmed), floors: self.floors.clone(), ..other })
    }

    /// The snapshot that says the same, for a new box.
    pub fn snapshot(&self, issued: Timestamp) -> AdmissionFeed {
        let sums = self
            .sums
            .iter()
            .flat_map(|(slot, sums)| sums.iter().map(|gate| FoldedPassages { slot: *slot, gate: *gate }));
        AdmissionFeed {
            event: self.event,
            epoch: self.standing.revision.epoch,
            sequence: self.standing.revision.sequence,
            issued,
            content: FeedContent::Snapshot(FeedSnapshot {
                hash: self.standing.hash,
                reset: self.reset,
                folded: self.folded.clone(),
                passages: sums.collect(),
                rows: self.rows.sorted(),
                gates: self.gates.clone(),
            }),
        }
    }

    /// What a reader writes to its own disk, to have the same in force after a restart, whatever became of its signers.
    pub fn to_record(&self) -> Vec<u8> {
        let (feed, floors) = (self.snapshot(self.confirmed), self.floors.clone());
        let content = recorded(&feed, &floors);
        canonical(&Record { feed, floors, content })
    }

    /// Reads what [`to_record`](Self::to_record) wrote. Never for bytes from elsewhere: nothing in a record is signed.
    pub fn from_record(bytes: &[u8]) -> Result<Self, Refusal> {
        let document = AdmissionFeed::NAME;
        let malformed = |why: &str| Refusal::Malformed { document, why: why.to_owned() };
        let Record { feed, floors, content } =
            read(bytes, bytes.len()).map_err(|defect| Refusal::of(document, defect))?;
        if recorded(&feed, &floors) != content {
            return Err(malformed("its record is not what was written"));
        }
        feed.check().map_err(malformed)?;
        let revision = feed.revision();
        match feed.content {
            FeedContent::Batch(_) => Err(malformed("a record holds a snapshot")),
            FeedContent::Snapshot(snapshot) => {
                let standing = Standing { revision, hash: snapshot.hash };
                Ok(Self { floors, ..Self::start(feed.event, standing, feed.issued, snapshot) })
            }
        }
    }

    fn start(event: EventId, standing: Standing, issued: Timestamp, snapshot: FeedSnapshot) -> Self {
        let mut sums: BTreeMap<Slot, Vec<FoldedGate>> = BTreeMap::new();
        for FoldedPassages { slot, gate } in snapshot.passages {
            sums.entry(slot).or_default().push(gate);
        }
        Self {
            event,
            standing,
            confirmed: issued,
            floors: Floors::default(),
            reset: snapshot.reset,
            folded: snapshot.folded,
            sums: Arc::new(sums),
            rows: HeldRows::of(snapshot.rows),
            gates: snapshot.gates,
        }
    }

    fn in_place_of(
        mut self,
        in_force: Option<&Self>,
        signers: &[VerifyingKey],
        list_keys: &[VerifyingKey],
    ) -> Result<Self, Refusal> {
        let floors = in_force.map_or_else(Floors::default, |current| current.floors.clone());
        ascend(AdmissionFeed::NAME, floors.highest(list_keys).as_ref(), &self.standing)?;
        if let Some(current) = in_force.filter(|current| current.standing == self.standing) {
            self.confirmed = self.confirmed.max(current.confirmed);
        }
        self.floors = floors.raised(signers, self.standing, list_keys);
        Ok(self)
    }

    /// What a batch changes, if it may: everything that can be refused is refused here.
    fn step(&self, batch: FeedBatch, to: Standing) -> Result<Step, Refusal> {
        let document = AdmissionFeed::NAME;
        if !ascend(document, Some(&self.standing), &to)? {
            return Ok(Step { to, rows: Vec::new(), gates: self.gates.clone() });
        }
        let (offered, in_force) = (to.revision, self.standing.revision);
        if offered.epoch != in_force.epoch {
            return Err(Refusal::OtherEpoch { document, offered, in_force });
        }
        if !offered.follows(in_force) {
            return Err(Refusal::Gap { document, offered, in_force });
        }
        if batch.before != self.standing.hash {
            return Err(Refusal::WrongBefore { document });
        }
        let gates = self.judged(&batch.gates)?;
        let mut rows = batch.rows;
        rows.retain(|row| !self.is_folded(row));
        for row in &rows {
            let rewritten = self.rows.get(row.name()).is_some_and(|known| known != row);
            if rewritten || self.contradicts(row) {
                return Err(Refusal::RowConflict { document, gate: row.gate, sequence: row.sequence });
            }
        }
        rows.retain(|row| self.rows.get(row.name()).is_none());
        if self.rows.len() + rows.len() > MAX_ROWS_HELD || gates.len() > MAX_GATES {
            return Err(Refusal::Full { document });
        }
        Ok(Step { to, rows, gates })
    }

    fn carry_out(&mut self, step: Step) {
        self.standing = step.to;
        self.gates = step.gates;
        self.rows.extend(step.rows);
    }

    /// What is thought of gates after `changes`. A retraction only ever grows within an epoch, and reaches no row that is held as a sum.
    fn judged(&self, changes: &BTreeMap<GateId, GateStanding>) -> Result<BTreeMap<GateId, GateStanding>, Refusal> {
        let mut gates = self.gates.clone();
        for (gate, standing) in changes {
            if let GateStanding::Retracted { from } = standing
                && self.folded.get(gate).is_some_and(|last| from <= last)
            {
                return Err(Refusal::RetractsFolded { document: AdmissionFeed::NAME, gate: *gate });
            }
            match self.gate(*gate).then(*standing) {
                GateStanding::Trusted => gates.remove(gate),
                after @ (GateStanding::Contested | GateStanding::Retracted { .. }) => gates.insert(*gate, after),
            };
        }
        Ok(gates)
    }

    /// Whether a row takes back one that is held and is another than it says, or is taken back so by one that is held.
    fn contradicts(&self, row: &FeedRow) -> bool {
        let undone = row.passage.cancels().and_then(|of| self.rows.get((row.gate, of)));
        undone.is_some_and(|undone| !undone.is_undone_by(row))
            || self.rows.undoing(row.name()).any(|undo| !row.is_undone_by(undo))
    }

    fn is_folded(&self, row: &FeedRow) -> bool {
        self.folded.get(&row.gate).is_some_and(|last| row.sequence <= *last)
    }

    fn rows_of(&self, slot: Slot) -> impl Iterator<Item = &FeedRow> + Clone {
        self.rows.of_slot(slot).filter(|row| self.gate(row.gate).counts(row.sequence))
    }
}

fn recorded(feed: &AdmissionFeed, floors: &Floors<DocumentHash>) -> ContentHash {
    ContentHash(Sha256::digest(canonical(&(feed, floors))).into())
}
