//! An order's life: reserved, then paid or expired, then issued or to be refunded. Owns the transitions; refuses to know
//! tables and HTTP.

use countermark_service::contract::Terms;
use countermark_shared::id::{AccountId, OfferId, OrderId};
use countermark_shared::money::Money;
use countermark_shared::order_code::OrderCode;
use countermark_shared::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// An order as its buyer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Order {
    /// The order.
    pub order: OrderId,
    /// Whose.
    #[serde(skip)]
    pub account: AccountId,
    /// What its buyer says at an entrance that has a guest list, where no ticket can be shown.
    pub code: OrderCode,
    /// Of which offer.
    pub offer: OfferId,
    /// How often.
    pub quantity: u8,
    /// What the buyer grants with auth, to the letter.
    pub terms: Terms,
    /// Where it stands.
    #[serde(flatten)]
    pub state: OrderState,
}

/// Where an order stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum OrderState {
    /// Places are held.
    Reserved {
        /// Until then.
        reserved_until: Timestamp,
        /// Where to pay, once a payment was opened.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_page: Option<String>,
    },
    /// The money is there; tickets are being issued.
    Paid {
        /// The provider's name for the payment.
        #[serde(skip)]
        payment: String,
        /// When it came.
        paid_at: Timestamp,
    },
    /// The tickets exist.
    Issued {
        /// The provider's name for the payment.
        #[serde(skip)]
        payment: String,
        /// When it came.
        paid_at: Timestamp,
        /// When the last ticket had both signatures.
        issued_at: Timestamp,
    },
    /// Not paid in time; the places went back.
    Expired {
        /// When.
        expired_at: Timestamp,
    },
    /// Paid, but no tickets came of it: the money is owed back.
    RefundDue {
        /// The provider's name for the payment.
        #[serde(skip)]
        payment: String,
        /// When it came.
        paid_at: Timestamp,
        /// When it was found to have bought nothing.
        since: Timestamp,
        /// Why.
        why: String,
    },
}

/// What a payment did to an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// It paid the order: issue it.
    Pays(OrderState),
    /// It came too late, and is owed back.
    TooLate(OrderState),
    /// It is not this order's price, or the order was paid before: the order stays, the payment is owed back.
    Surplus {
        /// Why.
        why: &'static str,
    },
}

impl OrderState {
    /// A payment of `amount` arrives for an order that costs `price`.
    pub fn pay(self, payment: String, amount: Money, price: Money, now: Timestamp) -> Payment {
        if amount != price {
            return Payment::Surplus { why: "the amount is not the order's" };
        }
        match self {
            Self::Reserved { .. } => Payment::Pays(Self::Paid { payment, paid_at: now }),
            Self::Expired { .. } => Payment::TooLate(Self::RefundDue {
                payment,
                paid_at: now,
                since: now,
                why: "the payment came after the reservation had ended".to_owned(),
            }),
            Self::Paid { .. } | Self::Issued { .. } | Self::RefundDue { .. } => {
                Payment::Surplus { why: "the order was paid before" }
            }
        }
    }

    /// Every ticket has both signatures. An order that is not paid stays what it is.
    #[must_use]
    pub fn issue(self, now: Timestamp) -> Self {
        match self {
            Self::Paid { payment, paid_at } => Self::Issued { payment, paid_at, issued_at: now },
            other @ (Self::Reserved { .. } | Self::Issued { .. } | Self::Expired { .. } | Self::RefundDue { .. }) => {
                other
            }
        }
    }

    /// The tickets of a paid order cannot be made. An order that is not paid stays what it is.
    #[must_use]
    pub fn give_up(self, why: String, now: Timestamp) -> Self {
        match self {
            Self::Paid { payment, paid_at } => Self::RefundDue { payment, paid_at, since: now, why },
            other @ (Self::Reserved { .. } | Self::Issued { .. } | Self::Expired { .. } | Self::RefundDue { .. }) => {
                other
            }
        }
    }

    /// The word for it, in the database and on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reserved { .. } => "reserved",
            Self::Paid { .. } => "paid",
            Self::Issued { .. } => "issued",
            Self::Expired { .. } => "expired",
            Self::RefundDue { .. } => "refund-due",
        }
    }
}

#[cfg(test)]
mod tests {
    use countermark_shared::money::Currency;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn price(minor: u64) -> Money {
        Money { minor, currency: Currency::parse("EUR").unwrap() }
    }

    fn pay(state: OrderState, minor: u64) -> Payment {
        state.pay("p1".to_owned(), price(minor), price(100), NOW)
    }

    #[test]
    fn money_always_ends_in_tickets_or_a_refund() {
        let reserved = OrderState::Reserved { reserved_until: NOW, payment_page: None };
        let paid = OrderState::Paid { payment: "p1".to_owned(), paid_at: NOW };
        assert_eq!(pay(reserved.clone(), 100), Payment::Pays(paid.clone()));
        assert!(matches!(pay(reserved, 99), Payment::Surplus { .. }));
        assert!(matches!(pay(paid, 100), Payment::Surplus { .. }));
        let expired = OrderState::Expired { expired_at: NOW };
        assert!(matches!(pay(expired, 100), Payment::TooLate(OrderState::RefundDue { .. })));
    }

    #[test]
    fn only_a_paid_order_is_issued_or_given_up() {
        let expired = OrderState::Expired { expired_at: NOW };
        assert_eq!(expired.clone().issue(NOW), expired);
        assert_eq!(expired.clone().give_up("x".to_owned(), NOW), expired);
        let paid = OrderState::Paid { payment: "p1".to_owned(), paid_at: NOW };
        assert!(matches!(paid.clone().issue(NOW), OrderState::Issued { .. }));
        assert!(matches!(paid.give_up("x".to_owned(), NOW), OrderState::RefundDue { .. }));
    }
}
