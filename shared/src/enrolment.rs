//! The enrolment code: one line that lets a new gate in, once, and tells it whom to believe.
//!
//! 35 bytes in base32 (RFC 4648), in groups of four, so that a person can read it over the phone: 16 bytes of secret, 16 of the root
//! fingerprint, 3 of SHA-256 over both, which tell a mistyped code from a spent one.

use core::fmt;
use core::str::FromStr;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::documents::RootFingerprint;
use crate::id::GateId;
use crate::keys::{Signature, SigningKey, VerifyingKey};
use crate::label::Label;
use crate::sealing::WrappingKey;

const SECRET_LENGTH: usize = 16;
const FINGERPRINT_LENGTH: usize = 16;
const CHECK_LENGTH: usize = 3;
const LENGTH: usize = SECRET_LENGTH + FINGERPRINT_LENGTH + CHECK_LENGTH;

/// What an administrator hands to field staff. Wiped when dropped; it has no `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EnrolmentCode {
    secret: [u8; SECRET_LENGTH],
    fingerprint: [u8; FINGERPRINT_LENGTH],
}

/// Text that is no enrolment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no enrolment code, or it was mistyped: it has 14 groups of four letters and digits 2 to 7")]
pub struct InvalidEnrolmentCode;

impl EnrolmentCode {
    /// A code from 16 random bytes.
    pub fn new(secret: [u8; SECRET_LENGTH], root: RootFingerprint) -> Self {
        let mut fingerprint = [0; FINGERPRINT_LENGTH];
        for (place, byte) in fingerprint.iter_mut().zip(root.0) {
            *place = byte;
        }
        Self { secret, fingerprint }
    }

    /// What validation stores instead of the secret: SHA-256 of it.
    pub fn secret_hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// The secret, for the request that spends it: 32 hexadecimal digits.
    pub fn secret_text(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.secret)
    }

    /// Whether the root that signed a bundle is the one this code speaks of. 128 bits of SHA-256 stand against a second pre-image.
    pub fn names(&self, root: RootFingerprint) -> bool {
        root.0.first_chunk::<FINGERPRINT_LENGTH>().is_some_and(|head| head.ct_eq(&self.fingerprint).into())
    }

    /// Secret, fingerprint, check.
    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; LENGTH]> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        let parts = self.secret.iter().chain(&self.fingerprint).copied().chain(self.check());
        bytes.iter_mut().zip(parts).for_each(|(place, byte)| *place = byte);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; LENGTH]) -> Result<Self, InvalidEnrolmentCode> {
        let (secret, rest) = bytes.split_first_chunk().ok_or(InvalidEnrolmentCode)?;
        let (fingerprint, check) = rest.split_first_chunk().ok_or(InvalidEnrolmentCode)?;
        let code = Self { secret: *secret, fingerprint: *fingerprint };
        if code.check() == *check { Ok(code) } else { Err(InvalidEnrolmentCode) }
    }

    fn check(&self) -> [u8; CHECK_LENGTH] {
        let digest: [u8; 32] = Sha256::new().chain_update(self.secret).chain_update(self.fingerprint).finalize().into();
        [digest[0], digest[1], digest[2]]
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BASE32_NOPAD.encode(&*self.to_bytes());
        for (index, character) in text.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                formatter.write_str("-")?;
            }
            write!(formatter, "{character}")?;
        }
        Ok(())
    }
}

impl FromStr for EnrolmentCode {
    type Err = InvalidEnrolmentCode;

    fn from_str(text: &str) -> Result<Self, InvalidEnrolmentCode> {
        let compact: String =
            text.chars().filter(|character| !matches!(character, '-' | ' ')).map(|c| c.to_ascii_uppercase()).collect();
        let bytes = BASE32_NOPAD.decode(compact.as_bytes()).map_err(|_| InvalidEnrolmentCode)?;
        Self::from_bytes(bytes.as_slice().try_into().map_err(|_| InvalidEnrolmentCode)?)
    }
}

