//! One small event with its keys, for the tests of this crate.

use core::num::NonZeroU8;
use core::time::Duration;

use zeroize::Zeroizing;

use crate::documents::{EventDocument, KeyRole, KeyStatus, ListAgePolicy, Product, Text, TrustBundle, TrustedKey};
use crate::id::{EventId, Generation, ProductId, Slot, Zones};
use crate::key_ring::KeyRing;
use crate::keys::SigningKey;
use crate::money::{Currency, Money};
use crate::ticket::{TicketBody, UnverifiedTicket, Validity};
use crate::time::Timestamp;

pub(crate) const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const END: Timestamp = Timestamp::from_unix_seconds(1_800_036_000);

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn root_key() -> SigningKey {
    signing_key(1)
}

pub(crate) fn issuing_key() -> SigningKey {
    signing_key(2)
}

pub(crate) fn authority_key() -> SigningKey {
    signing_key(3)
}

pub(crate) fn organiser_key() -> SigningKey {
    signing_key(4)
}

pub(crate) fn list_key() -> SigningKey {
    signing_key(5)
}

pub(crate) fn bundle() -> TrustBundle {
    let trusted = |key: SigningKey, role, events| TrustedKey {
        key: key.verifying_key(),
        role,
        status: KeyStatus::Active,
        events,
    };
    TrustBundle {
        version: 1,
        issued: DOORS - Duration::from_hours(240),
        not_after: END + Duration::from_hours(240),
        roots: vec![root_key().verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(issuing_key(), KeyRole::Issuing, vec![]),
            trusted(authority_key(), KeyRole::Authority, vec![]),
            trusted(organiser_key(), KeyRole::Organiser, vec![EventId(7)]),
            trusted(list_key(), KeyRole::List, vec![]),
        ],
    }
}

pub(crate) fn key_ring() -> KeyRing {
    KeyRing::of(&bundle())
}

pub(crate) fn event() -> EventDocument {
    let euro = Currency::parse("EUR").unwrap();
    EventDocument {
        event: EventId(7),
        version: 1,
        issued: DOORS - Duration::from_hours(200),
        name: Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        capacity: 100,
        products: vec![Product {
            product: ProductId(1),
            name: Text { en: "Standing".into(), fr: "Debout".into() },
            zones: Zones(0b01),
            from: DOORS,
            until: END,
            capacity: 100,
            least_price: Money { minor: 2000, currency: euro },
        }],
        list_age: ListAgePolicy { warn_after_seconds: 900, attention_after_seconds: 14_400 },
    }
}

pub(crate) fn body() -> TicketBody {
    TicketBody {
        issuing_key: issuing_key().verifying_key().id(),
        authority_key: authority_key().verifying_key().id(),
        event: EventId(7),
        slot: Slot(42),
        generation: Generation(1),
        places: NonZeroU8::new(2).unwrap(),
        entries: 1,
        product: ProductId(1),
        zones: Zones(0b01),
        validity: Validity::between(DOORS, END).unwrap(),
    }
}

pub(crate) fn ticket() -> UnverifiedTicket {
    sign(body())
}

pub(crate) fn sign(body: TicketBody) -> UnverifiedTicket {
    UnverifiedTicket { issuer: body.issue(&issuing_key()), authority: body.authorise(&authority_key()), body }
}
