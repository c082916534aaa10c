//! Starting the service. Owns its settings and the order of its start; refuses to know any route.

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::keystore::{Keystore, KeystoreError};
use countermark_service::master_key::MasterKey;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::ServiceCalls;
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    OtherServiceKey, Peers, Seal, ServiceSettings, Trust, UnusableDatabase, Validation,
};
use countermark_service::transaction::transaction;
use countermark_service::trust::{TrustError, signer};
use countermark_shared::documents::KeyRole;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use sqlx::PgPool;

use crate::state::State;
use crate::{MIGRATOR, api, publisher};

/// What the list key is called in the keystore.
const LIST: &str = "list";

/// What the service is told.
#[derive(Args)]
pub struct Settings {
    /// Itself.
    #[command(flatten)]
    pub service: ServiceSettings<Validation>,
    /// The key that seals its private keys.
    #[command(flatten)]
    pub seal: Seal<Validation>,
    /// The other services.
    #[command(flatten)]
    pub peers: Peers,
    /// What it trusts.
    #[command(flatten)]
    pub trust: Trust,
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
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeystoreError),
    /// A query at start-up failed.
    #[error("the database failed")]
    Query(#[from] sqlx::Error),
    /// The bundle is missing, or does not name the list key.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The client that fetches auth's keys cannot be made.
    #[error("the HTTP client cannot be made")]
    Client {
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Makes the list key unless there is one; the answer is its public half, for the ceremony.
pub async fn create_keys(
    pool: &PgPool,
    master_key: MasterKey,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<VerifyingKey, KeystoreError> {
    let keystore = &Keystore::new(ServiceName::Validation, master_key);
    transaction(pool, "make the list key", |mut transaction| {
        Box::pin(async move { keystore.create_if_none(&mut transaction, LIST, now, randomness).await })
    })
    .await
}

/// Runs the service until the shutdown.
pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), StartError> {
    let Settings { service, seal, peers, trust } = settings;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let bundle = trust.load(clock.now())?;
    let keystore = Keystore::new(ServiceName::Validation, seal.master_key);
    let mut connection = pool.acquire().await?;
    let list_key = signer(keystore.load_all(&mut connection, LIST).await?, bundle.document(), KeyRole::List)?;
    drop(connection);
    let front = Front {
        access_tokens: AccessTokens::remote(ServiceName::Validation, peers.url(ServiceName::Auth), clock.clone())
            .map_err(|source| StartError::Client { source: source.into() })?,
        service_calls: ServiceCalls::new(ServiceName::Validation, peers.public_keys(), clock.clone()),
        pool: pool.clone(),
        randomness: randomness.clone(),
    };
    let state = State::new(pool, clock, randomness, bundle, list_key);
    let (router, _) = api().finish(&front, state.clone());
    let background = publisher::run(state, shutdown.clone());
    Box::pin(serve(ServiceName::Validation, service.listen, router, shutdown, background)).await?;
    Ok(())
}