/// A new gate's proof that it holds its key, bound to the secret it spends and to the key that secrets are to be wrapped for.
pub fn prove_enrolment(code: &EnrolmentCode, key: &SigningKey, wrapping_key: WrappingKey) -> Signature {
    key.sign(Label::GateEnrolment, &enrolment_message(&code.secret_hash(), wrapping_key))
}

/// Whether the proof holds for the code whose secret has this hash, and for this wrapping key.
pub fn enrolment_is_proved(
    secret_hash: &[u8; 32],
    key: VerifyingKey,
    wrapping_key: WrappingKey,
    proof: &Signature,
) -> bool {
    key.verifies(Label::GateEnrolment, &enrolment_message(secret_hash, wrapping_key), proof)
}

/// A gate's answer to a log-in nonce.
pub fn answer_login(gate: GateId, nonce: &[u8; 32], key: &SigningKey) -> Signature {
    key.sign(Label::GateLogin, &login_message(gate, nonce))
}

/// Whether the answer is the gate's.
pub fn login_is_answered(gate: GateId, nonce: &[u8; 32], key: VerifyingKey, answer: &Signature) -> bool {
    key.verifies(Label::GateLogin, &login_message(gate, nonce), answer)
}

fn enrolment_message(secret_hash: &[u8; 32], wrapping_key: WrappingKey) -> Vec<u8> {
    [&secret_hash[..], &wrapping_key.to_bytes()].concat()
}

fn login_message(gate: GateId, nonce: &[u8; 32]) -> Vec<u8> {
    [&gate.0.to_be_bytes()[..], nonce].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::sealing::UnwrappingKey;
    use zeroize::Zeroizing;

    fn code() -> EnrolmentCode {
        EnrolmentCode::new([7; 16], samples::bundle().root_fingerprint())
    }

    #[test]
    fn a_code_survives_being_typed() {
        let typed = code().to_string().to_lowercase().replace('-', " ");
        let read: EnrolmentCode = typed.parse().unwrap();
        assert_eq!(read.secret_hash(), code().secret_hash());
        assert!(read.names(samples::bundle().root_fingerprint()));
        assert!(!read.names(RootFingerprint([0; 32])));
    }

    #[test]
    fn a_code_is_fourteen_groups_of_four() {
        let text = code().to_string();
        let groups: Vec<_> = text.split('-').collect();
        assert_eq!(groups.len(), 14, "{text}");
        assert!(groups.iter().all(|group| group.len() == 4), "{text}");
    }

    /// What a gate sends in digits is what validation has kept the hash of.
    #[test]
    fn a_code_is_known_by_the_hash_of_its_secret() {
        assert_eq!(code().secret_text(), "07".repeat(16));
        assert_eq!(code().secret_hash(), Sha256::digest([7; 16]).as_slice());
    }

    #[test]
    fn a_typing_error_is_told_at_once() {
        let text = code().to_string();
        for (index, character) in text.char_indices().filter(|(_, character)| *character != '-') {
            let mut mistyped = text.clone();
            mistyped.replace_range(index..=index, if character == 'A' { "B" } else { "A" });
            assert!(mistyped.parse::<EnrolmentCode>().is_err(), "{mistyped}");
        }
    }

    #[test]
    fn proofs_are_bound_to_code_gate_and_nonce() {
        let key = samples::signing_key(30);
        let [wrapping, other] = [8, 9].map(|seed| UnwrappingKey::new(Zeroizing::new([seed; 32])).wrapping_key());
        let proof = prove_enrolment(&code(), &key, wrapping);
        assert!(enrolment_is_proved(&code().secret_hash(), key.verifying_key(), wrapping, &proof));
        assert!(!enrolment_is_proved(&[0; 32], key.verifying_key(), wrapping, &proof));
        assert!(!enrolment_is_proved(&code().secret_hash(), key.verifying_key(), other, &proof));

        let answer = answer_login(GateId(1), &[5; 32], &key);
        assert!(login_is_answered(GateId(1), &[5; 32], key.verifying_key(), &answer));
        assert!(!login_is_answered(GateId(2), &[5; 32], key.verifying_key(), &answer));
        assert!(!login_is_answered(GateId(1), &[6; 32], key.verifying_key(), &answer));
    }
}
