//! Who this gate is: what enrolment wrote and every start reads. Knows nothing of how it came about.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use countermark_shared::documents::RootFingerprint;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::{InvalidSigningKey, SigningKey};
use countermark_shared::sealing::UnwrappingKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cloud::CloudAddress;
use crate::data_folder::DataFolder;
use crate::retire::ENROL_ANEW;

/// What group and others may do (`chmod(1)`).
pub(crate) const OTHERS: u32 = 0o077;

/// What the gate was told once, and holds on to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Where validation answers.
    pub(crate) cloud: CloudAddress,
    /// The gate's number.
    pub(crate) gate: GateId,
    /// The event it was enrolled for; the assignment has the last word.
    pub(crate) event: EventId,
    /// The entrance's name.
    pub(crate) name: String,
    /// The whole fingerprint of the roots it believes.
    pub(crate) root: RootFingerprint,
}

/// Why the folder makes no gate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityError {
    /// There is no identity.
    #[error("{} is not enrolled; run `countermark-gate enroll --data {}` with a code from the administrator", folder.display(), folder.display())]
    NotEnrolled {
        /// The data folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}; run this as the user who enrolled the gate", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read a secret.
    #[error("other users can read {}; `chmod 600` it, and tell the administrator who may have: if somebody did, {ENROL_ANEW}", file.display())]
    Exposed {
        /// Which.
        file: PathBuf,
    },
    /// The identity says what no identity says.
    #[error("{} is damaged; {ENROL_ANEW}", file.display())]
    Identity {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The key file holds no key.
    #[error("{} is damaged; {ENROL_ANEW}", file.display())]
    Key {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: InvalidSigningKey,
    },
    /// The file of the unwrapping key holds none.
    #[error("{} is damaged: it has 64 hexadecimal digits; {ENROL_ANEW}", file.display())]
    UnwrappingKey {
        /// Which.
        file: PathBuf,
    },
}

impl Identity {
    /// Reads what enrolment wrote.
    pub(crate) fn load(folder: &DataFolder) -> Result<Self, IdentityError> {
        let file = folder.identity();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(IdentityError::NotEnrolled { folder: folder.path().to_owned() });
            }
            Err(source) => return Err(IdentityError::Read { file, source }),
        };
        serde_json::from_slice(&text).map_err(|source| IdentityError::Identity { file, source })
    }

    /// Makes the folder a gate.
    pub(crate) fn store(&self, folder: &DataFolder) -> io::Result<()> {
        folder.write(&folder.identity(), &serde_json::to_vec_pretty(self)?)
    }
}

/// The gate's key, if there is one.
pub(crate) fn stored_key(folder: &DataFolder) -> Result<Option<SigningKey>, IdentityError> {
    let Some(Secret { file, bytes }) = secret(folder, folder.key())? else { return Ok(None) };
    let key = str::from_utf8(&bytes).map_err(|_| InvalidSigningKey).and_then(SigningKey::from_pem);
    key.map(Some).map_err(|source| IdentityError::Key { file, source })
}

/// The gate's key for event secrets, if there is one: 64 hexadecimal digits.
pub(crate) fn stored_unwrapping_key(folder: &DataFolder) -> Result<Option<UnwrappingKey>, IdentityError> {
    let Some(Secret { file, bytes }) = secret(folder, folder.unwrapping_key())? else { return Ok(None) };
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != 64 || data_encoding::HEXLOWER.decode_mut(&bytes, secret.as_mut_slice()).is_err() {
        return Err(IdentityError::UnwrappingKey { file });
    }
    Ok(Some(UnwrappingKey::new(secret)))
}

/// What a file says that nobody else may read.
struct Secret {
    file: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
}

/// A secret from the folder's file, which nobody but its owner may read, or else from the service's credentials, which systemd shows to nobody
/// else. The file first: where there are both, the credential may be that of the gate that this box was before it was enrolled anew.
fn secret(folder: &DataFolder, file: PathBuf) -> Result<Option<Secret>, IdentityError> {
    let read = |file: PathBuf| match fs::read(&file).map(Zeroizing::new) {
        Ok(bytes) => Ok(Secret { file, bytes }),
        Err(source) => Err(IdentityError::Read { file, source }),
    };
    match fs::metadata(&file) {
        Ok(metadata) if metadata.permissions().mode() & OTHERS != 0 => Err(IdentityError::Exposed { file }),
        Ok(_) => read(file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => folder.credential(&file).map(read).transpose(),
        Err(source) => Err(IdentityError::Read { file, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_key_that_others_can_read_is_none() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(&parent.path().join("gate")).unwrap();
        assert!(stored_key(&folder).unwrap().is_none() && stored_unwrapping_key(&folder).unwrap().is_none());
        samples::store_keys(&folder);
        assert!(stored_key(&folder).unwrap().is_some() && stored_unwrapping_key(&folder).unwrap().is_some());
        for file in [folder.key(), folder.unwrapping_key()] {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        }
        assert!(matches!(stored_key(&folder), Err(IdentityError::Exposed { file }) if file == folder.key()));
        assert!(matches!(stored_unwrapping_key(&folder), Err(IdentityError::Exposed { .. })));
    }

    /// As systemd gives them: readable by a group that has nobody else in it.
    #[test]
    fn a_credential_stands_for_the_folders_file() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(&parent.path().join("gate")).unwrap();
        samples::store_keys(&folder);
        let credentials = parent.path().join("credentials");
        fs::create_dir(&credentials).unwrap();
        let at_rest = folder.clone().with_credentials(Some(credentials.clone()));
        let own = stored_key(&at_rest).unwrap().map(|key| key.verifying_key());
        fs::write(
            credentials.join("gate.key"),
            SigningKey::from_seed(&Zeroizing::new([9; 32])).to_pem().unwrap().as_bytes(),
        )
        .unwrap();
        assert_eq!(stored_key(&at_rest).unwrap().map(|key| key.verifying_key()), own, "of the gate that it is now");
        for file in [folder.key(), folder.unwrapping_key()] {
            fs::rename(&file, credentials.join(file.file_name().unwrap())).unwrap();
        }
        assert!(stored_key(&folder).unwrap().is_none());
        assert!(stored_key(&at_rest).unwrap().is_some() && stored_unwrapping_key(&at_rest).unwrap().is_some());
    }
}
