//! Fixed bytes as small hexadecimal digits, for a row in JSON.

use data_encoding::HEXLOWER;
use minicbor::bytes::ByteArray;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<const N: usize, S: Serializer>(bytes: &ByteArray<N>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&HEXLOWER.encode(&bytes[..]))
}

pub(super) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ByteArray<N>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
    <[u8; N]>::try_from(bytes).map(Into::into).map_err(|_| D::Error::custom("the bytes have the wrong length"))
}
