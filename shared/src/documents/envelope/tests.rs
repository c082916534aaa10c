//! What holds for every kind of document, shown with assignments.

use super::*;
use crate::documents::{
    AdmissionFeed, Assignment, Direction, EventDocument, FeedBatch, FeedContent, FeedRow, GateStanding, Head, KeyRole,
    KeyStatus, Lane, Passage, SlotDelta, SlotEntry, SlotList, SlotState, SlotTable, TrustBundle, TrustedKey,
};
use crate::id::{EventId, GateId, Generation, LaneId, Slot, Zones};
use crate::samples;
use proptest::prelude::*;

const GATE: GateId = GateId(1);

fn assignment(version: u32) -> Assignment {
    Assignment {
        gate: GATE,
        version,
        issued: samples::DOORS,
        event: EventId(7),
        name: "North".into(),
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
        lease: samples::lease(),
        secrets: vec![],
    }
}

/// Two list keys, seeds 5 (the usual one) and 50, with these statuses.
fn bundle(usual: KeyStatus, other: KeyStatus) -> TrustBundle {
    let mut bundle = samples::bundle();
    bundle.keys[3].status = usual;
    let key = samples::signing_key(50).verifying_key();
    bundle.keys.push(TrustedKey { key, role: KeyRole::List, status: other, events: vec![] });
    bundle
}

fn by(seed: u8, version: u32) -> Vec<u8> {
    Signed::seal(&assignment(version), &[&samples::signing_key(seed)]).unwrap()
}

fn accept(
    bytes: &[u8],
    bundle: &TrustBundle,
    in_force: Option<&Authentic<Assignment>>,
) -> Result<Authentic<Assignment>, Refusal> {
    Assignment::accept(bytes, bundle, GATE, in_force, samples::DOORS)
}

const ACTIVE: KeyStatus = KeyStatus::Active;
const REVOKED: KeyStatus = KeyStatus::Revoked;

#[test]
fn a_number_raised_by_a_stolen_key_falls_with_the_key() {
    let before = bundle(ACTIVE, ACTIVE);
    let honest = accept(&by(5, 7), &before, None).unwrap();
    let raised = accept(&by(50, u32::MAX), &before, Some(&honest)).unwrap();
    assert!(matches!(accept(&by(5, 8), &before, Some(&raised)), Err(Refusal::Older { .. })));

    let after = bundle(ACTIVE, REVOKED);
    // What the honest key had signed before stands: nothing older comes back with the thief's fall.
    assert!(matches!(accept(&by(5, 6), &after, Some(&raised)), Err(Refusal::Older { .. })));
    assert_eq!(accept(&by(5, 7), &after, Some(&raised)).unwrap().hash(), honest.hash());
    let recovered = accept(&by(5, 8), &after, Some(&raised)).unwrap();
    assert_eq!(recovered.document().version, 8);
    assert!(matches!(accept(&by(50, u32::MAX), &after, Some(&recovered)), Err(Refusal::NotSigned { .. })));
}

#[test]
fn a_key_that_was_rotated_away_in_good_order_keeps_its_floor() {
    let in_force = accept(&by(5, 7), &bundle(ACTIVE, ACTIVE), None).unwrap();
    let rotated = bundle(KeyStatus::VerifyOnly, ACTIVE);
    assert!(matches!(accept(&by(50, 6), &rotated, Some(&in_force)), Err(Refusal::Older { .. })));
    accept(&by(50, 8), &rotated, Some(&in_force)).unwrap();
}

#[test]
fn a_restart_forgets_nothing() {
    let before = bundle(ACTIVE, ACTIVE);
    let honest = accept(&by(5, 7), &before, None).unwrap();
    let raised = accept(&by(50, 9), &before, Some(&honest)).unwrap();
    let restarted = Authentic::<Assignment>::from_record(&raised.to_record()).unwrap();
    assert_eq!((restarted.hash(), restarted.bytes()), (raised.hash(), raised.bytes()));
    let after = bundle(ACTIVE, REVOKED);
    assert!(matches!(accept(&by(5, 6), &after, Some(&restarted)), Err(Refusal::Older { .. })));
    accept(&by(5, 8), &after, Some(&restarted)).unwrap();
}

