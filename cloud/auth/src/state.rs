//! What auth's handlers stand on.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use countermark_service::clock::Clock;
use countermark_service::randomness::Randomness;
use countermark_shared::documents::{KeyRole, TrustBundle};
use countermark_shared::keys::{KeyId, VerifyingKey};
use sqlx::PgPool;

use crate::account_secrets::AccountSecrets;
use crate::keys::Keys;
use crate::password::Passwords;

/// Auth's database, clock, keys and trust. Clones share them.
#[derive(Clone)]
pub struct State {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) randomness: Randomness,
    pub(crate) bundle: Arc<TrustBundle>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) account_secrets: AccountSecrets,
    pub(crate) passwords: Passwords,
    /// What the payment provider signs its webhooks with.
    pub(crate) payment_provider: VerifyingKey,
}

impl State {
    /// Whether a key of that id may sign new tickets in that role.
    pub(crate) fn is_active(&self, role: KeyRole, id: KeyId) -> bool {
        self.bundle.active(role).any(|key| key.id() == id)
    }
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
