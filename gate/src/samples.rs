//! One small event with its keys, documents and a ticket, for the tests of this crate.

use core::num::NonZeroU8;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Bound;

use countermark_shared::clock::GateClock;
use countermark_shared::documents::{
    Assignment, Direction, EventDocument, Head, KeyRole, KeyStatus, Lane, Lease, Product, Revision, Signed, SlotEntry,
    SlotList, SlotReason, SlotState, Text, TrustBundle, TrustedKey, Window, WrappedSecret,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::journal::ChainHash;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::sealing::{EventSecret, SealedText, UnwrappingKey};
use countermark_shared::ticket::{HalfTicket, Live, TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, Guest, GuestCursor, GuestPage};
use image::{ImageFormat, Luma};
use qrcode::QrCode;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{broadcast, mpsc, watch};
use zeroize::Zeroizing;

use crate::clock::{Clock, Moment};
use crate::data_folder::DataFolder;
use crate::devices::Devices;
use crate::documents::{DocumentKind, Documents};
use crate::identity::Identity;
use crate::ledger::{Owner, Report};
use crate::local::{LedgerStatus, Status};
use crate::screen::{Journal, Manner, Screen};
use crate::sync::Contact;

pub(crate) const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
/// When most documents were signed: before anybody's clock, so that tests over real sockets and clocks take them too.
pub(crate) const SIGNED: Timestamp = Timestamp::from_unix_seconds(1_577_836_800);
pub(crate) const END: Timestamp = Timestamp::from_unix_seconds(1_800_036_000);
pub(crate) const GATE: GateId = GateId(3);
pub(crate) const EVENT: EventId = EventId(7);

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn bundle() -> TrustBundle {
    let trusted = |seed, role, events| TrustedKey {
        key: signing_key(seed).verifying_key(),
        role,
        status: KeyStatus::Active,
        events,
    };
    TrustBundle {
        version: 1,
        issued: SIGNED,
        not_after: END + Duration::from_hours(240),
        roots: vec![signing_key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(2, KeyRole::Issuing, vec![]),
            trusted(3, KeyRole::Authority, vec![]),
            trusted(4, KeyRole::Organiser, vec![EVENT, EventId(8)]),
            trusted(5, KeyRole::List, vec![]),
        ],
    }
}

pub(crate) fn bundle_bytes(bundle: &TrustBundle) -> Vec<u8> {
    Signed::seal(bundle, &[&signing_key(1)]).unwrap()
}

pub(crate) fn assignment() -> Assignment {
    Assignment {
        gate: GATE,
        version: 1,
        issued: SIGNED,
        event: EVENT,
        name: "North".into(),
        lanes: vec![
            Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) },
            Lane { lane: LaneId(2), direction: Direction::Exit, zones: Zones(1) },
        ],
        lease: Lease { until: END + Duration::from_hours(12), names_until: END, suspended: false },
        secrets: Vec::new(),
    }
}

pub(crate) fn assignment_bytes(assignment: &Assignment) -> Vec<u8> {
    Signed::seal(assignment, &[&signing_key(5)]).unwrap()
}

pub(crate) fn event() -> EventDocument {
    EventDocument::new(
        EVENT,
        1,
        SIGNED,
        Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        1000,
        vec![Product::new(
            ProductId(1),
            Text { en: "Standing".into(), fr: "Debout".into() },
            Zones(1),
            Window { from: DOORS, until: END },
            1000,
            Money { minor: 2000, currency: Currency::parse("EUR").unwrap() },
        )],
    )
}

/// The same, where gates are given names and, if it says so, a guest list.
pub(crate) fn event_with_guests(version: u32, find_by_order: bool) -> EventDocument {
    EventDocument { version, names_at_gates: true, find_by_order, ..event() }
}

/// Slots 0 to 99 are good.
pub(crate) fn slots_bytes(sequence: u64, issued: Timestamp) -> Vec<u8> {
    slots_bytes_but(sequence, issued, Slot(0), SlotState::Good)
}

/// So are they but one.
pub(crate) fn slots_bytes_but(sequence: u64, issued: Timestamp, but: Slot, state: SlotState) -> Vec<u8> {
    let entry = |state| SlotEntry { state, least_generation: Generation(0), reason: SlotReason::Unspecified };
    let known = (0..100).map(Slot).map(|slot| (slot, entry(if slot == but { state } else { SlotState::Good })));
    let revision = Revision { epoch: 0, sequence };
    let list = SlotList::snapshot(EVENT, revision, issued, known).unwrap();
    Signed::seal(&list, &[&signing_key(5)]).unwrap()
}

