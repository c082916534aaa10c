//! Who goes there, when it is a gate. Owns the session's token and the guard before a gate's routes; refuses to know how a
//! gate proves itself, which is the log-in's.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::Response;
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::VerifyingKey;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::error::Error;
use crate::state::State;
use crate::store::{gates, sessions};

/// How long a session lasts.
pub(crate) const LIFETIME: Duration = Duration::from_hours(1);

/// How old a gate's "last seen" may grow before it is written again: polling reads, it does not write.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// The gate behind a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Its number.
    pub(crate) gate: GateId,
    /// The event it serves.
    pub(crate) event: EventId,
    /// The key it enrolled with.
    pub(crate) key: VerifyingKey,
}

/// What a session is held by: 32 random bytes as text. It has no `Debug`.
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn random(randomness: &Randomness) -> Self {
        Self(BASE64URL_NOPAD.encode(&randomness.bytes::<32>()))
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }

    /// For the gate, once.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// Lets gates with a session pass, and nobody else.
pub(crate) fn guard(router: Router<State>, state: &State) -> Router<State> {
    router.layer(middleware::from_fn_with_state(state.clone(), only_gates))
}

/// How the OpenAPI document describes it.
pub(crate) fn scheme() -> SecurityScheme {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    SecurityScheme::Http(bearer.description(Some("The token of a gate's log-in, good for an hour.")).build())
}

async fn only_gates(state: State, mut request: Request, next: Next) -> Result<Response, Problem> {
    let token_hash = hash(bearer(request.headers()).ok_or_else(Problem::unauthenticated)?);
    let gate = look_up(&state, token_hash).await?.ok_or_else(Problem::unauthenticated)?;
    request.extensions_mut().insert(gate);
    Ok(next.run(request).await)
}

async fn look_up(state: &State, token_hash: [u8; 32]) -> Result<Option<Gate>, Error> {
    let now = state.clock.now();
    let mut connection = state.pool.acquire().await?;
    let Some(session) = sessions::find(&mut connection, token_hash, now).await? else {
        return Ok(None);
    };
    if session.last_seen.is_none_or(|seen| now.since(seen) >= SEEN_WITHIN) {
        gates::seen(&mut connection, session.gate.gate, now).await?;
    }
    Ok(Some(session.gate))
}

impl<S: Send + Sync> FromRequestParts<S> for Gate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().copied().ok_or_else(Problem::unauthenticated)
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The bearer token (RFC 6750, 2.1; the scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
