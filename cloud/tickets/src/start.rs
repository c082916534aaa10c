//! Start-up: from settings to a running service.

use core::time::Duration;
use std::sync::Arc;

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::{AdminClient, AuthClient, ValidationClient};
use countermark_service::keystore::{Keystore, KeystoreError, Wanted};
use countermark_service::master_key::MasterKey;
use countermark_service::outbox::{Entry, Outbox, Retry, Worker};
use countermark_service::randomness::Randomness;
use countermark_service::secret_file;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::{ServiceCalls, ServiceIdentity, http_client};
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    ListenAddress, OtherServiceKey, Peers, Seal, ServiceSettings, Tickets, Trust, UnusableDatabase, base_url,
};
use countermark_service::transaction::transaction;
use countermark_service::trust::{TrustError, signer};
use countermark_shared::documents::KeyRole;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use sqlx::PgPool;
use url::Url;

use crate::payment::HttpProvider;
use crate::state::State;
use crate::{MIGRATOR, api, expire, issue};

/// The keystore's name of the issuing keys.
const ISSUING: &str = "issuing";

/// What the ticket service is told.
#[derive(Args)]
pub struct Settings {
    #[command(flatten)]
    service: ServiceSettings<Tickets>,
    #[command(flatten)]
    seal: Seal<Tickets>,
    #[command(flatten)]
    peers: Peers,
    #[command(flatten)]
    trust: Trust,

    /// Base URL of the payment provider.
    #[arg(
        long,
        env = "COUNTERMARK_PAYMENT_PROVIDER_URL",
        value_name = "COUNTERMARK_PAYMENT_PROVIDER_URL",
        hide_env_values = true,
        value_parser = base_url,
    )]
    payment_provider_url: Url,

    /// Public key of the payment provider's webhooks, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_PAYMENT_PROVIDER_KEY",
        value_name = "COUNTERMARK_PAYMENT_PROVIDER_KEY",
        hide_env_values = true
    )]
    payment_provider_key: VerifyingKey,

    /// File of the secret that says to the payment provider who we are: 16 to 256 characters, mode 600.
    #[arg(
        long = "payment-secret-file",
        env = "COUNTERMARK_TICKETS_PAYMENT_SECRET_FILE",
        value_name = "COUNTERMARK_TICKETS_PAYMENT_SECRET_FILE",
        hide_env_values = true,
        value_parser = secret_file::text,
    )]
    payment_secret: SecretString,

    /// Seconds that places are held for a buyer who has not opened a payment.
    #[arg(
        long,
        env = "COUNTERMARK_TICKETS_RESERVATION_SECONDS",
        value_name = "COUNTERMARK_TICKETS_RESERVATION_SECONDS",
        hide_env_values = true,
        default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..=86_400),
    )]
    reservation_seconds: u32,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The service key is not the one that the others are told.
    #[error(transparent)]
    ServiceKey(#[from] OtherServiceKey),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] UnusableDatabase),
    /// A query at start-up.
    #[error("the database failed")]
    Query(#[from] sqlx::Error),
    /// The trust bundle, or a key it does not list.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The bundle has no key for the other signature.
    #[error(
        "the trust bundle lists no active authority key: sign one that does with `countermark-cloud ceremony bundle next`"
    )]
    NoAuthority,
    /// The keys at rest.
    #[error(transparent)]
    Keys(#[from] KeystoreError),
    /// The HTTP client.
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
    /// Serving.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Makes the issuing key that is wanted; the answer is its public half, for the ceremony.
pub async fn create_keys(
    pool: &PgPool,
    master_key: MasterKey,
    wanted: Wanted,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<VerifyingKey, KeystoreError> {
    let keystore = &Keystore::new(ServiceName::Tickets, master_key);
    transaction(pool, "make the issuing key", |mut connection| {
        Box::pin(async move { keystore.make(&mut connection, ISSUING, wanted, now, randomness).await })
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
    let State { pool, clock, randomness, outbox, .. } = state.clone();
    let front = Front {
        access_tokens: AccessTokens::remote(ServiceName::Tickets, peers.url(ServiceName::Auth), clock.clone())?,
        service_calls: ServiceCalls::new(ServiceName::Tickets, peers.public_keys(), clock),
        pool,
        randomness,
    };
    let (router, _) = api().finish(&front, state.clone());
    let worker = worker(state.clone(), outbox);
    let background = {
        let shutdown = shutdown.clone();
        async move {
            tokio::join!(worker.run(shutdown.clone()), expire::run(state, shutdown));
        }
    };
    Box::pin(serve(ServiceName::Tickets, listen, router, shutdown, background)).await?;
    Ok(())
}

pub(crate) async fn prepare(settings: Settings) -> Result<Prepared, StartError> {
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let Settings { service, seal, peers, trust, .. } = settings;
    let believed = trust.load(clock.now())?;
    let bundle = believed.document();
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let authority_key = bundle.active(KeyRole::Authority).next().ok_or(StartError::NoAuthority)?.id();
    let keystore = Keystore::new(ServiceName::Tickets, seal.master_key);
    let issuing_key = signer(keystore.load_all(&mut *pool.acquire().await?, ISSUING).await?, bundle, KeyRole::Issuing)?;
    trust.keep(&mut *pool.acquire().await?, &believed).await?;

    let identity = ServiceIdentity::new(ServiceName::Tickets, service.service_key, clock.clone(), randomness.clone())?;
    let client = |peer| identity.client(peer, peers.url(peer).clone());
    let state = State {
        key_ring: Arc::new(KeyRing::of(bundle)),
        bundle: Arc::new(believed.into_document()),
        keystore,
        issuing_key: Arc::new(issuing_key),
        authority_key,
        auth: AuthClient(client(ServiceName::Auth)),
        validation: ValidationClient(client(ServiceName::Validation)),
        payments: Arc::new(HttpProvider::new(http_client()?, settings.payment_provider_url, settings.payment_secret)),
        provider_key: settings.payment_provider_key,
        outbox: Outbox::new(),
        reservation: Duration::from_secs(settings.reservation_seconds.into()),
        pool,
        clock,
        randomness,
    };
    Ok(Prepared { state, admin: AdminClient(client(ServiceName::Admin)), peers, listen: service.listen })
}

/// The worker that carries the service's outbox out.
pub(crate) fn worker(state: State, outbox: Outbox) -> Worker {
    let (pool, clock, randomness) = (state.pool.clone(), state.clock.clone(), state.randomness.clone());
    let kinds = &[issue::ISSUE, issue::CLOSE_GRANT, issue::REPORT_SLOT];
    Worker::new(outbox, pool, clock, randomness, kinds, move |entry| carry_out(state.clone(), entry))
}

async fn carry_out(state: State, entry: Entry) -> Result<(), Retry> {
    match entry.kind.as_str() {
        issue::ISSUE => issue::issue(state, entry).await,
        issue::CLOSE_GRANT => issue::close_grant(state, entry).await,
        issue::REPORT_SLOT => issue::report_slot(state, entry).await,
        other => Err(Retry::because(format!("this version knows no outbox entries of kind {other}"))),
    }
}
