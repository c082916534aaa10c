//! The event document: what an organiser sells and how many, under what policy gates admit. Signed by the organiser.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admission::AdmissionPolicy;
use super::bundle::TrustBundle;
use super::envelope::{Authentic, Document, Signed};
use super::product::Product;
use super::refusal::Refusal;
use super::revision::Revision;
use crate::id::{EventId, ProductId, Zones};
use crate::label::Label;
use crate::time::Timestamp;

const MAX_PRODUCTS: usize = 256;
const MAX_NAME_BYTES: usize = 200;
/// Slot lists of more seats are refused: two bits each must fit a document.
const MAX_CAPACITY: u32 = 16_000_000;
/// The nights of a year, and some.
const MAX_RESETS: usize = 400;

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
    /// How gates admit, where a product says nothing else.
    #[n(6)]
    #[serde(default)]
    pub policy: AdmissionPolicy,
    /// The instants at which the count of entries between two resets begins anew: the nights of a festival, made from local time
    /// where the document is made. Sorted, each once. They are the event's, not a product's, because gates tell each other counts
    /// by seat, without its product.
    #[n(7)]
    #[serde(default)]
    pub resets: Vec<Timestamp>,
    /// Whether gates are given what opens the sealed names.
    #[n(8)]
    #[serde(default)]
    pub names_at_gates: bool,
    /// Whether gates are also given each ticket's half, so that staff find a seat by its order's code.
    #[n(9)]
    #[serde(default)]
    pub find_by_order: bool,
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

impl EventDocument {
    /// A document with the default policy and without resets; gates are given neither names nor a guest list.
    pub fn new(
        event: EventId,
        version: u32,
        issued: Timestamp,
        name: Text,
        capacity: u32,
        products: Vec<Product>,
    ) -> Self {
        let policy = AdmissionPolicy::default();
        Self {
            event,
            version,
            issued,
            name,
            capacity,
            products,
            policy,
            resets: Vec::new(),
            names_at_gates: false,
            find_by_order: false,
        }
    }

    /// How gates admit a product; as the event's policy says where the document does not name it.
    pub fn policy_of(&self, product: ProductId) -> &AdmissionPolicy {
        self.product(product).and_then(|named| named.policy.as_ref()).unwrap_or(&self.policy)
    }

    /// The newest reset that is not after `now`: entries at or after it count into the running period. None: all count.
    pub fn last_reset(&self, now: Timestamp) -> Option<Timestamp> {
        self.resets.iter().copied().take_while(|reset| *reset <= now).last()
    }

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
        let organisers = bundle.organisers_of(event);
        signed.open(&organisers, 1)?.succeed(in_force, &organisers, now)
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
        if self.products.iter().filter_map(|product| product.moved).any(|moved| moved.validity().is_none()) {
            return Err("each moved window ends after it begins, between 1970 and 2106");
        }
        if !self.names_at_gates && self.products.iter().any(|product| product.form.checks_id()) {
            return Err("names that gates check are given to gates");
        }
        if self.find_by_order && !self.names_at_gates {
            return Err("seats are found by their order where gates are given names");
        }
        if self.resets.len() > MAX_RESETS || !self.resets.is_sorted_by(|a, b| a < b) {
            return Err("it has at most 400 resets, sorted, each once");
        }
        for policy in core::iter::once(&self.policy).chain(self.products.iter().filter_map(|p| p.policy.as_ref())) {
            policy.check()?;
            if policy.entries_between_resets > 0 && self.resets.is_empty() {
                return Err("entries are limited between resets, and there are none");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
