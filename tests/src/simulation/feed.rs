//! The admission feed as validation publishes it: batches by their numbers, snapshots after so many, and which batch told which row.

use std::collections::BTreeMap;

use anyhow::Context;
use countermark_shared::documents::{
    AdmissionFeed, DocumentHash, FeedContent, FeedRow, FeedSnapshot, FeedState, GateStanding, MAX_STEPS, Revision,
    Signed, Standing,
};
use countermark_shared::id::GateId;
use countermark_shared::journal::JournalRow;
use countermark_shared::time::Timestamp;
use countermark_validation::rehearsal::Journals;

use super::venue::{EVENT, Venue};

/// What was published, and what waits to be.
pub(super) struct Feed {
    state: FeedState,
    batches: BTreeMap<Revision, Vec<u8>>,
    snapshots: BTreeMap<Revision, Vec<u8>>,
    waiting: Vec<FeedRow>,
    told: BTreeMap<(GateId, u64), u64>,
}

impl Feed {
    /// Of an event at which nobody has come in.
    pub(super) fn begin(venue: &Venue, now: Timestamp) -> anyhow::Result<Self> {
        let snapshot = FeedSnapshot {
            hash: DocumentHash::NONE,
            reset: Timestamp::from_unix_millis(0),
            folded: BTreeMap::new(),
            passages: Vec::new(),
            rows: Vec::new(),
            gates: BTreeMap::new(),
        };
        let content = FeedContent::Snapshot(snapshot);
        let feed = AdmissionFeed { event: EVENT, epoch: 0, sequence: 0, issued: now, content };
        let bytes = Signed::seal(&feed, &[&venue.list_key])?;
        let mut state = None;
        FeedState::accept(&mut state, &bytes, venue.bundle.document(), EVENT, now)?;
        let state = state.context("a snapshot makes a feed")?;
        let snapshots = BTreeMap::from([(state.revision(), bytes)]);
        Ok(Self { state, batches: BTreeMap::new(), snapshots, waiting: Vec::new(), told: BTreeMap::new() })
    }

    /// Has a row told that was believed.
    pub(super) fn tell(&mut self, row: &JournalRow) {
        self.waiting.extend(FeedRow::of(row, EVENT));
    }

    /// Publishes what waits and is still believed as the next batch, with what is thought of gates, and after so many a snapshot besides.
    pub(super) fn publish(&mut self, venue: &Venue, journals: &Journals, now: Timestamp) -> anyhow::Result<()> {
        let mut rows = std::mem::take(&mut self.waiting);
        rows.retain(|row| journals.row(row.gate, row.sequence).is_some_and(|row| row.believed));
        let Some(batch) = self.state.following(rows.iter().copied(), &journals.standings(), now) else {
            return Ok(());
        };
        let bytes = Signed::seal(&batch, &[&venue.list_key])?;
        let mut next = Some(self.state.clone());
        FeedState::accept(&mut next, &bytes, venue.bundle.document(), EVENT, now)?;
        self.state = next.context("a batch makes a feed")?;
        let revision = self.state.revision();
        self.told.extend(rows.iter().map(|row| ((row.gate, row.sequence), revision.sequence)));
        self.batches.insert(revision, bytes);
        if revision.sequence.is_multiple_of(MAX_STEPS) {
            self.snapshots.insert(revision, Signed::seal(&self.state.snapshot(now), &[&venue.list_key])?);
        }
        Ok(())
    }

    /// What is thought of a gate.
    pub(super) fn standing_of(&self, gate: GateId) -> GateStanding {
        self.state.gate(gate)
    }

    /// The batch of that number.
    pub(super) fn batch(&self, number: Revision) -> Option<&[u8]> {
        self.batches.get(&number).map(Vec::as_slice)
    }

    /// The last snapshot up to a batch.
    pub(super) fn snapshot(&self, up_to: Revision) -> Option<&[u8]> {
        self.snapshots.range(..=up_to).next_back().map(|(_, bytes)| bytes.as_slice())
    }

    /// The newest batch.
    pub(super) fn standing(&self) -> Standing {
        self.state.standing()
    }

    /// By which batch other gates were told of a row; nothing where they were not.
    pub(super) fn told_by(&self, gate: GateId, sequence: u64) -> Option<u64> {
        self.told.get(&(gate, sequence)).copied()
    }
}
