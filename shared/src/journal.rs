//! The journal: what a gate did, each row hashed onto the one before, how far it goes signed by the gate.
//!
//! Owns the rows' encoding and the chain; refuses to know where rows are stored or sent.

mod act;
mod exported;
mod hexadecimal;
mod undo;

use core::fmt;

pub use act::{Act, Actuation, OverruleReason};
pub use exported::{Audit, EXPORT_FORMAT, ExportEnd, ExportHead, ExportedRow, Unsound};
pub use undo::UNDO_WINDOW;

use data_encoding::HEXLOWER;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::documents::{Direction, Revision};
use crate::documents::{canonical, from_canonical};
use crate::id::{EventId, GateId, Generation, LaneId, Slot};
use crate::keys::{Signature, SigningKey, VerifyingKey, labelled_digest};
use crate::label::Label;
use crate::ticket::VerifiedTicket;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// A longer row is refused unread.
pub const MAX_ROW_LENGTH: usize = 512;

/// The highest number of a row: the last that whoever reads an exported journal reads exactly (RFC 7493, section 2.2), and one that has a next
/// wherever it is stored.
pub const LAST_SEQUENCE: u64 = (1 << 53) - 1;

/// One scan and its verdict, or what was done about one. No row says when a live ticket's holder signed: the row's own time is enough.
///
/// Its JSON is for auditors; what is hashed, signed and sent are its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct JournalRow {
    /// Whose journal.
    #[n(0)]
    pub gate: GateId,
    /// 1 for the first row, then one more each, up to [`LAST_SEQUENCE`].
    #[n(1)]
    pub sequence: u64,
    /// Which start of the machine (Linux: `/proc/sys/kernel/random/boot_id`).
    #[n(2)]
    pub boot: BootId,
    /// When the verdict was made, by the gate's clock.
    #[n(3)]
    pub at: Timestamp,
    /// What that clock was worth.
    #[n(4)]
    pub clock: ClockState,
    /// Where.
    #[n(5)]
    pub lane: LaneId,
    /// Which way.
    #[n(6)]
    pub direction: Direction,
    /// What was shown.
    #[n(7)]
    pub subject: Subject,
    /// Persons let through, in or out by the direction. How they count: [`Passages::after`](crate::decision::Passages::after).
    #[n(8)]
    pub persons: u8,
    /// Who decided.
    #[n(9)]
    pub actor: Actor,
    /// Why.
    #[n(10)]
    pub reason: Reason,
    /// Whether the ticket was proved in full, so that its generation counts: see [`Verdict::remembers`](crate::verdict::Verdict::remembers).
    #[n(11)]
    pub proved: bool,
    /// The documents the verdict rests on.
    #[n(12)]
    pub documents: DocumentRevisions,
    /// What was done; nothing where a scan was decided about and no more.
    #[n(13)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The gate by itself.
    #[n(0)]
    Gate,
    /// Whoever works at the entrance.
    #[n(1)]
    Operator,
    /// Somebody who may overrule the gate.
    #[n(2)]
    Supervisor,
}

/// What was shown: a ticket whose signatures held, or something of which the hash alone is kept.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// A verified ticket.
    #[n(0)]
    #[cbor(map)]
    Ticket {
        /// Its event.
        #[n(0)]
        event: EventId,
        /// Its seat.
        #[n(1)]
        slot: Slot,
        /// Which issue of the seat.
        #[n(2)]
        generation: Generation,
    },
    /// Anything else: SHA-256 of the text.
    #[n(1)]
    #[cbor(map)]
    Payload {
        /// The hash.
        #[n(0)]
        #[serde(with = "hexadecimal")]
        hash: ByteArray<32>,
    },
}

impl Subject {
    /// A ticket that was verified.
    pub fn of(ticket: &VerifiedTicket) -> Self {
        let body = ticket.body();
        Self::Ticket { event: body.event, slot: body.slot, generation: body.generation }
    }

