//! What of the documents in force goes to this gate's own disk, and how it comes back. Whoever took a document verified it; a record holds what
//! followed from that, so that a restart neither forgets a floor nor a document whose signer was revoked since.

use std::sync::Arc;

use countermark_shared::documents::{Authentic, ContentHash, Document, FeedState, Refusal, SlotList, Slots};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::time::Timestamp;

use super::{DocumentKind, Documents, NotTaken, Trust};

/// A document as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// What it is.
    pub(crate) kind: DocumentKind,
    /// Of a step, where it leads.
    pub(crate) sequence: u64,
    /// As it was received.
    pub(crate) envelope: Vec<u8>,
    /// What followed from taking it.
    pub(crate) record: Option<Vec<u8>>,
    /// Of a slot list's record, the content it must have.
    pub(crate) content: Option<ContentHash>,
}

/// What is written beside an envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// What a restart begins from.
    pub(crate) record: Option<Vec<u8>>,
    /// The content of a slot list.
    pub(crate) content: Option<ContentHash>,
}

impl Documents {
    /// What to write beside the envelope of a document that was taken.
    pub(crate) fn record(&self, kind: DocumentKind) -> Record {
        let record = match kind {
            DocumentKind::TrustBundle => self.trust.as_deref().map(|trust| trust.bundle.to_record()),
            DocumentKind::Assignment => self.assignment.as_deref().map(Authentic::to_record),
            DocumentKind::EventDocument => self.event.as_deref().map(Authentic::to_record),
            DocumentKind::SlotList => self.slots.as_ref().map(Slots::to_record),
            DocumentKind::Head => self.head.as_deref().map(Authentic::to_record),
            DocumentKind::AdmissionFeed => self.feed.as_ref().map(FeedState::to_record),
            DocumentKind::SlotDelta | DocumentKind::FeedBatch => None,
        };
        let slots = self.slots.as_ref().filter(|_| kind == DocumentKind::SlotList);
        Record { record, content: slots.map(|slots| slots.standing().hash) }
    }

    /// What is in force again once one more stored document is read. What is damaged is left out: sync fetches it again. Steps are
    /// offered in their order after what they lead on from.
    pub(crate) fn restored(&self, stored: &Stored) -> Result<Self, NotTaken> {
        let Some(record) = &stored.record else {
            // The clock was asked when it came into force: that the clock has since fallen back is no reason to forget it.
            let now = Timestamp::from_unix_millis(i64::MAX);
            let in_force = self.standing(stored.kind.leads_to());
            let folded = in_force.is_some_and(|in_force| in_force.revision.sequence >= stored.sequence);
            if stored.kind.leads_to() != stored.kind && folded {
                return Ok(self.clone());
            }
            return self.with(stored.kind, &stored.envelope, now);
        };
        let mut next = self.clone();
        match stored.kind {
            DocumentKind::TrustBundle => {
                let bundle = Authentic::from_record(record)?;
                let keys = KeyRing::of(bundle.document());
                next.trust = Some(Arc::new(Trust { bundle, keys }));
            }
            DocumentKind::Assignment => {
                let assignment = Authentic::<countermark_shared::documents::Assignment>::from_record(record)?;
                if assignment.document().gate != self.gate {
                    return Err(Refusal::OtherSubject { document: "assignment" }.into());
                }
                next.assignment = Some(Arc::new(assignment));
            }
            DocumentKind::EventDocument => next.event = Some(Arc::new(Authentic::from_record(record)?)),
            DocumentKind::Head => {
                let head = Authentic::from_record(record)?;
                if let Some(slots) = &mut next.slots {
                    slots.confirm(&head);
                }
                if let Some(feed) = &mut next.feed {
                    feed.confirm(&head);
                }
                next.head = Some(Arc::new(head));
            }
            DocumentKind::SlotList => {
                let slots = Slots::from_record(record)?;
                if stored.content != Some(slots.standing().hash) {
                    let why = "its record is not what was written".to_owned();
                    return Err(Refusal::Malformed { document: SlotList::NAME, why }.into());
                }
                next.slots = Some(slots);
            }
            DocumentKind::AdmissionFeed => next.feed = Some(FeedState::from_record(record)?),
            DocumentKind::SlotDelta | DocumentKind::FeedBatch => {}
        }
        Ok(next)
    }
}
