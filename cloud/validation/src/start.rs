//! Starting the service. Owns its settings and the order of its start; refuses to know any route.

use std::sync::Arc;

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::{AdminClient, TicketsClient};
use countermark_service::keystore::{Keystore, KeystoreError, Wanted};
use countermark_service::master_key::MasterKey;
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::{ServiceCalls, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    ListenAddress, OtherServiceKey, Peers, Seal, ServiceSettings, Trust, UnusableDatabase, Validation,
};
use countermark_service::transaction::transaction;
use countermark_service::trust::{TrustError, signer};
use countermark_shared::documents::KeyRole;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::time::Timestamp;
use sqlx::PgPool;

use crate::error::Error;
use crate::publisher::Publisher;
use crate::settler::Settler;
use crate::state::{State, Trusted};
use crate::store::bundles;
use crate::{MIGRATOR, api, assignment, secrets};

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
    /// What is stored for gates cannot be read, or not be signed anew.
    #[error("the documents for gates cannot be brought up to date")]
    Documents {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A client of the other services cannot be made.
    #[error("the HTTP client cannot be made")]
    Client {
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Makes the list key that is wanted; the answer is its public half, for the ceremony.
pub async fn create_keys(
    pool: &PgPool,
    master_key: MasterKey,
    wanted: Wanted,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<VerifyingKey, KeystoreError> {
    let keystore = &Keystore::new(ServiceName::Validation, master_key);
    transaction(pool, "make the list key", |mut transaction| {
        Box::pin(async move { keystore.make(&mut transaction, LIST, wanted, now, randomness).await })
    })
    .await
}

/// What the service works with, and whoever works in its place while it is stopped.
pub(crate) struct Prepared {
    pub(crate) state: State,
    pub(crate) admin: AdminClient,
    peers: Peers,
    listen: ListenAddress,
}

/// Runs the service until the shutdown.
pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), StartError> {
    let Prepared { state, peers, listen, admin: _ } = prepare(settings).await?;
    let State { pool, clock, randomness, .. } = state.clone();
    let front = Front {
        access_tokens: AccessTokens::remote(ServiceName::Validation, peers.url(ServiceName::Auth), clock.clone())
            .map_err(client)?,
        service_calls: ServiceCalls::new(ServiceName::Validation, peers.public_keys(), clock),
        pool,
        randomness,
    };
    assignment::revise_all(&state).await.map_err(documents)?;
    let (router, _) = api().finish(&front, state.clone());
    let background = {
        let shutdown = shutdown.clone();
        let worker = secrets::worker(state.clone());
        let (lists, feeds) = (Publisher::slot_lists(state.clone()), Publisher::feeds(state.clone()));
        let settler = Settler::new(state);
        async move {
            let publishing = async { tokio::join!(lists.run(shutdown.clone()), feeds.run(shutdown.clone())) };
            tokio::join!(worker.run(shutdown.clone()), publishing, settler.run(shutdown.clone()));
        }
    };
    Box::pin(serve(ServiceName::Validation, listen, router, shutdown, background)).await?;
    Ok(())
}

pub(crate) async fn prepare(settings: Settings) -> Result<Prepared, StartError> {
    let Settings { service, seal, peers, trust } = settings;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let bundle = trust.load(clock.now())?;
    let keystore = Keystore::new(ServiceName::Validation, seal.master_key);
    let list_keys = keystore.load_all(&mut *pool.acquire().await?, LIST).await?;
    let own_keys = list_keys.iter().map(SigningKey::verifying_key).collect();
    let list_key = signer(list_keys, bundle.document(), KeyRole::List)?;
    let connection = &mut *pool.acquire().await?;
    trust.keep(connection, &bundle).await?;
    bundles::keep(connection, &bundle).await?;
    let identity =
        ServiceIdentity::new(ServiceName::Validation, service.service_key, clock.clone(), randomness.clone())
            .map_err(client)?;
    let calls = |service| identity.client(service, peers.url(service).clone());
    let (tickets, admin) = (TicketsClient(calls(ServiceName::Tickets)), AdminClient(calls(ServiceName::Admin)));
    let trust = Arc::new(Trusted::new(bundle, list_key, own_keys));
    let state = State { pool, clock, randomness, trust, tickets, outbox: Outbox::new() };
    Ok(Prepared { state, admin, peers, listen: service.listen })
}

fn documents(error: Error) -> StartError {
    StartError::Documents { source: error.into() }
}

fn client(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
    StartError::Client { source: error.into() }
}
