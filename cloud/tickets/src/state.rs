//! What every handler and job of the service works with.

use core::time::Duration;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use countermark_service::clock::Clock;
use countermark_service::contract::{AuthClient, ValidationClient};
use countermark_service::keystore::Keystore;
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_shared::documents::TrustBundle;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::{KeyId, SigningKey, VerifyingKey};
use sqlx::PgPool;

use crate::body::Keys;
use crate::payment::PaymentProvider;

/// Shared by all of a process's requests; clones are cheap.
#[derive(Clone)]
pub struct State {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) randomness: Randomness,
    pub(crate) bundle: Arc<TrustBundle>,
    pub(crate) key_ring: Arc<KeyRing>,
    /// What is sealed at rest: event secrets, and names of orders under way.
    pub(crate) keystore: Keystore,
    pub(crate) issuing_key: Arc<SigningKey>,
    pub(crate) authority_key: KeyId,
    pub(crate) auth: AuthClient,
    pub(crate) validation: ValidationClient,
    pub(crate) payments: Arc<dyn PaymentProvider>,
    pub(crate) provider_key: VerifyingKey,
    pub(crate) outbox: Outbox,
    /// How long places are held for a buyer who has not opened a payment.
    pub(crate) reservation: Duration,
}

impl State {
    /// The keys that bodies made now name.
    pub(crate) fn keys(&self) -> Keys {
        Keys { issuing: self.issuing_key.verifying_key().id(), authority: self.authority_key }
    }
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
