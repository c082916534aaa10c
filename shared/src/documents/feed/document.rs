//! The admission feed as it is signed, by validation's list key.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::row::{FeedRow, GateStanding};
use super::state::MAX_ROWS_HELD;
use crate::documents::envelope::Document;
use crate::documents::hash::DocumentHash;
use crate::documents::revision::Revision;
use crate::id::{EventId, GateId, Slot};
use crate::label::Label;
use crate::time::Timestamp;

/// Half an hour of a large stadium; 400 kB.
pub const MAX_ROWS_IN_A_BATCH: usize = 10_000;
/// More gates than any venue has.
pub(super) const MAX_GATES: usize = 1024;
/// Pairs of seat and gate whose passages are held as sums: 26 MB at worst.
const MAX_FOLDED: usize = 500_000;

/// News of other gates, or all that is known of them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AdmissionFeed {
    /// Which event's.
    #[n(0)]
    pub event: EventId,
    /// Raised when the cloud was restored from a backup.
    #[n(1)]
    pub epoch: u32,
    /// A batch's number, from 1 in each epoch; of a snapshot, that of the last batch it has in it.
    #[n(2)]
    pub sequence: u64,
    /// When it was signed.
    #[n(3)]
    pub issued: Timestamp,
    /// The one or the other.
    #[n(4)]
    pub content: FeedContent,
}

/// What a feed document brings.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum FeedContent {
    /// The next rows.
    #[n(0)]
    Batch(#[n(0)] FeedBatch),
    /// Everything up to here.
    #[n(1)]
    Snapshot(#[n(0)] FeedSnapshot),
}

/// Rows that follow on those of the batch before.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeedBatch {
    /// The document hash of the batch before; zeros before the first of an epoch.
    #[n(0)]
    pub before: DocumentHash,
    /// Sorted by gate and number, each once.
    #[n(1)]
    pub rows: Vec<FeedRow>,
    /// What validation now thinks of gates, where that changed.
    #[n(2)]
    pub gates: BTreeMap<GateId, GateStanding>,
}

/// Everything up to a batch: older rows as sums, the others as they are.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FeedSnapshot {
    /// The document hash of the last batch in it; zeros where there was none in this epoch.
    #[n(0)]
    pub hash: DocumentHash,
    /// The instant of the nightly reset from which [`FoldedGate::admitted_since_reset`] counts; 0 where there was none.
    #[n(1)]
    pub reset: Timestamp,
    /// How far each gate's rows are folded into sums.
    #[n(2)]
    pub folded: BTreeMap<GateId, u64>,
    /// The sums, sorted by slot and gate, each once.
    #[n(3)]
    pub passages: Vec<FoldedPassages>,
    /// The rows after them, sorted by gate and number, each once.
    #[n(4)]
    pub rows: Vec<FeedRow>,
    /// What validation thinks of gates that are not simply trusted.
    #[n(5)]
    pub gates: BTreeMap<GateId, GateStanding>,
}

/// One seat's folded passages through one gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct FoldedPassages {
    /// The seat.
    #[n(0)]
    pub slot: Slot,
    /// The gate and its sums.
    #[n(1)]
    pub gate: FoldedGate,
}

/// Sums of rows that were folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FoldedGate {
    /// The gate.
    #[n(0)]
    pub gate: GateId,
    /// Persons let in, in all.
    #[n(1)]
    pub admitted: u32,
    /// Persons let in at the snapshot's reset or later.
    #[n(2)]
    pub admitted_since_reset: u32,
    /// Persons who left, in all.
    #[n(3)]
    pub left: u32,
    /// When the last were let in, forgiven ones too: they add to no sum.
    #[n(4)]
    pub last_entry: Option<Timestamp>,
    /// When the last left, those without an entry too: they add to no sum.
    #[n(5)]
    pub last_exit: Option<Timestamp>,
}

impl Document for AdmissionFeed {
    const LABEL: Label = Label::AdmissionFeed;
    const NAME: &'static str = "admission feed";
    const MAX_PAYLOAD: usize = 36 * 1024 * 1024;

