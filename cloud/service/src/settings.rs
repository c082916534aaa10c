//! What a service is told at start-up. Owns the shared groups of settings, each an environment variable
//! `COUNTERMARK_…` and an option; refuses to know a service's own settings, which it declares beside these.
//!
//! A setting's value name is its variable, so that clap's errors name it.

mod listen;
mod unknown;

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::Args;
use countermark_shared::documents::RootFingerprint;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use url::Url;

pub use self::listen::{ListenAddress, NotLoopback};
pub use self::unknown::{UnknownSettings, refuse_unknown};
use crate::database::{self, DatabaseError};
use crate::master_key::MasterKey;
use crate::secret_file;
use crate::service_name::ServiceName;

/// A service as a type: what its settings are called.
pub trait Service: Send + Sync + 'static {
    /// Its name.
    const NAME: ServiceName;
    /// The variable of its listen address.
    const LISTEN: &'static str;
    /// The variable of its database's URL.
    const DATABASE: &'static str;
    /// The variable of its service key's file.
    const SERVICE_KEY_FILE: &'static str;
    /// The variable of its service key's public half.
    const PUBLIC_KEY: &'static str;
}

/// The account service.
pub enum Auth {}
/// The ticket service.
pub enum Tickets {}
/// The validation service.
pub enum Validation {}
/// The administrator's service.
pub enum Admin {}

impl Service for Auth {
    const NAME: ServiceName = ServiceName::Auth;
    const LISTEN: &'static str = "COUNTERMARK_AUTH_LISTEN";
    const DATABASE: &'static str = "COUNTERMARK_AUTH_DATABASE";
    const SERVICE_KEY_FILE: &'static str = "COUNTERMARK_AUTH_SERVICE_KEY_FILE";
    const PUBLIC_KEY: &'static str = "COUNTERMARK_AUTH_PUBLIC_KEY";
}

impl Service for Tickets {
    const NAME: ServiceName = ServiceName::Tickets;
    const LISTEN: &'static str = "COUNTERMARK_TICKETS_LISTEN";
    const DATABASE: &'static str = "COUNTERMARK_TICKETS_DATABASE";
    const SERVICE_KEY_FILE: &'static str = "COUNTERMARK_TICKETS_SERVICE_KEY_FILE";
    const PUBLIC_KEY: &'static str = "COUNTERMARK_TICKETS_PUBLIC_KEY";
}

impl Service for Validation {
    const NAME: ServiceName = ServiceName::Validation;
    const LISTEN: &'static str = "COUNTERMARK_VALIDATION_LISTEN";
    const DATABASE: &'static str = "COUNTERMARK_VALIDATION_DATABASE";
    const SERVICE_KEY_FILE: &'static str = "COUNTERMARK_VALIDATION_SERVICE_KEY_FILE";
    const PUBLIC_KEY: &'static str = "COUNTERMARK_VALIDATION_PUBLIC_KEY";
}

impl Service for Admin {
    const NAME: ServiceName = ServiceName::Admin;
    const LISTEN: &'static str = "COUNTERMARK_ADMIN_LISTEN";
    const DATABASE: &'static str = "COUNTERMARK_ADMIN_DATABASE";
    const SERVICE_KEY_FILE: &'static str = "COUNTERMARK_ADMIN_SERVICE_KEY_FILE";
    const PUBLIC_KEY: &'static str = "COUNTERMARK_ADMIN_PUBLIC_KEY";
}

/// A service that keeps private keys in its database.
pub trait Sealing: Service {
    /// The variable of the file of the key that seals them.
    const MASTER_KEY_FILE: &'static str;
}

impl Sealing for Auth {
    const MASTER_KEY_FILE: &'static str = "COUNTERMARK_AUTH_MASTER_KEY_FILE";
}

impl Sealing for Tickets {
    const MASTER_KEY_FILE: &'static str = "COUNTERMARK_TICKETS_MASTER_KEY_FILE";
}

impl Sealing for Validation {
    const MASTER_KEY_FILE: &'static str = "COUNTERMARK_VALIDATION_MASTER_KEY_FILE";
}

/// What every service is told of itself.
#[derive(Args)]
pub struct ServiceSettings<S: Service> {
    /// Address to serve plain HTTP on, on loopback only; port 0 takes any free one.
    #[arg(long, env = S::LISTEN, value_name = S::LISTEN, hide_env_values = true)]
    pub listen: ListenAddress,