/// What event secrets are wrapped for.
pub(crate) fn unwrapping_key() -> UnwrappingKey {
    UnwrappingKey::new(Zeroizing::new([40; 32]))
}

pub(crate) fn event_secret() -> EventSecret {
    EventSecret::new(EVENT, SealingGeneration(1), Zeroizing::new([41; 32]))
}

/// The event's secret for this gate.
pub(crate) fn wrapped_secret() -> WrappedSecret {
    let mut randomness = StdRng::from_seed([42; 32]);
    let wrapped = event_secret().wrap(GATE, unwrapping_key().wrapping_key(), &mut randomness).unwrap();
    WrappedSecret { generation: 1, encapsulated: wrapped.encapsulated.into(), ciphertext: wrapped.ciphertext.into() }
}

pub(crate) const NAME: &str = "Zoë Çelik";
pub(crate) const SEAT: &str = "Rang 3, 14";

/// A ticket with the name and the seat above.
pub(crate) fn sealed_ticket(slot: u32, check_id: bool) -> UnverifiedTicket {
    let text = SealedText::new(NAME, SEAT).unwrap();
    sign(event_secret().seal(&body_of(slot, 1), &text, check_id).unwrap())
}

/// What the buyer of a sealed ticket reads out.
pub(crate) const ORDER: &str = "7KQ2M-4XD9P";

/// The ticket of a seat, as it stands on the guest list under an order's code.
pub(crate) fn guest(slot: u32, generation: u8, order: &str, issued: Timestamp) -> Guest {
    guest_by(&signing_key(2), slot, generation, order, issued)
}

/// The same, signed by whoever has this key.
pub(crate) fn guest_by(key: &SigningKey, slot: u32, generation: u8, order: &str, issued: Timestamp) -> Guest {
    let text = SealedText::new(NAME, SEAT).unwrap();
    let body = event_secret().seal(&body_of(slot, generation), &text, false).unwrap();
    let half = HalfTicket::new(body.clone(), body.issue(key)).unwrap();
    let tag = event_secret().order_tag(order.parse().unwrap());
    Guest { issued, tag: Base64(tag), half: Base64(half.to_bytes()) }
}

/// A page of a guest list, of two.
pub(crate) fn guest_page(guests: &BTreeMap<GuestCursor, Guest>, after: Option<GuestCursor>) -> GuestPage {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut left = guests.range((start, Bound::Unbounded));
    let page: Vec<_> = left.by_ref().take(2).collect();
    let next = left.next().and(page.last()).map(|(cursor, _)| **cursor);
    GuestPage { guests: page.into_iter().map(|(_, guest)| guest.clone()).collect(), next }
}

/// The longest ticket there is: live, sealed, and shown by its holder at `at`.
pub(crate) fn shown_ticket(slot: u32, at: Timestamp) -> (UnverifiedTicket, UnverifiedTicket) {
    let live = Live { window: NonZeroU8::new(30).unwrap(), holder: holder_key().verifying_key() };
    let text = SealedText::new(NAME, SEAT).unwrap();
    let unsealed = TicketBody { live: Some(live), ..body_of(slot, 1) };
    let body = event_secret().seal(&unsealed, &text, true).unwrap();
    let stored = sign(body.clone());
    let shown = stored.clone().shown(body.present(&holder_key(), at).unwrap()).unwrap();
    (stored, shown)
}

pub(crate) fn identity() -> Identity {
    Identity {
        cloud: "http://127.0.0.1:1".parse().unwrap(),
        gate: GATE,
        event: EVENT,
        name: "North".into(),
        root: bundle().root_fingerprint(),
    }
}

/// Puts both keys where enrolment does.
pub(crate) fn store_keys(folder: &DataFolder) {
    folder.write(&folder.key(), signing_key(3).to_pem().unwrap().as_bytes()).unwrap();
    let unwrapping_key = data_encoding::HEXLOWER.encode(unwrapping_key().bytes());
    folder.write(&folder.unwrapping_key(), unwrapping_key.as_bytes()).unwrap();
}

pub(crate) fn owner() -> Owner {
    Owner { gate: GATE, root: bundle().root_fingerprint(), unwrapping_key: Some(unwrapping_key()) }
}

