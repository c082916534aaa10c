//! One small event with its keys, for the tests of this crate.

use core::convert::Infallible;
use core::num::NonZeroU8;
use core::time::Duration;

use hpke::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::documents::{EventDocument, KeyRole, KeyStatus, Lease, Product, Text, TrustBundle, TrustedKey, Window};
use crate::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use crate::key_ring::KeyRing;
use crate::keys::SigningKey;
use crate::money::{Currency, Money};
use crate::sealing::{EventSecret, SealedText};
use crate::ticket::{Live, TicketBody, UnverifiedTicket, Validity};
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

pub(crate) fn lease() -> Lease {
    Lease { until: END + Duration::from_hours(12), names_until: END + Duration::from_hours(2), suspended: false }
}

pub(crate) fn event() -> EventDocument {
    let euro = Currency::parse("EUR").unwrap();
    EventDocument::new(
        EventId(7),
        1,
        DOORS - Duration::from_hours(200),
        Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        100,
        vec![Product::new(
            ProductId(1),
            Text { en: "Standing".into(), fr: "Debout".into() },
            Zones(0b01),
            Window { from: DOORS, until: END },
            100,
            Money { minor: 2000, currency: euro },
        )],
    )
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
        live: None,
        sealed: None,
    }
}

pub(crate) fn ticket() -> UnverifiedTicket {
    sign(body())
}

pub(crate) fn sign(body: TicketBody) -> UnverifiedTicket {
    let (issuer, authority) = (body.issue(&issuing_key()), body.authorise(&authority_key()));
    UnverifiedTicket::new(body, issuer, authority)
}

pub(crate) fn holder_key() -> SigningKey {
    signing_key(6)
}

pub(crate) fn event_secret() -> EventSecret {
    EventSecret::new(EventId(7), SealingGeneration(1), Zeroizing::new([7; 32]))
}

pub(crate) fn live(body: &TicketBody) -> TicketBody {
    let window = NonZeroU8::new(30).unwrap();
    TicketBody { live: Some(Live { window, holder: holder_key().verifying_key() }), ..body.clone() }
}

pub(crate) fn sealed(body: &TicketBody) -> TicketBody {
    event_secret().seal(body, &SealedText::new("Ada Lovelace", "Block C, 12").unwrap(), true).unwrap()
}

/// The ticket, shown by its holder when the doors open.
pub(crate) fn shown(body: TicketBody) -> UnverifiedTicket {
    let presentation = body.present(&holder_key(), DOORS).unwrap();
    sign(body).shown(presentation).unwrap()
}

/// One ticket of each kind that can be shown.
pub(crate) fn profiles() -> [(&'static str, UnverifiedTicket); 6] {
    [
        ("static", sign(body())),
        ("sealed", sign(sealed(&body()))),
        ("live", sign(live(&body()))),
        ("live, shown", shown(live(&body()))),
        ("live and sealed", sign(sealed(&live(&body())))),
        ("live and sealed, shown", shown(sealed(&live(&body())))),
    ]
}

/// Gives the same bytes again and again.
pub(crate) struct FixedRandomness(pub(crate) [u8; 32]);

impl TryRng for FixedRandomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a key is filled, not drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key is filled, not drawn")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for FixedRandomness {}
