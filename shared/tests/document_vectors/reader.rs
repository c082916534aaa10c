//! A reader of one gate and event, as a gate is one: what it holds, and the offer of a document.

use countermark_shared::documents::{
    Assignment, Authentic, Document, EventDocument, FeedState, Head, Held, Refusal, RootFingerprint, Slots, Standing,
    TrustBundle, accept_bundle,
};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::time::Timestamp;

use crate::file::Stands;
use crate::vectors::hex;

pub(crate) struct Reader {
    pub(crate) pinned: RootFingerprint,
    pub(crate) gate: GateId,
    pub(crate) event: EventId,
    pub(crate) bundle: Option<Authentic<TrustBundle>>,
    pub(crate) document: Option<Authentic<EventDocument>>,
    pub(crate) slots: Option<Slots>,
    pub(crate) feed: Option<FeedState>,
    pub(crate) assignment: Option<Authentic<Assignment>>,
    pub(crate) head: Option<Authentic<Head>>,
}

impl Reader {
    pub(crate) fn new(pinned: RootFingerprint, gate: GateId, event: EventId) -> Self {
        Self {
            pinned,
            gate,
            event,
            bundle: None,
            document: None,
            slots: None,
            feed: None,
            assignment: None,
            head: None,
        }
    }

    pub(crate) fn offer(&mut self, kind: &str, bytes: &[u8], now: Timestamp) -> Result<(), Refusal> {
        if kind == "trust-bundle" {
            self.bundle = Some(accept_bundle(bytes, self.pinned, self.bundle.as_ref(), now)?);
            return Ok(());
        }
        let trust = self.bundle.as_ref().expect("a bundle comes first").document();
        match kind {
            "event-document" => {
                self.document = Some(EventDocument::accept(bytes, trust, self.document.as_ref(), now)?);
            }
            "slot-list" => self.slots = Some(Slots::accept(bytes, trust, self.event, self.slots.as_ref(), now)?),
            "slot-delta" => self.slots = Some(Slots::step(bytes, trust, self.event, self.slots.as_ref(), now)?),
            "admission-feed" => drop(FeedState::accept(&mut self.feed, bytes, trust, self.event, now)?),
            "assignment" => {
                self.assignment = Some(Assignment::accept(bytes, trust, self.gate, self.assignment.as_ref(), now)?);
            }
            "head" => {
                let head = Head::accept(bytes, trust, self.gate, self.head.as_ref(), now)?;
                if let Some(slots) = &mut self.slots {
                    slots.confirm(&head);
                }
                if let Some(feed) = &mut self.feed {
                    feed.confirm(&head);
                }
                self.head = Some(head);
            }
            _ => panic!("there is no {kind}"),
        }
        Ok(())
    }

    pub(crate) fn held(&self) -> Held {
        Held::of(
            self.bundle.as_ref(),
            self.assignment.as_ref(),
            self.document.as_ref(),
            self.slots.as_ref(),
            self.feed.as_ref(),
        )
    }

    pub(crate) fn stands(&self, kind: &str) -> Option<Stands> {
        match kind {
            "trust-bundle" => self.bundle.as_ref().map(stands),
            "event-document" => self.document.as_ref().map(stands),
            "slot-list" | "slot-delta" => {
                self.slots.as_ref().map(|slots| of(&slots.standing(), slots.standing().hash.0))
            }
            "admission-feed" => self.feed.as_ref().map(|feed| of(&feed.standing(), feed.standing().hash.0)),
            "assignment" => self.assignment.as_ref().map(stands),
            "head" => self.head.as_ref().map(stands),
            _ => panic!("there is no {kind}"),
        }
    }

    /// Everything that is in force, to see that a refusal changes nothing of it.
    pub(crate) fn everything(&self) -> Vec<Vec<u8>> {
        [
            self.bundle.as_ref().map(Authentic::to_record),
            self.document.as_ref().map(Authentic::to_record),
            self.slots.as_ref().map(Slots::to_record),
            self.feed.as_ref().map(FeedState::to_record),
            self.assignment.as_ref().map(Authentic::to_record),
            self.head.as_ref().map(Authentic::to_record),
        ]
        .map(Option::unwrap_or_default)
        .to_vec()
    }
}

fn stands<D: Document>(document: &Authentic<D>) -> Stands {
    of(&document.standing(), document.hash().0)
}

fn of<H>(standing: &Standing<H>, hash: [u8; 32]) -> Stands {
    Stands { epoch: standing.revision.epoch, sequence: standing.revision.sequence, hash: hex(&hash) }
}