    /// The database.
    #[command(flatten)]
    pub database: DatabaseSettings<S>,

    /// File of the private key that signs calls to other services: PKCS#8 PEM or 64 hexadecimal digits, mode 600.
    #[arg(
        long = "service-key-file",
        env = S::SERVICE_KEY_FILE,
        value_name = S::SERVICE_KEY_FILE,
        hide_env_values = true,
        value_parser = secret_file::signing_key,
    )]
    pub service_key: SigningKey,
}

/// The key that seals a service's private keys at rest.
#[derive(Args)]
pub struct Seal<S: Sealing> {
    /// File of the master key that seals private keys at rest: 64 hexadecimal digits, mode 600.
    #[arg(
        long = "master-key-file",
        env = S::MASTER_KEY_FILE,
        value_name = S::MASTER_KEY_FILE,
        hide_env_values = true,
        value_parser = secret_file::master_key,
    )]
    pub master_key: MasterKey,

    #[arg(skip)]
    service: PhantomData<fn() -> S>,
}

/// A service key whose public half is not the one that the others are told.
#[derive(Debug, thiserror::Error)]
#[error("{file} holds another key than {public} names: no other service would take this one's calls")]
pub struct OtherServiceKey {
    file: &'static str,
    public: &'static str,
}

impl<S: Service> ServiceSettings<S> {
    /// Makes sure that the service signs its calls with the key that the others hold for its own.
    pub fn expect_own_key(&self, peers: &Peers) -> Result<(), OtherServiceKey> {
        if self.service_key.verifying_key() == peers.public_key(S::NAME) {
            Ok(())
        } else {
            Err(OtherServiceKey { file: S::SERVICE_KEY_FILE, public: S::PUBLIC_KEY })
        }
    }
}

/// A service's database; by itself for commands such as `migrate`.
#[derive(Args)]
pub struct DatabaseSettings<S: Service> {
    // Taken as any text: clap repeats a value that it refuses, and this one holds a password.
    #[arg(
        id = "database",
        long = "database",
        env = S::DATABASE,
        value_name = S::DATABASE,
        hide_env_values = true,
        help = "URL of the service's own PostgreSQL database: postgres://…"
    )]
    url: SecretString,

    #[arg(skip)]
    service: PhantomData<fn() -> S>,
}

/// A database setting that leads to no usable database. The value is not repeated: it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("{variable}")]
pub struct UnusableDatabase {
    /// The setting.
    pub variable: &'static str,
    source: DatabaseError,
}

impl<S: Service> DatabaseSettings<S> {
    /// Connects, whatever the schema: for `migrate`.
    pub async fn connect(&self) -> Result<PgPool, UnusableDatabase> {
        let options = database::options(self.url.expose_secret()).map_err(unusable::<S>)?;
        database::connect(options.application_name(S::NAME.as_str())).await.map_err(unusable::<S>)
    }

    /// Connects to a database that has every migration of `own` and of this crate.
    pub async fn open(&self, own: &Migrator) -> Result<PgPool, UnusableDatabase> {
        let pool = self.connect().await?;
        database::expect_migrated(&pool, own).await.map_err(unusable::<S>)?;
        Ok(pool)
    }
}

fn unusable<S: Service>(source: DatabaseError) -> UnusableDatabase {
    UnusableDatabase { variable: S::DATABASE, source }
}

