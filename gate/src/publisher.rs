//! What validation publishes, as it does: immutable steps, batches and snapshots under their revision, bundles and event documents under their hash,
//! a head of what is newest. For the tests of this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_shared::documents::{
    self as law, AdmissionFeed, Assignment, Authentic, Document, DocumentHash, DocumentSet, FeedBatch, FeedContent,
    FeedRow, FeedSnapshot, FeedState, GateStanding, Head, KeyRole, KeyStatus, Revision, Signed, SlotDelta, SlotEntry,
    SlotList, SlotReason, SlotState, SlotTable, Standing, TrustBundle, TrustedKey,
};
use countermark_shared::id::{GateId, Generation, Slot};
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;

use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::samples::{self, EVENT, GATE, SIGNED};

const HEAD_LIVES: Duration = Duration::from_hours(1);

/// Validation's books, and its keys.
pub(crate) struct Publisher {
    bundles: Vec<(TrustBundle, Vec<u8>)>,
    roots: SigningKey,
    list_key: SigningKey,
    next_seed: u8,
    assignment: (Assignment, Vec<u8>),
    event: Vec<u8>,
    table: SlotTable,
    revision: Revision,
    steps: BTreeMap<Revision, Vec<u8>>,
    snapshots: BTreeMap<Revision, Vec<u8>>,
    /// What the feed says, as the newest snapshot of it would.
    feed: FeedState,
    batches: BTreeMap<Revision, Vec<u8>>,
    feed_snapshots: BTreeMap<Revision, Vec<u8>>,
    head: Option<(Timestamp, Head)>,
    /// Of these it serves none.
    pub(crate) missing: BTreeSet<DocumentKind>,
    /// In the place of these it serves junk.
    pub(crate) junk: BTreeSet<DocumentKind>,
}

impl Publisher {
    /// With the four documents of the samples.
    pub(crate) fn new() -> Self {
        let bundle = samples::bundle();
        let assignment = samples::assignment();
        let revision = Revision { epoch: 0, sequence: 0 };
        let mut publisher = Self {
            bundles: vec![(bundle.clone(), samples::bundle_bytes(&bundle))],
            roots: samples::signing_key(1),
            list_key: samples::signing_key(5),
            next_seed: 100,
            assignment: (assignment.clone(), samples::assignment_bytes(&assignment)),
            event: Signed::seal(&samples::event(), &[&samples::signing_key(4)]).unwrap(),
            table: SlotTable::of(&SlotList::snapshot(EVENT, revision, SIGNED, []).unwrap()),
            revision,
            steps: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            feed: nothing_told(0, &samples::signing_key(5)),
            batches: BTreeMap::new(),
            feed_snapshots: BTreeMap::new(),
            head: None,
            missing: BTreeSet::new(),
            junk: BTreeSet::new(),
        };
        publisher.say((0..100).map(|slot| (Slot(slot), SlotState::Good)));
        publisher.publish_snapshot();
        publisher.publish_feed_snapshot();
        publisher
    }

