//! What every route stands on. Owns nothing but the handles; refuses to know the routes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use countermark_service::clock::Clock;
use countermark_service::contract::{TicketsClient, ValidationClient};
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::service_call::ServiceClient;
use countermark_shared::documents::{Authentic, TrustBundle};
use sqlx::PgPool;
use url::Url;

/// The service's handles. Clones share them.
#[derive(Clone)]
pub struct State {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) randomness: Randomness,
    pub(crate) bundle: Arc<Authentic<TrustBundle>>,
    pub(crate) outbox: Outbox,
    pub(crate) auth: ServiceClient,
    pub(crate) tickets: TicketsClient,
    pub(crate) validation: ValidationClient,
    /// Where gates find validation: what an invitation says.
    pub(crate) gates_url: Url,
}

impl FromRequestParts<Self> for State {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, state: &Self) -> Result<Self, Infallible> {
        Ok(state.clone())
    }
}
