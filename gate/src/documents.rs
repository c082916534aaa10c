//! The documents in force: what this gate believes, and what it makes of an offered replacement. Pure: a [`Documents`] never changes, a
//! newer one takes its place. Knows nothing of where they are stored or fetched.

use std::sync::Arc;
use std::time::Duration;

use countermark_shared::clock::Clock;
use countermark_shared::documents::{
    Assignment, Authentic, Direction, Document, DocumentHash, EventDocument, Lane, LeaseState, Refusal, Revision,
    RootFingerprint, SlotList, Slots, TrustBundle, accept_bundle,
};
use countermark_shared::id::{EventId, GateId, LaneId};
use countermark_shared::journal::{ClockState, DocumentRevisions};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::paths;
use serde::{Deserialize, Serialize};

/// Room for the signatures around a payload; decoding checks the exact bound.
pub(crate) const MAX_ENVELOPE_OVERHEAD: usize = 2048;

/// What a gate syncs, in the order in which one makes the next believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DocumentKind {
    TrustBundle,
    Assignment,
    EventDocument,
    SlotList,
}

impl DocumentKind {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 4] = [Self::TrustBundle, Self::Assignment, Self::EventDocument, Self::SlotList];

    /// Those without which nothing can be decided. Without a slot list the decision goes on, and says so.
    pub(crate) const NEEDED: [Self; 3] = [Self::TrustBundle, Self::Assignment, Self::EventDocument];

    /// The stable name, in the ledger and in status.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TrustBundle => "trust-bundle",
            Self::Assignment => "assignment",
            Self::EventDocument => "event-document",
            Self::SlotList => "slot-list",
        }
    }

    /// The kind of that stable name.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Where validation serves it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::TrustBundle => paths::BUNDLE,
            Self::Assignment => paths::ASSIGNMENT,
            Self::EventDocument => paths::EVENT,
            Self::SlotList => paths::SLOTS,
        }
    }

    /// More bytes are not received.
    pub(crate) const fn max_bytes(self) -> usize {
        MAX_ENVELOPE_OVERHEAD
            + match self {
                Self::TrustBundle => TrustBundle::MAX_PAYLOAD,
                Self::Assignment => Assignment::MAX_PAYLOAD,
                Self::EventDocument => EventDocument::MAX_PAYLOAD,
                Self::SlotList => SlotList::MAX_PAYLOAD,
            }
    }

    /// The document without which this one cannot be believed.
    pub(crate) const fn rests_on(self) -> Option<Self> {
        match self {
            Self::TrustBundle => None,
            Self::Assignment => Some(Self::TrustBundle),
            Self::EventDocument | Self::SlotList => Some(Self::Assignment),
        }
    }
}

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
    slots: Option<Arc<ListInForce>>,
}

#[derive(Debug)]
struct Trust {
    bundle: Authentic<TrustBundle>,
    keys: KeyRing,
}

/// The snapshot as it was received, and what it says.
#[derive(Debug)]
struct ListInForce {
    signed: Authentic<SlotList>,
    slots: Slots,
}

/// All that a decision at one lane rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    pub(crate) keys: &'a KeyRing,
    pub(crate) event: &'a EventDocument,
    pub(crate) lane: &'a Lane,
    /// None where the gate has no list: the decision says what that is worth.
    pub(crate) slots: Option<&'a Slots>,
    pub(crate) lease: LeaseState,
    /// The last instant at which the trust bundle is good.
    pub(crate) bundle_not_after: Timestamp,
}

impl Documents {
    /// A new gate's: none.
    pub(crate) fn none(gate: GateId, root: RootFingerprint) -> Self {
        Self { gate, root, trust: None, assignment: None, event: None, slots: None }
    }

    /// What is in force once `bytes` are taken. A document that a new bundle no longer vouches for falls with the old bundle; documents of
    /// an event fall when the assignment moves the gate to another.
    pub(crate) fn with(&self, kind: DocumentKind, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        match kind {
            DocumentKind::TrustBundle => self.with_bundle(bytes, now),
            DocumentKind::Assignment => self.with_assignment(bytes, now),
            DocumentKind::EventDocument => self.with_event(bytes, now),
            DocumentKind::SlotList => self.with_slots(bytes, now),
        }
    }

    /// Takes what this gate had in force before. The clock was asked when it came into force: that the clock has since fallen back is no
    /// reason to forget it.
    pub(crate) fn restored(&self, kind: DocumentKind, bytes: &[u8]) -> Result<Self, NotTaken> {
        self.with(kind, bytes, Timestamp::from_unix_millis(i64::MAX))
    }

