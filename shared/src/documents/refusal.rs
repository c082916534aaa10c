//! Why a document was not taken: a reason of its own for each cause, with a stable code and what helps.

use super::canonical::Defect;
use super::revision::Revision;
use crate::id::{GateId, Slot};
use crate::time::Timestamp;

/// Why a document was not taken; what was in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than such a document can have, or a length or count in it that says so.
    #[error("the {document} has or claims a length of {length}, more than such a document can have")]
    TooLong {
        /// What it should have been.
        document: &'static str,
        /// Its bytes, or what it claims.
        length: u64,
    },
    /// It ends before what it announces.
    #[error("the {document} ends too early")]
    Truncated {
        /// What it should have been.
        document: &'static str,
    },
    /// Some CBOR, but not in the one encoding.
    #[error("the {document} is not in its canonical encoding: {why}")]
    NotCanonical {
        /// What it should have been.
        document: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// Canonical, but no such document, or fields that contradict each other.
    #[error("the {document} is malformed: {why}")]
    Malformed {
        /// What it should have been.
        document: &'static str,
        /// What is wrong.
        why: String,
    },
    /// None of the right keys signed these bytes.
    #[error("the {document} is not signed by any key that may sign it")]
    NotSigned {
        /// What it should have been.
        document: &'static str,
    },
    /// Some of the right keys signed these bytes, but not enough.
    #[error("the {document} carries {valid} valid signatures of the {threshold} it needs")]
    ThresholdMissed {
        /// What it should have been.
        document: &'static str,
        /// Distinct accepted signers whose signature is valid.
        valid: usize,
        /// How many there must be.
        threshold: usize,
    },
    /// Another event's or gate's.
    #[error("the {document} is about another event or gate")]
    OtherSubject {
        /// What it is.
        document: &'static str,
    },
    /// The bundle names other roots, and those in force did not sign it.
    #[error("the trust bundle names other roots than the ones believed here, and these did not sign it")]
    OtherRoot,
    /// Older than what is in force.
    #[error("the {document} is revision {offered}, older than {in_force}")]
    Older {
        /// What it is.
        document: &'static str,
        /// The revision offered.
        offered: Revision,
        /// The revision in force, or the highest that a believed key signed.
        in_force: Revision,
    },
    /// The same revision with other content: somebody signed two.
    #[error("there are two different {document}s of revision {revision}; report this")]
    Conflicting {
        /// What it is.
        document: &'static str,
        /// The revision that exists twice.
        revision: Revision,
    },
    /// Signed further ahead of the reader's clock than clocks go wrong by themselves.
    #[error("the {document} was issued on {issued}, more than a day ahead of this clock")]
    FromTheFuture {
        /// What it is.
        document: &'static str,
        /// When it says it was issued.
        issued: Timestamp,
    },
    /// Its time is over.
    #[error("the {document} was good until {until}")]
    Expired {
        /// What it is.
        document: &'static str,
        /// The first instant at which it was no longer good.
        until: Timestamp,
    },
    /// A step where nothing is in force that it could start from.
    #[error("the {document} needs a snapshot before it")]
    NoSnapshot {
        /// What it is.
        document: &'static str,
    },
    /// A step of a later epoch than what is in force: no step leads there.
    #[error("the {document} is revision {offered}, of a later epoch than {in_force}")]
    OtherEpoch {
        /// What it is.
        document: &'static str,
        /// The revision offered.
        offered: Revision,
        /// The revision in force.
        in_force: Revision,
    },
    /// A step that does not follow on what is in force: others are missing.
    #[error("the {document} is revision {offered}, and does not follow on {in_force}")]
    Gap {
        /// What it is.
        document: &'static str,
        /// The revision offered.
        offered: Revision,
        /// The revision in force.
        in_force: Revision,
    },
    /// A step from other content than what is in force.
    #[error("the {document} starts from other content than what is in force")]
    WrongBefore {
        /// What it is.
        document: &'static str,
    },
    /// A step that does not lead where it says.
    #[error("the {document} does not lead to the content it announces")]
    WrongAfter {
        /// What it is.
        document: &'static str,
    },
    /// A revoked slot would be good again within its epoch.
    #[error("the {document} revives revoked slot {slot}")]
    Revives {
        /// What it is.
        document: &'static str,
        /// The slot.
        slot: Slot,
    },
    /// An issued slot would be not issued within its epoch.
    #[error("the {document} takes back that slot {slot} was issued")]
    Unissues {
        /// What it is.
        document: &'static str,
        /// The slot.
        slot: Slot,
    },
    /// A replaced ticket would be good again within its epoch.
    #[error("the {document} lowers the least generation of slot {slot}")]
    LowersGeneration {
        /// What it is.
        document: &'static str,
        /// The slot.
        slot: Slot,
    },
    /// A row of a journal that was told before, with other content.
    #[error("the {document} tells row {sequence} of gate {gate} otherwise than before")]
    RowConflict {
        /// What it is.
        document: &'static str,
        /// Whose journal.
        gate: GateId,
        /// Which row.
        sequence: u64,
    },
    /// It takes back rows that are held only as sums.
    #[error("the {document} retracts rows of gate {gate} that are held as sums only")]
    RetractsFolded {
        /// What it is.
        document: &'static str,
        /// Whose journal.
        gate: GateId,
    },
    /// More than a reader holds, and than any snapshot could say.
    #[error("the {document} brings more than fits beside what is in force")]
    Full {
        /// What it is.
        document: &'static str,
    },
}

