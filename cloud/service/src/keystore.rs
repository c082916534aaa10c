//! A service's private keys at rest, sealed under its master key, and how its other secrets are sealed. Owns table `sealed_keys`;
//! refuses to know what a key signs, which is its role's name, and where other secrets are kept.

use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::master_key::{MasterKey, Purpose, SealError};
use crate::randomness::Randomness;
use crate::service_name::ServiceName;

/// Reads and writes one service's keys.
#[derive(Clone)]
pub struct Keystore {
    service: ServiceName,
    master_key: MasterKey,
}

/// Which key of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The newest there is; the first, where there is none.
    Newest,
    /// One more, which signs as soon as a trust bundle lists it.
    Next,
}

/// Why a key cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// The database failed.
    #[error("the keys cannot be stored or read")]
    Database(#[from] sqlx::Error),
    /// A key does not open.
    #[error("{variable}: {role} key {public_key} was not sealed with this master key, or was damaged since")]
    Sealed {
        /// The setting that names the master key's file.
        variable: String,
        /// The key's public half as stored, hexadecimal.
        public_key: String,
        /// What it is for.
        role: String,
        /// Why.
        source: SealError,
    },
    /// Another secret cannot be sealed, or does not open.
    #[error("{variable}: {role} was not sealed with this master key, or was damaged since")]
    Secret {
        /// The setting that names the master key's file.
        variable: String,
        /// What it is.
        role: &'static str,
        /// Why.
        source: SealError,
    },
}

impl Keystore {
    /// For the keys of `service`.
    pub fn new(service: ServiceName, master_key: MasterKey) -> Self {
        Self { service, master_key }
    }

    /// The key of `role` that is wanted.
    pub async fn make(
        &self,
        connection: &mut PgConnection,
        role: &str,
        wanted: Wanted,
        now: Timestamp,
        randomness: &Randomness,
    ) -> Result<VerifyingKey, KeystoreError> {
        match wanted {
            Wanted::Newest => self.create_if_none(connection, role, now, randomness).await,
            Wanted::Next => self.create(connection, role, now, randomness).await,
        }
    }

    /// The newest key of `role`, made first when there is none. Within a transaction: of several copies of a service that
    /// start at once, one makes the key.
    pub async fn create_if_none(
        &self,
        connection: &mut PgConnection,
        role: &str,
        now: Timestamp,
        randomness: &Randomness,
    ) -> Result<VerifyingKey, KeystoreError> {
        sqlx::query!("LOCK TABLE sealed_keys IN SHARE ROW EXCLUSIVE MODE").execute(&mut *connection).await?;
        match self.load_all(connection, role).await?.first() {
            Some(key) => Ok(key.verifying_key()),
            None => self.create(connection, role, now, randomness).await,
        }
    }

    /// Makes one more key of `role`.
    pub async fn create(
        &self,
        connection: &mut PgConnection,
        role: &str,
        now: Timestamp,
        randomness: &Randomness,
    ) -> Result<VerifyingKey, KeystoreError> {
        let key = SigningKey::from_seed(&Zeroizing::new(randomness.bytes()));
        let public_key = key.verifying_key().to_bytes();
        let sealed = self
            .master_key
            .seal(&key.seed()[..], self.purpose(role, &public_key), randomness)
            .map_err(|source| self.unusable(&public_key, role, source))?;
        sqlx::query!(
            "INSERT INTO sealed_keys (public_key, role, sealed, created_at) VALUES ($1, $2, $3, $4)",
            &public_key[..],
            role,
            sealed,
            OffsetDateTime::from(now),
        )
        .execute(connection)
        .await?;
        Ok(key.verifying_key())
    }

    /// All keys of `role`, the newest first.
    pub async fn load_all(&self, connection: &mut PgConnection, role: &str) -> Result<Vec<SigningKey>, KeystoreError> {
        let rows = sqlx::query!(
            "SELECT public_key, sealed FROM sealed_keys WHERE role = $1 ORDER BY created_at DESC, public_key",
            role,
        )
        .fetch_all(connection)
        .await?;
        let open = |public_key: &[u8], sealed: &[u8]| {
            self.open(public_key, sealed, role).map_err(|source| self.unusable(public_key, role, source))
        };
        rows.iter().map(|row| open(&row.public_key, &row.sealed)).collect()
    }

    /// Seals a secret that is no key of this store. What is sealed as one role, or for one subject, opens as no other.
    pub fn seal_secret(
        &self,
        role: &'static str,
        subject: &[u8],
        secret: &[u8],
        randomness: &Randomness,
    ) -> Result<Vec<u8>, KeystoreError> {
        self.master_key
            .seal(secret, self.purpose(role, subject), randomness)
            .map_err(|source| self.unusable_secret(role, source))
    }

