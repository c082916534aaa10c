//! Starting the service. Owns its settings and the order of its start; refuses to know any route.

use std::sync::Arc;

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::{TicketsClient, ValidationClient};
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::{ServiceCalls, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    Admin, OtherServiceKey, Peers, ServiceSettings, Trust, UnusableDatabase, base_url,
};
use countermark_service::trust::TrustError;
use url::Url;

use crate::state::State;
use crate::{MIGRATOR, api, distribution};

/// What the service is told.
#[derive(Args)]
pub struct Settings {
    /// Itself.
    #[command(flatten)]
    pub service: ServiceSettings<Admin>,
    /// The other services.
    #[command(flatten)]
    pub peers: Peers,
    /// What it trusts.
    #[command(flatten)]
    pub trust: Trust,
    /// Where gates find validation, as a box at an entrance reaches it: what their invitations say.
    #[arg(long, env = "COUNTERMARK_GATES_URL", value_name = "COUNTERMARK_GATES_URL", hide_env_values = true, value_parser = base_url)]
    pub gates_url: Url,
}

/// Why the service does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The service key is not the one that the others are told.
    #[error(transparent)]
    ServiceKey(#[from] OtherServiceKey),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] UnusableDatabase),
    /// The bundle is missing or not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The clients of the other services cannot be made.
    #[error("the HTTP clients cannot be made")]
    Client {
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Runs the service until the shutdown.
pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), StartError> {
    let Settings { service, peers, trust, gates_url } = settings;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let bundle = Arc::new(trust.load(clock.now())?);
    let client = |source| StartError::Client { source };
    let identity = ServiceIdentity::new(ServiceName::Admin, service.service_key, clock.clone(), randomness.clone())
        .map_err(|source| client(source.into()))?;
    let of = |name| identity.client(name, peers.url(name).clone());
    let front = Front {
        access_tokens: AccessTokens::remote(ServiceName::Admin, peers.url(ServiceName::Auth), clock.clone())
            .map_err(|source| client(source.into()))?,
        service_calls: ServiceCalls::new(ServiceName::Admin, peers.public_keys(), clock.clone()),
        pool: pool.clone(),
        randomness: randomness.clone(),
    };
    let state = State {
        pool,
        clock,
        randomness,
        bundle,
        outbox: Outbox::new(),
        auth: of(ServiceName::Auth),
        tickets: TicketsClient(of(ServiceName::Tickets)),
        validation: ValidationClient(of(ServiceName::Validation)),
        gates_url,
    };
    let (router, _) = api().finish(&front, state.clone());
    let background = distribution::worker(state).run(shutdown.clone());
    Box::pin(serve(ServiceName::Admin, service.listen, router, shutdown, background)).await?;
    Ok(())
}
