//! What a column holds, as the type it stands for: an error where the database was written by something else.

use countermark_shared::keys::VerifyingKey;

use crate::error::Error;

/// A number that fits its type.
pub(crate) fn number<T: TryFrom<i64>>(value: i64, column: &'static str) -> Result<T, Error> {
    T::try_from(value).map_err(|_| Error::Corrupt { column })
}

/// Bytes of a fixed length.
pub(crate) fn bytes<const N: usize>(value: Vec<u8>, column: &'static str) -> Result<[u8; N], Error> {
    value.try_into().map_err(|_| Error::Corrupt { column })
}

/// A public key.
pub(crate) fn key(value: Vec<u8>, column: &'static str) -> Result<VerifyingKey, Error> {
    VerifyingKey::from_bytes(&bytes(value, column)?).map_err(|_| Error::Corrupt { column })
}