    /// Opens what [`Keystore::seal_secret`] sealed, when it was `N` bytes.
    pub fn open_secret<const N: usize>(
        &self,
        role: &'static str,
        subject: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, KeystoreError> {
        let unusable = |source| self.unusable_secret(role, source);
        let opened = self.master_key.open(sealed, self.purpose(role, subject)).map_err(unusable)?;
        let secret = <&[u8; N]>::try_from(opened.as_slice()).map_err(|_| unusable(SealError::UnknownForm))?;
        Ok(Zeroizing::new(*secret))
    }

    fn open(&self, public_key: &[u8], sealed: &[u8], role: &str) -> Result<SigningKey, SealError> {
        let opened = self.master_key.open(sealed, self.purpose(role, public_key))?;
        let seed = <&[u8; 32]>::try_from(opened.as_slice()).map_err(|_| SealError::UnknownForm)?;
        Ok(SigningKey::from_seed(&Zeroizing::new(*seed)))
    }

    fn unusable(&self, public_key: &[u8], role: &str, source: SealError) -> KeystoreError {
        KeystoreError::Sealed {
            variable: self.setting(),
            public_key: data_encoding::HEXLOWER.encode(public_key),
            role: role.to_owned(),
            source,
        }
    }

    fn unusable_secret(&self, role: &'static str, source: SealError) -> KeystoreError {
        KeystoreError::Secret { variable: self.setting(), role, source }
    }

    fn setting(&self) -> String {
        format!("COUNTERMARK_{}_MASTER_KEY_FILE", self.service.as_str().to_ascii_uppercase())
    }

    fn purpose<'a>(&self, role: &'a str, subject: &'a [u8]) -> Purpose<'a> {
        Purpose { service: self.service, role, subject }
    }
}

#[cfg(test)]
mod tests {
    use countermark_postgres::{Schema, TestDatabase};
    use sqlx::{Connection, PgPool};

    use super::*;
    use crate::transaction::transaction;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn keystore(byte: u8) -> Keystore {
        Keystore::new(ServiceName::Auth, MasterKey::new(Zeroizing::new([byte; 32])))
    }

    #[tokio::test]
    async fn copies_that_start_at_once_make_one_key() {
        let database = TestDatabase::new(Schema::Service);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let copy = || {
            let pool = pool.clone();
            tokio::spawn(async move {
                let (keystore, randomness) = (&keystore(1), &Randomness::system());
                transaction(&pool, "create the session key", |mut transaction| {
                    Box::pin(async move { keystore.create_if_none(&mut transaction, "session", NOW, randomness).await })
                })
                .await
                .unwrap()
            })
        };
        let (one, other) = (copy(), copy());
        assert_eq!(one.await.unwrap(), other.await.unwrap());
    }

    #[test]
    fn a_secret_opens_as_what_it_was_sealed_for() {
        let sealed = keystore(1).seal_secret("event-secret", b"7", &[5; 32], &Randomness::seeded([9; 32])).unwrap();
        assert_eq!(*keystore(1).open_secret::<32>("event-secret", b"7", &sealed).unwrap(), [5; 32]);
        assert!(keystore(2).open_secret::<32>("event-secret", b"7", &sealed).is_err());
        assert!(keystore(1).open_secret::<32>("event-secret", b"8", &sealed).is_err());
        assert!(keystore(1).open_secret::<32>("holder-name", b"7", &sealed).is_err());
        let Err(error) = keystore(1).open_secret::<31>("event-secret", b"7", &sealed) else { panic!("31 of 32 bytes") };
        assert!(error.to_string().starts_with("COUNTERMARK_AUTH_MASTER_KEY_FILE: event-secret"), "{error}");
    }

    #[tokio::test]
    async fn keys_come_back_newest_first_and_only_for_their_role_and_master_key() {
        let database = TestDatabase::new(Schema::Service);
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let randomness = Randomness::seeded([9; 32]);
        let mut made = Vec::new();
        for second in 0..3 {
            let now = NOW + std::time::Duration::from_secs(second);
            made.push(keystore(1).create(&mut connection, "issuing", now, &randomness).await.unwrap());
        }
        made.reverse();
        let loaded = keystore(1).load_all(&mut connection, "issuing").await.unwrap();
        assert_eq!(loaded.iter().map(SigningKey::verifying_key).collect::<Vec<_>>(), made);
        assert!(keystore(1).load_all(&mut connection, "session").await.unwrap().is_empty());

        let Err(error) = keystore(2).load_all(&mut connection, "issuing").await else {
            panic!("another master key opened it")
        };
        assert!(error.to_string().contains(&made[0].to_string()), "{error}");

        // Whoever can write to the database still cannot turn one role's key into another's.
        sqlx::query("UPDATE sealed_keys SET role = 'session'").execute(&mut connection).await.unwrap();
        assert!(keystore(1).load_all(&mut connection, "session").await.is_err());
    }
}
