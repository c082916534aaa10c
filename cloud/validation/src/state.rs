//! What every route stands on. Owns nothing but the handles; refuses to know the routes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use countermark_service::clock::Clock;
use countermark_service::contract::TicketsClient;
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_shared::documents::{Authentic, TrustBundle};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use sqlx::PgPool;

/// The service's handles. Clones share them.
#[derive(Clone)]
pub struct State {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) randomness: Randomness,
    pub(crate) trust: Arc<Trusted>,
    pub(crate) tickets: TicketsClient,
    pub(crate) outbox: Outbox,
}

/// Whom the service believes, and the key it is believed by.
pub(crate) struct Trusted {
    /// The bundle, served to gates as it is.
    pub(crate) bundle: Authentic<TrustBundle>,
    /// Its issuing and authority keys.
    pub(crate) key_ring: KeyRing,
    /// Signs slot lists, assignments, heads and the time.
    pub(crate) list_key: SigningKey,
    /// All that this service has signed with, believed today or not: how it reads back what it stored.
    pub(crate) own_keys: Vec<VerifyingKey>,
}

impl Trusted {
    pub(crate) fn new(bundle: Authentic<TrustBundle>, list_key: SigningKey, own_keys: Vec<VerifyingKey>) -> Self {
        let key_ring = KeyRing::of(bundle.document());
        Self { bundle, key_ring, list_key, own_keys }
    }
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
