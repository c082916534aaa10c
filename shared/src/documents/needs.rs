//! What to fetch, given a head and what is held. Never anything that is not newer.

use super::bundle::TrustBundle;
use super::envelope::Authentic;
use super::feed::FeedState;
use super::hash::{ContentHash, DocumentHash};
use super::head::Head;
use super::revision::{Revision, Standing, ascend};
use super::root::RootFingerprint;
use super::set::DocumentKind;
use super::slots::Slots;
use super::{Assignment, EventDocument};
use crate::id::EventId;

/// More steps than this behind, a snapshot is fetched: it costs one request. A publisher leaves no more than these between two snapshots.
pub const MAX_STEPS: u64 = 32;

/// What a gate holds, each as high as a believed key has signed it: see [`Authentic::floor`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// The trust bundle and the roots it names.
    pub bundle: Option<(Standing, RootFingerprint)>,
    /// The assignment.
    pub assignment: Option<Standing>,
    /// The event document.
    pub document: Option<HeldOf<DocumentHash>>,
    /// The slot list.
    pub slots: Option<HeldOf<ContentHash>>,
    /// The admission feed.
    pub feed: Option<HeldOf<DocumentHash>>,
}

/// What is held of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOf<H> {
    /// Which event's.
    pub event: EventId,
    /// What is in force.
    pub in_force: Standing<H>,
    /// What a replacement is held against; none where no believed key vouches for anything.
    pub floor: Option<Standing<H>>,
}

/// Something to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fetch {
    /// The trust bundle of that name.
    Bundle(DocumentHash),
    /// The bundles after that version which changed the roots, in order, and the newest: the roots held did not sign it.
    BundlesAfter(Revision),
    /// The assignment of that name.
    Assignment(DocumentHash),
    /// The event document of that name.
    EventDocument(DocumentHash),
    /// The slot list's snapshot of that revision and content.
    SlotSnapshot(Standing<ContentHash>),
    /// The slot deltas from the first to the last of these, in order.
    SlotDeltas {
        /// The first.
        from: Revision,
        /// The last.
        to: Revision,
    },
    /// The admission feed's snapshot at that batch or a later one.
    FeedSnapshot(Standing),
    /// The feed's batches from the first to the last of these, in order.
    FeedBatches {
        /// The first.
        from: Revision,
        /// The last.
        to: Revision,
    },
}

/// What follows from a head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What to fetch, in this order: who is believed comes first. The event document comes last: without it a gate decides nothing, so that one which is
    /// new, or has lost its documents, knows by then who came in elsewhere.
    pub fetch: Vec<Fetch>,
    /// Documents of which this gate holds the same revision with other content: to be reported, and nothing is fetched.
    pub conflicts: Vec<DocumentKind>,
}

impl Held {
    /// What is held, from what is in force.
    pub fn of(
        bundle: Option<&Authentic<TrustBundle>>,
        assignment: Option<&Authentic<Assignment>>,
        document: Option<&Authentic<EventDocument>>,
        slots: Option<&Slots>,
        feed: Option<&FeedState>,
    ) -> Self {
        let trust = bundle.map(Authentic::document);
        let list_keys = trust.map(TrustBundle::list_keys).unwrap_or_default();
        Self {
            bundle: bundle.map(|bundle| (bundle.standing(), bundle.document().root_fingerprint())),
            assignment: assignment.and_then(|assignment| assignment.floor(&list_keys)),
            document: document.map(|document| {
                let event = document.document().event;
                let organisers = trust.map(|trust| trust.organisers_of(event)).unwrap_or_default();
                HeldOf { event, in_force: document.standing(), floor: document.floor(&organisers) }
            }),
            slots: slots.map(|slots| HeldOf {
                event: slots.table().event(),
                in_force: slots.standing(),
                floor: slots.floor(&list_keys),
            }),
            feed: feed.map(|feed| HeldOf {
                event: feed.event(),
                in_force: feed.standing(),
                floor: feed.floor(&list_keys),
            }),
        }
    }
}

