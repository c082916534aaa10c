//! The trust bundle a service starts with: read from its file, verified against the pinned root, kept for the process. Owns table
//! `newest_trust_bundle` and the rule that bundles never go back.

use std::path::PathBuf;

use countermark_shared::documents::{Authentic, KeyRole, Refusal, TrustBundle, accept_bundle};
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use crate::settings::Trust;

/// A longer file is no trust bundle.
const LONGEST_FILE: u64 = 1 << 20;

/// Why a service has nobody to trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("COUNTERMARK_TRUST_BUNDLE: {} cannot be read", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no bundle of the pinned root.
    #[error("COUNTERMARK_TRUST_BUNDLE: {} is not accepted under COUNTERMARK_ROOT_FINGERPRINT", path.display())]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Refusal,
    },
    /// The service has never made its key.
    #[error(
        "there is no {role} key yet: make it with `countermark-cloud key` and have the root sign a bundle that lists it"
    )]
    NoKey {
        /// What it would be.
        role: &'static str,
    },
    /// A key this service signs with is not an active one of the bundle.
    #[error(
        "the bundle does not list {key} as an active {role} key: sign one that does with `countermark-cloud ceremony bundle next`"
    )]
    KeyNotActive {
        /// The key.
        key: String,
        /// What it should be.
        role: &'static str,
    },
    /// The bundle is older than one that this service was started with before.
    #[error(
        "COUNTERMARK_TRUST_BUNDLE: {} holds version {version}, but this service was started with version {newest} before: put the file of \
         version {newest} there, or of a newer one. What version {newest} revoked must not sign again",
        path.display()
    )]
    Older {
        /// Which file.
        path: PathBuf,
        /// What it holds.
        version: u32,
        /// The newest before.
        newest: i64,
    },
    /// There are two bundles of one version.
    #[error(
        "COUNTERMARK_TRUST_BUNDLE: {} is another bundle of version {version} than the one that this service was started with before: put \
         that one there, or have the root sign one with a higher version",
        path.display()
    )]
    Other {
        /// Which file.
        path: PathBuf,
        /// The version that exists twice.
        version: u32,
    },
    /// The database failed.
    #[error("it cannot be read or written with which trust bundle this service was started before")]
    Database(#[from] sqlx::Error),
}

impl Trust {
    /// Reads and verifies the bundle. Before anything is signed by it, it is [kept](Self::keep).
    pub fn load(&self, now: Timestamp) -> Result<Authentic<TrustBundle>, TrustError> {
        let file = |source| TrustError::File { path: self.bundle.clone(), source };
        if std::fs::metadata(&self.bundle).map_err(file)?.len() > LONGEST_FILE {
            return Err(file(std::io::Error::other("it is longer than a bundle can be")));
        }
        let bytes = std::fs::read(&self.bundle).map_err(file)?;
        accept_bundle(&bytes, self.root_fingerprint, None, now)
            .map_err(|source| TrustError::Refused { path: self.bundle.clone(), source })
    }

    /// Remembers the bundle as the newest that the service starts with. Refuses one that goes back, or that is not the only one of its version. To be
    /// called once it is known that the service can sign by it: until then the one before may still be put back.
    pub async fn keep(&self, connection: &mut PgConnection, bundle: &Authentic<TrustBundle>) -> Result<(), TrustError> {
        let (version, path) = (bundle.document().version, self.bundle.clone());
        let kept = sqlx::query!(
            "INSERT INTO newest_trust_bundle AS newest (version, hash) VALUES ($1, $2)
             ON CONFLICT (only_one) DO UPDATE SET (version, hash) = (excluded.version, excluded.hash)
             WHERE newest.version < excluded.version OR (newest.version, newest.hash) = (excluded.version, excluded.hash)",
            i64::from(version),
            &bundle.hash().0[..],
        )
        .execute(&mut *connection)
        .await?;
        if kept.rows_affected() == 1 {
            return Ok(());
        }
        let newest = sqlx::query_scalar!("SELECT version FROM newest_trust_bundle").fetch_one(connection).await?;
        if newest > i64::from(version) {
            Err(TrustError::Older { path, version, newest })
        } else {
            Err(TrustError::Other { path, version })
        }
    }
}

