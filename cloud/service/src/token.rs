//! Signed tokens (JWT, RFC 7519; `EdDSA`, RFC 8037). Owns signing and the strict reading of one; refuses to know what the
//! claims grant, and what time it is: whoever reads a token judges its times against a [`crate::clock::Clock`].

use countermark_shared::keys::{SigningKey, VerifyingKey};
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How far two machines' clocks may be apart, in seconds, before a token reads as made in the future.
pub(crate) const CLOCK_SKEW: i64 = 5;

/// A token that could not be made: the key has no PKCS#8 form, or the claims no JSON.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key cannot be written as PKCS#8.
    #[error("the signing key cannot be encoded")]
    Key {
        /// What the encoder said.
        source: ed25519_dalek::pkcs8::Error,
    },
    /// The claims cannot be encoded or signed.
    #[error("the token cannot be signed")]
    Claims {
        /// What the signer said.
        source: jsonwebtoken::errors::Error,
    },
}

/// What a kind of token fixes: its type (RFC 8725, 3.11), who may have made it, and for whom.
pub(crate) struct Kind<'a> {
    pub(crate) typ: &'static str,
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
}

/// Signs `claims` with `key`, whose id goes into the header.
pub(crate) fn sign<C: Serialize>(typ: &'static str, key: &SigningKey, claims: &C) -> Result<String, SigningError> {
    let document = key.as_dalek().to_pkcs8_der().map_err(|source| SigningError::Key { source })?;
    let header = Header {
        typ: Some(typ.to_owned()),
        kid: Some(key.verifying_key().id().to_string()),
        ..Header::new(Algorithm::EdDSA)
    };
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(document.as_bytes()))
        .map_err(|source| SigningError::Claims { source })
}

/// The key id that a token names; nothing about the token is proved by it.
pub(crate) fn claimed_key_id(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
}

/// The claims of a token that `key` signed and that is of this kind; nothing otherwise.
pub(crate) fn verify<C: DeserializeOwned>(token: &str, key: VerifyingKey, kind: &Kind<'_>) -> Option<C> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[kind.issuer]);
    validation.set_audience(&[kind.audience]);
    // The library would ask the system's clock.
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_der(&key.to_bytes());
    let data = jsonwebtoken::decode::<C>(token, &key, &validation).ok()?;
    let of_this_kind = data.header.typ.as_deref() == Some(kind.typ) && data.header.crit.is_none();
    of_this_kind.then_some(data.claims)
}