/// Where the services are and which key each signs its calls with. The same for all four.
#[derive(Args, Clone)]
pub struct Peers {
    /// Base URL of auth.
    #[arg(long, env = "COUNTERMARK_AUTH_URL", value_name = "COUNTERMARK_AUTH_URL", hide_env_values = true, value_parser = base_url)]
    pub auth_url: Url,
    /// Public key of auth's calls, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_AUTH_PUBLIC_KEY",
        value_name = "COUNTERMARK_AUTH_PUBLIC_KEY",
        hide_env_values = true
    )]
    pub auth_public_key: VerifyingKey,
    /// Base URL of tickets.
    #[arg(long, env = "COUNTERMARK_TICKETS_URL", value_name = "COUNTERMARK_TICKETS_URL", hide_env_values = true, value_parser = base_url)]
    pub tickets_url: Url,
    /// Public key of tickets' calls, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_TICKETS_PUBLIC_KEY",
        value_name = "COUNTERMARK_TICKETS_PUBLIC_KEY",
        hide_env_values = true
    )]
    pub tickets_public_key: VerifyingKey,
    /// Base URL of validation.
    #[arg(long, env = "COUNTERMARK_VALIDATION_URL", value_name = "COUNTERMARK_VALIDATION_URL", hide_env_values = true, value_parser = base_url)]
    pub validation_url: Url,
    /// Public key of validation's calls, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_VALIDATION_PUBLIC_KEY",
        value_name = "COUNTERMARK_VALIDATION_PUBLIC_KEY",
        hide_env_values = true
    )]
    pub validation_public_key: VerifyingKey,
    /// Base URL of admin.
    #[arg(long, env = "COUNTERMARK_ADMIN_URL", value_name = "COUNTERMARK_ADMIN_URL", hide_env_values = true, value_parser = base_url)]
    pub admin_url: Url,
    /// Public key of admin's calls, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_ADMIN_PUBLIC_KEY",
        value_name = "COUNTERMARK_ADMIN_PUBLIC_KEY",
        hide_env_values = true
    )]
    pub admin_public_key: VerifyingKey,
}

impl Peers {
    /// Where a service is.
    pub fn url(&self, service: ServiceName) -> &Url {
        match service {
            ServiceName::Auth => &self.auth_url,
            ServiceName::Tickets => &self.tickets_url,
            ServiceName::Validation => &self.validation_url,
            ServiceName::Admin => &self.admin_url,
        }
    }

    /// The key that a service signs its calls with.
    pub fn public_key(&self, service: ServiceName) -> VerifyingKey {
        match service {
            ServiceName::Auth => self.auth_public_key,
            ServiceName::Tickets => self.tickets_public_key,
            ServiceName::Validation => self.validation_public_key,
            ServiceName::Admin => self.admin_public_key,
        }
    }

    /// All four keys, for [`crate::service_call::ServiceCalls::new`].
    pub fn public_keys(&self) -> [(ServiceName, VerifyingKey); 4] {
        ServiceName::ALL.map(|service| (service, self.public_key(service)))
    }
}

/// What a service trusts for documents and tickets.
#[derive(Args, Clone, Debug)]
pub struct Trust {
    /// File of the signed trust bundle.
    #[arg(
        long = "trust-bundle",
        env = "COUNTERMARK_TRUST_BUNDLE",
        value_name = "COUNTERMARK_TRUST_BUNDLE",
        hide_env_values = true
    )]
    pub bundle: PathBuf,
    /// Fingerprint of the roots that sign it, 64 hexadecimal digits.
    #[arg(
        long,
        env = "COUNTERMARK_ROOT_FINGERPRINT",
        value_name = "COUNTERMARK_ROOT_FINGERPRINT",
        hide_env_values = true
    )]
    pub root_fingerprint: RootFingerprint,
}

/// A base URL that is none.
#[derive(Debug, thiserror::Error)]
#[error("a base URL is http:// or https://, a host and perhaps a port, and nothing more")]
pub struct InvalidBaseUrl;

