//! What each stolen key can make that a gate believes, beside what its owner makes with it. The specification says the same in words.

use crate::clock::{TimeQuestion, answer_time};
use crate::documents::{
    AdmissionFeed, Assignment, ContentHash, Direction, Document, DocumentHash, EventDocument, FeedContent,
    FeedSnapshot, FeedState, GateStanding, Head, Lane, Revision, Signed, SlotDelta, SlotEntry, SlotList, SlotReason,
    SlotState, SlotTable, Slots, Standing, TrustBundle, accept_bundle,
};
use crate::id::{EventId, GateId, Generation, LaneId, Slot, Zones};
use crate::key_ring::KeyRing;
use crate::keys::SigningKey;
use crate::samples::{self, DOORS, key_ring, signing_key};
use crate::ticket::{HalfTicket, UnverifiedTicket};
use crate::time::Timestamp;
use core::time::Duration;
use std::collections::BTreeMap;

const EVENT: EventId = EventId(7);
const GATE: GateId = GateId(1);

/// Everything that a gate believes for a signature's sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Believed {
    Bundle,
    Event,
    SlotSnapshot,
    SlotDelta,
    Feed,
    Assignment,
    Head,
    Time,
    /// A ticket whose other half is real: what one honest service signed, with another seat.
    Issued,
    Authorised,
    /// Both halves by the one key.
    Minted,
    /// The holder's word for a live ticket that was really sold.
    Shown,
    /// Half a ticket: somebody whom staff find by an order's code, and whom a supervisor alone lets in.
    Guest,
}

impl Believed {
    const ALL: [Self; 13] = [
        Self::Bundle,
        Self::Event,
        Self::SlotSnapshot,
        Self::SlotDelta,
        Self::Feed,
        Self::Assignment,
        Self::Head,
        Self::Time,
        Self::Issued,
        Self::Authorised,
        Self::Minted,
        Self::Shown,
        Self::Guest,
    ];

    /// Whether a gate believes what this key made.
    fn made_with(self, key: &SigningKey) -> bool {
        let bundle = samples::bundle();
        match self {
            Self::Bundle => {
                let honest = sealed(&bundle, &samples::root_key());
                let in_force = accept_bundle(&honest, bundle.root_fingerprint(), None, DOORS).unwrap();
                let evil = sealed(&TrustBundle { version: 2, ..bundle.clone() }, key);
                accept_bundle(&evil, bundle.root_fingerprint(), Some(&in_force), DOORS).is_ok()
            }
            Self::Event => EventDocument::accept(&sealed(&samples::event(), key), &bundle, None, DOORS).is_ok(),
            Self::SlotSnapshot => Slots::accept(&sealed(&list(), key), &bundle, EVENT, None, DOORS).is_ok(),
            Self::SlotDelta => {
                let held = Slots::accept(&sealed(&list(), &samples::list_key()), &bundle, EVENT, None, DOORS).unwrap();
                Slots::step(&sealed(&delta(held.table()), key), &bundle, EVENT, Some(&held), DOORS).is_ok()
            }
            Self::Feed => FeedState::accept(&mut None, &sealed(&feed(), key), &bundle, EVENT, DOORS).is_ok(),
            Self::Assignment => Assignment::accept(&sealed(&assignment(), key), &bundle, GATE, None, DOORS).is_ok(),
            Self::Head => Head::accept(&sealed(&head(&bundle), key), &bundle, GATE, None, DOORS).is_ok(),
            Self::Time => {
                let question = TimeQuestion { gate: GATE, nonce: [9; 32] };
                question.verify(DOORS, &answer_time(&question, DOORS, key), &bundle).is_ok()
            }
            Self::Issued => {
                let body = samples::body();
                let authority = body.authorise(&samples::authority_key());
                proved(&UnverifiedTicket::new(body.clone(), body.issue(key), authority))
            }
            Self::Authorised => {
                let body = samples::body();
                let issuer = body.issue(&samples::issuing_key());
                proved(&UnverifiedTicket::new(body.clone(), issuer, body.authorise(key)))
            }
            Self::Minted => {
                let mut body = samples::body();
                (body.issuing_key, body.authority_key) = (key.verifying_key().id(), key.verifying_key().id());
                proved(&UnverifiedTicket::new(body.clone(), body.issue(key), body.authorise(key)))
            }
            Self::Shown => {
                let body = samples::live(&samples::body());
                let word = body.present(key, DOORS);
                word.is_ok_and(|word| proved(&samples::sign(body).shown(word).unwrap()))
            }
            Self::Guest => {
                let body = samples::sealed(&samples::body());
                let half = HalfTicket::new(body.clone(), body.issue(key)).unwrap();
                key_ring().verify_half(&half).is_ok()
            }
        }
    }
}

