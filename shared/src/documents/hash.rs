//! What documents and their contents are called: SHA-256 values that are never confused with each other.

use core::fmt;

use data_encoding::HEXLOWER;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(into = "String", try_from = "String")]
        #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "a hash is 64 hexadecimal digits")?;
                bytes.try_into().map(Self).map_err(|_| "a hash is 64 hexadecimal digits")
            }
        }

        impl From<$name> for String {
            fn from(hash: $name) -> Self {
                hash.to_string()
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
                ByteArray::<32>::decode(decoder, context).map(|bytes| Self(bytes.into()))
            }
        }
    };
}

hash! {
    /// SHA-256 over label and payload: the document's name.
    DocumentHash
}
hash! {
    /// SHA-256 over what a slot list says of every slot, however it came to be known: see [`SlotTable`](super::SlotTable).
    ContentHash
}

impl DocumentHash {
    /// Before the first batch of an admission feed.
    pub const NONE: Self = Self([0; 32]);
}