    /// What the cloud serves for it, at this instant.
    pub(crate) fn answer(&mut self, wanted: Wanted, now: Timestamp) -> Option<Vec<u8>> {
        if self.missing.contains(&wanted.kind()) {
            return None;
        }
        if self.junk.contains(&wanted.kind()) {
            return Some(b"junk".to_vec());
        }
        match wanted {
            Wanted::NewestBundle => self.bundles.last().map(|(_, bytes)| bytes.clone()),
            Wanted::BundlesAfter(version) => Some(self.bundles_after(version)),
            Wanted::Bundle(hash) => self
                .bundles
                .iter()
                .find(|(bundle, _)| self.bundle_standing(bundle).hash == hash)
                .map(|(_, b)| b.clone()),
            Wanted::EventDocument(hash) => (self.event_standing().hash == hash).then(|| self.event.clone()),
            Wanted::Assignment => Some(self.assignment.1.clone()),
            Wanted::Head { held: _ } => Some(self.seal(&self.head_at(now))),
            Wanted::SlotDelta { event, to } => self.steps.get(&to).filter(|_| event == EVENT).cloned(),
            Wanted::SlotSnapshot { event, up_to } => {
                let first = Revision { epoch: up_to.epoch, sequence: 0 };
                let snapshot = self.snapshots.range(first..=up_to).next_back();
                snapshot.filter(|_| event == EVENT).map(|(_, bytes)| bytes.clone())
            }
            Wanted::FeedBatch { event, to } => self.batches.get(&to).filter(|_| event == EVENT).cloned(),
            Wanted::FeedSnapshot { event, up_to } => {
                let first = Revision { epoch: up_to.epoch, sequence: 0 };
                let snapshot = self.feed_snapshots.range(first..=up_to).next_back();
                snapshot.filter(|_| event == EVENT).map(|(_, bytes)| bytes.clone())
            }
        }
    }

    /// A head is signed anew when something changed, or when it is half as old as it can be.
    pub(crate) fn current_head(&mut self, now: Timestamp) -> (DocumentHash, Vec<u8>) {
        let fresh = self.head_at(now);
        let same = |head: &Head| {
            let (issued, not_after) = (fresh.issued, fresh.not_after);
            Head { issued, not_after, ..head.clone() } == fresh
        };
        let kept = self.head.take().filter(|(at, head)| same(head) && now.since(*at) < HEAD_LIVES / 2);
        let (at, head) = kept.unwrap_or((now, fresh));
        let bytes = self.seal(&head);
        self.head = Some((at, head));
        let hash = Signed::<Head>::decode(&bytes).unwrap().open(&[self.list_key.verifying_key()], 1).unwrap().hash();
        (hash, bytes)
    }

    pub(crate) fn head_at(&self, now: Timestamp) -> Head {
        let (bundle, _) = self.bundles.last().unwrap();
        Head {
            gate: GATE,
            issued: now,
            not_after: now + HEAD_LIVES,
            event: EVENT,
            roots: bundle.root_fingerprint(),
            bundle: self.bundle_standing(bundle),
            assignment: self.assignment_standing(),
            document: Some(self.event_standing()),
            slots: Some(self.slots_standing()),
            feed: Some(self.feed.standing()),
        }
    }

    /// The next step, if it says anything new.
    pub(crate) fn say(&mut self, states: impl IntoIterator<Item = (Slot, SlotState)>) {
        let mut known: BTreeMap<_, _> = (0..200).map(|slot| (Slot(slot), self.table.entry(Slot(slot)))).collect();
        for (slot, state) in states {
            known.insert(slot, entry(state));
        }
        let to = Revision { sequence: self.revision.sequence + 1, ..self.revision };
        let after = SlotTable::of(&SlotList::snapshot(EVENT, to, SIGNED, known).unwrap());
        if let Some(delta) = SlotDelta::between(&self.table, &after, to, SIGNED).unwrap() {
            self.steps.insert(to, self.seal(&delta));
            (self.table, self.revision) = (after, to);
        }
    }

    /// The list as a whole, under its revision.
    pub(crate) fn publish_snapshot(&mut self) {
        let bytes = self.seal(&self.table.snapshot(self.revision, SIGNED));
        self.snapshots.insert(self.revision, bytes);
    }

    /// The next batch of the feed: these rows, and what is thought of gates.
    pub(crate) fn tell(&mut self, rows: &[FeedRow], gates: &[(GateId, GateStanding)]) {
        let gates = gates.iter().copied().collect();
        if let Some(batch) = self.feed.following(rows.iter().copied(), &gates, SIGNED) {
            self.publish_batch(&batch);
        }
    }

    /// The feed as a whole.
    pub(crate) fn publish_feed_snapshot(&mut self) {
        let bytes = self.seal(&self.feed.snapshot(SIGNED));
        self.feed_snapshots.insert(self.feed.revision(), bytes);
    }