    fn with_bundle(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let in_force = self.trust.as_deref().map(|trust| &trust.bundle);
        let bundle = accept_bundle(bytes, self.root, in_force, now)?;
        if in_force.is_some_and(|current| current.hash() == bundle.hash()) {
            return Ok(self.clone());
        }
        let keys = KeyRing::of(bundle.document());
        let mut next = Self { trust: Some(Arc::new(Trust { bundle, keys })), ..Self::none(self.gate, self.root) };
        for kind in [DocumentKind::Assignment, DocumentKind::EventDocument, DocumentKind::SlotList] {
            let Some(bytes) = self.bytes(kind) else { continue };
            match next.restored(kind, bytes) {
                Ok(kept) => next = kept,
                Err(why) => tracing::warn!(document = kind.code(), %why, "the new trust bundle ends this document"),
            }
        }
        Ok(next)
    }

    fn with_assignment(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(DocumentKind::Assignment)?;
        let assignment = Assignment::accept(bytes, bundle, self.gate, self.assignment.as_deref(), now)?;
        let event = assignment.document().event;
        let mut next = self.clone();
        next.event.take_if(|document| document.document().event != event);
        next.slots.take_if(|list| list.signed.document().event() != event);
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

    fn with_slots(&self, bytes: &[u8], now: Timestamp) -> Result<Self, NotTaken> {
        let bundle = self.bundle(DocumentKind::SlotList)?;
        let assigned = self.assigned_event(DocumentKind::SlotList)?;
        let slots = Slots::accept(bytes, bundle, assigned, self.slots.as_deref().map(|list| &list.slots), now)?;
        let signed = SlotList::open(bytes, bundle, assigned, now)?;
        Ok(Self { slots: Some(Arc::new(ListInForce { signed, slots })), ..self.clone() })
    }

    fn bundle(&self, offered: DocumentKind) -> Result<&TrustBundle, NotTaken> {
        let missing = NotTaken::Premature { offered, missing: DocumentKind::TrustBundle };
        self.trust.as_deref().map(|trust| trust.bundle.document()).ok_or(missing)
    }

    fn assigned_event(&self, offered: DocumentKind) -> Result<EventId, NotTaken> {
        self.event_assigned().ok_or(NotTaken::Premature { offered, missing: DocumentKind::Assignment })
    }

    /// The event this gate serves, once it was told.
    pub(crate) fn event_assigned(&self) -> Option<EventId> {
        self.assignment.as_deref().map(|assignment| assignment.document().event)
    }

    /// The lanes this gate was assigned.
    pub(crate) fn lanes(&self) -> Vec<LaneId> {
        let lanes = self.assignment.iter().flat_map(|assignment| &assignment.document().lanes);
        lanes.map(|lane| lane.lane).collect()
    }

    /// What the machine's clock is worth: each document was signed at an instant that has passed, and a clock below that fell back.
    pub(crate) fn clock(&self, machine: Timestamp) -> Clock {
        let floor = DocumentKind::ALL.into_iter().filter_map(|kind| self.standing(kind)).map(|d| d.issued).max();
        match floor.filter(|floor| machine < *floor) {
            Some(floor) => Clock { state: ClockState::RolledBack, now: floor, error: Duration::ZERO },
            None => Clock { state: ClockState::Battery, now: machine, error: Duration::ZERO },
        }
    }

    /// Which way people pass a lane, if it was assigned.
    pub(crate) fn direction(&self, lane: LaneId) -> Option<Direction> {
        self.assignment.as_deref()?.document().lane(lane).map(|lane| lane.direction)
    }

    /// When the trust bundle ends, after which people are warned.
    pub(crate) fn trust_until(&self) -> Option<Timestamp> {
        self.trust.as_deref().map(|trust| trust.bundle.document().not_after)
    }

    /// The age at which the event has people warned of the slot list.
    pub(crate) fn list_warning(&self) -> Option<Duration> {
        let seconds = |event: &Authentic<EventDocument>| event.document().policy.list_age_static.warn_after_seconds;
        self.event.as_deref().map(|event| Duration::from_secs(seconds(event).into()))
    }

    /// What a decision at a lane rests on, if nothing is missing.
    pub(crate) fn basis(&self, lane: LaneId, now: Timestamp) -> Option<Basis<'_>> {
        let trust = self.trust.as_deref()?;
        Some(Basis {
            keys: &trust.keys,
            event: self.event.as_deref()?.document(),
            lane: self.assignment.as_deref()?.document().lane(lane)?,
            slots: self.slots.as_deref().map(|list| &list.slots),
            lease: self.assignment.as_deref()?.document().lease.at(now),
            bundle_not_after: trust.bundle.document().not_after,
        })
    }

    /// What a journal row says of them.
    pub(crate) fn revisions(&self) -> DocumentRevisions {
        let list = self.slots.as_deref().map(|list| list.slots.revision());
        DocumentRevisions {
            bundle: self.trust.as_deref().map_or(0, |trust| trust.bundle.document().version),
            event: self.event.as_deref().map_or(0, |event| event.document().version),
            list_epoch: list.map_or(0, |revision| revision.epoch),
            list_sequence: list.map_or(0, |revision| revision.sequence),
            assignment: self.assignment.as_deref().map_or(0, |assignment| assignment.document().version),
            // No feed is synced yet.
            feed_epoch: 0,
            feed_sequence: 0,
        }
    }

