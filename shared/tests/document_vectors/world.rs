//! Keys and documents that the cases are made of. Whatever no honest signer makes is put together here from the specification: bytes
//! are changed before they are signed.

use std::time::Duration;

use countermark_shared::documents::{
    Assignment, Direction, Document, DocumentHash, EventDocument, KeyRole, KeyStatus, Lane, Lease, Product, Revision,
    RootFingerprint, SlotDelta, SlotEntry, SlotList, SlotReason, SlotState, SlotTable, Text, TrustBundle, TrustedKey,
    Window,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::keys::labelled_digest;
use countermark_shared::label::Label;
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;
use minicbor::Encoder;

use crate::file::{After, Case, Stands, Step};
use crate::vectors::{hex, key};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const GATE: GateId = GateId(3);
pub(crate) const EVENT: EventId = EventId(7);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);
pub(crate) const INSTANT: Duration = Duration::from_millis(1);

pub(crate) const ROOT: u8 = 1;
pub(crate) const ISSUING: u8 = 2;
pub(crate) const ORGANISER: u8 = 4;
pub(crate) const LIST: u8 = 5;
/// The list key that is stolen in some cases.
pub(crate) const STOLEN: u8 = 50;

pub(crate) fn roots(seeds: &[u8]) -> Vec<countermark_shared::keys::VerifyingKey> {
    let mut roots: Vec<_> = seeds.iter().map(|seed| key(*seed).verifying_key()).collect();
    roots.sort();
    roots
}

pub(crate) fn pinned() -> RootFingerprint {
    RootFingerprint::of(&roots(&[ROOT]), 1)
}

pub(crate) fn trusted(seed: u8, role: KeyRole, status: KeyStatus) -> TrustedKey {
    let events = if role == KeyRole::Organiser { vec![EVENT] } else { vec![] };
    TrustedKey { key: key(seed).verifying_key(), role, status, events }
}

/// The bundle that most cases start with.
pub(crate) fn bundle() -> TrustBundle {
    TrustBundle {
        version: 1,
        issued: NOW - 10 * DAY,
        not_after: NOW + 100 * DAY,
        roots: roots(&[ROOT]),
        threshold: 1,
        keys: vec![
            trusted(ISSUING, KeyRole::Issuing, KeyStatus::Active),
            trusted(ORGANISER, KeyRole::Organiser, KeyStatus::Active),
            trusted(LIST, KeyRole::List, KeyStatus::Active),
            trusted(STOLEN, KeyRole::List, KeyStatus::Active),
        ],
    }
}

/// The bundle that revokes the stolen list key.
pub(crate) fn revoking() -> TrustBundle {
    let mut bundle = TrustBundle { version: 2, ..bundle() };
    bundle.keys[3].status = KeyStatus::Revoked;
    bundle
}

pub(crate) fn assignment() -> Assignment {
    Assignment {
        gate: GATE,
        version: 1,
        issued: NOW,
        event: EVENT,
        name: "North".to_owned(),
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
        lease: Lease { until: NOW + 2 * DAY, names_until: NOW + DAY, suspended: false },
        secrets: vec![],
    }
}

pub(crate) fn event_document() -> EventDocument {
    let text = |en: &str, fr: &str| Text { en: en.to_owned(), fr: fr.to_owned() };
    let price = Money { minor: 2000, currency: Currency::parse("EUR").unwrap() };
    let window = Window { from: NOW, until: NOW + 10 * HOUR };
    let standing = Product::new(ProductId(1), text("Standing", "Debout"), Zones(1), window, 100, price);
    EventDocument::new(EVENT, 1, NOW - DAY, text("Summer Night", "Nuit d'été"), 100, vec![standing])
}

pub(crate) fn payload<D: Document>(document: &D) -> Vec<u8> {
    minicbor::to_vec(document).unwrap()
}

/// An envelope as the specification has it, whatever is in it.
pub(crate) fn envelope(label: Label, payload: &[u8], seeds: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2).unwrap().u8(0).unwrap().bytes(payload).unwrap().u8(1).unwrap();
    encoder.array(seeds.len() as u64).unwrap();
    for seed in seeds {
        let key = key(*seed);
        encoder.map(2).unwrap().u8(0).unwrap().bytes(&key.verifying_key().id().0).unwrap();
        encoder.u8(1).unwrap().bytes(&key.sign(label, payload).to_bytes()).unwrap();
    }
    encoder.into_writer()
}

pub(crate) fn sealed<D: Document>(document: &D, seeds: &[u8]) -> Vec<u8> {
    envelope(D::LABEL, &payload(document), seeds)
}

