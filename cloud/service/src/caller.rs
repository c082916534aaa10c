//! Who is calling, when it is a person. Owns access tokens: how auth makes them, how every service checks them; refuses
//! to know passwords and sessions, which are auth's.

mod access_tokens;
mod key_set;

use std::time::Duration;

use axum::extract::FromRequestParts;
use countermark_shared::id::AccountId;
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;
use http::request::Parts;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::access_tokens::{AccessError, AccessTokens};
pub use self::key_set::{KeySet, PATH as KEY_SET_PATH, PublicKey};
use crate::problem::Problem;
use crate::randomness::Randomness;
use crate::service_name::ServiceName;
use crate::token::{self, Kind};

pub use crate::token::SigningError;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Buys tickets.
    Buyer,
    /// Runs events: offers, gates, revocations, figures.
    Administrator,
}

impl Role {
    /// The role as tokens, databases and the OpenAPI document spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Administrator => "administrator",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text that names no role.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no role; there are buyer and administrator")]
pub struct UnknownRole {
    /// What was read.
    pub text: String,
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        [Self::Buyer, Self::Administrator]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole { text: text.to_owned() })
    }
}

/// The person behind a request. As an extractor it works in the `signed_in` routes of an [`crate::api::Api`]; elsewhere
/// it answers 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their account.
    pub account: AccountId,
    /// What they may do.
    pub role: Role,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(Problem::unauthenticated)
    }
}

const KIND: Kind<'static> = Kind { typ: "at+jwt", issuer: ServiceName::Auth.as_str(), audience: "countermark" };

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: AccountId,
    role: Role,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Makes an access token for `caller`, good for `lifetime` from `now`. For auth alone, with its session key.
pub fn mint(
    session_key: &SigningKey,
    caller: Caller,
    now: Timestamp,
    lifetime: Duration,
    randomness: &Randomness,
) -> Result<SecretString, SigningError> {
    let claims = Claims {
        iss: KIND.issuer.to_owned(),
        aud: KIND.audience.to_owned(),
        sub: caller.account,
        role: caller.role,
        iat: now.unix_seconds(),
        exp: (now + lifetime).unix_seconds(),
        jti: randomness.uuid(),
    };
    token::sign(KIND.typ, session_key, &claims).map(SecretString::from)
}
