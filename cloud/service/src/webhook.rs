//! Signed webhooks of the payment provider, as the Standard Webhooks specification has them, with its asymmetric scheme `v1a`
//! (Ed25519 over `id.timestamp.body`). Owns signing, verifying and the guard before a service's route; refuses to know what a
//! payment does.

mod guard;

use countermark_shared::id::OrderId;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;
use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::guard::{Headers, LONGEST_BODY, SCHEME, guard, scheme};
use crate::problem::Problem;

/// The message's identity: the same for each repetition.
pub const ID: &str = "webhook-id";
/// When this repetition was sent, Unix seconds.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Space-separated signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// What a signature of the asymmetric scheme begins with.
const ASYMMETRIC: &str = "v1a,";
/// The tolerance that the specification's own libraries use.
const TOLERANCE_SECONDS: i64 = 5 * 60;
/// The longest name of a payment that is kept, in bytes.
const LONGEST_NAME: usize = 255;

/// What the provider tells: the whole amount of an order was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: PaymentEventKind,
    /// When it happened.
    pub timestamp: Timestamp,
    /// To what.
    pub data: Payment,
}

/// What happened to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PaymentEventKind {
    /// The money is there.
    #[serde(rename = "payment.succeeded")]
    Succeeded,
}

/// A payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    /// The provider's name for it, 1 to 255 bytes.
    #[schema(min_length = 1, max_length = 255)]
    pub payment: String,
    /// The order.
    pub reference: OrderId,
    /// How much.
    pub amount: Money,
}

/// Why a webhook is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A header is missing or cannot be read.
    #[error("a webhook carries {ID}, {TIMESTAMP} and {SIGNATURE}")]
    Headers,
    /// Sent more than five minutes ago, or ahead.
    #[error("the webhook's timestamp is more than five minutes away from this clock")]
    Untimely,
    /// The provider's key signed nothing of it.
    #[error("the webhook is not signed by the payment provider")]
    Unsigned,
    /// Signed, but no event of ours.
    #[error("the webhook's body is no payment event")]
    Body,
    /// Signed and read, but no database could keep it.
    #[error("the payment event cannot be kept: {why}")]
    Payment {
        /// What it is too much of.
        why: &'static str,
    },
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let not_believed = |status| Self::new(status, "webhook-refused", "The webhook is not believed");
        let problem = match refusal {
            Refusal::Headers | Refusal::Body => not_believed(StatusCode::BAD_REQUEST),
            Refusal::Untimely | Refusal::Unsigned => not_believed(StatusCode::UNAUTHORIZED),
            Refusal::Payment { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "payment-event-refused", "The payment event is not kept")
            }
        };
        problem.detail(refusal.to_string())
    }
}

/// The value of the signature header.
pub fn sign(key: &SigningKey, id: &str, now: Timestamp, body: &[u8]) -> String {
    let signature = key.as_dalek().sign(&message(id, now.unix_seconds(), body));
    format!("{ASYMMETRIC}{}", BASE64.encode(&signature.to_bytes()))
}

/// Believes a webhook if the provider's key signed it lately. Repetitions are believed again: what an event does is idempotent.
pub fn verify(
    provider: VerifyingKey,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<PaymentEvent, Refusal> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Refusal::Headers);
    let (id, signatures) = (header(ID)?, header(SIGNATURE)?);
    let sent: i64 = header(TIMESTAMP)?.parse().map_err(|_| Refusal::Headers)?;
    if sent.abs_diff(now.unix_seconds()) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(Refusal::Untimely);
    }
    let message = message(id, sent, body);
    let is_signed = signatures.split(' ').filter_map(|text| text.strip_prefix(ASYMMETRIC)).any(|text| {
        BASE64
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| Signature::from_slice(&bytes).ok())
            .is_some_and(|signature| provider.as_dalek().verify_strict(&message, &signature).is_ok())
    });
    if !is_signed {
        return Err(Refusal::Unsigned);
    }
    let event: PaymentEvent = serde_json::from_slice(body).map_err(|_| Refusal::Body)?;
    expect_keepable(&event.data)?;
    Ok(event)
}