    /// Text that was not: it may be anybody's private code, so only its hash is kept.
    pub fn unverified(text: &str) -> Self {
        Self::Payload { hash: <[u8; 32]>::from(Sha256::digest(text.as_bytes())).into() }
    }
}

/// What a gate's clock was worth when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// It follows from a signed answer to the gate's own nonce.
    #[n(0)]
    Signed,
    /// The battery clock's, which nobody signed.
    #[n(1)]
    Battery,
    /// It lay below the floor, and the floor was shown instead.
    #[n(2)]
    RolledBack,
    /// Somebody says that it is more than a day later: staff have not confirmed that.
    #[n(3)]
    Ahead,
    /// Nothing told the time: what was shown is the earliest it can be.
    #[n(4)]
    Unknown,
}

/// The start of a machine: 16 bytes that differ after each boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cbor(transparent)]
#[serde(transparent)]
pub struct BootId(
    #[n(0)]
    #[serde(with = "hexadecimal")]
    ByteArray<16>,
);

impl BootId {
    /// From the 16 bytes of the machine's boot UUID.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes.into())
    }
}

/// The revisions of the documents a verdict rests on; 0 where there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct DocumentRevisions {
    /// Trust bundle.
    #[n(0)]
    pub bundle: u32,
    /// Event document.
    #[n(1)]
    pub event: u32,
    /// Slot list, epoch.
    #[n(2)]
    pub list_epoch: u32,
    /// Slot list, sequence.
    #[n(3)]
    pub list_sequence: u64,
    /// Assignment.
    #[n(4)]
    pub assignment: u32,
    /// Admission feed, epoch.
    #[n(5)]
    pub feed_epoch: u32,
    /// Admission feed, sequence.
    #[n(6)]
    pub feed_sequence: u64,
}

impl DocumentRevisions {
    /// What a gate without documents writes.
    pub const NONE: Self =
        Self { bundle: 0, event: 0, list_epoch: 0, list_sequence: 0, assignment: 0, feed_epoch: 0, feed_sequence: 0 };

    /// The slot list's revision.
    pub fn list(&self) -> Revision {
        Revision { epoch: self.list_epoch, sequence: self.list_sequence }
    }
}

/// Bytes that are no journal row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no journal row: {why}")]
pub struct InvalidRow {
    /// What is wrong.
    pub why: String,
}

