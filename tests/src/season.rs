//! What is for sale in the demo and in the stories: one festival, and a concert for tickets of another event.

use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::documents::{EventDocument, HolderName, Product, Text, TicketForm, Window};
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
/// The evening, with codes that only their holder can show.
pub const BACKSTAGE: ProductId = ProductId(3);
/// The evening, for persons of a name.
pub const GUEST: ProductId = ProductId(4);
/// What was to be tomorrow.
pub const TOMORROW: ProductId = ProductId(5);

/// For how many seconds a live code can be shown.
pub const LIVE_WINDOW_SECONDS: u8 = 6;

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
/// One person, whose code is live.
pub const LIVE: Offer = Offer { product: BACKSTAGE, name: ("Backstage", "Coulisses"), ..SOLO };
/// One person, whose name gates can read.
pub const NAMED: Offer = Offer { product: GUEST, name: ("Guest", "Invité"), ..SOLO };
/// One person, tomorrow.
pub const NEXT_DAY: Offer = Offer { product: TOMORROW, name: ("Tomorrow", "Demain"), ..SOLO };
/// One person at the concert.
pub const SEAT: Offer = Offer { event: CONCERT, name: ("Seat", "Place assise"), ..SOLO };

/// The festival, whose doors opened an hour ago and whose afternoon ends at an instant.
pub fn festival(now: Timestamp, afternoon_ends: Timestamp) -> Result<EventDocument> {
    let mut document = document(FESTIVAL, text("Summer Night", "Nuit d'été"), now)?;
    let evening = document.products.first().context("an event has a product")?.clone();
    // A festival checks its guests' names.
    document.names_at_gates = true;
    let day = Duration::from_hours(24);
    let live = TicketForm { live_window_seconds: LIVE_WINDOW_SECONDS, ..TicketForm::default() };
    let named = TicketForm { holder: HolderName::Checked, ..TicketForm::default() };
    document.products.extend([
        Product {
            product: AFTERNOON, name: text("Afternoon", "Après-midi"), until: afternoon_ends, ..evening.clone()
        },
        Product { product: BACKSTAGE, name: text("Backstage", "Coulisses"), form: live, ..evening.clone() },
        Product { product: GUEST, name: text("Guest", "Invité"), form: named, ..evening.clone() },
        Product {
            product: TOMORROW,
            name: text("Tomorrow", "Demain"),
            from: evening.from + day,
            until: evening.until + day,
            ..evening
        },
    ]);
    Ok(document)
}

/// The next version of a festival: what was to be tomorrow is today.
pub fn brought_forward(festival: &EventDocument, now: Timestamp) -> EventDocument {
    let products = festival.products.iter().cloned().map(|product| {
        let moved = (product.product == TOMORROW)
            .then(|| Window { from: now - Duration::from_hours(1), until: now + Duration::from_hours(12) });
        Product { moved, ..product }
    });
    EventDocument { version: festival.version + 1, issued: now, products: products.collect(), ..festival.clone() }
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
