//! Calls between services. Owns their authentication: each request carries a token of seconds, signed with the calling
//! service's key over method, path and body; refuses to know what is asked, which is [`crate::contract`]'s.

mod client;
mod server;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use self::client::{CallError, ServiceClient, ServiceIdentity, http_client};
pub use self::server::{Refusal, ServiceCaller, ServiceCalls};
use crate::service_name::ServiceName;

const TYPE: &str = "countermark-call+jwt";

/// How long a call may be under way, in seconds.
const LIFETIME: i64 = 30;

/// The longest body of a call and of its answer, in bytes.
pub(crate) const LONGEST_BODY: usize = 8 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: ServiceName,
    aud: ServiceName,
    iat: i64,
    exp: i64,
    jti: Uuid,
    method: String,
    /// With the query.
    path: String,
    /// SHA-256, hexadecimal.
    body: String,
}

fn body_digest(body: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(body))
}