impl JournalRow {
    /// The row's one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical(self)
    }

    /// Reads a row in its one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidRow> {
        if bytes.len() > MAX_ROW_LENGTH {
            return Err(InvalidRow {
                why: format!("it has {} bytes, at most {MAX_ROW_LENGTH} are allowed", bytes.len()),
            });
        }
        let row: Self = from_canonical(bytes).map_err(|why| InvalidRow { why })?;
        if !(1..=LAST_SEQUENCE).contains(&row.sequence) {
            return Err(InvalidRow { why: format!("rows are numbered from 1 to {LAST_SEQUENCE}") });
        }
        row.check().map_err(|why| InvalidRow { why: why.to_owned() })?;
        Ok(row)
    }

    /// The rules between the fields. The answer is what is wrong.
    fn check(&self) -> Result<(), &'static str> {
        if let Some(act) = self.act {
            act.check(self)?;
        }
        let is_verdict = self.act.is_none_or(Act::is_verdict);
        let says_by_whom = matches!(self.act, Some(Act::Overrule { .. }));
        // What is done about such a verdict has its reason.
        if is_verdict && says_by_whom != (self.reason == Reason::Overruled) {
            return Err("somebody was overruled, and it does not say by whom, or says so of another reason");
        }
        if is_verdict { self.check_verdict() } else { Ok(()) }
    }

    fn check_verdict(&self) -> Result<(), &'static str> {
        let opens = self.reason.severity().opens();
        if opens != (self.persons > 0) {
            return Err("it lets people through for a reason that refuses them, or nobody for one that opens");
        }
        if opens && self.reason.leaves() != (self.direction == Direction::Exit) {
            return Err("it lets people out where they enter, or in where they leave");
        }
        let ticket = matches!(self.subject, Subject::Ticket { .. });
        if (self.persons > 0 || self.proved) && !ticket {
            return Err("it lets people through, or calls something proved, without a ticket");
        }
        let is_known_and_not_shown = ticket && !self.proved && self.direction == Direction::Entry;
        if self.reason == Reason::FoundByOrder && !is_known_and_not_shown {
            return Err("nothing was shown, and it names no seat, calls it proved, or is at an exit");
        }
        Ok(())
    }

    /// The row after which nobody went through, since its arm says that it did not turn. Where that is an exit it counts for nothing; after an
    /// entry the same ticket is let in once more ([`Reason::Forgiven`]). What did not open may have been opened by hand, and stops nobody.
    pub fn stopped(&self) -> Option<u64> {
        self.ended_by(Actuation::NotTurned)
    }

    /// The row after which somebody went through, since its arm says that it turned.
    pub fn turned(&self) -> Option<u64> {
        self.ended_by(Actuation::Turned)
    }

    fn ended_by(&self, by: Actuation) -> Option<u64> {
        self.actuated().filter(|(_, actuation)| *actuation == by).map(|(of, _)| of)
    }

    /// The row of which it tells how that ended, and how.
    pub fn actuated(&self) -> Option<(u64, Actuation)> {
        match self.act? {
            Act::Actuated { of, actuation } => Some((of, actuation)),
            Act::Undo { .. }
            | Act::Overrule { .. }
            | Act::Claim { .. }
            | Act::Claimed { .. }
            | Act::Hold
            | Act::Release => None,
        }
    }

    /// Whether staff hold its seat back by it, or no longer do; nothing where it says neither.
    pub fn holds(&self) -> Option<bool> {
        match self.act? {
            Act::Hold => Some(true),
            Act::Release => Some(false),
            Act::Undo { .. }
            | Act::Actuated { .. }
            | Act::Overrule { .. }
            | Act::Claim { .. }
            | Act::Claimed { .. } => None,
        }
    }

    /// The admission that it takes back.
    pub fn undoes(&self) -> Option<u64> {
        match self.act {
            Some(Act::Undo { of, .. }) => Some(of),
            Some(
                Act::Actuated { .. }
                | Act::Overrule { .. }
                | Act::Claim { .. }
                | Act::Claimed { .. }
                | Act::Hold
                | Act::Release,
            )
            | None => None,
        }
    }
}

/// The hash of a row, which holds every row before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// Before the first row.
    pub const START: Self = Self([0; 32]);

    /// The hash after the next row, given as its bytes.
    #[must_use]
    pub fn next(self, row: &[u8]) -> Self {
        Self(labelled_digest(Label::JournalRow, &[&self.0, row]))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ChainHash({self})")
    }
}

impl TryFrom<String> for ChainHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "a chain hash is 64 hexadecimal digits")?;
        bytes.try_into().map(Self).map_err(|_| "a chain hash is 64 hexadecimal digits")
    }
}

impl From<ChainHash> for String {
    fn from(hash: ChainHash) -> Self {
        hash.to_string()
    }
}

/// How far a gate's journal goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Checkpoint {
    /// Whose.
    #[n(0)]
    pub gate: GateId,
    /// The last row.
    #[n(1)]
    pub sequence: u64,
    #[n(2)]
    hash: ByteArray<32>,
}

impl Checkpoint {
    /// The state after a row.
    pub fn new(gate: GateId, sequence: u64, hash: ChainHash) -> Self {
        Self { gate, sequence, hash: hash.0.into() }
    }

    /// The gate's word that its journal goes so far and no other way.
    pub fn sign(&self, key: &SigningKey) -> Signature {
        key.sign(Label::JournalCheckpoint, &canonical(self))
    }

    /// Whether the gate with this key said so.
    pub fn is_signed_by(&self, key: VerifyingKey, signature: &Signature) -> bool {
        key.verifies(Label::JournalCheckpoint, &canonical(self), signature)
    }
}

#[cfg(test)]
mod tests;
