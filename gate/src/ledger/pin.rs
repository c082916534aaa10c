//! Supervisors' PINs: their form, and the work of hashing one. Refuses to know whose they are.
//!
//! A gate's PINs have one salt, so that a PIN is looked up by one computation, whoever has it. Whoever has the disk could try each PIN
//! against all supervisors at once; but six digits withstand nobody with a disk, and the gate's own key lies on the same one. They keep off who stands
//! at the entrance, and for that there is a [throttle](super::throttle).

use std::fmt;
use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};

/// How many digits a PIN has: a million PINs at least.
const DIGITS: RangeInclusive<usize> = 6..=12;
/// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane; as auth has it for passwords.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_LENGTH: usize = 32;

/// 16 random bytes (RFC 9106, 3.1).
pub(crate) type Salt = [u8; 16];

/// Six to twelve digits. Wiped when dropped.
#[derive(Debug)]
pub(crate) struct Pin(SecretString);

/// Text that is no PIN, or one that is guessed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPin {
    /// Not these digits.
    #[error("a PIN has {} to {} digits", DIGITS.start(), DIGITS.end())]
    Form,
    /// Anybody would try it.
    #[error("this PIN is guessed first; take digits that neither repeat nor count")]
    Trivial,
}

/// A hash that could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PIN cannot be hashed; look for memory that is used up")]
pub(crate) struct NotHashed {
    #[from]
    source: argon2::Error,
}

/// A PIN's hash by the gate's salt. Whoever reads it can try PINs, so it has no legible `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PinHash([u8; HASH_LENGTH]);

impl Pin {
    /// What somebody typed who may have this PIN.
    pub(crate) fn parse(text: SecretString) -> Result<Self, InvalidPin> {
        let digits = text.expose_secret().as_bytes();
        if DIGITS.contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
            Ok(Self(text))
        } else {
            Err(InvalidPin::Form)
        }
    }

    /// What somebody chose who is to have it.
    pub(crate) fn choose(text: SecretString) -> Result<Self, InvalidPin> {
        let pin = Self::parse(text)?;
        if is_trivial(pin.0.expose_secret().as_bytes()) { Err(InvalidPin::Trivial) } else { Ok(pin) }
    }

    /// Some 20 ms of work and 19 MiB.
    pub(crate) fn hash(&self, salt: &Salt) -> Result<PinHash, NotHashed> {
        let parameters = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LENGTH))?;
        let mut hash = [0; HASH_LENGTH];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters).hash_password_into(
            self.0.expose_secret().as_bytes(),
            salt,
            &mut hash,
        )?;
        Ok(PinHash(hash))
    }
}

impl PinHash {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PinHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PinHash(…)")
    }
}

/// Whether the digits count up or down, or are a shorter run of digits again and again.
fn is_trivial(digits: &[u8]) -> bool {
    let step = |by: u8| digits.iter().zip(digits.iter().skip(1)).all(|(a, b)| (a - b'0' + by) % 10 == b - b'0');
    let repeats = |length: usize| digits.iter().zip(digits.iter().skip(length)).all(|(a, b)| a == b);
    step(1) || step(9) || (1..=digits.len() / 2).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_digits_that_nobody_tries_first() {
        for good in ["273940", "100200", "112358", "314159265358"] {
            assert!(Pin::choose(good.into()).is_ok(), "{good}");
        }
        for form in ["", "27394", "2739401839201", "27394a", "27394 ", "٢٧٣٩٤٠"] {
            assert_eq!(Pin::choose(form.into()).unwrap_err(), InvalidPin::Form, "{form}");
        }
        for trivial in ["000000", "123456", "654321", "890123", "210987", "121212", "739739", "7777777", "1212121"] {
            assert_eq!(Pin::choose(trivial.into()).unwrap_err(), InvalidPin::Trivial, "{trivial}");
            assert!(Pin::parse(trivial.into()).is_ok(), "{trivial}");
        }
    }

    /// By the reference implementation: argon2-cffi's `hash_secret_raw(b"273940", b"0123456789abcdef", 2, 19456, 1, 32, Type.ID)`.
    #[test]
    fn it_is_hashed_as_the_reference_does() {
        let hash = Pin::parse("273940".into()).unwrap().hash(b"0123456789abcdef").unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(hash.as_bytes()),
            "9fb8b97556a5f89f5591eb60003cd93b8d00170c71d9c50b2d0bc6a7b12bd0ba"
        );
        assert_eq!(format!("{hash:?}"), "PinHash(…)");
    }
}
