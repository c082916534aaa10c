//! Checking access tokens. Owns the cache of auth's session keys; refuses to trust anything a token says before a key
//! of that set has verified it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use tokio::sync::Mutex;
use url::Url;

use super::{Access, Caller, Claims, KeySet, key_set, kind};
use crate::clock::Clock;
use crate::problem::{Problem, chain};
use crate::service_call::http_client;
use crate::service_name::ServiceName;
use crate::token::{self, CLOCK_SKEW};

/// The least time between two questions to auth, so that made-up key ids do not become a flood of them.
const LEAST_INTERVAL: Duration = Duration::from_secs(5);

/// How long a fetched set is believed without asking again: how long a withdrawn session key may live on.
const BELIEVED_FOR: Duration = Duration::from_mins(5);

/// Checks one service's access tokens with auth's session keys. Clones share the keys.
#[derive(Clone)]
pub struct AccessTokens(Arc<Inner>);

struct Inner {
    own: ServiceName,
    clock: Clock,
    keys: RwLock<Arc<[VerifyingKey]>>,
    remote: Option<Remote>,
}

struct Remote {
    url: Url,
    http: reqwest::Client,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    asked: Option<Timestamp>,
    fetched: Option<Timestamp>,
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Malformed, expired, for another audience, or signed by no known key.
    #[error("the access token is not valid")]
    Invalid,
    /// No key was ever learnt from auth, so nothing can be said of the token.
    #[error("auth's keys are not known yet")]
    KeysUnknown,
}

impl AccessTokens {
    /// For the service `own`, with keys at hand: auth's own way.
    pub fn local(own: ServiceName, keys: &[VerifyingKey], clock: Clock) -> Self {
        Self(Arc::new(Inner { own, clock, keys: RwLock::new(keys.into()), remote: None }))
    }

    /// For the service `own`, with the keys that auth publishes: fetched at the first token and whenever one names an unknown key.
    pub fn remote(own: ServiceName, auth: &Url, clock: Clock) -> Result<Self, reqwest::Error> {
        let mut url = auth.clone();
        url.set_path(key_set::PATH);
        let remote = Remote { url, http: http_client()?, times: Mutex::default() };
        Ok(Self(Arc::new(Inner { own, clock, keys: RwLock::default(), remote: Some(remote) })))
    }

    /// Who a token stands for, and until when. Tokens for other services are refused.
    pub async fn verify(&self, token: &str) -> Result<Access, AccessError> {
        let key_id = token::claimed_key_id(token).ok_or(AccessError::Invalid)?;
        let named = |key: &VerifyingKey| key.id().to_string() == key_id;
        self.0.refresh(|keys| keys.iter().any(named)).await;
        let keys = self.0.keys();
        if keys.is_empty() {
            return Err(AccessError::KeysUnknown);
        }
        let claims: Claims = keys
            .iter()
            .filter(|key| named(key))
            .find_map(|key| token::verify(token, *key, &kind(self.0.own)))
            .ok_or(AccessError::Invalid)?;
        let now = self.0.clock.now().unix_seconds();
        if claims.exp <= now || claims.iat > now.saturating_add(CLOCK_SKEW) {
            return Err(AccessError::Invalid);
        }
        let caller = Caller { account: claims.sub, role: claims.role };
        Ok(Access { caller, until: Timestamp::from_unix_seconds(claims.exp) })
    }
}

impl Inner {
    fn keys(&self) -> Arc<[VerifyingKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks auth again when the keys do not satisfy or have grown old; what is known stays when auth cannot be reached.
    async fn refresh(&self, satisfied: impl Fn(&[VerifyingKey]) -> bool) {
        let Some(remote) = &self.remote else { return };
        let now = self.clock.now();
        let old = |time: Option<Timestamp>, age| time.is_none_or(|time| now.since(time) >= age);
        let mut times = if satisfied(&self.keys()) {
            // Nobody who can be served waits for auth, but for the one who renews.
            let Ok(times) = remote.times.try_lock() else { return };
            if !old(times.fetched, BELIEVED_FOR) {
                return;
            }
            times
        } else {
            let times = remote.times.lock().await;
            // Another request may have fetched the key while this one waited.
            if satisfied(&self.keys()) {
                return;
            }
            times
        };
        if !old(times.asked, LEAST_INTERVAL) {
            return;
        }
        times.asked = Some(now);
        match remote.fetch().await {
            Ok(set) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = set.verifying_keys().into();
                times.fetched = Some(now);
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "auth's session keys cannot be fetched");
            }
        }
    }
}

impl Remote {
    async fn fetch(&self) -> Result<KeySet, reqwest::Error> {
        self.http.get(self.url.clone()).send().await?.error_for_status()?.json().await
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Invalid => Self::unauthenticated().detail("The access token is not valid here; log in again, or have auth exchange its own for one of this service."),
            AccessError::KeysUnknown => Self::of_status(http::StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::routing::get;
    use countermark_shared::id::AccountId;
    use countermark_shared::keys::SigningKey;
    use secrecy::ExposeSecret;
    use zeroize::Zeroizing;

    use super::*;
    use crate::caller::{Role, TYPE, mint};
    use crate::randomness::Randomness;

    const LIFETIME: Duration = Duration::from_mins(15);

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([byte; 32]))
    }