fn proved(ticket: &UnverifiedTicket) -> bool {
    key_ring().verify(ticket).is_ok()
}

fn sealed<D: Document>(document: &D, key: &SigningKey) -> Vec<u8> {
    Signed::seal(document, &[key]).unwrap()
}

fn list() -> SlotList {
    with_seat(SlotState::Good, 1)
}

/// The seat of the sold ticket is withdrawn.
fn delta(before: &SlotTable) -> SlotDelta {
    let after = SlotTable::of(&with_seat(SlotState::Revoked, 2));
    SlotDelta::between(before, &after, Revision { epoch: 1, sequence: 2 }, DOORS).unwrap().unwrap()
}

fn with_seat(state: SlotState, sequence: u64) -> SlotList {
    let entry = SlotEntry { state, least_generation: Generation(0), reason: SlotReason::Unspecified };
    SlotList::snapshot(EVENT, Revision { epoch: 1, sequence }, DOORS, [(Slot(42), entry)]).unwrap()
}

fn feed() -> AdmissionFeed {
    let snapshot = FeedSnapshot {
        hash: DocumentHash::NONE,
        reset: Timestamp::from_unix_seconds(0),
        folded: BTreeMap::new(),
        passages: vec![],
        rows: vec![],
        gates: BTreeMap::from([(GATE, GateStanding::Contested)]),
    };
    AdmissionFeed { event: EVENT, epoch: 1, sequence: 0, issued: DOORS, content: FeedContent::Snapshot(snapshot) }
}

fn assignment() -> Assignment {
    Assignment {
        gate: GATE,
        version: 1,
        issued: DOORS,
        event: EVENT,
        name: "North".into(),
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
        lease: samples::lease(),
        secrets: vec![],
    }
}

fn head(bundle: &TrustBundle) -> Head {
    let standing = Standing { revision: Revision::version(1), hash: DocumentHash::NONE };
    Head {
        gate: GATE,
        issued: DOORS,
        not_after: DOORS + Duration::from_mins(15),
        event: EVENT,
        roots: bundle.root_fingerprint(),
        bundle: standing,
        assignment: standing,
        document: None,
        slots: Some(Standing { revision: Revision::version(1), hash: ContentHash([1; 32]) }),
        feed: None,
    }
}

fn believed(key: &SigningKey) -> Vec<Believed> {
    Believed::ALL.into_iter().filter(|thing| thing.made_with(key)).collect()
}

#[test]
fn each_key_makes_what_is_its_own_and_nothing_else() {
    use Believed::{
        Assignment, Authorised, Bundle, Event, Feed, Guest, Head, Issued, Shown, SlotDelta, SlotSnapshot, Time,
    };
    assert_eq!(believed(&samples::root_key()), [Bundle]);
    assert_eq!(believed(&samples::organiser_key()), [Event]);
    assert_eq!(believed(&samples::list_key()), [SlotSnapshot, SlotDelta, Feed, Assignment, Head, Time]);
    assert_eq!(believed(&samples::issuing_key()), [Issued, Guest], "a ticket only where auth signed the same body");
    assert_eq!(believed(&samples::authority_key()), [Authorised], "only where tickets signed the same body");
    assert_eq!(believed(&samples::holder_key()), [Shown]);
}

/// The disk of a gate has its own key, and no other: no gate believes anything that it made.
#[test]
fn a_gates_own_key_makes_nothing_that_a_gate_believes() {
    assert_eq!(believed(&signing_key(40)), []);
}

/// A thief in both services' places at once is one thief too many; one in either is not enough.
#[test]
fn no_ticket_is_made_by_one_service() {
    for key in [samples::issuing_key(), samples::authority_key()] {
        assert!(!Believed::Minted.made_with(&key));
    }
    assert!(KeyRing::of(&samples::bundle()).verify(&samples::ticket()).is_ok());
}