pub(crate) fn hash<D: Document>(document: &D) -> DocumentHash {
    DocumentHash(labelled_digest(D::LABEL, &[&payload(document)]))
}

/// The bytes with the only occurrence of `from` replaced.
pub(crate) fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let places: Vec<_> = (0..bytes.len()).filter(|place| bytes[*place..].starts_with(from)).collect();
    let [place] = places[..] else { panic!("{} is there {} times", hex(from), places.len()) };
    [&bytes[..place], to, &bytes[place + from.len()..]].concat()
}

pub(crate) fn case(name: &str, why: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    Case { name: name.to_owned(), why: why.to_owned(), steps: steps.into_iter().collect() }
}

fn offered(kind: &str, bytes: &[u8], outcome: &str) -> Step {
    Step {
        offer: kind.to_owned(),
        now: NOW.unix_millis(),
        bytes: hex(bytes),
        outcome: outcome.to_owned(),
        stands: None,
        after: After::default(),
    }
}

pub(crate) fn refused(kind: &str, bytes: &[u8], code: &str) -> Step {
    offered(kind, bytes, code)
}

/// Taken, and then stands with this revision and hash.
pub(crate) fn taken(kind: &str, bytes: &[u8], (epoch, sequence): (u32, u64), hash: [u8; 32]) -> Step {
    let stands = Some(Stands { epoch, sequence, hash: hex(&hash) });
    Step { stands, ..offered(kind, bytes, "taken") }
}

impl Step {
    pub(crate) fn at(self, now: Timestamp) -> Self {
        Self { now: now.unix_millis(), ..self }
    }

    pub(crate) fn then(self, after: After) -> Self {
        Self { after, ..self }
    }
}

/// The usual bundle is taken, as the first step of most cases.
pub(crate) fn trust() -> Step {
    take_bundle(&bundle())
}

pub(crate) fn take_bundle(bundle: &TrustBundle) -> Step {
    take_bundle_by(bundle, &[ROOT])
}

pub(crate) fn take_bundle_by(bundle: &TrustBundle, seeds: &[u8]) -> Step {
    taken("trust-bundle", &sealed(bundle, seeds), (0, bundle.version.into()), hash(bundle).0)
}

pub(crate) fn take_assignment(assignment: &Assignment, seeds: &[u8]) -> Step {
    taken("assignment", &sealed(assignment, seeds), (0, assignment.version.into()), hash(assignment).0)
}

/// What is said of a slot: state, least generation, reason.
pub(crate) type Said = [u8; 3];

pub(crate) fn entry([state, least, reason]: Said) -> SlotEntry {
    let state = [SlotState::NotIssued, SlotState::Good, SlotState::Blocked, SlotState::Revoked][usize::from(state)];
    SlotEntry { state, least_generation: Generation(least), reason: SlotReason::ALL[usize::from(reason)] }
}

pub(crate) fn list((epoch, sequence): (u32, u64), issued: Timestamp, said: &[(u32, Said)]) -> SlotList {
    let known = said.iter().map(|(slot, said)| (Slot(*slot), entry(*said)));
    SlotList::snapshot(EVENT, Revision { epoch, sequence }, issued, known).unwrap()
}

pub(crate) fn content(said: &[(u32, Said)]) -> [u8; 32] {
    SlotTable::of(&list((0, 0), NOW, said)).content().0
}

pub(crate) fn take_list_by(revision: (u32, u64), said: &[(u32, Said)], seeds: &[u8]) -> Step {
    let after = After { slots: said.iter().take(10).copied().collect(), ..After::default() };
    taken("slot-list", &sealed(&list(revision, NOW, said), seeds), revision, content(said)).then(after)
}

pub(crate) fn take_list(revision: (u32, u64), said: &[(u32, Said)]) -> Step {
    take_list_by(revision, said, &[LIST])
}

pub(crate) fn refuse_list(revision: (u32, u64), said: &[(u32, Said)], code: &str) -> Step {
    refused("slot-list", &sealed(&list(revision, NOW, said), &[LIST]), code)
}

/// The payload of the step from one content to another.
pub(crate) fn delta((epoch, sequence): (u32, u64), before: &[(u32, Said)], after: &[(u32, Said)]) -> Vec<u8> {
    let table = |said| SlotTable::of(&list((0, 0), NOW, said));
    let step = SlotDelta::between(&table(before), &table(after), Revision { epoch, sequence }, NOW);
    payload(&step.unwrap().unwrap())
}
