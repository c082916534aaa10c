//! One event with its keys, what is granted of it, and the bodies that this allows, for the tests of this crate.

use std::num::NonZeroU8;
use std::time::Duration;

use countermark_service::contract::Terms;
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, HolderName, KeyRole, KeyStatus, Product, Signed, Text, TicketForm, TrustBundle,
    TrustedKey,
};
use countermark_shared::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::keys::{KeyId, SigningKey, VerifyingKey};
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{Live, SEAL_TAG_LENGTH, SEALED_LENGTH, Sealed, TicketBody, Validity};
use countermark_shared::time::Timestamp;
use zeroize::Zeroizing;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// A second issuing key, active like the first.
pub(crate) fn other_issuing_key() -> VerifyingKey {
    key(3).verifying_key()
}

/// An issuing key that issues nothing any more.
pub(crate) fn retired_issuing_key() -> VerifyingKey {
    key(4).verifying_key()
}

/// An authority key that is no auth's.
pub(crate) fn other_authority() -> VerifyingKey {
    key(6).verifying_key()
}

/// A device that nobody has registered.
pub(crate) fn other_device() -> SigningKey {
    key(50)
}

fn organiser_key() -> SigningKey {
    key(5)
}

pub(crate) fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([byte; 32]))
}

pub(super) fn service_key(name: ServiceName) -> SigningKey {
    key(100 + name as u8)
}

pub(crate) fn bundle(authority: VerifyingKey) -> TrustBundle {
    let trusted = |key, role, status, events| TrustedKey { key, role, status, events };
    TrustBundle {
        version: 1,
        issued: NOW - Duration::from_hours(24),
        not_after: NOW + Duration::from_hours(240),
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(key(2).verifying_key(), KeyRole::Issuing, KeyStatus::Active, vec![]),
            trusted(other_issuing_key(), KeyRole::Issuing, KeyStatus::Active, vec![]),
            trusted(retired_issuing_key(), KeyRole::Issuing, KeyStatus::VerifyOnly, vec![]),
            trusted(authority, KeyRole::Authority, KeyStatus::Active, vec![]),
            trusted(organiser_key().verifying_key(), KeyRole::Organiser, KeyStatus::Active, vec![EventId(7)]),
        ],
    }
}

/// Ten places standing, ten seated, and twelve in all.
pub(crate) fn event() -> EventDocument {
    let text = |text: &str| Text { en: text.into(), fr: text.into() };
    let product = |number, zones| Product {
        product: ProductId(number),
        name: text("Standing"),
        zones: Zones(zones),
        from: NOW + Duration::from_hours(48),
        until: NOW + Duration::from_hours(58),
        capacity: 10,
        least_price: Money { minor: 2000, currency: Currency::parse("EUR").unwrap() },
        moved: None,
        form: TicketForm::default(),
        policy: None,
    };
    EventDocument {
        event: EventId(7),
        version: 1,
        issued: NOW - Duration::from_hours(1),
        name: text("Summer Night"),
        capacity: 12,
        products: vec![product(1, 0b01), product(2, 0b10)],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: false,
        find_by_order: false,
    }
}

pub(crate) fn sealed(event: &EventDocument) -> Vec<u8> {
    Signed::seal(event, &[&organiser_key()]).unwrap()
}

/// Two tickets for one person each, at the least price.
pub(crate) fn terms() -> Terms {
    tickets(2)
}

/// So many tickets for one person each, at the least price.
pub(crate) fn tickets(tickets: u16) -> Terms {
    terms_of(&event(), tickets)
}

/// The event with all its tickets in that form.
pub(crate) fn event_of(form: TicketForm) -> EventDocument {
    let mut event = event();
    for product in &mut event.products {
        product.form = form;
    }
    event.names_at_gates = form.is_sealed();
    event
}

/// Live for half a minute, and without a name.
pub(crate) const LIVE: TicketForm = TicketForm { live_window_seconds: 30, holder: HolderName::Unnamed };

/// The body in that form, held by that key if it is live.
pub(crate) fn formed(body: &TicketBody, form: TicketForm, holder: VerifyingKey) -> TicketBody {
    let window = NonZeroU8::new(form.live_window_seconds);
    let sealed = Sealed {
        generation: SealingGeneration(1),
        check_id: form.checks_id(),
        ciphertext: [7; SEALED_LENGTH],
        tag: [8; SEAL_TAG_LENGTH],
    };
    TicketBody {
        live: window.map(|window| Live { window, holder }),
        sealed: form.is_sealed().then_some(sealed),
        ..body.clone()
    }
}

/// So many tickets of that event's first product, for one person each, at the least price.
pub(crate) fn terms_of(event: &EventDocument, tickets: u16) -> Terms {
    let bundle = bundle(other_authority());
    let product = &event.products[0];
    Terms {
        event: event.event,
        document: EventDocument::accept(&sealed(event), &bundle, None, NOW).unwrap().hash(),
        product: product.product,
        zones: product.zones,
        tickets,
        places: NonZeroU8::MIN,
        entries: 0,
        valid_from: product.from,
        valid_until: product.until,
        amount: product.least_price.times(tickets.into()).unwrap(),
    }
}

/// A body that [`terms`] cover; its authority key is nobody's.
pub(crate) fn body(slot: u32) -> TicketBody {
    let terms = terms();
    TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: KeyId([0; 4]),
        event: terms.event,
        slot: Slot(slot),
        generation: Generation(1),
        places: terms.places,
        entries: terms.entries,
        product: terms.product,
        zones: terms.zones,
        validity: Validity::between(terms.valid_from, terms.valid_until).unwrap(),
        live: None,
        sealed: None,
    }
}
