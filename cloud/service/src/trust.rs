//! The trust bundle a service starts with: read from its file, verified against the pinned root, kept for the process.

use std::path::PathBuf;

use countermark_shared::documents::{Authentic, KeyRole, Refusal, TrustBundle, accept_bundle};
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;

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
}

impl Trust {
    /// Reads and verifies the bundle.
    pub fn load(&self, now: Timestamp) -> Result<Authentic<TrustBundle>, TrustError> {
        let file = |source| TrustError::File { path: self.bundle.clone(), source };
        if std::fs::metadata(&self.bundle).map_err(file)?.len() > LONGEST_FILE {
            return Err(file(std::io::Error::other("it is longer than a bundle can be")));
        }
        let bytes = std::fs::read(&self.bundle).map_err(file)?;
        accept_bundle(&bytes, self.root_fingerprint, None, now)
            .map_err(|source| TrustError::Refused { path: self.bundle.clone(), source })
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

    use countermark_shared::documents::{KeyStatus, TrustedKey};
    use zeroize::Zeroizing;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([seed; 32]))
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