    fn access(clock: &Clock) -> Access {
        let caller = Caller { account: AccountId(uuid::Uuid::from_u128(7)), role: Role::Administrator };
        Access { caller, until: clock.now() + LIFETIME }
    }

    fn token(key: &SigningKey, clock: &Clock) -> String {
        token_for(ServiceName::Tickets, key, clock)
    }

    fn token_for(audience: ServiceName, key: &SigningKey, clock: &Clock) -> String {
        let randomness = Randomness::seeded([1; 32]);
        mint(key, access(clock), audience, clock.now(), &randomness).unwrap().expose_secret().to_owned()
    }

    fn clock() -> Clock {
        Clock::fixed(Timestamp::from_unix_seconds(1_800_000_000))
    }

    #[tokio::test]
    async fn a_token_is_good_until_it_expires_by_the_given_clock() {
        let clock = clock();
        let tokens = AccessTokens::local(ServiceName::Tickets, &[key(1).verifying_key()], clock.clone());
        let (token, access) = (token(&key(1), &clock), access(&clock));
        assert_eq!(tokens.verify(&token).await.unwrap(), access);
        clock.advance(LIFETIME);
        assert!(matches!(tokens.verify(&token).await, Err(AccessError::Invalid)));
    }

    #[tokio::test]
    async fn a_token_is_good_at_its_own_service_only() {
        let clock = clock();
        for own in ServiceName::ALL {
            let tokens = AccessTokens::local(own, &[key(1).verifying_key()], clock.clone());
            for audience in ServiceName::ALL {
                let outcome = tokens.verify(&token_for(audience, &key(1), &clock)).await;
                assert_eq!(outcome.ok(), (own == audience).then(|| access(&clock)), "for {audience}, at {own}");
            }
        }
    }

    /// RFC 7519, 4.1.3, allows a list of audiences; a token for two services would be one for neither.
    #[tokio::test]
    async fn a_token_for_several_services_is_refused() {
        let clock = clock();
        let tokens = AccessTokens::local(ServiceName::Tickets, &[key(1).verifying_key()], clock.clone());
        let now = clock.now().unix_seconds();
        for (audience, accepted) in [
            (serde_json::json!("tickets"), true),
            (serde_json::json!(["tickets", "auth"]), false),
            (serde_json::json!(["tickets"]), false),
            (serde_json::Value::Null, false),
        ] {
            let claims = serde_json::json!({
                "iss": "auth", "aud": audience, "sub": uuid::Uuid::nil(), "role": "buyer",
                "iat": now, "exp": now + 60, "jti": uuid::Uuid::nil(),
            });
            let token = token::sign(TYPE, &key(1), &claims).unwrap();
            assert_eq!(tokens.verify(&token).await.is_ok(), accepted, "{audience}");
        }
    }

    #[tokio::test]
    async fn tokens_of_other_keys_and_kinds_are_refused() {
        let clock = clock();
        let tokens = AccessTokens::local(ServiceName::Tickets, &[key(1).verifying_key()], clock.clone());
        let good = token(&key(1), &clock);
        let claims = |aud, iss| Claims {
            iss,
            aud,
            sub: access(&clock).caller.account,
            role: Role::Buyer,
            iat: clock.now().unix_seconds(),
            exp: clock.now().unix_seconds() + 60,
            jti: uuid::Uuid::nil(),
        };
        let sign = |typ, claims: &Claims| token::sign(typ, &key(1), claims).unwrap();
        for bad in [
            token(&key(2), &clock),
            sign(TYPE, &claims(ServiceName::Tickets, ServiceName::Tickets)),
            sign("JWT", &claims(ServiceName::Tickets, ServiceName::Auth)),
            good.replace('.', ""),
            String::new(),
        ] {
            assert!(matches!(tokens.verify(&bad).await, Err(AccessError::Invalid)), "{bad}");
        }
        // `{"typ":"at+jwt","alg":"none"}`
        let (_, payload) = good.split_once('.').unwrap();
        let unsigned = format!("eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJub25lIn0.{payload}");
        assert!(tokens.verify(&unsigned).await.is_err());
    }

    #[tokio::test]
    async fn an_unknown_key_id_asks_auth_but_not_at_every_token() {
        let asked = Arc::new(AtomicUsize::new(0));
        let published = Arc::new(std::sync::Mutex::new(KeySet::new(&[key(1).verifying_key()])));
        let answer = {
            let (asked, published) = (Arc::clone(&asked), Arc::clone(&published));
            move || async move {
                asked.fetch_add(1, Ordering::SeqCst);
                axum::Json(published.lock().unwrap().clone())
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = axum::Router::new().route(key_set::PATH, get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let clock = clock();
        let tokens = AccessTokens::remote(ServiceName::Tickets, &url, clock.clone()).unwrap();
        let (first, second) = (token(&key(1), &clock), token(&key(2), &clock));
        assert!(tokens.verify(&first).await.is_ok());
        assert!(tokens.verify(&second).await.is_err());
        assert_eq!(asked.load(Ordering::SeqCst), 1);

        *published.lock().unwrap() = KeySet::new(&[key(2).verifying_key()]);
        clock.advance(LEAST_INTERVAL);
        assert!(tokens.verify(&second).await.is_ok());
        assert!(tokens.verify(&first).await.is_err(), "a withdrawn key is forgotten");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}
