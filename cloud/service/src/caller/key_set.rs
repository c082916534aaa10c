//! Auth's session keys as it publishes them (JWKS, RFC 7517; Ed25519 as RFC 8037 says).

use countermark_shared::keys::VerifyingKey;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where auth publishes them.
pub const PATH: &str = "/.well-known/jwks.json";

/// The public keys that access tokens may be signed with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KeySet {
    /// The keys, the one in use first.
    pub keys: Vec<PublicKey>,
}

/// One public key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// Always `OKP`.
    pub kty: String,
    /// Always `Ed25519`.
    pub crv: String,
    /// Always `EdDSA`.
    pub alg: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The key id: 8 hexadecimal digits. A hint; keys may share one.
    pub kid: String,
    /// The 32 bytes, base64url.
    pub x: String,
}

impl KeySet {
    /// The set of these keys.
    pub fn new(keys: &[VerifyingKey]) -> Self {
        let public = |key: &VerifyingKey| PublicKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            kid: key.id().to_string(),
            x: BASE64URL_NOPAD.encode(&key.to_bytes()),
        };
        Self { keys: keys.iter().map(public).collect() }
    }

    /// The Ed25519 signature keys of the set. Others are passed over, as RFC 7517, section 5, asks.
    pub fn verifying_keys(&self) -> Vec<VerifyingKey> {
        self.keys.iter().filter_map(PublicKey::verifying_key).collect()
    }
}

impl PublicKey {
    fn verifying_key(&self) -> Option<VerifyingKey> {
        if self.kty != "OKP" || self.crv != "Ed25519" || self.usage != "sig" {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(self.x.as_bytes()).ok()?;
        VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
    }
}
