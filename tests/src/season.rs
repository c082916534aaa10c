//! What is for sale in the demo and in the stories: one festival, and a concert for tickets of another event.

use std::time::Duration;

use anyhow::Result;
use countermark_shared::documents::{EventDocument, Product, Text, Window};
use countermark_shared::id::{EventId, ProductId, Zones};
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;

/// The festival whose gates are open.
pub const FESTIVAL: EventId = EventId(7);
/// Another event of the same organiser.
pub const CONCERT: EventId = EventId(8);

/// The whole evening.
pub const EVENING: ProductId = ProductId(1);
/// Until the afternoon ends.
pub const AFTERNOON: ProductId = ProductId(2);

/// Where the evening's tickets lead.
pub const GROUNDS: Zones = Zones(0b01);

const CAPACITY: u32 = 5_000;
const LEAST_PRICE: u64 = 1_000;

/// An offer to publish.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Of which event.
    pub event: EventId,
    /// To what it admits.
    pub product: ProductId,
    /// What buyers read, in English and French.
    pub name: (&'static str, &'static str),
    /// For the whole offer, in cents.
    pub price: u64,
    /// Persons in it.
    pub persons: u8,
    /// One code for all of them.
    pub one_code: bool,
    /// Persons it may admit in all.
    pub stock: u32,
}

/// One person.
pub const SOLO: Offer = Offer {
    event: FESTIVAL,
    product: EVENING,
    name: ("Solo", "Solo"),
    price: 2_500,
    persons: 1,
    one_code: false,
    stock: 1_000,
};
/// Two persons, a ticket for each.
pub const DUO: Offer = Offer { name: ("Duo", "Duo"), price: 4_500, persons: 2, ..SOLO };
/// Four persons, one code for all.
pub const FAMILY: Offer = Offer { name: ("Family", "Famille"), price: 8_000, persons: 4, one_code: true, ..SOLO };
/// One person, until the afternoon ends.
pub const EARLY: Offer = Offer { product: AFTERNOON, name: ("Afternoon", "Après-midi"), price: 1_500, ..SOLO };
/// One person at the concert.
pub const SEAT: Offer = Offer { event: CONCERT, name: ("Seat", "Place assise"), ..SOLO };

/// The festival, whose doors opened an hour ago and whose afternoon ends at an instant.
pub fn festival(now: Timestamp, afternoon_ends: Timestamp) -> Result<EventDocument> {
    let mut document = document(FESTIVAL, text("Summer Night", "Nuit d'été"), now)?;
    let evening = document.products.first().cloned();
    document.products.extend(evening.map(|evening| Product {
        product: AFTERNOON,
        name: text("Afternoon", "Après-midi"),
        until: afternoon_ends,
        ..evening
    }));
    Ok(document)
}

/// The concert, at the same time.
pub fn concert(now: Timestamp) -> Result<EventDocument> {
    document(CONCERT, text("Autumn Concert", "Concert d'automne"), now)
}

/// An English and a French text.
pub fn text(en: &str, fr: &str) -> Text {
    Text { en: en.to_owned(), fr: fr.to_owned() }
}

fn document(event: EventId, name: Text, now: Timestamp) -> Result<EventDocument> {
    let evening = Product::new(
        EVENING,
        text("Evening", "Soirée"),
        GROUNDS,
        Window { from: now - Duration::from_hours(1), until: now + Duration::from_hours(12) },
        CAPACITY,
        Money { minor: LEAST_PRICE, currency: Currency::parse("EUR")? },
    );
    Ok(EventDocument::new(event, 1, now, name, CAPACITY, vec![evening]))
}
