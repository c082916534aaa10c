//! Enrolment, log-in and upload.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Base64;
use crate::id::{EventId, GateId};
use crate::journal::ChainHash;
use crate::keys::VerifyingKey;
use crate::sealing::WrappingKey;
use crate::time::Timestamp;

/// A longer batch is refused whole.
pub const MAX_ROWS_PER_UPLOAD: usize = 1000;

/// Where validation serves gates.
pub mod paths {
    /// POST [`Enrol`](super::Enrol) → [`Enrolled`](super::Enrolled).
    pub const ENROL: &str = "/v1/gates/enrol";
    /// POST [`RequestNonce`](super::RequestNonce) → [`Nonce`](super::Nonce).
    pub const NONCE: &str = "/v1/gates/nonce";
    /// POST [`Login`](super::Login) → [`LoggedIn`](super::LoggedIn).
    pub const LOGIN: &str = "/v1/gates/login";
    /// GET, with the session: the newest trust bundle's bytes, for a gate that has none.
    pub const BUNDLE: &str = "/v1/gate/trust-bundle";
    /// GET, with the session: the assignment's bytes.
    pub const ASSIGNMENT: &str = "/v1/gate/assignment";
    /// GET, with the session: the bytes of the newest head for this gate.
    pub const HEAD: &str = "/v1/gate/head";
    /// GET, with the session: [`DocumentSet`](crate::documents::DocumentSet) of the trust bundles after `{version}` that changed the
    /// roots, in order, and of the newest.
    pub const BUNDLES: &str = "/v1/trust-bundles/after/{version}";
    /// GET: the trust bundle or event document of that name; a bundle may gain signatures. Whoever knows the name may read it.
    pub const DOCUMENT: &str = "/v1/documents/{hash}";
    /// GET, with the session: the slot list's delta that leads to that revision, for ever the same.
    pub const SLOT_DELTA: &str = "/v1/events/{event}/slot-list/{epoch}/{sequence}";
    /// GET, with the session: the last slot-list snapshot up to that revision, for ever the same; deltas lead on from it.
    pub const SLOT_SNAPSHOT: &str = "/v1/events/{event}/slot-list/{epoch}/{sequence}/snapshot";
    /// GET, with the session: the admission feed's batch of that number, for ever the same.
    pub const FEED_BATCH: &str = "/v1/events/{event}/admission-feed/{epoch}/{sequence}";
    /// GET, with the session: the feed's last snapshot up to that batch, for ever the same; batches lead on from it.
    pub const FEED_SNAPSHOT: &str = "/v1/events/{event}/admission-feed/{epoch}/{sequence}/snapshot";
    /// POST [`AskTime`](super::AskTime), with the session → [`TimeAnswer`](super::TimeAnswer).
    pub const TIME: &str = "/v1/gate/time";
    /// POST [`Upload`](super::Upload), with the session → [`Uploaded`](super::Uploaded).
    pub const JOURNAL: &str = "/v1/gate/journal";
    /// POST [`AskClaim`](super::super::AskClaim), with the session → [`ClaimAnswered`](super::super::ClaimAnswered).
    pub const CLAIMS: &str = "/v1/gate/claims";
    /// GET, with the session: [`GuestPage`](super::super::GuestPage) of those after the query's `after`, a
    /// [`GuestCursor`](super::super::GuestCursor); from the first on where there is none.
    pub const GUESTS: &str = "/v1/gate/guests";
}

/// A new gate spends its code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The code's secret, 32 hexadecimal digits.
    pub secret: String,
    /// The gate's new public key.
    pub key: VerifyingKey,
    /// The gate's new X25519 public key: event secrets are wrapped for it.
    pub wrapping_key: WrappingKey,
    /// The gate's signature over the secret's hash and the wrapping key.
    #[schema(value_type = String, format = Byte)]
    pub proof: Base64<[u8; 64]>,
}

/// What the gate is called from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    /// The gate's number.
    pub gate: GateId,
    /// The event it is to serve.
    pub event: EventId,
    /// The entrance's name.
    pub name: String,
}

/// A gate asks for something to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestNonce {
    /// Who asks.
    pub gate: GateId,
}

/// Something to sign.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nonce {
    /// 32 random bytes, good once and for a minute.
    #[schema(value_type = String, format = Byte)]
    pub nonce: Base64<[u8; 32]>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Who answers.
    pub gate: GateId,
    /// What was asked.
    #[schema(value_type = String, format = Byte)]
    pub nonce: Base64<[u8; 32]>,
    /// The gate's signature over both.
    #[schema(value_type = String, format = Byte)]
    pub answer: Base64<[u8; 64]>,
    /// The last row that the gate can tell again, 0 where it has none, as it was once the nonce had come; absent where the gate does not say. A cloud that was restored
    /// from a backup answers no claims of others before it has the journal up to there again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_up_to: Option<u64>,
}

/// A session.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoggedIn {
    /// Goes into `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    pub until: Timestamp,
    /// The last row of the gate's journal that is stored here; 0 where none is. What the gate was told of later rows does not hold any
    /// more: the cloud was restored from a backup, and the gate sends them again.
    #[serde(default)]
    pub known_up_to: Option<u64>,
}

/// A gate asks for the time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskTime {
    /// 32 random bytes of the gate's own.
    #[schema(value_type = String, format = Byte)]
    pub nonce: Base64<[u8; 32]>,
}

/// The time at which the answer was made: see [`TimeQuestion`](crate::clock::TimeQuestion).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeAnswer {
    /// The instant.
    pub at: Timestamp,
    /// A list key's signature over gate, nonce and instant.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64<[u8; 64]>,
}

/// Journal rows in order, and how far they go.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// The chain before the first of these rows.
    pub previous: ChainHash,
    /// At most 1,000.
    pub rows: Vec<UploadedRow>,
    /// The gate's word for the last of them.
    pub checkpoint: SignedCheckpoint,
}

/// A row as it was written, and the ticket where it was the first of its seat and generation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UploadedRow {
    /// The row's number, which its bytes repeat.
    pub sequence: u64,
    /// The row's bytes.
    #[schema(value_type = String, format = Byte)]
    pub row: Base64<Vec<u8>>,
    /// The ticket's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// How far the gate's journal goes after these rows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The last row's number.
    pub sequence: u64,
    /// The chain after it.
    pub hash: ChainHash,
    /// The gate's signature.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64<[u8; 64]>,
}

/// A result for each row, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Uploaded {
    /// One for each row sent.
    pub results: Vec<RowResult>,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RowResult {
    /// The row's number.
    pub sequence: u64,
    /// Stored or not.
    pub outcome: RowOutcome,
}

/// Stored or not. Nothing else is final: a row without a result is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowOutcome {
    /// Stored now.
    Stored,
    /// The same row was stored before.
    Known,
    /// Stored aside: another row has this number already. Two machines write one journal.
    Fork,
    /// Stored aside: the bytes are no row of this gate with this number.
    Unreadable,
    /// Stored, but not believed: it names a ticket that nobody proved.
    Unproved,
}
