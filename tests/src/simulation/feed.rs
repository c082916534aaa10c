//! The admission feed as validation publishes it: batches by their numbers, snapshots after so many, and which batch told which row.

use std::collections::{BTreeMap, BTreeSet};

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
    told: BTreeMap<(GateId, u64), BTreeSet<Revision>>,
}

impl Feed {
    /// The first of an epoch: all that is believed.
    pub(super) fn begin(venue: &Venue, epoch: u32, journals: &Journals, now: Timestamp) -> anyhow::Result<Self> {
        let rows = journals.gates().flat_map(|gate| journals.rows(gate)).filter(|row| row.believed);
        let rows: Vec<_> = rows.filter_map(|row| FeedRow::of(&row.row, EVENT)).collect();
        let mut gates = journals.standings();
        gates.retain(|_, standing| *standing != GateStanding::Trusted);
        let first = Revision { epoch, sequence: 0 };
        let told = rows.iter().map(|row| ((row.gate, row.sequence), BTreeSet::from([first]))).collect();
        let content = FeedContent::Snapshot(FeedSnapshot::of(rows, BTreeMap::new(), gates, None, DocumentHash::NONE));
        let feed = AdmissionFeed { event: EVENT, epoch, sequence: 0, issued: now, content };
        let bytes = Signed::seal(&feed, &[&venue.list_key])?;
        let mut state = None;
        FeedState::accept(&mut state, &bytes, venue.bundle.document(), EVENT, now)?;
        let state = state.context("a snapshot makes a feed")?;
        let snapshots = BTreeMap::from([(state.revision(), bytes)]);
        Ok(Self { state, batches: BTreeMap::new(), snapshots, waiting: Vec::new(), told })
    }

    /// The first of another epoch; what the one before told is still known.
    pub(super) fn begin_again(
        &mut self,
        venue: &Venue,
        epoch: u32,
        journals: &Journals,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let before = std::mem::replace(self, Self::begin(venue, epoch, journals, now)?);
        for (row, by) in before.told {
            self.told.entry(row).or_default().extend(by);
        }
        Ok(())
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
        for row in rows {
            self.told.entry((row.gate, row.sequence)).or_default().insert(revision);
        }
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

    /// Whether whoever held the feed as far as that had been told of a row.
    pub(super) fn had_told(&self, held: Revision, (gate, sequence): (GateId, u64)) -> bool {
        let first = Revision { sequence: 0, ..held };
        self.told.get(&(gate, sequence)).is_some_and(|by| by.range(first..=held).next().is_some())
    }
}
