//! One small event with its keys, and who takes part in it.

use core::time::Duration;

use countermark_service::contract::{PublishOffer, SalesWindow};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, KeyRole, KeyStatus, Product, Text, TicketForm, TrustBundle, TrustedKey,
};
use countermark_shared::id::{AccountId, EventId, OfferId, ProductId, Zones};
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const EVENT: EventId = EventId(7);
pub(crate) const BUYER: AccountId = AccountId(Uuid::from_u128(1));
pub(crate) const STRANGER: AccountId = AccountId(Uuid::from_u128(2));

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn issuing() -> SigningKey {
    key(2)
}

pub(crate) fn authority() -> SigningKey {
    key(3)
}

/// An issuing key that was this service's until it was revoked.
pub(crate) fn revoked() -> SigningKey {
    key(9)
}

pub(crate) fn organiser() -> SigningKey {
    key(4)
}

pub(crate) fn provider() -> SigningKey {
    key(6)
}

pub(crate) fn session() -> SigningKey {
    key(7)
}

pub(crate) fn service_key(service: ServiceName) -> SigningKey {
    key(10 + service as u8)
}

pub(crate) fn euros(minor: u64) -> Money {
    Money { minor, currency: Currency::parse("EUR").unwrap() }
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
        issued: NOW,
        not_after: NOW + Duration::from_hours(24),
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(issuing(), KeyRole::Issuing, vec![]),
            TrustedKey { status: KeyStatus::Revoked, ..trusted(revoked(), KeyRole::Issuing, vec![]) },
            trusted(authority(), KeyRole::Authority, vec![]),
            trusted(organiser(), KeyRole::Organiser, vec![EVENT]),
        ],
    }
}

pub(crate) fn event(form: TicketForm) -> EventDocument {
    EventDocument {
        event: EVENT,
        version: 1,
        issued: NOW,
        name: Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        capacity: 1000,
        products: vec![Product {
            product: ProductId(1),
            name: Text { en: "Standing".into(), fr: "Debout".into() },
            zones: Zones(1),
            from: NOW + Duration::from_hours(1),
            until: NOW + Duration::from_hours(9),
            capacity: 1000,
            least_price: euros(1000),
            moved: None,
            form,
            policy: None,
        }],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: form.is_sealed(),
        find_by_order: false,
    }
}

pub(crate) fn offer(id: u128, persons: u8, one_code: bool, stock: u32) -> PublishOffer {
    PublishOffer {
        offer: OfferId(Uuid::from_u128(id)),
        event: EVENT,
        product: ProductId(1),
        name: Text { en: "Family".into(), fr: "Famille".into() },
        price: euros(1000 * u64::from(persons)),
        persons: persons.try_into().unwrap(),
        one_code,
        stock,
        sales: SalesWindow { from: NOW, until: NOW + Duration::from_hours(8) },
    }
}
