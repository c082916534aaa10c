//! A newer snapshot under the steps that are held, so that few of them have to be kept.

use countermark_shared::documents::{FeedState, Revision, Slots};
use countermark_shared::time::Timestamp;

use super::{DocumentKind, Documents, Stored};

/// Of steps the clock was asked when they came into force.
const WHENEVER: Timestamp = Timestamp::from_unix_millis(i64::MAX);

impl Documents {
    /// What is in force once a believed snapshot that it is old enough to have left behind stands for the steps up to the snapshot's revision, which is
    /// told too: nothing where the `steps` that follow on it do not lead to what is in force.
    pub(crate) fn folded(
        &self,
        kind: DocumentKind,
        snapshot: &[u8],
        steps: &[Stored],
        now: Timestamp,
    ) -> Option<(Revision, Self)> {
        match kind {
            DocumentKind::SlotList => self.list_folded(snapshot, steps, now).map(|base| (base, self.clone())),
            DocumentKind::AdmissionFeed => self.feed_folded(snapshot, steps, now),
            DocumentKind::TrustBundle
            | DocumentKind::Assignment
            | DocumentKind::EventDocument
            | DocumentKind::SlotDelta
            | DocumentKind::FeedBatch
            | DocumentKind::Head => None,
        }
    }

    /// The list says the same with fewer steps.
    fn list_folded(&self, snapshot: &[u8], steps: &[Stored], now: Timestamp) -> Option<Revision> {
        let bundle = self.bundle(DocumentKind::SlotList).ok()?;
        let event = self.assigned_event(DocumentKind::SlotList).ok()?;
        let in_force = self.slots.as_ref()?.standing();
        let mut slots = Slots::accept(snapshot, bundle, event, None, now).ok()?;
        let base = slots.revision();
        for step in steps.iter().filter(|step| step.sequence > base.sequence) {
            slots = Slots::step(&step.envelope, bundle, event, Some(&slots), WHENEVER).ok()?;
        }
        (slots.standing() == in_force).then_some(base)
    }

    /// The feed says the same with fewer rows, where the snapshot has them as sums.
    fn feed_folded(&self, snapshot: &[u8], steps: &[Stored], now: Timestamp) -> Option<(Revision, Self)> {
        let bundle = self.bundle(DocumentKind::AdmissionFeed).ok()?;
        let event = self.assigned_event(DocumentKind::AdmissionFeed).ok()?;
        let in_force = self.feed.as_ref()?;
        let mut feed = None;
        FeedState::accept(&mut feed, snapshot, bundle, event, now).ok()?;
        let base = feed.as_ref()?.revision();
        for step in steps.iter().filter(|step| step.sequence > base.sequence) {
            FeedState::accept(&mut feed, &step.envelope, bundle, event, WHENEVER).ok()?;
        }
        let feed = Some(in_force.upon(feed?)?);
        Some((base, Self { feed, ..self.clone() }))
    }
}
