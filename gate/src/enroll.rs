//! Enrolment: one code makes an empty folder a gate. Owns the order of the steps, chosen so that it can be cut off anywhere and run again:
//! both keys are on disk before the code is spent, and validation answers the same keys and code with the same gate. The identity comes last,
//! so a folder that has one is complete.

use std::io;
use std::path::{Path, PathBuf};

use countermark_shared::documents::{Refusal, RootFingerprint, accept_bundle, claimed_root};
use countermark_shared::enrolment::{EnrolmentCode, prove_enrolment};
use countermark_shared::keys::{InvalidSigningKey, SigningKey};
use countermark_shared::sealing::UnwrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, Enrol, Enrolled};
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use crate::cloud::{CallError, Client, CloudAddress, Fetched, NoConnection, Wanted};
use crate::data_folder::DataFolder;
use crate::identity::{Identity, IdentityError, stored_key, stored_unwrapping_key};
use crate::retire::ENROL_ANEW;

/// Why a folder did not become a gate, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnrolError {
    /// It is one already.
    #[error("{} is already enrolled as gate {} (“{}”); {ENROL_ANEW}", folder.display(), identity.gate, identity.name)]
    AlreadyEnrolled {
        /// The data folder.
        folder: PathBuf,
        /// Who it is.
        identity: Box<Identity>,
    },
    /// The folder's files cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The folder is no place for a key.
    #[error("cannot use {} as the gate's folder", folder.display())]
    Write {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No randomness, no key.
    #[error("the operating system gives no randomness")]
    Randomness {
        /// Why.
        source: rand::rngs::SysError,
    },
    /// A key that cannot be written down.
    #[error("the new key cannot be encoded")]
    Key(#[from] InvalidSigningKey),
    /// TLS is not to be had.
    #[error("cannot set up encrypted connections; install this machine's certificates (`ca-certificates`)")]
    Connection {
        /// Why.
        source: NoConnection,
    },
    /// Validation did not take the code.
    #[error("the code was not taken; if the connection broke, run the same command again")]
    Code {
        /// What it said.
        source: CallError,
    },
    /// The code is spent, the rest is missing.
    #[error("the code is spent for this folder's key, but enrolment is not complete; run the same command again")]
    Incomplete {
        /// What it said.
        source: CallError,
    },
    /// Nobody published a trust bundle.
    #[error("the cloud has no trust bundle yet; have it published, then run the same command again")]
    NoBundle,
    /// Another root than the code's.
    #[error(
        "this cloud's root {root} is not the one the code names; do not use this gate there, and tell the administrator"
    )]
    OtherRoot {
        /// Whose fingerprint the bundle has.
        root: RootFingerprint,
    },
    /// The bundle does not hold.
    #[error("the cloud's trust bundle is not acceptable; tell the administrator")]
    Bundle {
        /// Why.
        source: Refusal,
    },
}