    fn publish_batch(&mut self, batch: &AdmissionFeed) {
        let bytes = self.seal(batch);
        let mut feed = Some(self.feed.clone());
        FeedState::accept(&mut feed, &bytes, &self.bundles.last().unwrap().0, EVENT, SIGNED).unwrap();
        self.feed = feed.unwrap();
        self.batches.insert(self.feed.revision(), bytes);
    }

    /// As after a restore: list and feed begin anew, and say what is true then.
    pub(crate) fn raise_epoch(&mut self) {
        self.feed = nothing_told(self.feed.revision().epoch + 1, &self.list_key);
        self.publish_feed_snapshot();
        self.revision = Revision { epoch: self.revision.epoch + 1, sequence: 1 };
        self.table = SlotTable::of(
            &SlotList::snapshot(
                EVENT,
                self.revision,
                SIGNED,
                (0..100).map(|slot| (Slot(slot), entry(SlotState::Good))),
            )
            .unwrap(),
        );
        self.publish_snapshot();
    }

    /// Goes back to honest snapshots, as an operator does who finds a thief's. Of the feed that is the first.
    pub(crate) fn restore(&mut self, revision: Revision) {
        self.feed = nothing_told(0, &self.list_key);
        let first = self.feed.revision();
        self.feed_snapshots.retain(|published, _| *published <= first);
        self.batches.clear();
        let bytes = &self.snapshots[&revision];
        let list = authentic::<SlotList>(bytes, &self.list_key);
        (self.table, self.revision) = (SlotTable::of(list.document()), revision);
        self.snapshots.retain(|published, _| *published <= revision);
        self.steps.retain(|published, _| *published <= revision);
    }

    pub(crate) fn lose_last_batch(&mut self) {
        self.batches.remove(&self.feed.revision());
    }

    pub(crate) fn lose_last_step(&mut self) {
        self.steps.remove(&self.revision);
    }

    pub(crate) fn suspend(&mut self, suspended: bool) {
        self.assign(|assignment| assignment.lease.suspended = suspended);
    }

    /// Signs the event anew, with a guest list or without, and gives the gate the secret that it takes.
    pub(crate) fn give_guests(&mut self, finds: bool) {
        let version = self.event_standing().revision.sequence + 1;
        let event = samples::event_with_guests(u32::try_from(version).unwrap(), finds);
        self.event = Signed::seal(&event, &[&samples::signing_key(4)]).unwrap();
        self.assign(|assignment| assignment.secrets = vec![samples::wrapped_secret()]);
    }

    pub(crate) fn assign(&mut self, change: impl FnOnce(&mut Assignment)) {
        let mut assignment = self.assignment.0.clone();
        assignment.version += 1;
        change(&mut assignment);
        self.assignment = (assignment.clone(), self.seal(&assignment));
    }

    /// The old roots and the new sign the bundle that replaces them.
    pub(crate) fn rotate_roots(&mut self) {
        let (old, new) = (self.roots.clone(), self.new_key());
        let mut bundle = self.next_bundle();
        bundle.roots = vec![new.verifying_key()];
        self.bundles.push((bundle.clone(), Signed::seal(&bundle, &[&old, &new]).unwrap()));
        self.roots = new;
    }