impl Head {
    /// What to fetch to hold what this head says. What is not newer than what is held is never asked for, whatever the head says.
    pub fn needs(&self, held: &Held) -> Needs {
        let mut needs = Needs::default();
        let bundle = held.bundle.map(|(standing, _)| standing);
        if needs.wants(DocumentKind::TrustBundle, bundle.as_ref(), &self.bundle) {
            let other_roots = held.bundle.filter(|(_, roots)| *roots != self.roots);
            needs.fetch.push(match other_roots {
                Some((standing, _)) => Fetch::BundlesAfter(standing.revision),
                None => Fetch::Bundle(self.bundle.hash),
            });
        }
        if needs.wants(DocumentKind::Assignment, held.assignment.as_ref(), &self.assignment) {
            needs.fetch.push(Fetch::Assignment(self.assignment.hash));
        }
        if let Some(wanted) = self.slots {
            let held = held.slots.filter(|held| held.event == self.event);
            if needs.wants(DocumentKind::SlotList, held.and_then(|held| held.floor).as_ref(), &wanted) {
                needs.fetch.push(match held.and_then(|held| steps(held, wanted.revision)) {
                    Some(from) => Fetch::SlotDeltas { from, to: wanted.revision },
                    None => Fetch::SlotSnapshot(wanted),
                });
            }
        }
        if let Some(wanted) = self.feed {
            let held = held.feed.filter(|held| held.event == self.event);
            if needs.wants(DocumentKind::AdmissionFeed, held.and_then(|held| held.floor).as_ref(), &wanted) {
                needs.fetch.push(match held.and_then(|held| steps(held, wanted.revision)) {
                    Some(from) => Fetch::FeedBatches { from, to: wanted.revision },
                    None => Fetch::FeedSnapshot(wanted),
                });
            }
        }
        if let Some(wanted) = self.document {
            let floor = held.document.filter(|held| held.event == self.event).and_then(|held| held.floor);
            if needs.wants(DocumentKind::EventDocument, floor.as_ref(), &wanted) {
                needs.fetch.push(Fetch::EventDocument(wanted.hash));
            }
        }
        needs
    }
}

impl Needs {
    fn wants<H: PartialEq>(&mut self, kind: DocumentKind, floor: Option<&Standing<H>>, wanted: &Standing<H>) -> bool {
        if floor.is_some_and(|floor| floor.revision == wanted.revision && floor.hash != wanted.hash) {
            self.conflicts.push(kind);
        }
        ascend("head", floor, wanted).unwrap_or(false)
    }
}