#[test]
fn a_record_of_other_bytes_is_refused() {
    let record = accept(&by(5, 7), &bundle(ACTIVE, ACTIVE), None).unwrap().to_record();
    for index in 0..record.len() {
        let mut damaged = record.clone();
        damaged[index] ^= 1;
        if let Ok(read) = Authentic::<Assignment>::from_record(&damaged) {
            assert_eq!(read.document(), &assignment(7), "byte {index}");
        }
    }
}

#[test]
fn sixteen_signatures_are_read_and_seventeen_are_not() {
    let keys: Vec<_> = (60..77).map(samples::signing_key).collect();
    let list_key = samples::list_key();
    let sealed = |strangers: usize| {
        let signers: Vec<_> = keys.iter().take(strangers).chain([&list_key]).collect();
        Signed::seal(&assignment(1), &signers).unwrap()
    };
    accept(&sealed(15), &samples::bundle(), None).unwrap();
    assert!(matches!(accept(&sealed(16), &samples::bundle(), None), Err(Refusal::Malformed { .. })));
}

/// A document of any length.
#[derive(Debug, PartialEq, Encode, Decode)]
#[cbor(transparent)]
struct Filled(#[n(0)] ByteVec);

impl Document for Filled {
    const LABEL: Label = Label::Head;
    const NAME: &'static str = "filled";
    const MAX_PAYLOAD: usize = 100;

    fn revision(&self) -> Revision {
        Revision::version(1)
    }

    fn issued(&self) -> Timestamp {
        samples::DOORS
    }

    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

#[test]
fn the_longest_payload_and_sixteen_signatures_fit_the_envelope() {
    let keys: Vec<_> = (60..76).map(samples::signing_key).collect();
    // Two bytes say how many follow.
    let seal = |length: usize| Signed::seal(&Filled(vec![1; length - 2].into()), &keys.iter().collect::<Vec<_>>());
    let envelope = seal(100).unwrap();
    let signers: Vec<_> = keys.iter().map(SigningKey::verifying_key).collect();
    Signed::<Filled>::decode(&envelope).unwrap().open(&signers, 16).unwrap();
    assert_eq!(seal(101), Err(Refusal::TooLong { document: "filled", length: 101 }));
    let unread = |length| Signed::<Filled>::decode(&vec![0; length]).unwrap_err();
    assert!(matches!(unread(100 + 1312), Refusal::NotCanonical { .. }));
    assert_eq!(unread(100 + 1313), Refusal::TooLong { document: "filled", length: 1413 });
}

#[test]
fn a_day_ahead_is_not_the_future() {
    let issued = |ahead| {
        let document = Assignment { issued: samples::DOORS + ahead, ..assignment(1) };
        accept(&Signed::seal(&document, &[&samples::list_key()]).unwrap(), &samples::bundle(), None)
    };
    issued(MAX_CLOCK_LEAD).unwrap();
    let beyond = issued(MAX_CLOCK_LEAD + Duration::from_millis(1));
    assert!(matches!(beyond, Err(Refusal::FromTheFuture { .. })));
}

#[test]
fn a_length_that_no_document_has_is_refused_before_the_bytes_are_looked_for() {
    for claim in [&[0x5a, 0xff, 0xff, 0xff, 0xff][..], &[0x5b, 0, 0, 0, 1, 0, 0, 0, 0], &[0x59, 0x40, 0x01]] {
        let bytes = [&[0xa2, 0], claim].concat();
        let refusal = Signed::<Assignment>::decode(&bytes).unwrap_err();
        assert!(matches!(refusal, Refusal::TooLong { .. }), "{refusal}");
    }
    let within = [0xa2, 0, 0x59, 0x40, 0x00];
    assert!(matches!(Signed::<Assignment>::decode(&within), Err(Refusal::Truncated { .. })));
}

#[test]
fn a_document_cut_anywhere_ends_too_early() {
    let bytes = by(5, 1);
    for length in 0..bytes.len() {
        let refusal = accept(&bytes[..length], &samples::bundle(), None).unwrap_err();
        assert_eq!(refusal, Refusal::Truncated { document: "assignment" }, "{length} bytes");
    }
}

proptest! {
    #[test]
    fn no_changed_byte_changes_what_is_in_force(index: prop::sample::Index, bits in 1_u8.., twice: bool) {
        let in_force = accept(&by(5, 1), &samples::bundle(), None).unwrap();
        let (list_key, stranger) = (samples::list_key(), samples::signing_key(90));
        let signers = if twice { vec![&list_key, &stranger] } else { vec![&list_key] };
        let mut bytes = Signed::seal(&assignment(2), &signers).unwrap();
        let index = index.index(bytes.len());
        bytes[index] ^= bits;
        // Only a signature that nobody asks for may differ: then it is the same document.
        if let Ok(taken) = accept(&bytes, &samples::bundle(), Some(&in_force)) {
            prop_assert!(twice);
            prop_assert_eq!(taken.document(), &assignment(2));
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(accept(&bytes, &samples::bundle(), None).is_err());
    }

    #[test]
    fn any_payload_under_a_good_signature_is_read_back_or_refused(payload in prop::collection::vec(any::<u8>(), 0..80)) {
        let key = samples::list_key();
        let signature = DocumentSignature {
            signer: key.verifying_key().id().0.into(),
            signature: key.sign(Label::Assignment, &payload),
        };
        let bytes = canonical(&Envelope { payload: payload.as_slice().into(), signatures: vec![signature] });
        if let Ok(taken) = accept(&bytes, &samples::bundle(), None) {
            prop_assert_eq!(canonical(taken.document()), payload);
        }
    }
}

/// Whether bytes are a document's payload; whatever is read is written as the same bytes again.
type ReadsBack = fn(&[u8]) -> bool;

/// A payload of each kind.
fn payloads() -> Vec<(Vec<u8>, ReadsBack)> {
    fn reads_back<D: Document>(bytes: &[u8]) -> bool {
        read::<D>(bytes, D::MAX_PAYLOAD).is_ok_and(|document| {
            // Whatever the rules say of it: they look at any document without a panic.
            let _ = document.check();
            assert_eq!(canonical(&document), bytes);
            true
        })
    }
    let standing = Standing { revision: Revision::version(1), hash: DocumentHash([1; 32]) };
    let known = [(Slot(5), SlotEntry::from((SlotState::Good, Generation(2))))];
    let list = |sequence, known: &[(Slot, SlotEntry)]| {
        let revision = Revision { epoch: 1, sequence };
        SlotList::snapshot(EventId(7), revision, samples::DOORS, known.iter().copied()).unwrap()
    };
    let tables = (SlotTable::of(&list(1, &[])), SlotTable::of(&list(2, &known)));
    let delta = SlotDelta::between(&tables.0, &tables.1, Revision { epoch: 1, sequence: 2 }, samples::DOORS);
    let row = FeedRow {
        gate: GATE,
        sequence: 2,
        slot: Slot(5),
        persons: 1,
        at: samples::DOORS,
        passage: Passage::Undo { of: 1 },
    };
    let gates = [(GATE, GateStanding::Retracted { from: 3 })].into();
    let batch = FeedBatch { before: DocumentHash::NONE, rows: vec![row], gates };
    let feed = AdmissionFeed {
        event: EventId(7),
        epoch: 1,
        sequence: 1,
        issued: samples::DOORS,
        content: FeedContent::Batch(batch),
    };
    let head = Head {
        gate: GATE,
        issued: samples::DOORS,
        not_after: samples::END,
        event: EventId(7),
        roots: samples::bundle().root_fingerprint(),
        bundle: standing,
        assignment: standing,
        document: None,
        slots: None,
        feed: Some(standing),
    };
    vec![
        (canonical(&samples::bundle()), reads_back::<TrustBundle>),
        (canonical(&samples::event()), reads_back::<EventDocument>),
        (canonical(&list(2, &known)), reads_back::<SlotList>),
        (canonical(&delta.unwrap().unwrap()), reads_back::<SlotDelta>),
        (canonical(&feed), reads_back::<AdmissionFeed>),
        (canonical(&assignment(1)), reads_back::<Assignment>),
        (canonical(&head), reads_back::<Head>),
    ]
}

#[test]
fn each_kind_is_read_as_it_was_written() {
    for (payload, reads_back) in payloads() {
        assert!(reads_back(&payload));
    }
}

proptest! {
    #[test]
    fn a_changed_payload_of_any_kind_is_refused_or_has_one_encoding(
        kind in 0_usize..7,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let (mut payload, reads_back) = payloads().swap_remove(kind);
        for (index, byte) in changes {
            let index = index.index(payload.len());
            payload[index] = byte;
        }
        payload.truncate(cut.map_or(payload.len(), |cut| cut.index(payload.len())));
        reads_back(&payload);
    }
}