/// Reads the address of another service. In the form of a clap value parser.
pub fn base_url(text: &str) -> Result<Url, InvalidBaseUrl> {
    let url = Url::parse(text).map_err(|_| InvalidBaseUrl)?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && bare { Ok(url) } else { Err(InvalidBaseUrl) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        service: ServiceSettings<Tickets>,
        #[command(flatten)]
        _seal: Seal<Tickets>,
        #[command(flatten)]
        peers: Peers,
        #[command(flatten)]
        trust: Trust,
    }

    /// A complete command line, with one option's value replaced, or left out.
    fn parse(name: &str, replacement: Option<&str>) -> Result<Command, clap::Error> {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "01".repeat(32)).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let secret = secret.to_str().unwrap();
        let key = SigningKey::from_seed(&zeroize::Zeroizing::new([1; 32]));
        let (key, fingerprint) = (key.verifying_key().to_string(), "00".repeat(32));
        let mut arguments = vec!["test".to_owned()];
        for (option, value) in [
            ("--listen", "127.0.0.1:0"),
            ("--database", "postgres://tickets:secret@localhost/tickets"),
            ("--master-key-file", secret),
            ("--service-key-file", secret),
            ("--auth-url", "http://127.0.0.1:1"),
            ("--auth-public-key", &key),
            ("--tickets-url", "http://127.0.0.1:2"),
            ("--tickets-public-key", &key),
            ("--validation-url", "http://127.0.0.1:3"),
            ("--validation-public-key", &key),
            ("--admin-url", "http://127.0.0.1:4"),
            ("--admin-public-key", &key),
            ("--trust-bundle", "bundle"),
            ("--root-fingerprint", &fingerprint),
        ] {
            let value = if option == name { replacement } else { Some(value) };
            arguments.extend(value.map(|value| format!("{option}={value}")));
        }
        Command::try_parse_from(arguments)
    }

    #[test]
    fn every_missing_setting_names_its_variable() {
        assert!(parse("", None).is_ok());
        for (option, variable) in [
            ("--listen", "COUNTERMARK_TICKETS_LISTEN"),
            ("--database", "COUNTERMARK_TICKETS_DATABASE"),
            ("--master-key-file", "COUNTERMARK_TICKETS_MASTER_KEY_FILE"),
            ("--service-key-file", "COUNTERMARK_TICKETS_SERVICE_KEY_FILE"),
            ("--auth-url", "COUNTERMARK_AUTH_URL"),
            ("--admin-public-key", "COUNTERMARK_ADMIN_PUBLIC_KEY"),
            ("--trust-bundle", "COUNTERMARK_TRUST_BUNDLE"),
            ("--root-fingerprint", "COUNTERMARK_ROOT_FINGERPRINT"),
        ] {
            let Err(error) = parse(option, None) else { panic!("{option} was not missed") };
            assert!(error.to_string().contains(variable), "{error}");
        }
    }

    #[test]
    fn every_wrong_setting_names_its_variable() {
        for (option, value, variable) in [
            ("--listen", "0.0.0.0:80", "COUNTERMARK_TICKETS_LISTEN"),
            ("--master-key-file", "/nowhere", "COUNTERMARK_TICKETS_MASTER_KEY_FILE"),
            ("--service-key-file", "/nowhere", "COUNTERMARK_TICKETS_SERVICE_KEY_FILE"),
            ("--auth-url", "ftp://auth", "COUNTERMARK_AUTH_URL"),
            ("--auth-public-key", "00", "COUNTERMARK_AUTH_PUBLIC_KEY"),
            ("--root-fingerprint", "xyz", "COUNTERMARK_ROOT_FINGERPRINT"),
        ] {
            let Err(error) = parse(option, Some(value)) else { panic!("{option} took {value}") };
            assert!(error.to_string().contains(variable), "{error}");
        }
    }

    #[tokio::test]
    async fn a_wrong_database_url_names_its_variable_and_keeps_its_password() {
        for url in ["postgres://x:hunter2@host:99999999/x", "mysql://x:hunter2@localhost/x", "hunter2"] {
            let command = parse("--database", Some(url)).ok().unwrap();
            let error = crate::problem::chain(&command.service.database.connect().await.unwrap_err());
            assert!(error.contains("COUNTERMARK_TICKETS_DATABASE"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_service_key_that_the_others_do_not_know_is_refused() {
        let command = parse("", None).ok().unwrap();
        assert!(command.service.expect_own_key(&command.peers).is_ok());
        let other = SigningKey::from_seed(&zeroize::Zeroizing::new([2; 32])).verifying_key().to_string();
        let command = parse("--tickets-public-key", Some(&other)).ok().unwrap();
        let error = command.service.expect_own_key(&command.peers).unwrap_err().to_string();
        for variable in ["COUNTERMARK_TICKETS_SERVICE_KEY_FILE", "COUNTERMARK_TICKETS_PUBLIC_KEY"] {
            assert!(error.contains(variable), "{error}");
        }
    }

    #[test]
    fn what_is_given_is_taken() {
        let command = parse("", None).ok().unwrap();
        assert_eq!(command.peers.url(ServiceName::Admin).as_str(), "http://127.0.0.1:4/");
        assert_eq!(command.trust.root_fingerprint, RootFingerprint([0; 32]));
    }

    #[test]
    fn a_base_url_is_nothing_more() {
        for text in ["http://auth", "https://auth:8443/"] {
            assert!(base_url(text).is_ok(), "{text}");
        }
        for text in ["auth", "http://u:p@auth", "http://auth/api", "http://auth?x", "file:///auth"] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }
}