    /// A document's bytes as received.
    pub(crate) fn bytes(&self, kind: DocumentKind) -> Option<&[u8]> {
        match kind {
            DocumentKind::TrustBundle => self.trust.as_deref().map(|trust| trust.bundle.bytes()),
            DocumentKind::Assignment => self.assignment.as_deref().map(Authentic::bytes),
            DocumentKind::EventDocument => self.event.as_deref().map(Authentic::bytes),
            DocumentKind::SlotList => self.slots.as_deref().map(|list| list.signed.bytes()),
        }
    }

    /// A document's name, number and age.
    pub(crate) fn standing(&self, kind: DocumentKind) -> Option<Standing> {
        match kind {
            DocumentKind::TrustBundle => self.trust.as_deref().map(|trust| Standing::of(&trust.bundle)),
            DocumentKind::Assignment => self.assignment.as_deref().map(Standing::of),
            DocumentKind::EventDocument => self.event.as_deref().map(Standing::of),
            DocumentKind::SlotList => self.slots.as_deref().map(|list| Standing::of(&list.signed)),
        }
    }
}

/// Which issue of a document is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    pub(crate) hash: DocumentHash,
    pub(crate) revision: Revision,
    pub(crate) issued: Timestamp,
}

impl Standing {
    fn of<D: Document>(document: &Authentic<D>) -> Self {
        Self { hash: document.hash(), revision: document.document().revision(), issued: document.document().issued() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use countermark_shared::documents::KeyStatus;

    fn take(documents: &Documents, kind: DocumentKind, bytes: &[u8]) -> Result<Documents, NotTaken> {
        documents.with(kind, bytes, samples::DOORS)
    }

    #[test]
    fn bundle_assignment_and_event_make_a_basis_and_nothing_less() {
        let mut documents = samples::no_documents();
        for (kind, bytes) in samples::documents() {
            let needed = DocumentKind::NEEDED.contains(&kind);
            assert_eq!(documents.basis(LaneId(1), samples::DOORS).is_none(), needed, "{kind:?}");
            documents = take(&documents, kind, &bytes).unwrap();
        }
        assert!(documents.basis(LaneId(1), samples::DOORS).is_some_and(|basis| basis.slots.is_some()));
        assert!(documents.basis(LaneId(9), samples::DOORS).is_none());
    }

    #[test]
    fn nothing_is_believed_before_what_it_rests_on() {
        for (kind, bytes) in samples::documents().into_iter().skip(1) {
            let refusal = take(&samples::no_documents(), kind, &bytes).unwrap_err();
            assert!(matches!(refusal, NotTaken::Premature { .. }), "{kind:?}");
        }
    }

    #[test]
    fn another_event_drops_what_belonged_to_the_old_one() {
        let documents = samples::documents_in_force();
        let mut assignment = samples::assignment();
        (assignment.version, assignment.event) = (2, EventId(8));
        let moved = take(&documents, DocumentKind::Assignment, &samples::assignment_bytes(&assignment)).unwrap();
        assert_eq!(moved.event_assigned(), Some(EventId(8)));
        assert!(moved.standing(DocumentKind::EventDocument).is_none());
        assert!(moved.standing(DocumentKind::SlotList).is_none());

        let [.., (_, old_event), (_, old_slots)] = samples::documents();
        for (kind, bytes) in [(DocumentKind::EventDocument, old_event), (DocumentKind::SlotList, old_slots)] {
            assert!(matches!(take(&moved, kind, &bytes), Err(NotTaken::Refused(_))), "{kind:?}");
        }
    }

    #[test]
    fn a_revoked_list_key_takes_its_documents_with_it() {
        let documents = samples::documents_in_force();
        let mut bundle = samples::bundle();
        bundle.version = 2;
        bundle.keys[3].status = KeyStatus::Revoked;
        let next = take(&documents, DocumentKind::TrustBundle, &samples::bundle_bytes(&bundle)).unwrap();
        assert!(next.standing(DocumentKind::Assignment).is_none());
        assert!(next.standing(DocumentKind::SlotList).is_none());
    }

    #[test]
    fn a_clock_below_what_was_signed_fell_back() {
        let documents = samples::documents_in_force();
        let signed = documents.standing(DocumentKind::SlotList).unwrap().issued;
        let just_before = signed - Duration::from_millis(1);
        assert_eq!(
            documents.clock(just_before),
            Clock { state: ClockState::RolledBack, now: signed, error: Duration::ZERO }
        );
        assert_eq!(documents.clock(signed), Clock { state: ClockState::Battery, now: signed, error: Duration::ZERO });
        assert_eq!(samples::no_documents().clock(just_before).state, ClockState::Battery);
    }

    #[test]
    fn a_clock_that_fell_back_forgets_nothing() {
        let mut documents = samples::no_documents();
        for (kind, bytes) in samples::documents() {
            assert!(documents.with(kind, &bytes, Timestamp::from_unix_seconds(0)).is_err(), "{kind:?}");
            documents = documents.restored(kind, &bytes).unwrap();
        }
    }
}