/// Makes `path` a gate.
pub(crate) async fn enroll(
    path: &Path,
    cloud: CloudAddress,
    code: &EnrolmentCode,
    now: Timestamp,
) -> Result<Identity, EnrolError> {
    let write_error = |source| EnrolError::Write { folder: path.to_owned(), source };
    let folder = DataFolder::create(path).map_err(write_error)?;
    match Identity::load(&folder) {
        Ok(identity) => {
            return Err(EnrolError::AlreadyEnrolled { folder: path.to_owned(), identity: Box::new(identity) });
        }
        Err(IdentityError::NotEnrolled { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let key = match stored_key(&folder)? {
        Some(key) => key,
        None => new_key(&folder)?,
    };
    let unwrapping_key = match stored_unwrapping_key(&folder)? {
        Some(key) => key,
        None => new_unwrapping_key(&folder)?,
    };
    let wrapping_key = unwrapping_key.wrapping_key();
    let client = Client::new(cloud.clone(), move || [now; 2]).map_err(|source| EnrolError::Connection { source })?;
    let enrol = Enrol {
        secret: code.secret_text(),
        key: key.verifying_key(),
        wrapping_key,
        proof: Base64(prove_enrolment(code, &key, wrapping_key).to_bytes()),
    };
    let Enrolled { gate, event, name } = client.enrol(&enrol).await.map_err(|source| EnrolError::Code { source })?;
    let incomplete = |source| EnrolError::Incomplete { source };
    let session = client.log_in(gate, &key).await.map_err(incomplete)?;
    let root = match client.fetch(Wanted::NewestBundle, &session.token).await.map_err(incomplete)? {
        Fetched::New(bytes) => named_root(&bytes, code, now)?,
        Fetched::Unchanged | Fetched::Absent => return Err(EnrolError::NoBundle),
    };
    let identity = Identity { cloud, gate, event, name, root };
    identity.store(&folder).map_err(write_error)?;
    Ok(identity)
}

fn new_key(folder: &DataFolder) -> Result<SigningKey, EnrolError> {
    let key = SigningKey::from_seed(&random()?);
    folder
        .write(&folder.key(), key.to_pem()?.as_bytes())
        .map_err(|source| EnrolError::Write { folder: folder.path().to_owned(), source })?;
    Ok(key)
}

fn new_unwrapping_key(folder: &DataFolder) -> Result<UnwrappingKey, EnrolError> {
    let key = UnwrappingKey::new(random()?);
    let text = Zeroizing::new(data_encoding::HEXLOWER.encode(key.bytes()));
    folder
        .write(&folder.unwrapping_key(), text.as_bytes())
        .map_err(|source| EnrolError::Write { folder: folder.path().to_owned(), source })?;
    Ok(key)
}

fn random() -> Result<Zeroizing<[u8; 32]>, EnrolError> {
    let mut bytes = Zeroizing::new([0; 32]);
    SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|source| EnrolError::Randomness { source })?;
    Ok(bytes)
}

/// The whole fingerprint of the bundle's roots: half of it stands in the code, and the bundle is signed by those roots.
fn named_root(bytes: &[u8], code: &EnrolmentCode, now: Timestamp) -> Result<RootFingerprint, EnrolError> {
    let root = claimed_root(bytes).map_err(|source| EnrolError::Bundle { source })?;
    if !code.names(root) {
        return Err(EnrolError::OtherRoot { root });
    }
    accept_bundle(bytes, root, None, now).map_err(|source| EnrolError::Bundle { source })?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::DocumentKind;
    use crate::samples;
    use crate::stand_in::StandIn;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    async fn attempt(stand_in: &StandIn, folder: &Path, code: &EnrolmentCode) -> Result<Identity, EnrolError> {
        enroll(folder, stand_in.address.clone(), code, samples::DOORS).await
    }

    fn private_folder() -> tempfile::TempDir {
        tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o700)).tempdir().unwrap()
    }

    #[tokio::test]
    async fn a_code_makes_one_folder_one_gate() {
        let (stand_in, parent) = (StandIn::start().await, tempfile::tempdir().unwrap());
        let folder = parent.path().join("gate");
        let identity = attempt(&stand_in, &folder, &StandIn::code()).await.unwrap();
        assert_eq!((identity.gate, identity.name.as_str()), (samples::GATE, "North"));
        assert_eq!(identity.root, samples::bundle().root_fingerprint());
        assert_eq!(Identity::load(&DataFolder::at(&folder)).unwrap(), identity);

        let again = attempt(&stand_in, &folder, &StandIn::code()).await;
        assert!(matches!(again, Err(EnrolError::AlreadyEnrolled { .. })));
        let elsewhere = attempt(&stand_in, &parent.path().join("other"), &StandIn::code()).await;
        assert!(matches!(elsewhere, Err(EnrolError::Code { source: CallError::Refused { .. } })));
    }

    #[tokio::test]
    async fn cut_off_after_the_code_was_spent_it_is_run_again() {
        let (stand_in, folder) = (StandIn::start().await, private_folder());
        stand_in.books().publisher.missing.insert(DocumentKind::TrustBundle);
        let cut_off = attempt(&stand_in, folder.path(), &StandIn::code()).await;
        assert!(matches!(cut_off, Err(EnrolError::NoBundle)));
        assert!(stand_in.books().key.is_some());
        // The stand-in answers the second attempt only if both keys are the same.
        let file = DataFolder::at(folder.path()).unwrapping_key();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Identity::load(&DataFolder::at(folder.path())), Err(IdentityError::NotEnrolled { .. })));

        stand_in.books().publisher.missing.clear();
        attempt(&stand_in, folder.path(), &StandIn::code()).await.unwrap();
    }

    #[tokio::test]
    async fn another_root_than_the_codes_is_refused_and_nothing_is_pinned() {
        let (stand_in, folder) = (StandIn::start().await, private_folder());
        let code = EnrolmentCode::new([7; 16], RootFingerprint([0; 32]));
        assert!(matches!(attempt(&stand_in, folder.path(), &code).await, Err(EnrolError::OtherRoot { .. })));
        assert!(!DataFolder::at(folder.path()).identity().exists());
    }

    #[tokio::test]
    async fn a_damaged_key_is_not_replaced() {
        let (stand_in, folder) = (StandIn::start().await, private_folder());
        let data = DataFolder::at(folder.path());
        data.write(&data.key(), b"damaged").unwrap();
        let outcome = attempt(&stand_in, folder.path(), &StandIn::code()).await;
        assert!(matches!(outcome, Err(EnrolError::Identity(IdentityError::Key { .. }))));
        assert!(stand_in.books().key.is_none());
    }

    #[tokio::test]
    async fn a_damaged_unwrapping_key_is_not_replaced() {
        let (stand_in, folder) = (StandIn::start().await, private_folder());
        let data = DataFolder::at(folder.path());
        data.write(&data.unwrapping_key(), b"damaged").unwrap();
        let outcome = attempt(&stand_in, folder.path(), &StandIn::code()).await;
        assert!(matches!(outcome, Err(EnrolError::Identity(IdentityError::UnwrappingKey { .. }))));
        assert!(stand_in.books().key.is_none());
    }

    #[test]
    fn the_pinned_root_is_the_one_the_code_names() {
        let bytes = samples::bundle_bytes(&samples::bundle());
        let root = samples::bundle().root_fingerprint();
        let code = EnrolmentCode::new([7; 16], root);
        assert_eq!(named_root(&bytes, &code, samples::DOORS).unwrap(), root);

        let other = EnrolmentCode::new([7; 16], RootFingerprint([0; 32]));
        assert!(matches!(named_root(&bytes, &other, samples::DOORS), Err(EnrolError::OtherRoot { .. })));

        let mut forged = bytes.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert!(matches!(named_root(&forged, &code, samples::DOORS), Err(EnrolError::Bundle { .. })));
        assert!(matches!(named_root(b"junk", &code, samples::DOORS), Err(EnrolError::Bundle { .. })));
    }
}
