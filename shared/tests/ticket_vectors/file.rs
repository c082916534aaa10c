//! What a file of vectors holds. Bytes are lower-case hexadecimal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A file of one kind of cases.
pub(crate) type File = crate::vectors::File<Content>;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Content {
    Tickets { rings: BTreeMap<String, Vec<RingKey>>, cases: Vec<TicketCase> },
    PublicKeys { cases: Vec<PublicKeyCase> },
    HolderKeys { cases: Vec<HolderKeyCase> },
    Enrolments { cases: Vec<EnrolmentCase> },
    Wrappings { cases: Vec<WrappingCase> },
    Halves { rings: BTreeMap<String, Vec<RingKey>>, cases: Vec<HalfCase> },
    OrderCodes { cases: Vec<OrderCodeCase> },
    OrderTags { cases: Vec<OrderTagCase> },
}

/// A key of a trust bundle.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RingKey {
    pub(crate) role: Role,
    pub(crate) status: Status,
    pub(crate) key: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Issuing,
    Authority,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Active,
    VerifyOnly,
    ListedOnly,
    Revoked,
}

/// A text is read and verified against a ring, and its sealed part opened where there is a secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TicketCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) ring: String,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<Secret>,
    pub(crate) expect: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opening: Option<Opening>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    pub(crate) event: u32,
    pub(crate) generation: u8,
    pub(crate) secret: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Outcome {
    NotOurs,
    UnknownVersion,
    Malformed { defect: String },
    KeyUnknown,
    KeyRevoked,
    IssuerForged,
    AuthorityForged,
    LiveProofForged,
    Verified(Box<Verified>),
}

/// What is known of a ticket whose signatures hold. Kept is its text without presentation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verified {
    pub(crate) shown: Shown,
    pub(crate) must_be_listed: bool,
    pub(crate) ticket: Fields,
    pub(crate) kept: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shown {
    Static,
    WithoutProof,
    /// In Unix seconds.
    ProvedAt(i64),
}

/// A ticket's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fields {
    pub(crate) issuing_key_id: String,
    pub(crate) authority_key_id: String,
    pub(crate) event: u32,
    pub(crate) slot: u32,
    pub(crate) generation: u8,
    pub(crate) places: u8,
    pub(crate) entries: u8,
    pub(crate) product: u16,
    pub(crate) zones: u32,
    pub(crate) valid_from: u32,
    pub(crate) valid_until: u32,
    pub(crate) live: Option<LiveFields>,
    pub(crate) sealed: Option<SealedFields>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveFields {
    pub(crate) window: u8,
    pub(crate) holder_key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedFields {
    pub(crate) generation: u8,
    pub(crate) check_id: bool,
    pub(crate) ciphertext: String,
    pub(crate) tag: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Opening {
    Opened { name: String, seat: String },
    Unsealed,
    OtherSecret,
    Broken,
    Text,
}

/// 32 bytes that somebody offers as a public key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicKeyCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) curve: Curve,
    pub(crate) key: String,
    pub(crate) expect: KeyOutcome,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Curve {
    Ed25519,
    X25519,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyOutcome {
    Accepted,
    /// Not the canonical encoding of a point.
    Encoding,
    /// Of small order.
    Weak,
}

/// A holder key that follows from an account's secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HolderKeyCase {
    pub(crate) name: String,
    pub(crate) account_secret: String,
    pub(crate) event: u32,
    pub(crate) slot: u32,
    pub(crate) generation: u8,
    pub(crate) seed: String,
    pub(crate) key: String,
}

/// A device's proof that it has the key it registers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolmentCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) account: String,
    pub(crate) key: String,
    pub(crate) proof: String,
    pub(crate) proved: bool,
}

/// An event secret on its way to a gate; without a secret it is refused.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappingCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) gate: u32,
    pub(crate) gate_key: String,
    pub(crate) event: u32,
    pub(crate) generation: u8,
    pub(crate) enc: String,
    pub(crate) ciphertext: String,
    pub(crate) secret: Option<String>,
}

/// Half a ticket is read and verified against a ring, and opened where there is a secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HalfCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) ring: String,
    pub(crate) half: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<Secret>,
    pub(crate) expect: HalfOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opening: Option<Opening>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum HalfOutcome {
    UnknownVersion,
    Malformed { defect: String },
    KeyUnknown,
    KeyRevoked,
    IssuerForged,
    Verified { must_be_listed: bool, ticket: Box<Fields> },
}

/// What was typed, and the code it means; none where it means none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderCodeCase {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) typed: String,
    pub(crate) code: Option<String>,
}

/// An order's code, and its tag by a secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrderTagCase {
    pub(crate) name: String,
    pub(crate) order: String,
    pub(crate) code: String,
    pub(crate) secret: String,
    pub(crate) tag: String,
}
