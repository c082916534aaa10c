//! What tickets asks of auth: hold what was granted, who will hold the ticket, sign exactly this, the order has ended, who accepted a
//! transfer.

use core::num::NonZeroU8;

use countermark_shared::documents::DocumentHash;
use countermark_shared::id::{AccountId, EventId, Generation, OrderId, ProductId, Slot, TransferId, Zones};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::documents::DOCUMENT_REFUSED;
use super::paths;
use crate::service_call::{CallError, ServiceClient};

/// What an order is for, in every field that a ticket will carry: what a buyer grants with auth, and what auth holds
/// each ticket's body against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The event.
    pub event: EventId,
    /// The event document the order was made under.
    pub document: DocumentHash,
    /// The product.
    pub product: ProductId,
    /// The zones each ticket carries.
    pub zones: Zones,
    /// How many tickets.
    pub tickets: u16,
    /// Persons each ticket admits.
    #[schema(value_type = u8, minimum = 1)]
    pub places: NonZeroU8,
    /// Admissions in all for each place; 0 leaves it to the event's policy.
    pub entries: u8,
    /// When the tickets begin to admit.
    pub valid_from: Timestamp,
    /// When they no longer admit.
    pub valid_until: Timestamp,
    /// What all of it costs.
    pub amount: Money,
}

impl Terms {
    /// Persons over all tickets.
    pub fn persons(&self) -> u32 {
        u32::from(self.tickets) * u32::from(self.places.get())
    }
}

/// What auth knows of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The order.
    pub order: OrderId,
    /// Who granted it.
    pub account: AccountId,
    /// What was granted.
    pub terms: Terms,
    /// What became of it.
    pub standing: GrantStanding,
}

/// What became of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantStanding {
    /// Granted; no payment of it has come to auth, or tickets has not confirmed the order.
    Open,
    /// Granted, and the provider confirmed the whole amount to auth.
    Paid,
    /// Its order has ended: nothing more is signed for it.
    Closed,
}

/// The order is one of tickets': hold the places that were granted for it, if it was granted as tickets knows it. What a
/// buyer grants is only their word; it holds no places until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmGrant {
    /// The order.
    pub order: OrderId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is for.
    pub terms: Terms,
}

/// Whose word allows a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Warrant {
    /// The buyer's grant of an order: it allows the first issue of each seat.
    Order(OrderId),
    /// A transfer that the owner offered and the recipient accepted: it allows the next issue of one seat.
    Transfer(TransferId),
}

/// Who will hold the live ticket of this seat's issue?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskHolderKey {
    /// What the ticket will be signed for.
    pub warrant: Warrant,
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// Which issue of it.
    pub generation: Generation,
}

/// The key that the ticket's body must name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderKey {
    /// A device's that the account registered, or auth's own for this account and issue.
    pub holder: VerifyingKey,
}

/// Sign this body, if it is one of those that the warrant allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorise {
    /// What it is signed for.
    pub warrant: Warrant,
    /// The ticket's body.
    #[schema(value_type = String, format = Byte)]
    pub body: Base64<Vec<u8>>,
}

/// Auth's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Authorised {
    /// Over the body, by the authority key that the body names.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64<[u8; 64]>,
}

/// The order has ended: issued, expired or to be refunded. What was not signed by then never will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseGrant {
    /// The order.
    pub order: OrderId,
}

/// Did this account accept this transfer?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTransfer {
    /// The transfer.
    pub transfer: TransferId,
    /// Who says that they accepted it.
    pub account: AccountId,
}

/// It did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmedTransfer {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// The issue that the transfer replaces; the ticket to be made has the next.
    pub replaces: Generation,
}

