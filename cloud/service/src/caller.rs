//! Who is calling, when it is a person. Owns access tokens: how auth makes them, how every service checks them; refuses
//! to know passwords and sessions, which are auth's.
//!
//! A token is for one service, its audience (RFC 9068, 2.2; RFC 8707, 2): whoever takes it from that service, a thief in it
//! included, can use it nowhere else.

mod access_tokens;
mod key_set;

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

/// What an access token gives: to be somebody, until an instant. As an extractor it works where [`Caller`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who the token stands for.
    pub caller: Caller,
    /// The first instant at which it is good no more.
    pub until: Timestamp,
}

impl<S: Send + Sync> FromRequestParts<S> for Access {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(Problem::unauthenticated)
    }
}

const TYPE: &str = "at+jwt";

/// The access tokens of one service.
const fn kind(audience: ServiceName) -> Kind<'static> {
    Kind { typ: TYPE, issuer: ServiceName::Auth.as_str(), audience: audience.as_str() }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: ServiceName,
    aud: ServiceName,
    sub: AccountId,
    role: Role,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// Makes an access token, good at the service `audience` alone, from `now`. For auth alone, with its session key.
pub fn mint(
    session_key: &SigningKey,
    access: Access,
    audience: ServiceName,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<SecretString, SigningError> {
    let claims = Claims {
        iss: ServiceName::Auth,
        aud: audience,
        sub: access.caller.account,
        role: access.caller.role,
        iat: now.unix_seconds(),
        exp: access.until.unix_seconds(),
        jti: randomness.uuid(),
    };
    token::sign(TYPE, session_key, &claims).map(SecretString::from)
}
