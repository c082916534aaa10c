//! The keys that auth signs with. Owns which key of the store is used for what; refuses to know how they are sealed.

use countermark_service::keystore::{Keystore, KeystoreError, Wanted};
use countermark_service::master_key::MasterKey;
use countermark_service::randomness::Randomness;
use countermark_service::service_name::ServiceName;
use countermark_service::transaction::transaction;
use countermark_service::trust::{TrustError, signer};
use countermark_shared::documents::{KeyRole, KeyStatus, TrustBundle};
use countermark_shared::keys::{KeyId, SigningKey, VerifyingKey};
use countermark_shared::time::Timestamp;
use sqlx::{PgConnection, PgPool};

/// Signs access tokens.
const SESSION: &str = "session";
/// Signs tickets: "granted".
const AUTHORITY: &str = "authority";

/// Auth's private keys, opened.
pub(crate) struct Keys {
    /// Signs access tokens; its public half and those before it verify them.
    pub(crate) session: SigningKey,
    /// What access tokens may be signed with, the key in use first.
    pub(crate) session_public: Vec<VerifyingKey>,
    /// Those that the bundle lists and has not revoked: active ones, so that a rotation may overlap, and others, which say nothing new.
    authority: Vec<SigningKey>,
}

/// Why auth has no keys to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Store(#[from] KeystoreError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error("the database holds no {role} key")]
    Missing { role: &'static str },
}

/// Makes the session key unless there is one, and the authority key that is wanted, sealed under the master key. The answer is the
/// authority key's public half, which the trust bundle must list before auth signs with it.
pub async fn create_keys(
    pool: &PgPool,
    master_key: MasterKey,
    wanted: Wanted,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<VerifyingKey, KeystoreError> {
    let keystore = &Keystore::new(ServiceName::Auth, master_key);
    transaction(pool, "create auth's keys", |mut transaction| {
        Box::pin(async move {
            keystore.create_if_none(&mut transaction, SESSION, now, randomness).await?;
            keystore.make(&mut transaction, AUTHORITY, wanted, now, randomness).await
        })
    })
    .await
}

impl Keys {
    /// Opens the keys. Fails when the bundle lists no authority key of the store as active.
    pub(crate) async fn load(
        connection: &mut PgConnection,
        master_key: MasterKey,
        bundle: &TrustBundle,
    ) -> Result<Self, KeysError> {
        let keystore = Keystore::new(ServiceName::Auth, master_key);
        let sessions = keystore.load_all(connection, SESSION).await?;
        let session_public = sessions.iter().map(SigningKey::verifying_key).collect();
        let session = sessions.into_iter().next().ok_or(KeysError::Missing { role: SESSION })?;

        let mut authority = keystore.load_all(connection, AUTHORITY).await?;
        // Of several active ones each signs what names it; without any, auth does not start.
        signer(authority.clone(), bundle, KeyRole::Authority)?;
        authority.retain(|key| {
            bundle.keys.iter().any(|trusted| {
                trusted.role == KeyRole::Authority
                    && trusted.key == key.verifying_key()
                    && trusted.status != KeyStatus::Revoked
            })
        });
        Ok(Self { session, session_public, authority })
    }

    /// The authority key of that id, unless it is revoked. Whether it may say anything new is the bundle's to tell.
    pub(crate) fn authority(&self, id: KeyId) -> Option<&SigningKey> {
        self.authority.iter().find(|key| key.verifying_key().id() == id)
    }
}

#[cfg(test)]
mod tests {
    use countermark_postgres::{Schema, TestDatabase};
    use zeroize::Zeroizing;

    use super::*;
    use crate::testing::{NOW, bundle};

    #[tokio::test]
    async fn keys_are_made_once_and_only_an_active_authority_key_is_used() {
        let database = TestDatabase::new(Schema::Auth);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let master_key = MasterKey::new(Zeroizing::new([9; 32]));
        let randomness = Randomness::seeded([1; 32]);
        let authority = create_keys(&pool, master_key.clone(), Wanted::Newest, NOW, &randomness).await.unwrap();
        assert_eq!(create_keys(&pool, master_key.clone(), Wanted::Newest, NOW, &randomness).await.unwrap(), authority);

        let mut connection = pool.acquire().await.unwrap();
        let mut bundle = bundle(authority);
        let keys = Keys::load(&mut connection, master_key.clone(), &bundle).await.ok().unwrap();
        assert_eq!(keys.authority(authority.id()).unwrap().verifying_key(), authority);
        assert_eq!(keys.session_public, [keys.session.verifying_key()]);
        assert_ne!(keys.session.verifying_key(), authority);

        // A newer key that the bundle does not list yet leaves the older one in use.
        let later = NOW + std::time::Duration::from_secs(1);
        let newer = create_keys(&pool, master_key.clone(), Wanted::Next, later, &randomness).await.unwrap();
        let keys = Keys::load(&mut connection, master_key.clone(), &bundle).await.ok().unwrap();
        assert!(keys.authority(authority.id()).is_some() && keys.authority(newer.id()).is_none());

        for trusted in &mut bundle.keys {
            trusted.status = KeyStatus::VerifyOnly;
        }
        let refused = Keys::load(&mut connection, master_key, &bundle).await.err().unwrap();
        assert!(
            matches!(refused, KeysError::Trust(_)) && refused.to_string().contains(&newer.to_string()),
            "{refused}"
        );
    }
}
