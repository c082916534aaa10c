//! The documents in force: what this gate believes, and what it makes of an offered replacement. Pure: a [`Documents`] never changes, a
//! newer one takes its place. Knows nothing of where they are stored or fetched.

mod fold;
mod kind;
mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use countermark_shared::decision::Policy;
use countermark_shared::documents::{
    Assignment, Authentic, Direction, Document, EventDocument, FeedForm, FeedState, Head, Held, Lane, Lease,
    LeaseState, Needs, Refusal, Revision, RootFingerprint, Slots, TrustBundle, accept_bundle,
};
use countermark_shared::id::{EventId, GateId, LaneId};
use countermark_shared::journal::DocumentRevisions;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::time::Timestamp;

pub(crate) use kind::DocumentKind;
pub(crate) use stored::{Record, Stored};

/// Documents as they were received, in the order in which they are to be offered.
pub(crate) type Envelopes = Vec<(DocumentKind, Vec<u8>)>;

/// Why an offered document did not come into force; what was in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// It does not hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What it rests on is missing.
    #[error("the {} cannot be believed before there is a {}", offered.code(), missing.code())]
    Premature {
        /// What was offered.
        offered: DocumentKind,
        /// What must come first.
        missing: DocumentKind,
    },
}

/// What is in force at this gate.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    gate: GateId,
    root: RootFingerprint,
    trust: Option<Arc<Trust>>,
    assignment: Option<Arc<Authentic<Assignment>>>,
    event: Option<Arc<Authentic<EventDocument>>>,
    slots: Option<Slots>,
    feed: Option<FeedState>,
    head: Option<Arc<Authentic<Head>>>,
}

#[derive(Debug)]
struct Trust {
    bundle: Authentic<TrustBundle>,
    keys: KeyRing,
}

/// All that a decision at one lane rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    pub(crate) keys: &'a KeyRing,
    pub(crate) event: &'a EventDocument,
    pub(crate) lane: &'a Lane,
    /// None where the gate has no list: the decision says what that is worth.
    pub(crate) slots: Option<&'a Slots>,
    /// What other gates did; none where the gate has no feed.
    pub(crate) feed: Option<&'a FeedState>,
    /// This gate, whose own rows are in the feed too.
    pub(crate) gate: GateId,
    pub(crate) lease: LeaseState,
    /// The last instant at which the trust bundle is good.
    pub(crate) bundle_not_after: Timestamp,
}

impl<'a> Basis<'a> {
    /// What holds at the lane, whoever comes.
    pub(crate) fn policy(&self) -> Policy<'a> {
        Policy { lease: self.lease, ..Policy::at(self.event, self.lane, self.bundle_not_after) }
    }
}

impl Documents {
    /// A new gate's: none.
    pub(crate) fn none(gate: GateId, root: RootFingerprint) -> Self {
        Self { gate, root, trust: None, assignment: None, event: None, slots: None, feed: None, head: None }
    }

    /// What is in force once `bytes` are taken. What a key signed that a new bundle no longer believes stays in force until another
    /// document takes its place; documents of an event fall when the assignment moves the gate to another.
    pub(crate) fn with(&self, kind: DocumentKind, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        self.offered(kind, bytes, now).map(|(_, next)| next)
    }