/// What validation serves, in order.
pub(crate) fn documents() -> [(DocumentKind, Vec<u8>); 4] {
    [
        (DocumentKind::TrustBundle, bundle_bytes(&bundle())),
        (DocumentKind::Assignment, assignment_bytes(&assignment())),
        (DocumentKind::EventDocument, Signed::seal(&event(), &[&signing_key(4)]).unwrap()),
        (DocumentKind::SlotList, slots_bytes(1, DOORS - Duration::from_mins(1))),
    ]
}

pub(crate) fn no_documents() -> Documents {
    Documents::none(GATE, bundle().root_fingerprint())
}

pub(crate) fn documents_in_force() -> Documents {
    documents().iter().fold(no_documents(), |documents, (kind, bytes)| documents.with(*kind, bytes, DOORS).unwrap())
}

/// What names as the newest what is in force.
pub(crate) fn head_of(documents: &Documents, issued: Timestamp) -> Head {
    let held = documents.held();
    let (bundle, roots) = held.bundle.unwrap();
    Head {
        gate: GATE,
        issued,
        not_after: issued + Duration::from_hours(1),
        event: EVENT,
        roots,
        bundle,
        assignment: held.assignment.unwrap(),
        document: held.document.map(|held| held.in_force),
        slots: held.slots.map(|held| held.in_force),
        feed: held.feed.map(|held| held.in_force),
    }
}

pub(crate) fn head_bytes(head: &Head) -> Vec<u8> {
    Signed::seal(head, &[&signing_key(5)]).unwrap()
}

pub(crate) fn ticket() -> UnverifiedTicket {
    ticket_of(42, 1)
}

pub(crate) fn ticket_of(slot: u32, generation: u8) -> UnverifiedTicket {
    sign(body_of(slot, generation))
}

pub(crate) fn sign(body: TicketBody) -> UnverifiedTicket {
    let (issuer, authority) = (body.issue(&signing_key(2)), body.authorise(&signing_key(3)));
    UnverifiedTicket::new(body, issuer, authority)
}

/// Whose private half holds the live tickets.
pub(crate) fn holder_key() -> SigningKey {
    signing_key(6)
}

pub(crate) fn body_of(slot: u32, generation: u8) -> TicketBody {
    TicketBody {
        issuing_key: signing_key(2).verifying_key().id(),
        authority_key: signing_key(3).verifying_key().id(),
        event: EVENT,
        slot: Slot(slot),
        generation: Generation(generation),
        places: NonZeroU8::new(2).unwrap(),
        entries: 1,
        product: ProductId(1),
        zones: Zones(1),
        validity: Validity::between(DOORS, END).unwrap(),
        live: None,
        sealed: None,
    }
}

/// Of a gate without documents that has scanned.
pub(crate) fn report() -> Report {
    Report {
        event: Some(EVENT),
        documents: BTreeMap::new(),
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
        trust_until: None,
        list_warning: None,
        one_by_one: Vec::new(),
        lease: None,
        reads_names: false,
        guests: None,
        clock: GateClock::new(Timestamp::from_unix_seconds(0), Duration::ZERO),
        needs: None,
        steps: 0,
        batches: 0,
        rows: 9,
        chain: ChainHash::START,
        unsettled: 5,
        has_supervisors: false,
        contested: 0,
        defects: Vec::new(),
    }
}

/// Of an agent that runs.
pub(crate) fn status() -> Status {
    let ledger = LedgerStatus::new(&report(), Moment { battery: DOORS, uptime: Duration::ZERO });
    let Identity { gate, name, .. } = identity();
    let (contact, devices, recent) = Default::default();
    Status { running: true, gate, name, has_unwrapping_key: true, ledger, contact, devices, recent }
}

/// Of a gate that nobody scans at.
pub(crate) fn screen() -> Screen {
    Screen {
        gate: GATE,
        name: "North".to_owned(),
        lanes: vec![LaneId(1)],
        verdicts: broadcast::channel(8).0,
        ledger: mpsc::channel(1).0,
        report: watch::channel(report()).1,
        contact: watch::channel(Contact::default()).1,
        devices: watch::channel(Devices::default()).1,
        clock: Clock::start(),
        journal: watch::channel(Some(Journal::default())).1,
        manner: Manner::default(),
        tablets: None,
    }
}

/// A PNG with the text as a QR code.
pub(crate) fn qr_picture(text: &str) -> Vec<u8> {
    let picture = QrCode::new(text).unwrap().render::<Luma<u8>>().module_dimensions(6, 6).build();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
