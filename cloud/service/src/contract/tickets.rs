//! What admin asks of tickets: publish an offer, revoke a ticket, say what was sold; and validation: an event's secrets for a gate, and its
//! guest list.

use core::num::NonZeroU8;

use countermark_shared::documents::Text;
use countermark_shared::id::{EventId, GateId, Generation, OfferId, ProductId, SealingGeneration, Slot};
use countermark_shared::money::Money;
use countermark_shared::sealing::WrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, GuestCursor, GuestPage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::paths;
use crate::service_call::{CallError, ServiceClient};

/// Sell this. The same offer again is well, unless it was closed, which is problem `offer-closed`; another under the same id is
/// `offer-exists`; one that the event document does not allow is `offer-refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishOffer {
    /// The offer's identity, chosen by admin.
    pub offer: OfferId,
    /// The event.
    pub event: EventId,
    /// What a ticket of it admits to.
    pub product: ProductId,
    /// What buyers read.
    pub name: Text,
    /// Price of the whole offer, for all its persons.
    pub price: Money,
    /// Persons in it.
    #[schema(value_type = u8, minimum = 1)]
    pub persons: NonZeroU8,
    /// One code for all its persons, instead of a ticket for each.
    pub one_code: bool,
    /// Persons it may admit in all.
    pub stock: u32,
    /// When it is sold.
    pub sales: SalesWindow,
}

/// Sell no more of this. Orders that were placed before are honoured; one that is closed is well, and none is opened again: publish another. Problem
/// `not-found` when there is no such offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseOffer {
    /// The offer.
    pub offer: OfferId,
}

/// When an offer is sold: from an instant until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesWindow {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after.
    pub until: Timestamp,
}

/// Withdraw the ticket of a seat. A ticket that is revoked already is well; problem `ticket-unknown` when the seat was never issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTicket {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
}

/// The ticket is revoked; its way to the gates has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokedTicket {
    /// The seat.
    pub slot: Slot,
    /// The issue of the seat that was revoked.
    pub generation: Generation,
}

/// What was sold of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SalesFigures {
    /// By offer.
    pub offers: Vec<OfferFigures>,
    /// Reports of slots that validation has not confirmed yet.
    pub reports_under_way: u64,
}

/// What was sold of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferFigures {
    /// The offer.
    pub offer: OfferId,
    /// What buyers read.
    pub name: Text,
    /// Persons it may admit in all.
    pub stock: u32,
    /// Whether nothing is ordered of it any more.
    #[serde(default)]
    pub closed: bool,
    /// Persons in reservations that may still be paid.
    pub reserved: u32,
    /// Persons in paid orders.
    pub sold: u32,
    /// Paid orders whose tickets are not all issued yet: normally none for longer than a moment.
    pub issuing: u32,
    /// Tickets issued and not revoked.
    pub issued: u32,
    /// Tickets revoked.
    pub revoked: u32,
    /// Orders whose money is to be given back.
    pub refunds_due: u32,
}

/// The event's secrets for a gate, which alone can unwrap them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrapEventSecrets {
    /// The event.
    pub event: EventId,
    /// The gate that serves it.
    pub gate: GateId,
    /// The gate's public key.
    pub wrapping_key: WrappingKey,
}

/// An event's secrets, by sealing generation; none when no product of the event is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrappedEventSecrets {
    /// Each once.
    pub secrets: Vec<WrappedEventSecret>,
}

/// One of an event's secrets: see [`countermark_shared::documents::WrappedSecret`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrappedEventSecret {
    /// The sealing generation whose tickets it opens.
    pub generation: SealingGeneration,
    /// HPKE's encapsulated key.
    #[schema(value_type = String, format = Byte)]
    pub encapsulated: Base64<[u8; 32]>,
    /// The secret, encrypted, and its tag.
    #[schema(value_type = String, format = Byte)]
    pub ciphertext: Base64<[u8; 48]>,
}

/// An event's guests after one, in the order of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListGuests {
    /// The event.
    pub event: EventId,
    /// The last that is known; from the first on where there is none.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub after: Option<GuestCursor>,
}

/// Calls of tickets.
#[derive(Clone)]
pub struct TicketsClient(pub ServiceClient);

impl TicketsClient {
    /// Publishes an offer.
    pub async fn publish_offer(&self, request: &PublishOffer) -> Result<(), CallError> {
        self.0.post(paths::OFFERS, request).await
    }

    /// Closes an offer.
    pub async fn close_offer(&self, request: &CloseOffer) -> Result<(), CallError> {
        self.0.post(paths::CLOSE_OFFER, request).await
    }

    /// Revokes a ticket.
    pub async fn revoke(&self, request: &RevokeTicket) -> Result<RevokedTicket, CallError> {
        self.0.post(paths::REVOKE, request).await
    }

    /// An event's secrets for a gate. Problem `event-unknown` when the event's document has not arrived.
    pub async fn wrap_event_secrets(&self, request: &WrapEventSecrets) -> Result<WrappedEventSecrets, CallError> {
        self.0.post(paths::EVENT_SECRETS, request).await
    }

    /// A page of an event's guest list. Problem `event-unknown` when the event's document has not arrived.
    pub async fn guests(&self, request: &ListGuests) -> Result<GuestPage, CallError> {
        self.0.post(paths::GUESTS, request).await
    }

    /// What was sold.
    pub async fn sales(&self, event: EventId) -> Result<SalesFigures, CallError> {
        self.0.get(&paths::SALES.replace("{event}", &event.to_string())).await
    }
}