    /// The same, and what was taken: a file does not tell a feed's batches from its snapshots.
    pub(crate) fn offered(
        &self,
        kind: DocumentKind,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<(DocumentKind, Self), NotTaken> {
        let next = match kind {
            DocumentKind::TrustBundle => self.with_bundle(bytes, now)?,
            DocumentKind::Assignment => self.with_assignment(bytes, now)?,
            DocumentKind::EventDocument => self.with_event(bytes, now)?,
            DocumentKind::SlotList | DocumentKind::SlotDelta => self.with_slots(kind, bytes, now)?,
            DocumentKind::Head => self.with_head(bytes, now)?,
            DocumentKind::AdmissionFeed | DocumentKind::FeedBatch => return self.with_feed(kind, bytes, now),
        };
        Ok((kind, next))
    }

    fn with_bundle(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let in_force = self.trust.as_deref().map(|trust| &trust.bundle);
        let bundle = accept_bundle(bytes, self.root, in_force, now)?;
        if in_force.is_some_and(|current| current.hash() == bundle.hash()) {
            return Ok(self.clone());
        }
        let keys = KeyRing::of(bundle.document());
        Ok(Self { trust: Some(Arc::new(Trust { bundle, keys })), ..self.clone() })
    }

    fn with_assignment(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(DocumentKind::Assignment)?;
        let assignment = Assignment::accept(bytes, bundle, self.gate, self.assignment.as_deref(), now)?;
        let event = assignment.document().event;
        let mut next = self.clone();
        next.event.take_if(|document| document.document().event != event);
        next.slots.take_if(|slots| slots.table().event() != event);
        next.feed.take_if(|feed| feed.event() != event);
        next.assignment = Some(Arc::new(assignment));
        Ok(next)
    }

    fn with_event(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(DocumentKind::EventDocument)?;
        let assigned = self.assigned_event(DocumentKind::EventDocument)?;
        let event = EventDocument::accept(bytes, bundle, self.event.as_deref(), now)?;
        if event.document().event != assigned {
            return Err(Refusal::OtherSubject { document: EventDocument::NAME }.into());
        }
        Ok(Self { event: Some(Arc::new(event)), ..self.clone() })
    }

    fn with_slots(&self, kind: DocumentKind, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(kind)?;
        let assigned = self.assigned_event(kind)?;
        let take = if kind == DocumentKind::SlotDelta { Slots::step } else { Slots::accept };
        let mut slots = take(bytes, bundle, assigned, self.slots.as_ref(), now)?;
        // The head came first, and said that this is the newest.
        if let Some(head) = &self.head {
            slots.confirm(head);
        }
        Ok(Self { slots: Some(slots), ..self.clone() })
    }

    fn with_feed(&self, kind: DocumentKind, bytes: &[u8], now: Timestamp) -> Result<(DocumentKind, Self), NotTaken> {
        let bundle = self.bundle(kind)?;
        let assigned = self.assigned_event(kind)?;
        let mut next = self.clone();
        let form = FeedState::accept(&mut next.feed, bytes, bundle, assigned, now)?;
        if let (Some(feed), Some(head)) = (&mut next.feed, &self.head) {
            feed.confirm(head);
        }
        let kind = match form {
            FeedForm::Snapshot => DocumentKind::AdmissionFeed,
            FeedForm::Batch => DocumentKind::FeedBatch,
        };
        Ok((kind, next))
    }

    fn with_head(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(DocumentKind::Head)?;
        let head = Head::accept(bytes, bundle, self.gate, self.head.as_deref(), now)?;
        let mut next = self.clone();
        if let Some(slots) = &mut next.slots {
            slots.confirm(&head);
        }
        if let Some(feed) = &mut next.feed {
            feed.confirm(&head);
        }
        next.head = Some(Arc::new(head));
        Ok(next)
    }

    fn bundle(&self, offered: DocumentKind) -> Result<&TrustBundle, NotTaken> {
        self.trust_bundle().ok_or(NotTaken::Premature { offered, missing: DocumentKind::TrustBundle })
    }

    fn assigned_event(&self, offered: DocumentKind) -> Result<EventId, NotTaken> {
        self.event_assigned().ok_or(NotTaken::Premature { offered, missing: DocumentKind::Assignment })
    }

    /// Whom this gate believes.
    pub(crate) fn trust_bundle(&self) -> Option<&TrustBundle> {
        self.trust.as_deref().map(|trust| trust.bundle.document())
    }

    /// What this gate is to do.
    pub(crate) fn assignment(&self) -> Option<&Assignment> {
        self.assignment.as_deref().map(Authentic::document)
    }

    /// The event this gate serves, once it was told.
    pub(crate) fn event_assigned(&self) -> Option<EventId> {
        self.assignment().map(|assignment| assignment.event)
    }

    /// The lanes this gate was assigned.
    pub(crate) fn lanes(&self) -> Vec<Lane> {
        self.assignment().map(|assignment| assignment.lanes.clone()).unwrap_or_default()
    }

    /// How long this gate may serve.
    pub(crate) fn lease(&self) -> Option<Lease> {
        self.assignment().map(|assignment| assignment.lease)
    }

    /// Which way people pass a lane, if it was assigned.
    pub(crate) fn direction(&self, lane: LaneId) -> Option<Direction> {
        self.assignment()?.lane(lane).map(|lane| lane.direction)
    }

    /// When the trust bundle ends, after which people are warned.
    pub(crate) fn trust_until(&self) -> Option<Timestamp> {
        self.trust_bundle().map(|bundle| bundle.not_after)
    }

    /// The age at which the event has people warned of the slot list.
    pub(crate) fn list_warning(&self) -> Option<Duration> {
        let seconds = |event: &Authentic<EventDocument>| event.document().policy.list_age_static.warn_after_seconds;
        self.event.as_deref().map(|event| Duration::from_secs(seconds(event).into()))
    }

    /// The event this gate serves, where its organiser has gates find a seat by its order's code.
    pub(crate) fn finds_by_order(&self) -> Option<EventId> {
        self.event.as_deref().map(Authentic::document).filter(|event| event.find_by_order).map(|event| event.event)
    }

    /// The slot list in force.
    pub(crate) fn slots(&self) -> Option<&Slots> {
        self.slots.as_ref()
    }

    /// What other gates did, as far as is known.
    pub(crate) fn feed(&self) -> Option<&FeedState> {
        self.feed.as_ref()
    }

    /// What a decision at a lane rests on, if nothing is missing.
    pub(crate) fn basis(&self, lane: LaneId, now: Timestamp) -> Option<Basis<'_>> {
        let trust = self.trust.as_deref()?;
        let assignment = self.assignment()?;
        Some(Basis {
            keys: &trust.keys,
            event: self.event.as_deref()?.document(),
            lane: assignment.lane(lane)?,
            slots: self.slots.as_ref(),
            feed: self.feed.as_ref(),
            gate: self.gate,
            lease: assignment.lease.at(now),
            bundle_not_after: trust.bundle.document().not_after,
        })
    }