/// What auth answers tickets with where it does not do what it was asked for. What an order or a transfer becomes follows from it: a word that one of the
/// two did not know would make a final refusal a call that is repeated for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthProblem {
    /// Nothing was granted for the order.
    GrantUnknown,
    /// The order has ended.
    GrantClosed,
    /// The organiser's document that it was granted under has not come to auth.
    DocumentUnknown,
    /// That document is believed no more.
    DocumentRefused,
    /// That document does not allow it.
    TermsRefused,
    /// Too few places are left.
    CapacityReached,
    /// The provider has not told auth of the payment yet: the same call may succeed later.
    PaymentNotConfirmed,
    /// There is no such transfer of this account.
    TransferUnknown,
    /// It is not what was granted or accepted.
    NotGranted,
    /// A key that the body names is not active: it is to be made anew.
    KeyNotActive,
    /// A key of the body that auth wrote down is gone: it is to be made anew, of the same seat and issue.
    WrittenDownKeyGone,
    /// This issue of the seat was signed for another body or order.
    SlotTaken,
}

impl AuthProblem {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::GrantUnknown,
        Self::GrantClosed,
        Self::DocumentUnknown,
        Self::DocumentRefused,
        Self::TermsRefused,
        Self::CapacityReached,
        Self::PaymentNotConfirmed,
        Self::TransferUnknown,
        Self::NotGranted,
        Self::KeyNotActive,
        Self::WrittenDownKeyGone,
        Self::SlotTaken,
    ];

    /// The last part of the problem's type.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::GrantUnknown => "grant-unknown",
            Self::GrantClosed => "grant-closed",
            Self::DocumentUnknown => "document-unknown",
            Self::DocumentRefused => DOCUMENT_REFUSED,
            Self::TermsRefused => "terms-refused",
            Self::CapacityReached => "capacity-reached",
            Self::PaymentNotConfirmed => "payment-not-confirmed",
            Self::TransferUnknown => "transfer-unknown",
            Self::NotGranted => "not-granted",
            Self::KeyNotActive => "key-not-active",
            Self::WrittenDownKeyGone => "written-down-key-gone",
            Self::SlotTaken => "slot-taken",
        }
    }

    /// What auth said; nothing where it was not auth that spoke, or not of what it was asked for.
    pub fn of(error: &CallError) -> Option<Self> {
        let slug = error.slug()?;
        Self::ALL.into_iter().find(|problem| problem.slug() == slug)
    }
}

/// Calls of auth.
#[derive(Clone)]
pub struct AuthClient(pub ServiceClient);

impl AuthClient {
    /// Takes the places that were granted for an order; the answer is the grant as it then stands. One that is closed, by
    /// another account or of other terms takes none. Problems: `grant-unknown`, `capacity-reached`.
    pub async fn confirm_grant(&self, request: &ConfirmGrant) -> Result<Grant, CallError> {
        self.0.post(paths::CONFIRM_GRANT, request).await
    }

    /// The key that holds a live ticket to be. Problems: `grant-unknown`, `grant-closed`, `payment-not-confirmed` (try again),
    /// `transfer-unknown`, `not-granted`.
    pub async fn holder_key(&self, request: &AskHolderKey) -> Result<HolderKey, CallError> {
        self.0.post(paths::HOLDER_KEYS, request).await
    }

    /// The second signature. Problems: `grant-unknown`, `grant-closed`, `payment-not-confirmed` (try again), `transfer-unknown`,
    /// `not-granted`, `key-not-active` (make the body anew), `written-down-key-gone` (make the body of the same seat and issue anew),
    /// `slot-taken`.
    pub async fn authorise(&self, request: &Authorise) -> Result<Authorised, CallError> {
        self.0.post(paths::AUTHORISE, request).await
    }

    /// Ends a grant. An order without one is none to end: that is well too.
    pub async fn close_grant(&self, request: &CloseGrant) -> Result<(), CallError> {
        self.0.post(paths::CLOSE_GRANT, request).await
    }

    /// Which issue a transfer replaces. Problem `transfer-unknown` unless this account accepted it.
    pub async fn confirm_transfer(&self, request: &ConfirmTransfer) -> Result<ConfirmedTransfer, CallError> {
        self.0.post(paths::CONFIRM_TRANSFER, request).await
    }
}