    fn revision(&self) -> Revision {
        Revision { epoch: self.epoch, sequence: self.sequence }
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        match &self.content {
            FeedContent::Batch(batch) => batch.check(self.sequence),
            FeedContent::Snapshot(snapshot) => snapshot.check(self.sequence),
        }
    }
}

impl FeedBatch {
    fn check(&self, sequence: u64) -> Result<(), &'static str> {
        if sequence == 0 || (sequence == 1) != (self.before == DocumentHash::NONE) {
            return Err("batches are numbered from 1, and only the first follows on none");
        }
        if self.rows.len() > MAX_ROWS_IN_A_BATCH {
            return Err("a batch has at most 10,000 rows");
        }
        check_rows(&self.rows)?;
        check_gates(&self.gates)
    }
}

impl FeedSnapshot {
    fn check(&self, sequence: u64) -> Result<(), &'static str> {
        if (sequence == 0) != (self.hash == DocumentHash::NONE) {
            return Err("a snapshot names the batch it ends with, unless there was none");
        }
        if self.rows.len() > MAX_ROWS_HELD || self.passages.len() > MAX_FOLDED {
            return Err("a snapshot has at most 250,000 rows and 500,000 sums");
        }
        if !self.passages.is_sorted_by(|a, b| (a.slot, a.gate.gate) < (b.slot, b.gate.gate)) {
            return Err("sums are sorted by slot and gate, each once");
        }
        if self.folded.len() > MAX_GATES || self.folded.values().any(|last| *last == 0) {
            return Err("it folds more than 1,024 gates, or nothing of one");
        }
        let unfounded = |folded: &FoldedPassages| !self.folded.contains_key(&folded.gate.gate);
        let incoherent = |folded: &FoldedPassages| !folded.gate.is_coherent();
        if self.passages.iter().any(|folded| unfounded(folded) || incoherent(folded)) {
            return Err("sums are of folded gates, and do not contradict themselves");
        }
        check_rows(&self.rows)?;
        if self.rows.iter().any(|row| self.folded.get(&row.gate).is_some_and(|last| row.sequence <= *last)) {
            return Err("a row was folded, and is there");
        }
        if self.gates.values().any(|standing| *standing == GateStanding::Trusted) {
            return Err("a snapshot names gates that are not simply trusted");
        }
        let reaches_sums = |(gate, standing): (&GateId, &GateStanding)| {
            self.folded.get(gate).is_some_and(|last| !standing.counts(*last))
        };
        if self.gates.iter().any(reaches_sums) {
            return Err("a retracted row lies in the sums");
        }
        check_gates(&self.gates)
    }
}

impl FoldedGate {
    fn is_coherent(&self) -> bool {
        self.admitted_since_reset <= self.admitted
            && (self.admitted == 0 || self.last_entry.is_some())
            && (self.left == 0 || self.last_exit.is_some())
            && (self.last_entry.is_some() || self.last_exit.is_some())
    }
}

fn check_rows(rows: &[FeedRow]) -> Result<(), &'static str> {
    if !rows.is_sorted_by(|a, b| (a.gate, a.sequence) < (b.gate, b.sequence)) {
        return Err("rows are sorted by gate and number, each once");
    }
    if rows.iter().any(|row| row.sequence == 0 || row.persons == 0) {
        return Err("rows are numbered from 1, and are about persons");
    }
    if rows.iter().any(|row| row.passage.cancels().is_some_and(|of| of == 0 || of >= row.sequence)) {
        return Err("a row takes back an earlier one");
    }
    let named = |gate: GateId, sequence: u64| {
        let index = rows.binary_search_by_key(&(gate, sequence), |row| (row.gate, row.sequence)).ok()?;
        rows.get(index)
    };
    let misnames = |undo: &FeedRow| {
        let undone = undo.passage.cancels().and_then(|of| named(undo.gate, of));
        undone.is_some_and(|row| !row.is_undone_by(undo))
    };
    if rows.iter().any(misnames) {
        return Err("an undo is of an entry of the same seat and as many persons");
    }
    Ok(())
}

fn check_gates(gates: &BTreeMap<GateId, GateStanding>) -> Result<(), &'static str> {
    if gates.len() > MAX_GATES { Err("it speaks of more than 1,024 gates") } else { Ok(()) }
}
