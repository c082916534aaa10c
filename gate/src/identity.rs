//! Who this gate is: what enrolment wrote and every start reads. Knows nothing of how it came about.

use std::fs;
use std::io;
use std::path::PathBuf;

use countermark_shared::documents::RootFingerprint;
use countermark_shared::id::{EventId, GateId};
use countermark_shared::keys::{InvalidSigningKey, SigningKey};
use countermark_shared::sealing::UnwrappingKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cloud::CloudAddress;
use crate::data_folder::DataFolder;

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
    /// The identity says what no identity says.
    #[error("{} is damaged; enrol this gate anew in another folder", file.display())]
    Identity {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// The key file holds no key.
    #[error("{} is damaged; enrol this gate anew in another folder", file.display())]
    Key {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        source: InvalidSigningKey,
    },
    /// The file of the unwrapping key holds none.
    #[error("{} is damaged: it has 64 hexadecimal digits; enrol this gate anew in another folder", file.display())]
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

/// The gate's key, if the folder has one.
pub(crate) fn stored_key(folder: &DataFolder) -> Result<Option<SigningKey>, IdentityError> {
    let file = folder.key();
    match fs::read_to_string(&file).map(Zeroizing::new) {
        Ok(text) => SigningKey::from_pem(&text).map(Some).map_err(|source| IdentityError::Key { file, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(IdentityError::Read { file, source }),
    }
}

/// The gate's key for event secrets, if the folder has one: 64 hexadecimal digits.
pub(crate) fn stored_unwrapping_key(folder: &DataFolder) -> Result<Option<UnwrappingKey>, IdentityError> {
    let file = folder.unwrapping_key();
    let text = match fs::read(&file).map(Zeroizing::new) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(IdentityError::Read { file, source }),
    };
    let mut secret = Zeroizing::new([0; 32]);
    if text.len() != 64 || data_encoding::HEXLOWER.decode_mut(&text, secret.as_mut_slice()).is_err() {
        return Err(IdentityError::UnwrappingKey { file });
    }
    Ok(Some(UnwrappingKey::new(secret)))
}
