//! What auth's handlers stand on.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use countermark_service::clock::Clock;
use countermark_service::randomness::Randomness;
use countermark_shared::documents::{KeyRole, KeyStatus, TrustBundle, TrustedKey};
use countermark_shared::keys::{KeyId, VerifyingKey};
use countermark_shared::ticket::TicketBody;
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

    /// Whether no gate believes the body any more: a key that it names is revoked, or the bundle has none of that id.
    pub(crate) fn names_revoked_key(&self, body: &TicketBody) -> bool {
        let is_revoked = |role, id| {
            let named = |trusted: &&TrustedKey| trusted.role == role && trusted.key.id() == id;
            self.bundle.keys.iter().filter(named).all(|trusted| trusted.status == KeyStatus::Revoked)
        };
        is_revoked(KeyRole::Issuing, body.issuing_key) || is_revoked(KeyRole::Authority, body.authority_key)
    }
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
