//! A journal as a file for an auditor: whose it is, its rows, and how far the gate says it goes. Owns what the lines say and whether they hold
//! together; refuses to know where they come from.

use serde::{Deserialize, Serialize};

use super::{ChainHash, Checkpoint, JournalRow};
use crate::id::GateId;
use crate::keys::{Signature, SigningKey, VerifyingKey};
use crate::wire::{Base64, RowOutcome, SignedCheckpoint};

/// What the first line calls the format.
pub const EXPORT_FORMAT: &str = "countermark-journal/1";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHead {
    /// [`EXPORT_FORMAT`].
    pub format: String,
    /// Whose journal.
    pub gate: GateId,
    /// The key that signs its checkpoints. Whether it is that gate's, the cloud knows.
    pub key: VerifyingKey,
    /// The row after which the file begins: 0, or the last that was pruned.
    pub after: u64,
    /// The chain after that row.
    pub hash: ChainHash,
}

/// A line a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportedRow {
    /// The row's number.
    pub sequence: u64,
    /// Its bytes.
    pub row: Base64<Vec<u8>>,
    /// The chain after it.
    pub hash: ChainHash,
    /// What the bytes say, for people and for tools that read no CBOR.
    pub says: JournalRow,
    /// What validation answered; nothing until it did. The gate's word alone: no hash has it.
    pub outcome: Option<RowOutcome>,
    /// The ticket's text, where the row keeps one and it was asked for: whoever has it can show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
}

/// The last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    /// The gate's word that its journal goes so far and no other way.
    pub checkpoint: SignedCheckpoint,
}

/// A file that is read from its first line on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    gate: GateId,
    key: VerifyingKey,
    sequence: u64,
    hash: ChainHash,
}

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Another format, or a newer one.
    #[error("this is no {EXPORT_FORMAT}")]
    Format,
    /// Nothing comes before the first row.
    #[error("it begins after no row, with a hash of one")]
    Beginning,
    /// A row is missing, doubled, or out of order.
    #[error("row {expected} belongs here")]
    Order {
        /// Which.
        expected: u64,
    },
    /// The bytes are no row of this gate with this number.
    #[error("its bytes are no row of this gate with this number")]
    Row,
    /// The fields beside the bytes differ.
    #[error("its fields say something else than its bytes")]
    Says,
    /// The chain does not lead here.
    #[error("its hash does not follow from the rows before it")]
    Chain,
    /// The checkpoint is not about the last row.
    #[error("the checkpoint is not about the last row")]
    Checkpoint,
    /// The key did not sign it.
    #[error("the checkpoint is not signed by the gate's key")]
    Signature,
}

impl ExportHead {
    /// Of a journal from the row after `after`, where the chain is `hash`.
    pub fn new(gate: GateId, key: VerifyingKey, after: u64, hash: ChainHash) -> Self {
        Self { format: EXPORT_FORMAT.to_owned(), gate, key, after, hash }
    }
}

impl ExportEnd {
    /// Signs how far the journal goes.
    pub fn sign(gate: GateId, sequence: u64, hash: ChainHash, key: &SigningKey) -> Self {
        let signature = Base64(Checkpoint::new(gate, sequence, hash).sign(key).to_bytes());
        Self { checkpoint: SignedCheckpoint { sequence, hash, signature } }
    }
}

impl Audit {
    /// Takes the first line.
    pub fn begin(head: &ExportHead) -> Result<Self, Unsound> {
        if head.format != EXPORT_FORMAT {
            return Err(Unsound::Format);
        }
        if (head.after == 0) != (head.hash == ChainHash::START) {
            return Err(Unsound::Beginning);
        }
        Ok(Self { gate: head.gate, key: head.key, sequence: head.after, hash: head.hash })
    }

    /// Takes the next row.
    pub fn row(&mut self, line: &ExportedRow) -> Result<(), Unsound> {
        let expected = self.sequence.saturating_add(1);
        if line.sequence != expected {
            return Err(Unsound::Order { expected });
        }
        let row = JournalRow::from_bytes(&line.row.0).map_err(|_| Unsound::Row)?;
        if (row.gate, row.sequence) != (self.gate, expected) {
            return Err(Unsound::Row);
        }
        if row != line.says {
            return Err(Unsound::Says);
        }
        let hash = self.hash.next(&line.row.0);
        if hash != line.hash {
            return Err(Unsound::Chain);
        }
        (self.sequence, self.hash) = (expected, hash);
        Ok(())
    }

    /// Takes the last line, and says how far the journal goes.
    pub fn end(self, end: &ExportEnd) -> Result<u64, Unsound> {
        let SignedCheckpoint { sequence, hash, signature } = &end.checkpoint;
        if (*sequence, *hash) != (self.sequence, self.hash) {
            return Err(Unsound::Checkpoint);
        }
        let signed = Checkpoint::new(self.gate, self.sequence, self.hash);
        if signed.is_signed_by(self.key, &Signature::from_bytes(&signature.0)) {
            Ok(self.sequence)
        } else {
            Err(Unsound::Signature)
        }
    }
}

#[cfg(test)]
mod tests;
