//! Starting auth. Owns its settings and the order in which it makes sure of its database, its keys and whom it trusts.

use std::sync::Arc;

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::keystore::KeystoreError;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::ServiceCalls;
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    Auth, ListenAddress, OtherServiceKey, Peers, Seal, ServiceSettings, Trust, UnusableDatabase,
};
use countermark_service::trust::TrustError;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use sqlx::migrate::Migrator;

use crate::account_secrets::AccountSecrets;
use crate::keys::{Keys, KeysError};
use crate::password::Passwords;
use crate::routes::api;
use crate::state::State;

/// Auth's own tables.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// What auth is told.
#[derive(Args)]
pub struct Settings {
    /// What every service is told of itself.
    #[command(flatten)]
    pub service: ServiceSettings<Auth>,
    /// The key that seals its private keys.
    #[command(flatten)]
    pub seal: Seal<Auth>,
    /// Where the services are and which key each signs its calls with.
    #[command(flatten)]
    pub peers: Peers,
    /// What auth trusts for documents and tickets.
    #[command(flatten)]
    pub trust: Trust,
    /// Public key that the payment provider signs its webhooks with, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_PAYMENT_PROVIDER_KEY",
        value_name = "COUNTERMARK_PAYMENT_PROVIDER_KEY",
        hide_env_values = true
    )]
    pub payment_provider_key: VerifyingKey,
}

/// Why auth does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The service key is not the one that the others are told.
    #[error(transparent)]
    ServiceKey(#[from] OtherServiceKey),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] UnusableDatabase),
    /// The database failed.
    #[error("auth's keys cannot be read")]
    Connection(#[from] sqlx::Error),
    /// A key cannot be made, read or opened.
    #[error(transparent)]
    Keys(#[from] KeystoreError),
    /// The keys were never made.
    #[error("there is no {role} key yet: make it with `countermark-cloud key auth`")]
    KeyMissing {
        /// What it is for.
        role: &'static str,
    },
    /// The bundle is not believed, or does not list auth's authority key.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl From<KeysError> for StartError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => Self::Keys(error),
            KeysError::Trust(error) => Self::Trust(error),
            KeysError::Missing { role } => Self::KeyMissing { role },
        }
    }
}

/// What auth works with, and whoever works in its place while it is stopped.
pub(crate) struct Prepared {
    pub(crate) state: State,
    pub(crate) peers: Peers,
    pub(crate) service_key: SigningKey,
    listen: ListenAddress,
}

/// Runs auth until the shutdown.
pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), StartError> {
    let Prepared { state, peers, listen, service_key: _ } = prepare(settings).await?;
    let State { pool, clock, randomness, keys, .. } = state.clone();
    let front = Front {
        access_tokens: AccessTokens::local(ServiceName::Auth, &keys.session_public, clock.clone()),
        service_calls: ServiceCalls::new(ServiceName::Auth, peers.public_keys(), clock),
        pool,
        randomness,
    };
    let (router, _) = api().finish(&front, state);
    // Auth calls nobody, so it has no work besides its requests.
    let until_shutdown = shutdown.clone();
    serve(ServiceName::Auth, listen, router, shutdown, async move { until_shutdown.requested().await }).await?;
    Ok(())
}

pub(crate) async fn prepare(settings: Settings) -> Result<Prepared, StartError> {
    let Settings { service, seal, peers, trust, payment_provider_key } = settings;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let bundle = trust.load(clock.now())?;
    let keys = Keys::load(&mut *pool.acquire().await?, seal.master_key.clone(), bundle.document()).await?;
    trust.keep(&mut *pool.acquire().await?, &bundle).await?;
    let state = State {
        pool,
        clock,
        randomness: randomness.clone(),
        bundle: Arc::new(bundle.into_document()),
        keys: Arc::new(keys),
        account_secrets: AccountSecrets::new(seal.master_key, randomness),
        passwords: Passwords::new(),
        payment_provider: payment_provider_key,
    };
    let ServiceSettings { listen, service_key, .. } = service;
    Ok(Prepared { state, peers, service_key, listen })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use clap::Parser;
    use countermark_postgres::{Schema, TestDatabase};
    use countermark_service::keystore::Wanted;
    use countermark_service::master_key::MasterKey;
    use countermark_shared::documents::{Signed, TrustBundle};
    use countermark_shared::keys::SigningKey;
    use countermark_shared::time::Timestamp;
    use tempfile::TempDir;
    use zeroize::Zeroizing;

    use super::*;
    use crate::testing::{self, NOW};

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        settings: Settings,
    }

    fn root() -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([1; 32]))
    }

    /// A complete command line with one option replaced, or left out.
    fn parse(
        folder: &TempDir,
        database: &str,
        bundle: &TrustBundle,
        name: &str,
        value: Option<&str>,
    ) -> Result<Settings, clap::Error> {
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (secret, bundle_file) = (path("secret"), path("bundle"));
        fs::write(&secret, "01".repeat(32)).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        fs::write(&bundle_file, Signed::seal(bundle, &[&root()]).unwrap()).unwrap();
        let key = root().verifying_key().to_string();
        let fingerprint = String::from(bundle.root_fingerprint());
        let services = ["auth", "tickets", "validation", "admin"];
        let peers = services
            .map(|service| [format!("--{service}-url=http://127.0.0.1:1"), format!("--{service}-public-key={key}")]);
        let options = [
            ("--listen", "127.0.0.1:0"),
            ("--database", database),
            ("--master-key-file", &secret),
            ("--service-key-file", &secret),
            ("--trust-bundle", &bundle_file),
            ("--root-fingerprint", &fingerprint),
            ("--payment-provider-key", &key),
        ];
        let arguments = options.into_iter().filter_map(|(option, usual)| {
            let value = if option == name { value } else { Some(usual) };
            value.map(|value| format!("{option}={value}"))
        });
        let arguments = std::iter::once("auth".to_owned()).chain(peers.into_iter().flatten()).chain(arguments);
        Command::try_parse_from(arguments).map(|command| command.settings)
    }

    #[test]
    fn a_missing_or_wrong_provider_key_names_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = testing::bundle(testing::other_authority());
        for value in [None, Some("00")] {
            let error = parse(&folder, "postgres://x", &bundle, "--payment-provider-key", value).err().unwrap();
            assert!(error.to_string().contains("COUNTERMARK_PAYMENT_PROVIDER_KEY"), "{error}");
        }
    }

    #[tokio::test]
    async fn auth_runs_only_with_an_authority_key_that_the_bundle_lists() {
        let database = TestDatabase::new(Schema::Auth);
        let folder = tempfile::tempdir().unwrap();
        let run = async |authority| {
            let issued = Timestamp::from_unix_seconds(1_700_000_000);
            let bundle = TrustBundle { issued, ..testing::bundle(authority) };
            let settings = parse(&folder, &database.url, &bundle, "", None).unwrap();
            let (switch, shutdown) = Shutdown::by_hand();
            switch.request();
            run(settings, shutdown).await
        };
        let refused = run(testing::other_authority()).await;
        assert!(matches!(refused, Err(StartError::KeyMissing { .. })), "{refused:?}");

        let pool = countermark_service::database::connect(database.url.parse().unwrap()).await.unwrap();
        let master_key = MasterKey::new(Zeroizing::new([1; 32]));
        let authority =
            crate::create_keys(&pool, master_key, Wanted::Newest, NOW, &Randomness::system()).await.unwrap();
        let refused = run(testing::other_authority()).await;
        assert!(matches!(refused, Err(StartError::Trust(_))), "{refused:?}");
        run(authority).await.unwrap();
    }
}
