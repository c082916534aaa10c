//! Reading secrets from files. Owns the rule that nobody but the owner may read them; refuses to know which setting
//! named the file: clap puts that name in front of these errors.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use countermark_shared::keys::SigningKey;
use data_encoding::HEXLOWER_PERMISSIVE;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::master_key::MasterKey;

/// The longest secret file there is reason to read: a PKCS#8 PEM has about 200 bytes.
const LONGEST: u64 = 4096;

/// Why a secret cannot be taken from a file. Each message is a sentence that goes on from the file's path.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be opened or read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Where the secret should have been.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a device or a socket.
    #[error("{path} is no regular file")]
    NotAFile {
        /// Where the secret should have been.
        path: PathBuf,
    },
    /// Group or others may read, write or run it.
    #[error("{path} is open to others (mode {mode:03o}); close it with: chmod 600 {path}")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds something else.
    #[error("{path} holds no {expected}")]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
}

/// Reads a master key: 64 hexadecimal digits. In the form of a clap value parser.
pub fn master_key(path: &str) -> Result<MasterKey, SecretFileError> {
    let path = Path::new(path);
    let bytes = thirty_two_bytes(&read(path)?).ok_or_else(|| SecretFileError::Unexpected {
        path: path.to_owned(),
        expected: "key of 64 hexadecimal digits",
    })?;
    Ok(MasterKey::new(bytes))
}

/// Reads an Ed25519 private key: PKCS#8 PEM, or its seed as 64 hexadecimal digits. In the form of a clap value parser.
pub fn signing_key(path: &str) -> Result<SigningKey, SecretFileError> {
    let path = Path::new(path);
    let text = read(path)?;
    if let Some(seed) = thirty_two_bytes(&text) {
        return Ok(SigningKey::from_seed(&seed));
    }
    SigningKey::from_pem(&text).map_err(|_| SecretFileError::Unexpected {
        path: path.to_owned(),
        expected: "Ed25519 private key (PKCS#8 PEM or 64 hexadecimal digits)",
    })
}

/// Reads a secret of 16 to 256 visible ASCII characters, such as an interface's key. In the form of a clap value parser.
pub fn text(path: &str) -> Result<SecretString, SecretFileError> {
    let path = Path::new(path);
    let text = read(path)?;
    let secret = text.trim_end();
    if (16..=256).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(SecretString::from(secret))
    } else {
        Err(SecretFileError::Unexpected {
            path: path.to_owned(),
            expected: "secret of 16 to 256 visible ASCII characters",
        })
    }
}

fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let unreadable = |source| SecretFileError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, not of the path: the two may differ by the time it is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(SecretFileError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretFileError::OpenToOthers { path: path.to_owned(), mode });
    }
    // Room from the start, so that growing leaves no copy of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(LONGEST).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn thirty_two_bytes(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim_end().as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = Zeroizing::new([0; 32]);
    HEXLOWER_PERMISSIVE.decode_mut(digits, &mut bytes[..]).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        (folder, path)
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_the_remedy() {
        let (_folder, path) = file(&"ab".repeat(32), 0o640);
        let Err(error) = master_key(&path) else { panic!("it was accepted") };
        assert_eq!(error.to_string(), format!("{path} is open to others (mode 640); close it with: chmod 600 {path}"));
    }

    #[test]
    fn a_signing_key_is_read_from_both_forms() {
        let key = SigningKey::from_seed(&Zeroizing::new([3; 32]));
        let (_folder, digits) = file(&format!("{}\n", "03".repeat(32)), 0o600);
        let (_other_folder, pem) = file(&key.to_pem().unwrap(), 0o400);
        for path in [digits, pem] {
            assert_eq!(signing_key(&path).ok().unwrap().verifying_key(), key.verifying_key());
        }
    }

    #[test]
    fn anything_else_is_refused_without_repeating_it() {
        let (_folder, path) = file("hunter2", 0o600);
        for error in [master_key(&path).err(), signing_key(&path).err()] {
            let text = error.unwrap().to_string();
            assert!(text.contains(&path) && !text.contains("hunter2"), "{text}");
        }
        assert!(matches!(master_key("/"), Err(SecretFileError::NotAFile { .. })));
    }
}