    /// The list key is revoked, and all that it signed and still counts is signed anew.
    pub(crate) fn replace_list_key(&mut self) {
        let (old, new) = (self.list_key.verifying_key(), self.new_key());
        let mut bundle = self.next_bundle();
        for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == old) {
            trusted.status = KeyStatus::Revoked;
        }
        let key = new.verifying_key();
        bundle.keys.push(TrustedKey { key, role: KeyRole::List, status: KeyStatus::Active, events: Vec::new() });
        self.bundles.push((bundle.clone(), Signed::seal(&bundle, &[&self.roots]).unwrap()));
        self.list_key = new;
        let assignment = self.assignment.0.clone();
        self.assignment.1 = self.seal(&assignment);
        self.revision.sequence += 1;
        self.publish_snapshot();
        let Standing { revision: Revision { epoch, sequence }, hash } = self.feed.standing();
        let content = FeedContent::Batch(FeedBatch { before: hash, rows: Vec::new(), gates: BTreeMap::new() });
        self.publish_batch(&AdmissionFeed { event: EVENT, epoch, sequence: sequence + 1, issued: SIGNED, content });
        self.publish_feed_snapshot();
    }

    /// The key that signs lists, heads and the time.
    pub(crate) fn list_key(&self) -> &SigningKey {
        &self.list_key
    }

    pub(crate) fn bundle_version(&self) -> Revision {
        self.bundles.last().unwrap().0.revision()
    }

    pub(crate) fn assignment_standing(&self) -> Standing {
        authentic::<Assignment>(&self.assignment.1, &self.list_key).standing()
    }

    pub(crate) fn slots_standing(&self) -> Standing<law::ContentHash> {
        Standing { revision: self.revision, hash: self.table.content() }
    }

    pub(crate) fn feed_standing(&self) -> Standing {
        self.feed.standing()
    }

    fn event_standing(&self) -> Standing {
        authentic::<law::EventDocument>(&self.event, &samples::signing_key(4)).standing()
    }

    fn bundle_standing(&self, bundle: &TrustBundle) -> Standing {
        let bytes = Signed::seal(bundle, &[&self.roots]).unwrap();
        authentic::<TrustBundle>(&bytes, &self.roots).standing()
    }

    /// Those that changed the roots, and the newest.
    fn bundles_after(&self, version: Revision) -> Vec<u8> {
        let mut envelopes = Vec::new();
        for (index, (bundle, bytes)) in self.bundles.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| self.bundles[before].0.root_fingerprint());
            let newest = index + 1 == self.bundles.len();
            if bundle.revision() > version && (newest || before != Some(bundle.root_fingerprint())) {
                envelopes.push((law::DocumentKind::TrustBundle, bytes.as_slice()));
            }
        }
        DocumentSet::of(envelopes).encode()
    }

    fn next_bundle(&self) -> TrustBundle {
        let mut bundle = self.bundles.last().unwrap().0.clone();
        bundle.version += 1;
        bundle
    }

    fn new_key(&mut self) -> SigningKey {
        self.next_seed += 1;
        samples::signing_key(self.next_seed)
    }

    fn seal<D: Document>(&self, document: &D) -> Vec<u8> {
        Signed::seal(document, &[&self.list_key]).unwrap()
    }
}

fn authentic<D: Document>(bytes: &[u8], key: &SigningKey) -> Authentic<D> {
    Signed::<D>::decode(bytes).unwrap().open(&[key.verifying_key()], 1).unwrap()
}

/// The first of an epoch's feed.
fn nothing_told(epoch: u32, list_key: &SigningKey) -> FeedState {
    let snapshot = FeedSnapshot::of([], BTreeMap::new(), BTreeMap::new(), None, DocumentHash::NONE);
    let content = FeedContent::Snapshot(snapshot);
    let first = AdmissionFeed { event: EVENT, epoch, sequence: 0, issued: SIGNED, content };
    let mut bundle = samples::bundle();
    let (key, events) = (list_key.verifying_key(), Vec::new());
    bundle.keys.push(TrustedKey { key, role: KeyRole::List, status: KeyStatus::Active, events });
    let mut feed = None;
    FeedState::accept(&mut feed, &Signed::seal(&first, &[list_key]).unwrap(), &bundle, EVENT, SIGNED).unwrap();
    feed.unwrap()
}

fn entry(state: SlotState) -> SlotEntry {
    SlotEntry { state, least_generation: Generation(0), reason: SlotReason::Unspecified }
}
