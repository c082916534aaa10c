//! The event document: what an organiser sells and how many, under what policy gates admit. Signed by the organiser.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bundle::TrustBundle;
use super::envelope::{Authentic, Document, Refusal, Revision, Signed, supersede};
use crate::id::{EventId, ProductId, Zones};
use crate::label::Label;
use crate::money::Money;
use crate::ticket::Validity;
use crate::time::Timestamp;

const MAX_PRODUCTS: usize = 256;
const MAX_NAME_BYTES: usize = 200;
/// Slot lists of more seats are refused: two bits each must fit a document.
const MAX_CAPACITY: u32 = 16_000_000;

/// An event as its organiser signed it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct EventDocument {
    /// Which event.
    #[n(0)]
    pub event: EventId,
    /// Raised by each signing.
    #[n(1)]
    pub version: u32,
    /// When it was signed.
    #[n(2)]
    pub issued: Timestamp,
    /// Its name.
    #[n(3)]
    pub name: Text,
    /// Persons it may hold, over all products.
    #[n(4)]
    pub capacity: u32,
    /// What is sold.
    #[n(5)]
    pub products: Vec<Product>,
    /// What a gate makes of an old list.
    #[n(6)]
    pub list_age: ListAgePolicy,
}

/// The same words in English and French.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    #[n(0)]
    pub en: String,
    /// French.
    #[n(1)]
    pub fr: String,
}

/// A kind of admission: where, when, how many, and for how much at least.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its number within the event.
    #[n(0)]
    pub product: ProductId,
    /// Its name.
    #[n(1)]
    pub name: Text,
    /// Where it admits.
    #[n(2)]
    pub zones: Zones,
    /// When it begins to admit.
    #[n(3)]
    pub from: Timestamp,
    /// When it no longer admits.
    #[n(4)]
    pub until: Timestamp,
    /// Persons that may be admitted by it.
    #[n(5)]
    pub capacity: u32,
    /// No place is granted for less.
    #[n(6)]
    pub least_price: Money,
}

/// A list's age is a fact: how old it may be before staff are told, and before each new ticket wants their attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct ListAgePolicy {
    /// Seconds until the gate warns; a list no older is fresh.
    #[n(0)]
    pub warn_after_seconds: u32,
    /// Seconds until every admission asks for attention.
    #[n(1)]
    pub attention_after_seconds: u32,
}

impl Product {
    /// The window a ticket of this product carries.
    pub fn validity(&self) -> Option<Validity> {
        Validity::between(self.from, self.until)
    }
}

impl EventDocument {
    /// The product of that number.
    pub fn product(&self, product: ProductId) -> Option<&Product> {
        self.products.iter().find(|candidate| candidate.product == product)
    }

    /// Takes an event document if an organiser in whose scope the event lies signed it, and it is not older than the
    /// one in force. The answer is the newer of the two.
    pub fn accept(
        bytes: &[u8],
        bundle: &TrustBundle,
        in_force: Option<&Authentic<Self>>,
        now: Timestamp,
    ) -> Result<Authentic<Self>, Refusal> {
        let signed = Signed::<Self>::decode(bytes)?;
        let event = signed.unbelieved()?.event;
        if in_force.is_some_and(|current| current.document().event != event) {
            return Err(Refusal::OtherSubject { document: Self::NAME });
        }
        let offered = signed.open(&bundle.organisers_of(event), 1)?;
        supersede(in_force.map(Authentic::standing), &offered, now)?;
        Ok(offered)
    }
}

impl Document for EventDocument {
    const LABEL: Label = Label::EventDocument;
    const NAME: &'static str = "event document";
    const MAX_PAYLOAD: usize = 256 * 1024;

    fn revision(&self) -> Revision {
        Revision::version(self.version)
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.products.is_empty() || self.products.len() > MAX_PRODUCTS {
            return Err("an event has one to 256 products");
        }
        if !self.products.is_sorted_by(|a, b| a.product < b.product) {
            return Err("products are sorted by number, each once");
        }
        if self.capacity == 0 || self.capacity > MAX_CAPACITY {
            return Err("an event holds one to sixteen million persons");
        }
        if self.products.iter().any(|product| product.capacity > self.capacity) {
            return Err("no product holds more than the event");
        }
        if self.products.iter().any(|product| product.validity().is_none()) {
            return Err("each product ends after it begins, between 1970 and 2106");
        }
        if self.products.iter().any(|product| product.zones == Zones::default()) {
            return Err("each product admits to a zone");
        }
        let names = core::iter::once(&self.name).chain(self.products.iter().map(|product| &product.name));
        if names.flat_map(|name| [&name.en, &name.fr]).any(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
            return Err("names have 1 to 200 bytes in each language");
        }
        let mut currencies = self.products.iter().map(|product| product.least_price.currency);
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err("an event is sold in one currency");
        }
        if self.list_age.warn_after_seconds > self.list_age.attention_after_seconds {
            return Err("a gate warns before it asks for attention");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn only_an_organiser_of_this_event_signs_for_it() {
        let bundle = samples::bundle();
        let event = samples::event();
        let bytes = Signed::seal(&event, &[&samples::organiser_key()]).unwrap();
        assert_eq!(EventDocument::accept(&bytes, &bundle, None, samples::DOORS).unwrap().document(), &event);

        let by_list_key = Signed::seal(&event, &[&samples::list_key()]).unwrap();
        assert!(matches!(
            EventDocument::accept(&by_list_key, &bundle, None, samples::DOORS),
            Err(Refusal::NotSigned { .. })
        ));

        let elsewhere = EventDocument { event: EventId(8), ..event };
        let out_of_scope = Signed::seal(&elsewhere, &[&samples::organiser_key()]).unwrap();
        assert!(matches!(
            EventDocument::accept(&out_of_scope, &bundle, None, samples::DOORS),
            Err(Refusal::NotSigned { .. })
        ));
    }

    #[test]
    fn another_event_does_not_replace_the_one_in_force() {
        let mut bundle = samples::bundle();
        bundle.keys[2].events.push(EventId(8));
        let accept = |event: &EventDocument, in_force: Option<&Authentic<EventDocument>>| {
            let bytes = Signed::seal(event, &[&samples::organiser_key()]).unwrap();
            EventDocument::accept(&bytes, &bundle, in_force, samples::DOORS)
        };
        let in_force = accept(&samples::event(), None).unwrap();
        let other = EventDocument { event: EventId(8), version: 2, ..samples::event() };
        assert_eq!(accept(&other, Some(&in_force)).unwrap_err(), Refusal::OtherSubject { document: "event document" });
    }

    #[test]
    fn a_document_signed_far_ahead_is_held_back() {
        let mut event = samples::event();
        event.issued = samples::DOORS + core::time::Duration::from_hours(25);
        let bytes = Signed::seal(&event, &[&samples::organiser_key()]).unwrap();
        assert!(matches!(
            EventDocument::accept(&bytes, &samples::bundle(), None, samples::DOORS),
            Err(Refusal::FromTheFuture { .. })
        ));
    }
}
