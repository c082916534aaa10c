//! The called side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use countermark_shared::keys::VerifyingKey;
use http::request::Parts;
use uuid::Uuid;

use super::{Claims, LIFETIME, TYPE, body_digest};
use crate::clock::Clock;
use crate::problem::Problem;
use crate::service_name::ServiceName;
use crate::token::{self, CLOCK_SKEW, Kind};

/// How many calls are remembered at most: 30 seconds of more than 2000 calls a second, about 5 MB.
const REMEMBERED: usize = 65_536;

/// The service behind a request. As an extractor it works in the `services` routes of an [`crate::api::Api`]; elsewhere
/// it answers 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceCaller(pub ServiceName);

impl<S: Send + Sync> FromRequestParts<S> for ServiceCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(Problem::unauthenticated)
    }
}

/// Checks calls of other services with their pinned keys. Clones share what was seen.
///
/// A call is taken once by one process. Copies of a service behind the gateway do not share what they saw, so a call
/// caught within its 30 seconds could be played to another copy: every call of the contract is idempotent for that.
#[derive(Clone)]
pub struct ServiceCalls(Arc<Inner>);

struct Inner {
    own: ServiceName,
    keys: BTreeMap<ServiceName, VerifyingKey>,
    clock: Clock,
    seen: Mutex<BTreeSet<(i64, ServiceName, Uuid)>>,
}

/// Why a call is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No pinned key verifies it for this service.
    #[error("the call is signed by no known service for this one")]
    Unsigned,
    /// Too old, from the future, or meant to live too long.
    #[error("the call's time is not within {LIFETIME} seconds of this machine's clock")]
    Untimely,
    /// Signed over another method, path or body.
    #[error("the call was signed for another request")]
    OtherRequest,
    /// Seen before.
    #[error("the call was made already")]
    Replayed,
    /// More calls within 30 seconds than are remembered.
    #[error("too many calls at a time")]
    TooMany,
}

impl ServiceCalls {
    /// For the service `own`, with the keys that the others sign with.
    pub fn new(own: ServiceName, keys: impl IntoIterator<Item = (ServiceName, VerifyingKey)>, clock: Clock) -> Self {
        let keys = keys.into_iter().collect();
        Self(Arc::new(Inner { own, keys, clock, seen: Mutex::default() }))
    }

    /// Which service made this request; `path` with its query.
    pub fn verify(&self, token: &str, method: &str, path: &str, body: &[u8]) -> Result<ServiceCaller, Refusal> {
        let Inner { own, keys, clock, .. } = &*self.0;
        let claims: Claims = keys
            .iter()
            .find_map(|(issuer, key)| {
                let kind = Kind { typ: TYPE, issuer: issuer.as_str(), audience: own.as_str() };
                token::verify(token, *key, &kind)
            })
            .ok_or(Refusal::Unsigned)?;
        let now = clock.now().unix_seconds();
        let timely = claims.iat <= now.saturating_add(CLOCK_SKEW)
            && claims.exp > now
            && claims.exp.saturating_sub(claims.iat) <= LIFETIME;
        if !timely {
            return Err(Refusal::Untimely);
        }
        if claims.method != method || claims.path != path || claims.body != body_digest(body) {
            return Err(Refusal::OtherRequest);
        }
        self.remember(&claims, now)?;
        Ok(ServiceCaller(claims.iss))
    }

    fn remember(&self, claims: &Claims, now: i64) -> Result<(), Refusal> {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.first().is_some_and(|(expiry, ..)| *expiry <= now) {
            seen.pop_first();
        }
        if seen.len() >= REMEMBERED {
            return Err(Refusal::TooMany);
        }
        if seen.insert((claims.exp, claims.iss, claims.jti)) { Ok(()) } else { Err(Refusal::Replayed) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsigned | Refusal::Untimely | Refusal::OtherRequest | Refusal::Replayed => {
                Self::unauthenticated().detail(format!("Not accepted: {refusal}."))
            }
            Refusal::TooMany => Self::of_status(http::StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_shared::keys::SigningKey;
    use countermark_shared::time::Timestamp;
    use zeroize::Zeroizing;

    use super::*;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([byte; 32]))
    }

    fn calls(clock: &Clock) -> ServiceCalls {
        let keys = [(ServiceName::Tickets, key(1).verifying_key()), (ServiceName::Admin, key(2).verifying_key())];
        ServiceCalls::new(ServiceName::Auth, keys, clock.clone())
    }

    fn clock() -> Clock {
        Clock::fixed(Timestamp::from_unix_seconds(1_800_000_000))
    }

    fn claims(clock: &Clock) -> Claims {
        let now = clock.now().unix_seconds();
        Claims {
            iss: ServiceName::Tickets,
            aud: ServiceName::Auth,
            iat: now,
            exp: now + LIFETIME,
            jti: Uuid::from_u128(1),
            method: "POST".to_owned(),
            path: "/grants?all".to_owned(),
            body: body_digest(b"{}"),
        }
    }

    fn signed(key: &SigningKey, claims: &Claims) -> String {
        token::sign(TYPE, key, claims).unwrap()
    }

    #[test]
    fn a_call_is_taken_once() {
        let clock = clock();
        let (calls, token) = (calls(&clock), signed(&key(1), &claims(&clock)));
        let verify = || calls.verify(&token, "POST", "/grants?all", b"{}");
        assert_eq!(verify(), Ok(ServiceCaller(ServiceName::Tickets)));
        assert_eq!(verify(), Err(Refusal::Replayed));
        clock.advance(Duration::from_secs(30));
        assert_eq!(verify(), Err(Refusal::Untimely));
    }

    #[test]
    fn a_call_is_for_one_request() {
        let clock = clock();
        let (calls, token) = (calls(&clock), signed(&key(1), &claims(&clock)));
        for (method, path, body) in
            [("GET", "/grants?all", &b"{}"[..]), ("POST", "/grants", b"{}"), ("POST", "/grants?all", b"{ }")]
        {
            assert_eq!(calls.verify(&token, method, path, body), Err(Refusal::OtherRequest));
        }
    }

    #[test]
    fn a_service_cannot_speak_as_another_nor_to_another() {
        let clock = clock();
        let calls = calls(&clock);
        let verify = |token: &str| calls.verify(token, "POST", "/grants?all", b"{}");
        let elsewhere = Claims { aud: ServiceName::Validation, ..claims(&clock) };
        for token in [
            signed(&key(2), &claims(&clock)),
            signed(&key(3), &claims(&clock)),
            signed(&key(1), &elsewhere),
            token::sign("at+jwt", &key(1), &claims(&clock)).unwrap(),
        ] {
            assert_eq!(verify(&token), Err(Refusal::Unsigned));
        }
    }

    #[test]
    fn a_call_lives_for_seconds() {
        let clock = clock();
        let calls = calls(&clock);
        let good = claims(&clock);
        for (iat, exp) in [(good.iat, good.exp + 1), (good.iat + 6, good.exp), (good.iat - 40, good.iat)] {
            let token = signed(&key(1), &Claims { iat, exp, ..claims(&clock) });
            let verdict = calls.verify(&token, "POST", "/grants?all", b"{}");
            assert_eq!(verdict, Err(Refusal::Untimely));
        }
    }
}