    /// What a journal row says of them.
    pub(crate) fn revisions(&self) -> DocumentRevisions {
        let list = self.slots.as_ref().map(Slots::revision);
        let feed = self.feed.as_ref().map(FeedState::revision);
        DocumentRevisions {
            bundle: self.trust_bundle().map_or(0, |bundle| bundle.version),
            event: self.event.as_deref().map_or(0, |event| event.document().version),
            list_epoch: list.map_or(0, |revision| revision.epoch),
            list_sequence: list.map_or(0, |revision| revision.sequence),
            assignment: self.assignment.as_deref().map_or(0, |assignment| assignment.document().version),
            feed_epoch: feed.map_or(0, |revision| revision.epoch),
            feed_sequence: feed.map_or(0, |revision| revision.sequence),
        }
    }

    /// What the newest head wants fetched; none before there is a head.
    pub(crate) fn needs(&self) -> Option<Needs> {
        Some(self.head.as_deref()?.document().needs(&self.held()))
    }

    /// What is held, as far as somebody who is believed vouches for it.
    pub(crate) fn held(&self) -> Held {
        let bundle = self.trust.as_deref().map(|trust| &trust.bundle);
        Held::of(bundle, self.assignment.as_deref(), self.event.as_deref(), self.slots.as_ref(), self.feed.as_ref())
    }

    /// The newest head.
    pub(crate) fn head(&self) -> Option<&Authentic<Head>> {
        self.head.as_deref()
    }

    /// A document's number and age. Steps have none of their own.
    pub(crate) fn standing(&self, kind: DocumentKind) -> Option<Standing> {
        match kind {
            DocumentKind::TrustBundle => self.trust.as_deref().map(|trust| Standing::of(&trust.bundle)),
            DocumentKind::Assignment => self.assignment.as_deref().map(Standing::of),
            DocumentKind::EventDocument => self.event.as_deref().map(Standing::of),
            DocumentKind::SlotList => self.slots.as_ref().map(|slots| Standing {
                name: slots.standing().hash.0,
                revision: slots.revision(),
                as_of: slots.confirmed(),
            }),
            DocumentKind::Head => self.head.as_deref().map(Standing::of),
            DocumentKind::AdmissionFeed => self.feed.as_ref().map(|feed| Standing {
                name: feed.standing().hash.0,
                revision: feed.revision(),
                as_of: feed.confirmed(),
            }),
            DocumentKind::SlotDelta | DocumentKind::FeedBatch => None,
        }
    }
}

/// Which issue of a document is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its hash; a slot list's is its content's, a feed's that of its last batch.
    pub(crate) name: [u8; 32],
    /// Its number.
    pub(crate) revision: Revision,
    /// When it was signed; a slot list or a feed was last said to be the newest then.
    pub(crate) as_of: Timestamp,
}

impl Standing {
    fn of<D: Document>(document: &Authentic<D>) -> Self {
        let law = document.standing();
        Self { name: law.hash.0, revision: law.revision, as_of: document.document().issued() }
    }
}