/// What helps against a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Nothing that this reader can do: another document, or none.
    None,
    /// The newest snapshot.
    Snapshot,
    /// The bundles since the one in force, in order.
    EarlierBundles,
    /// A person who looks at the clock.
    Clock,
}

impl Refusal {
    /// The stable code, as the vectors have it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too-long",
            Self::Truncated { .. } => "truncated",
            Self::NotCanonical { .. } => "not-canonical",
            Self::Malformed { .. } => "malformed",
            Self::NotSigned { .. } => "not-signed",
            Self::ThresholdMissed { .. } => "threshold-missed",
            Self::OtherSubject { .. } => "other-subject",
            Self::OtherRoot => "other-root",
            Self::Older { .. } => "older",
            Self::Conflicting { .. } => "conflicting",
            Self::FromTheFuture { .. } => "from-the-future",
            Self::Expired { .. } => "expired",
            Self::NoSnapshot { .. } => "no-snapshot",
            Self::OtherEpoch { .. } => "other-epoch",
            Self::Gap { .. } => "gap",
            Self::WrongBefore { .. } => "wrong-before",
            Self::WrongAfter { .. } => "wrong-after",
            Self::Revives { .. } => "revives",
            Self::Unissues { .. } => "unissues",
            Self::LowersGeneration { .. } => "lowers-generation",
            Self::RowConflict { .. } => "row-conflict",
            Self::RetractsFolded { .. } => "retracts-folded",
            Self::Full { .. } => "full",
        }
    }

    /// What helps.
    pub const fn remedy(&self) -> Remedy {
        match self {
            Self::NoSnapshot { .. }
            | Self::OtherEpoch { .. }
            | Self::Gap { .. }
            | Self::WrongBefore { .. }
            | Self::WrongAfter { .. }
            | Self::RowConflict { .. }
            | Self::RetractsFolded { .. }
            | Self::Full { .. } => Remedy::Snapshot,
            Self::OtherRoot => Remedy::EarlierBundles,
            Self::FromTheFuture { .. } => Remedy::Clock,
            Self::TooLong { .. }
            | Self::Truncated { .. }
            | Self::NotCanonical { .. }
            | Self::Malformed { .. }
            | Self::NotSigned { .. }
            | Self::ThresholdMissed { .. }
            | Self::OtherSubject { .. }
            | Self::Older { .. }
            | Self::Conflicting { .. }
            | Self::Expired { .. }
            | Self::Revives { .. }
            | Self::Unissues { .. }
            | Self::LowersGeneration { .. } => Remedy::None,
        }
    }

    pub(super) fn of(document: &'static str, defect: Defect) -> Self {
        match defect {
            Defect::TooLong { claimed } => Self::TooLong { document, length: claimed },
            Defect::Truncated => Self::Truncated { document },
            Defect::NotCanonical(why) => Self::NotCanonical { document, why },
            Defect::Malformed(why) => Self::Malformed { document, why },
        }
    }
}
