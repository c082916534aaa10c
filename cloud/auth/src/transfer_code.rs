//! The code that a ticket's owner hands to its next. Owns its text and its hash; refuses to know what it is for.

use core::fmt;
use core::str::FromStr;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 128 random bits. As text: 26 letters and digits 2 to 7 (RFC 4648, base32) in groups of four. Wiped when dropped; it has no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct TransferCode([u8; 16]);

/// What is stored of a code: its SHA-256. Of 128 random bits that needs neither salt nor work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CodeHash(pub(crate) [u8; 32]);

/// Text that is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is no transfer code, or it was mistyped: it has 26 letters and digits 2 to 7.")]
pub(crate) struct InvalidTransferCode;

impl TransferCode {
    /// From 16 random bytes.
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) fn hash(&self) -> CodeHash {
        CodeHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Display for TransferCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Zeroizing::new(BASE32_NOPAD.encode(&self.0));
        for (index, character) in text.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                formatter.write_str("-")?;
            }
            write!(formatter, "{character}")?;
        }
        Ok(())
    }
}

impl FromStr for TransferCode {
    type Err = InvalidTransferCode;

    fn from_str(text: &str) -> Result<Self, InvalidTransferCode> {
        let typed = text.chars().filter(|character| !matches!(character, '-' | ' '));
        let compact = Zeroizing::new(typed.map(|character| character.to_ascii_uppercase()).collect::<String>());
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(compact.as_bytes()).map_err(|_| InvalidTransferCode)?);
        Ok(Self(bytes.as_slice().try_into().map_err(|_| InvalidTransferCode)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = TransferCode::new([0xa5; 16]);
        let text = code.to_string();
        assert_eq!(text, "UWS2-LJNF-UWS2-LJNF-UWS2-LJNF-UU");
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('-', " - ")] {
            assert!(typed.parse::<TransferCode>().is_ok_and(|read| read.0 == code.0), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_read() {
        let text = TransferCode::new([0xa5; 16]).to_string();
        // The last one has bits that no code has: it would be a second text of the same code.
        for wrong in ["", &text[1..], &format!("{text}A"), &text.replace('W', "1"), &format!("{}V", &text[..31])] {
            assert_eq!(wrong.parse::<TransferCode>().err(), Some(InvalidTransferCode), "{wrong}");
        }
    }

    #[test]
    fn what_is_stored_is_the_codes_hash() {
        let hash = TransferCode::new([0; 16]).hash();
        let expected = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
        assert_eq!(data_encoding::HEXLOWER.encode(&hash.0), expected);
    }
}