/// What PostgreSQL can hold: text without U+0000, and signed amounts.
fn expect_keepable(payment: &Payment) -> Result<(), Refusal> {
    let name = &payment.payment;
    if !(1..=LONGEST_NAME).contains(&name.len()) || name.contains('\0') {
        return Err(Refusal::Payment { why: "the payment's name has 1 to 255 bytes, and none is zero" });
    }
    if i64::try_from(payment.amount.minor).is_err() {
        return Err(Refusal::Payment { why: "no payment is as high" });
    }
    Ok(())
}

fn message(id: &str, sent: i64, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", sent.to_string().as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests {
    use countermark_shared::money::Currency;
    use zeroize::Zeroizing;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn key() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([8; 32]))
    }

    fn event() -> PaymentEvent {
        let amount = Money { minor: 100, currency: Currency::parse("EUR").unwrap() };
        let data = Payment { payment: "p1".into(), reference: OrderId(uuid::Uuid::nil()), amount };
        PaymentEvent { kind: PaymentEventKind::Succeeded, timestamp: NOW, data }
    }

    fn headers(id: &str, sent: Timestamp, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ID, id.parse().unwrap());
        headers.insert(TIMESTAMP, sent.unix_seconds().to_string().parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        headers
    }

    #[test]
    fn only_the_providers_own_and_recent_words_are_believed() {
        let body = serde_json::to_vec(&event()).unwrap();
        let signature = sign(&key(), "m1", NOW, &body);
        let provider = key().verifying_key();
        let verify = |headers: &HeaderMap, body: &[u8], seconds: i64| {
            verify(provider, headers, body, Timestamp::from_unix_seconds(1_800_000_000 + seconds))
        };
        let good = headers("m1", NOW, &signature);
        assert_eq!(verify(&good, &body, 0), Ok(event()));
        assert_eq!(verify(&headers("m1", NOW, &format!("v1,abc {signature}")), &body, 0), Ok(event()));
        assert_eq!(verify(&good, &body, 300), Ok(event()));
        assert_eq!(verify(&good, &body, 301), Err(Refusal::Untimely));
        assert_eq!(verify(&good, &body, -301), Err(Refusal::Untimely));
        assert_eq!(verify(&headers("m2", NOW, &signature), &body, 0), Err(Refusal::Unsigned));
        assert_eq!(verify(&good, &body[1..], 0), Err(Refusal::Unsigned));
        assert_eq!(verify(&HeaderMap::new(), &body, 0), Err(Refusal::Headers));
        let other = sign(&SigningKey::from_seed(&Zeroizing::new([9; 32])), "m1", NOW, &body);
        assert_eq!(verify(&headers("m1", NOW, &other), &body, 0), Err(Refusal::Unsigned));
        let signed = sign(&key(), "m1", NOW, b"{}");
        assert_eq!(verify(&headers("m1", NOW, &signed), b"{}", 0), Err(Refusal::Body));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let told = |name: &str, minor| {
            let amount = Money { minor, currency: Currency::parse("EUR").unwrap() };
            let data = Payment { payment: name.to_owned(), amount, ..event().data };
            let body = serde_json::to_vec(&PaymentEvent { data, ..event() }).unwrap();
            verify(key().verifying_key(), &headers("m1", NOW, &sign(&key(), "m1", NOW, &body)), &body, NOW)
        };
        let most = i64::MAX.cast_unsigned();
        assert!(told(&"p".repeat(255), most).is_ok());
        for (name, minor) in [("", 1), ("p\0", 1), (&"p".repeat(256), 1), ("p", most + 1)] {
            let refusal = told(name, minor).unwrap_err();
            assert!(matches!(refusal, Refusal::Payment { .. }), "{refusal}");
            assert_eq!(Problem::from(refusal).slug(), "payment-event-refused");
        }
    }
}
