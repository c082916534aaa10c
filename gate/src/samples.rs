//! One small event with its keys, documents and a ticket, for the tests of this crate.

use core::num::NonZeroU8;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::Cursor;

use countermark_shared::documents::{
    Assignment, Direction, EventDocument, KeyRole, KeyStatus, Lane, ListAgePolicy, Product, Revision, Signed, SlotList,
    SlotState, Text, TrustBundle, TrustedKey,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use image::{ImageFormat, Luma};
use qrcode::QrCode;
use zeroize::Zeroizing;

use crate::documents::{DocumentKind, Documents};
use crate::ledger::Report;

pub(crate) const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
/// When most documents were signed: before anybody's clock, so that tests over real sockets and clocks take them too.
pub(crate) const SIGNED: Timestamp = Timestamp::from_unix_seconds(1_577_836_800);
pub(crate) const END: Timestamp = Timestamp::from_unix_seconds(1_800_036_000);
pub(crate) const GATE: GateId = GateId(3);
pub(crate) const EVENT: EventId = EventId(7);

fn signing_key(seed: u8) -> SigningKey {
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
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
    }
}

pub(crate) fn assignment_bytes(assignment: &Assignment) -> Vec<u8> {
    Signed::seal(assignment, &[&signing_key(5)]).unwrap()
}

pub(crate) fn event() -> EventDocument {
    EventDocument {
        event: EVENT,
        version: 1,
        issued: SIGNED,
        name: Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        capacity: 1000,
        products: vec![Product {
            product: ProductId(1),
            name: Text { en: "Standing".into(), fr: "Debout".into() },
            zones: Zones(1),
            from: DOORS,
            until: END,
            capacity: 1000,
            least_price: Money { minor: 2000, currency: Currency::parse("EUR").unwrap() },
        }],
        list_age: ListAgePolicy { warn_after_seconds: 900, attention_after_seconds: 14_400 },
    }
}

/// Slots 0 to 99 are good.
pub(crate) fn slots_bytes(sequence: u64, issued: Timestamp) -> Vec<u8> {
    let known = (0..100).map(|slot| (Slot(slot), SlotState::Good, Generation(0)));
    let revision = Revision { epoch: 0, sequence };
    let list = SlotList::snapshot(EVENT, revision, issued, known).unwrap();
    Signed::seal(&list, &[&signing_key(5)]).unwrap()
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

pub(crate) fn ticket() -> UnverifiedTicket {
    ticket_of(42, 1)
}

pub(crate) fn ticket_of(slot: u32, generation: u8) -> UnverifiedTicket {
    let body = TicketBody {
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
    };
    UnverifiedTicket { issuer: body.issue(&signing_key(2)), authority: body.authorise(&signing_key(3)), body }
}

/// Of a gate without documents that has scanned.
pub(crate) fn report() -> Report {
    Report {
        gate: GATE,
        event: Some(EVENT),
        documents: BTreeMap::new(),
        lanes: vec![LaneId(1)],
        trust_until: None,
        list_warning: None,
        rows: 9,
        unsettled: 5,
        contested: 0,
    }
}

/// A PNG with the text as a QR code.
pub(crate) fn qr_picture(text: &str) -> Vec<u8> {
    let picture = QrCode::new(text).unwrap().render::<Luma<u8>>().module_dimensions(6, 6).build();
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
