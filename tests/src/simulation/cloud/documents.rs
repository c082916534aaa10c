//! Which documents gates are served, and whether they hold the newest of each.

use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{Reply, Wanted};
use countermark_shared::documents::{Authentic, GateStanding, Head, Held, Signed};
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;

use super::super::venue::EVENT;
use super::Cloud;

/// How long a head says something, and how long it is served again unchanged: as validation has it.
const HEAD_LIVES: Duration = Duration::from_mins(15);
const HEAD_FRESH: Duration = Duration::from_mins(1);

impl Cloud {
    /// Publishes the next step of the list and the next batch of the feed, where there is news.
    pub(in super::super) fn publish(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.feed.publish(&self.venue, &self.journals, now)?;
        if let Some(lost) = self.lost.as_mut().filter(|lost| lost.told_by.is_none()) {
            let is_retracted = matches!(self.feed.standing_of(lost.gate), GateStanding::Retracted { from: _ });
            lost.told_by = is_retracted.then(|| self.feed.standing().revision);
        }
        let changed = std::mem::take(&mut self.changed);
        let news = changed.into_iter().filter_map(|slot| Some((slot, *self.seats.get(&slot)?)));
        self.list.publish(&self.venue, news, now)
    }

    pub(super) fn document(&mut self, gate: GateId, wanted: Wanted, now: Timestamp) -> anyhow::Result<Reply> {
        let bytes = match wanted {
            Wanted::NewestBundle => Some(self.venue.bundle.bytes()),
            // No bundle follows on the first.
            Wanted::BundlesAfter(_) => None,
            Wanted::Bundle(hash) => {
                Some(&self.venue.bundle).filter(|bundle| bundle.hash() == hash).map(Authentic::bytes)
            }
            Wanted::EventDocument(hash) => {
                Some(&self.venue.event).filter(|event| event.hash() == hash).map(Authentic::bytes)
            }
            Wanted::Assignment => self.gates.get(&gate).map(|served| served.assignment.bytes()),
            Wanted::Head { held } => {
                let head = self.head(gate, now)?;
                if held == Some(head.hash()) {
                    return Ok(Reply::Unchanged);
                }
                Some(head.bytes())
            }
            Wanted::SlotDelta { event, to } => self.list.step(to).filter(|_| event == EVENT),
            Wanted::SlotSnapshot { event, up_to } => self.list.snapshot(up_to).filter(|_| event == EVENT),
            Wanted::FeedBatch { event, to } => self.feed.batch(to).filter(|_| event == EVENT),
            Wanted::FeedSnapshot { event, up_to } => self.feed.snapshot(up_to).filter(|_| event == EVENT),
        };
        Ok(bytes.map_or(Reply::Absent, |bytes| Reply::Document(bytes.to_vec())))
    }

    /// Signed where something changed, and otherwise each minute; each later than the one before.
    fn head(&mut self, gate: GateId, now: Timestamp) -> anyhow::Result<&Authentic<Head>> {
        let bundle = &self.venue.bundle;
        let served = self.gates.get_mut(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        let issued =
            served.head.as_ref().map_or(now, |head| now.max(head.document().issued + Duration::from_millis(1)));
        let wanted = Head {
            gate,
            issued,
            not_after: issued + HEAD_LIVES,
            event: EVENT,
            roots: bundle.document().root_fingerprint(),
            bundle: bundle.standing(),
            assignment: served.assignment.standing(),
            document: Some(self.venue.event.standing()),
            slots: Some(self.list.standing()),
            feed: Some(self.feed.standing()),
        };
        let still_says = |last: &Authentic<Head>| {
            let last = last.document();
            let same = Head { issued: last.issued, not_after: last.not_after, ..wanted.clone() } == *last;
            same && now.since(last.issued) < HEAD_FRESH
        };
        if let Some(last) = served.head.take().filter(still_says) {
            return Ok(served.head.insert(last));
        }
        let bytes = Signed::seal(&wanted, &[&self.venue.list_key])?;
        Ok(served.head.insert(Head::accept(&bytes, bundle.document(), gate, None, issued)?))
    }

    /// Whether that is what a gate should hold, or what is missing of it.
    pub(in super::super) fn is_newest(&self, gate: GateId, held: &Held) -> anyhow::Result<()> {
        let served = self.gates.get(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        ensure!(held.bundle.is_some_and(|(bundle, _)| bundle == self.venue.bundle.standing()), "another bundle");
        ensure!(held.assignment == Some(served.assignment.standing()), "another assignment");
        ensure!(
            held.document.is_some_and(|held| held.in_force == self.venue.event.standing()),
            "another event document"
        );
        ensure!(held.slots.is_some_and(|held| held.in_force == self.list.standing()), "another slot list");
        ensure!(held.feed.is_some_and(|held| held.in_force == self.feed.standing()), "another admission feed");
        Ok(())
    }
}