/// The first of a few steps that lead from what is in force to `wanted`, where somebody who is believed vouches for what is in force.
fn steps<H: PartialEq>(held: HeldOf<H>, wanted: Revision) -> Option<Revision> {
    let HeldOf { in_force, floor, .. } = held;
    let vouched = floor.is_some_and(|floor| floor == in_force);
    let behind = wanted.sequence.checked_sub(in_force.revision.sequence)?;
    let few = wanted.epoch == in_force.revision.epoch && behind <= MAX_STEPS;
    (vouched && few).then_some(Revision { sequence: in_force.revision.sequence.saturating_add(1), ..wanted })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::GateId;
    use crate::samples;
    use core::time::Duration;

    const EVENT: EventId = EventId(7);

    fn standing(epoch: u32, sequence: u64) -> Standing {
        Standing { revision: Revision { epoch, sequence }, hash: DocumentHash([1; 32]) }
    }

    fn content(epoch: u32, sequence: u64) -> Standing<ContentHash> {
        Standing { revision: Revision { epoch, sequence }, hash: ContentHash([1; 32]) }
    }

    fn of<H: Copy>(in_force: Standing<H>) -> HeldOf<H> {
        HeldOf { event: EVENT, in_force, floor: Some(in_force) }
    }

    fn head() -> Head {
        Head {
            gate: GateId(1),
            issued: samples::DOORS,
            not_after: samples::DOORS + Duration::from_mins(15),
            event: EVENT,
            roots: RootFingerprint([1; 32]),
            bundle: standing(0, 5),
            assignment: standing(0, 6),
            document: Some(standing(0, 7)),
            slots: Some(content(1, 40)),
            feed: Some(standing(1, 50)),
        }
    }

    fn held() -> Held {
        Held {
            bundle: Some((standing(0, 5), RootFingerprint([1; 32]))),
            assignment: Some(standing(0, 6)),
            document: Some(of(standing(0, 7))),
            slots: Some(of(content(1, 40))),
            feed: Some(of(standing(1, 50))),
        }
    }

    fn fetches(held: &Held) -> Vec<Fetch> {
        let needs = head().needs(held);
        assert_eq!(needs.conflicts, []);
        needs.fetch
    }

    #[test]
    fn a_fresh_gate_fetches_all_and_a_settled_one_nothing() {
        let hash = DocumentHash([1; 32]);
        let all = [
            Fetch::Bundle(hash),
            Fetch::Assignment(hash),
            Fetch::SlotSnapshot(content(1, 40)),
            Fetch::FeedSnapshot(standing(1, 50)),
            Fetch::EventDocument(hash),
        ];
        assert_eq!(fetches(&Held::default()), all);
        assert_eq!(fetches(&held()), []);
    }

    #[test]
    fn a_head_makes_nothing_go_back() {
        let newer = Held {
            bundle: Some((standing(0, 6), RootFingerprint([2; 32]))),
            assignment: Some(standing(0, 7)),
            document: Some(of(standing(0, 8))),
            slots: Some(of(content(2, 1))),
            feed: Some(of(standing(1, 51))),
        };
        assert_eq!(fetches(&newer), []);
    }

    #[test]
    fn a_few_steps_are_taken_one_by_one() {
        let slots = |epoch, sequence| fetches(&Held { slots: Some(of(content(epoch, sequence))), ..held() });
        let steps = |from| Fetch::SlotDeltas { from: head_revision(from), to: head_revision(40) };
        assert_eq!(slots(1, 39), [steps(40)]);
        assert_eq!(slots(1, 8), [steps(9)]);
        assert_eq!(slots(1, 7), [Fetch::SlotSnapshot(content(1, 40))]);
        assert_eq!(slots(0, 39), [Fetch::SlotSnapshot(content(1, 40))]);
        let feed = fetches(&Held { feed: Some(of(standing(1, 48))), ..held() });
        assert_eq!(feed, [Fetch::FeedBatches { from: head_revision(49), to: head_revision(50) }]);
    }

    fn head_revision(sequence: u64) -> Revision {
        Revision { epoch: 1, sequence }
    }

    #[test]
    fn what_nobody_vouches_for_any_more_is_replaced_whole() {
        let evil = Some(HeldOf { event: EVENT, in_force: content(9, 9), floor: None });
        assert_eq!(fetches(&Held { slots: evil, ..held() }), [Fetch::SlotSnapshot(content(1, 40))]);
        let evil = Some(HeldOf { event: EVENT, in_force: content(1, 39), floor: Some(content(1, 20)) });
        assert_eq!(fetches(&Held { slots: evil, ..held() }), [Fetch::SlotSnapshot(content(1, 40))]);
    }

    #[test]
    fn another_events_documents_do_not_count() {
        let elsewhere = Some(HeldOf { event: EventId(8), in_force: content(9, 9), floor: Some(content(9, 9)) });
        assert_eq!(fetches(&Held { slots: elsewhere, ..held() }), [Fetch::SlotSnapshot(content(1, 40))]);
    }

    #[test]
    fn other_roots_are_reached_step_by_step() {
        let held = Held { bundle: Some((standing(0, 3), RootFingerprint([2; 32]))), ..held() };
        assert_eq!(fetches(&held), [Fetch::BundlesAfter(Revision::version(3))]);
    }

    #[test]
    fn two_of_one_revision_are_reported_and_not_fetched() {
        let other = Standing { hash: ContentHash([2; 32]), ..content(1, 40) };
        let needs = head().needs(&Held { slots: Some(of(other)), ..held() });
        assert_eq!(needs, Needs { fetch: vec![], conflicts: vec![DocumentKind::SlotList] });
    }
}
