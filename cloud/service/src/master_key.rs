//! Sealing of secrets at rest. Owns the algorithm and the form of sealed bytes; refuses to know where they are kept.
//!
//! Sealed bytes: version 1 (one byte) ‖ nonce (24) ‖ XChaCha20-Poly1305 ciphertext and tag. With random nonces of 192
//! bits no counter is needed (draft-irtf-cfrg-xchacha, 3.1).

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::randomness::Randomness;
use crate::service_name::ServiceName;

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;

/// A service's master key. Wiped when the last clone goes; it has no `Debug`.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; 32]>>);

/// What a sealed secret is for. Bytes sealed for one purpose do not open for another, whoever moves them there.
#[derive(Clone, Copy, Debug)]
pub struct Purpose<'a> {
    /// The service that sealed it.
    pub service: ServiceName,
    /// What it is, such as `session-key`.
    pub role: &'a str,
    /// Whose it is: the public key, or the row's identifier.
    pub subject: &'a [u8],
}

/// Why sealing or opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than the cipher takes (256 GiB).
    #[error("the secret is too long to seal")]
    TooLong,
    /// Not version 1, or too short to be.
    #[error("the bytes are not in the form that this version seals")]
    UnknownForm,
    /// The tag does not verify.
    #[error("the sealed secret does not open: another master key or purpose, or it was altered")]
    DoesNotOpen,
}

impl MasterKey {
    /// From 32 bytes.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(Arc::new(bytes))
    }

    /// Seals `secret` for `purpose`.
    pub fn seal(&self, secret: &[u8], purpose: Purpose<'_>, randomness: &Randomness) -> Result<Vec<u8>, SealError> {
        let nonce = randomness.bytes::<NONCE_LENGTH>();
        let payload = Payload { msg: secret, aad: &purpose.associated_data() };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what [`MasterKey::seal`] sealed for the same purpose.
    pub fn open(&self, sealed: &[u8], purpose: Purpose<'_>) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let Some((&VERSION, rest)) = sealed.split_first() else {
            return Err(SealError::UnknownForm);
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or(SealError::UnknownForm)?;
        let payload = Payload { msg: sealed, aad: &purpose.associated_data() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| SealError::DoesNotOpen)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&**self.0).into())
    }
}

impl Purpose<'_> {
    /// Each part with its length before it, so that no two purposes read the same.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = b"countermark sealed secret".to_vec();
        for part in [self.service.as_str().as_bytes(), self.role.as_bytes(), self.subject] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part);
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose<'static> = Purpose { service: ServiceName::Auth, role: "session-key", subject: b"subject" };

    fn key(byte: u8) -> MasterKey {
        MasterKey::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let randomness = Randomness::seeded([1; 32]);
        let sealed = key(1).seal(b"secret", PURPOSE, &randomness).unwrap();
        assert_eq!(key(1).open(&sealed, PURPOSE).unwrap().as_slice(), b"secret");
        assert_eq!(key(2).open(&sealed, PURPOSE), Err(SealError::DoesNotOpen));
        for position in 1..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert_eq!(key(1).open(&altered, PURPOSE), Err(SealError::DoesNotOpen));
        }
        assert_eq!(key(1).open(&sealed[..10], PURPOSE), Err(SealError::UnknownForm));
    }

    #[test]
    fn a_purpose_is_all_of_its_parts() {
        let sealed = key(1).seal(b"secret", PURPOSE, &Randomness::seeded([1; 32])).unwrap();
        for other in [
            Purpose { service: ServiceName::Tickets, ..PURPOSE },
            Purpose { role: "session-keys", subject: b"ubject", ..PURPOSE },
            Purpose { subject: b"other", ..PURPOSE },
        ] {
            assert_eq!(key(1).open(&sealed, other), Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn the_same_secret_never_seals_to_the_same_bytes() {
        let randomness = Randomness::seeded([1; 32]);
        assert_ne!(key(1).seal(b"secret", PURPOSE, &randomness), key(1).seal(b"secret", PURPOSE, &randomness));
    }
}
