//! Bytes in JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes that are base64 text in JSON; a fixed length is checked when read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64<B>(pub B);

impl<B: AsRef<[u8]>> Serialize for Base64<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&data_encoding::BASE64.encode(self.0.as_ref()))
    }
}

impl<'de, B: TryFrom<Vec<u8>>> Deserialize<'de> for Base64<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = data_encoding::BASE64.decode(text.as_bytes()).map_err(D::Error::custom)?;
        B::try_from(bytes).map(Self).map_err(|_| D::Error::custom("the bytes have the wrong length"))
    }
}
