//! The root fingerprint: what names a set of root keys and how many of them must sign.

use core::fmt;

use data_encoding::HEXLOWER;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keys::{VerifyingKey, labelled_digest};
use crate::label::Label;

/// SHA-256 over threshold and roots: what a gate is told at enrolment and a service by its settings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct RootFingerprint(pub [u8; 32]);

impl RootFingerprint {
    /// The fingerprint of a set of roots, sorted, and how many of them must sign.
    pub fn of(roots: &[VerifyingKey], threshold: u8) -> Self {
        let keys: Vec<_> = roots.iter().map(|root| root.to_bytes()).collect();
        let parts: Vec<&[u8]> =
            core::iter::once(core::slice::from_ref(&threshold)).chain(keys.iter().map(<[u8; 32]>::as_slice)).collect();
        Self(labelled_digest(Label::RootFingerprint, &parts))
    }
}

impl fmt::Display for RootFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for RootFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RootFingerprint({self})")
    }
}

/// Text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a root fingerprint is 64 hexadecimal digits, as `countermark-cloud ceremony` printed it")]
pub struct InvalidFingerprint;

impl core::str::FromStr for RootFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| InvalidFingerprint)
    }
}

impl TryFrom<String> for RootFingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl From<RootFingerprint> for String {
    fn from(fingerprint: RootFingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl<C> Encode<C> for RootFingerprint {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for RootFingerprint {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        ByteArray::<32>::decode(decoder, context).map(|bytes| Self(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_has_one_text_in_json_too() {
        let fingerprint = RootFingerprint([0xab; 32]);
        assert_eq!(fingerprint.to_string(), "ab".repeat(32));
        let text = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(text, format!("\"{fingerprint}\""));
        assert_eq!(serde_json::from_str::<RootFingerprint>(&text).unwrap(), fingerprint);
        for other in ["AB".repeat(32), "ab".repeat(31), "ab".repeat(33)] {
            assert_eq!(other.parse::<RootFingerprint>(), Err(InvalidFingerprint), "{other}");
        }
    }
}