/// The newest of a service's keys that the bundle lets sign in this role: one made for the next bundle waits for it. A service that
/// signed with another would sign what no gate takes.
pub fn signer(newest_first: Vec<SigningKey>, bundle: &TrustBundle, role: KeyRole) -> Result<SigningKey, TrustError> {
    let active: Vec<_> = bundle.active(role).collect();
    let newest = newest_first.first().ok_or(TrustError::NoKey { role: role.name() })?.verifying_key();
    newest_first
        .into_iter()
        .find(|key| active.contains(&key.verifying_key()))
        .ok_or_else(|| TrustError::KeyNotActive { key: newest.to_string(), role: role.name() })
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use countermark_postgres::{Schema, TestDatabase};
    use countermark_shared::documents::{KeyStatus, Signed, TrustedKey};
    use sqlx::Connection;
    use zeroize::Zeroizing;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    /// Found in review: started with yesterday's file, a service would have signed again with a key that was revoked since.
    #[tokio::test]
    async fn no_service_starts_with_an_older_bundle_than_before() {
        let database = TestDatabase::new(Schema::Service);
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let mut start = async |version, list: u8| {
            let bundle = TrustBundle {
                version,
                issued: now,
                not_after: now + Duration::from_hours(1),
                roots: vec![key(1).verifying_key()],
                threshold: 1,
                keys: vec![TrustedKey {
                    key: key(list).verifying_key(),
                    role: KeyRole::List,
                    status: KeyStatus::Active,
                    events: Vec::new(),
                }],
            };
            let trust = Trust { bundle: folder.path().join("bundle"), root_fingerprint: bundle.root_fingerprint() };
            std::fs::write(&trust.bundle, Signed::seal(&bundle, &[&key(1)]).unwrap()).unwrap();
            let loaded = trust.load(now).unwrap();
            trust.keep(&mut connection, &loaded).await
        };
        for version in [1, 4, 4, 7] {
            start(version, 5).await.unwrap();
        }
        for version in [1, 4, 6] {
            let refused = start(version, 5).await.unwrap_err();
            assert!(matches!(refused, TrustError::Older { newest: 7, .. }), "{refused}");
            let said = refused.to_string();
            assert!(said.contains(&format!("bundle holds version {version}, ")), "{said}");
            assert!(said.contains("put the file of version 7 there"), "{said}");
        }
        let refused = start(7, 6).await.unwrap_err();
        assert!(matches!(refused, TrustError::Other { version: 7, .. }), "{refused}");
        start(7, 5).await.unwrap();
    }

    #[test]
    fn the_newest_key_that_the_bundle_names_signs() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let listed = |seed, status| TrustedKey {
            key: key(seed).verifying_key(),
            role: KeyRole::List,
            status,
            events: Vec::new(),
        };
        let bundle = TrustBundle {
            version: 1,
            issued: now,
            not_after: now + Duration::from_hours(1),
            roots: vec![key(1).verifying_key()],
            threshold: 1,
            keys: vec![listed(5, KeyStatus::Active), listed(6, KeyStatus::Active), listed(7, KeyStatus::VerifyOnly)],
        };
        let signer = |seeds: &[u8]| signer(seeds.iter().map(|seed| key(*seed)).collect(), &bundle, KeyRole::List);
        assert_eq!(signer(&[77, 6, 5]).ok().unwrap().verifying_key(), key(6).verifying_key());
        let Err(TrustError::KeyNotActive { key: named, .. }) = signer(&[77, 7]) else {
            panic!("an unlisted key signs")
        };
        assert_eq!(named, key(77).verifying_key().to_string());
        assert!(matches!(signer(&[]), Err(TrustError::NoKey { role: "list" })));
    }
}
