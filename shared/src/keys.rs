//! Ed25519 keys of this system: strict where verified, wiped where secret, and never used without a [`Label`].
//!
//! Refuses to know what a key is for; that is the trust bundle's to say.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signer, ed25519};
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::label::Label;

/// A hint for looking a key up: the first four bytes of SHA-256 of the public key. Keys may share one; try every match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
    }
}

/// Why 32 bytes are no acceptable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not 64 hexadecimal digits.
    #[error("a public key is 64 hexadecimal digits")]
    Text,
    /// Not the canonical encoding of a point on the curve.
    #[error("the bytes are no canonical Ed25519 public key")]
    Encoding,
    /// A point of small order, for which signatures verify that nobody made.
    #[error("the key is a point of small order, which proves nothing")]
    Weak,
}

/// An Ed25519 public key: canonically encoded (RFC 8032, 5.1.3) and of large order.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Parses and checks 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Encoding)?;
        // Decompression accepts y ≥ p; the re-encoded point shows it.
        if key.to_edwards().compress().to_bytes() != *bytes {
            return Err(InvalidKey::Encoding);
        }
        if key.is_weak() {
            return Err(InvalidKey::Weak);
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The look-up hint.
    pub fn id(self) -> KeyId {
        let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(self.0.as_bytes()));
        KeyId([a, b, c, d])
    }

    /// Whether `signature` is this key's over `label ‖ message`, strictly (RFC 8032, 5.1.7, cofactorless, canonical S and R).
    pub fn verifies(self, label: Label, message: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(&labelled(label, message), &signature.0).is_ok()
    }

    /// The dalek key, for interfaces that need one (JWT of services and sessions).
    pub fn as_dalek(&self) -> &ed25519_dalek::VerifyingKey {
        &self.0
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER_PERMISSIVE.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VerifyingKey({self})")
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.as_bytes().cmp(other.0.as_bytes())
    }
}

impl FromStr for VerifyingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidKey::Text)?;
        Self::from_bytes(&bytes.try_into().map_err(|_| InvalidKey::Text)?)
    }
}

impl TryFrom<String> for VerifyingKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<VerifyingKey> for String {
    fn from(key: VerifyingKey) -> Self {
        key.to_string()
    }
}

impl<C> Encode<C> for VerifyingKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(self.0.as_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for VerifyingKey {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let position = decoder.position();
        let bytes = ByteArray::<32>::decode(decoder, context)?;
        Self::from_bytes(&bytes).map_err(|error| minicbor::decode::Error::custom(error).at(position))
    }
}

/// An Ed25519 signature, 64 bytes; nothing is known of it until a key verifies it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(ed25519::Signature);

impl Signature {
    /// Takes 64 bytes as they are.
    pub fn from_bytes(bytes: &[u8; 64]) -> Self {
        Self(ed25519::Signature::from_bytes(bytes))
    }

    /// The 64 bytes.
    pub fn to_bytes(self) -> [u8; 64] {
        self.0.to_bytes()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signature({})", HEXLOWER_PERMISSIVE.encode(&self.0.to_bytes()))
    }
}

impl<C> Encode<C> for Signature {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(&self.to_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Signature {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = ByteArray::<64>::decode(decoder, context)?;
        Ok(Self::from_bytes(&bytes))
    }
}

/// An Ed25519 private key. Wiped when dropped; it has no `Debug`.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A private key that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no PKCS#8 PEM of an Ed25519 private key")]
pub struct InvalidSigningKey;

impl SigningKey {
    /// From 32 random bytes (RFC 8032, 5.1.5: the seed).
    pub fn from_seed(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, for sealing at rest.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads a PKCS#8 PEM file's text (RFC 5958, RFC 8410).
    pub fn from_pem(text: &str) -> Result<Self, InvalidSigningKey> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(text).map(Self).map_err(|_| InvalidSigningKey)
    }

    /// The key as PKCS#8 PEM.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, InvalidSigningKey> {
        self.0.to_pkcs8_pem(ed25519_dalek::pkcs8::spki::der::pem::LineEnding::LF).map_err(|_| InvalidSigningKey)
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `label ‖ message`.
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        Signature(self.0.sign(&labelled(label, message)))
    }

    /// The dalek key, for interfaces with a framing of their own (JWT, Standard Webhooks).
    pub fn as_dalek(&self) -> &ed25519_dalek::SigningKey {
        &self.0
    }
}

/// SHA-256 over `label ‖ parts…`: how documents, rows and roots are named.
pub fn labelled_digest(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(label.bytes());
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

fn labelled(label: Label, message: &[u8]) -> Vec<u8> {
    [&label.bytes()[..], message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    /// RFC 8032, 7.1, test 2. What the specification refuses beyond that RFC is in `tests/vectors/tickets`.
    #[test]
    fn keys_and_signatures_are_the_rfcs() {
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SigningKey::from_seed(&Zeroizing::new(seed));
        assert_eq!(key.verifying_key().to_string(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = Signature(key.as_dalek().sign(&[0x72]));
        assert_eq!(
            HEXLOWER_PERMISSIVE.encode(&signature.to_bytes()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert_eq!(key.verifying_key().as_dalek().verify_strict(&[0x72], &signature.0).ok(), Some(()));
    }

    #[test]
    fn a_key_has_one_text_in_json_too_and_its_id_is_the_start_of_its_hash() {
        let key = samples::signing_key(30).verifying_key();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(text, format!("\"{}\"", HEXLOWER_PERMISSIVE.encode(&key.to_bytes())));
        assert_eq!(serde_json::from_str::<VerifyingKey>(&text).unwrap(), key);
        let hash = HEXLOWER_PERMISSIVE.encode(&Sha256::digest(key.to_bytes()));
        assert_eq!(key.id().to_string(), hash[..8]);
    }

    #[test]
    fn a_private_key_survives_its_pem() {
        let key = samples::signing_key(30);
        let pem = key.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(SigningKey::from_pem(&pem).unwrap().seed(), key.seed());
        assert_eq!(SigningKey::from_pem(&pem.replace("PRIVATE", "PUBLIC")).err(), Some(InvalidSigningKey));
    }

    #[test]
    fn a_signature_is_a_keys_a_labels_and_a_messages() {
        let key = samples::signing_key(30);
        let signature = key.sign(Label::Head, b"message");
        let verifies = |key: &SigningKey, label, message| key.verifying_key().verifies(label, message, &signature);
        assert!(verifies(&key, Label::Head, b"message"));
        assert!(!verifies(&samples::signing_key(31), Label::Head, b"message"));
        assert!(!verifies(&key, Label::SlotList, b"message"));
        assert!(!verifies(&key, Label::Head, b"massage"));
    }

    #[test]
    fn keys_that_prove_nothing_are_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(VerifyingKey::from_bytes(&neutral), Err(InvalidKey::Weak));
        let mut overlong = [0xff; 32];
        overlong[31] = 0x7f;
        assert_eq!(VerifyingKey::from_bytes(&overlong), Err(InvalidKey::Encoding));
        assert_eq!("1".repeat(63).parse::<VerifyingKey>(), Err(InvalidKey::Text));
    }
}
