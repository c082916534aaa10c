//! The payments the sandbox knows.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use countermark_service::webhook::{Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;
use countermark_tickets::OpenPayment;

/// By the sandbox's name for them.
#[derive(Default)]
pub(super) struct Payments(Mutex<HashMap<String, Known>>);

struct Known {
    request: OpenPayment,
    paid: bool,
}

/// A payment, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paying {
    /// It waits for its buyer.
    Waiting {
        /// How much.
        amount: Money,
    },
    /// It was paid by this very request.
    PaidNow(PaymentEvent),
    /// It was paid before.
    PaidBefore {
        /// How much.
        amount: Money,
    },
    /// Nobody can pay it any more.
    TooLate {
        /// How much.
        amount: Money,
    },
}

impl Payments {
    /// Opens a payment, or finds the one of the same reference; none when that one is for something else.
    pub(super) fn open(&self, request: OpenPayment, name: impl FnOnce() -> String) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((name, earlier)) = known.iter().find(|(_, known)| known.request.reference == request.reference) {
            return (earlier.request.amount == request.amount).then(|| name.clone());
        }
        let name = name();
        known.insert(name.clone(), Known { request, paid: false });
        Some(name)
    }

    /// How a payment stands.
    pub(super) fn look(&self, name: &str, now: Timestamp) -> Option<Paying> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|known| known.standing(now))
    }

    /// Pays, if that is still to be done.
    pub(super) fn pay(&self, name: &str, now: Timestamp) -> Option<Paying> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_mut(name)?;
        let standing = known.standing(now);
        if !matches!(standing, Paying::Waiting { .. }) {
            return Some(standing);
        }
        known.paid = true;
        Some(Paying::PaidNow(PaymentEvent {
            kind: PaymentEventKind::Succeeded,
            timestamp: now,
            data: Payment {
                payment: name.to_owned(),
                reference: known.request.reference,
                amount: known.request.amount,
            },
        }))
    }
}

impl Known {
    fn standing(&self, now: Timestamp) -> Paying {
        let amount = self.request.amount;
        if self.paid {
            Paying::PaidBefore { amount }
        } else if now >= self.request.expires {
            Paying::TooLate { amount }
        } else {
            Paying::Waiting { amount }
        }
    }
}
