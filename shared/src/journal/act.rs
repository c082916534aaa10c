//! What a row tells beside the verdict of a scan: what became of an admission, what staff did, what the gate asked.

use core::num::NonZeroU8;

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Actor, JournalRow, Subject};
use crate::documents::Direction;
use crate::id::SupervisorId;
use crate::verdict::Reason;

/// What was done. A row that is `of` another one is about the same ticket, and of a later number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Staff took an admission back whole: nobody went through.
    #[n(0)]
    #[cbor(map)]
    Undo {
        /// The admission's row.
        #[n(0)]
        of: u64,
        /// Its persons.
        #[n(1)]
        persons: NonZeroU8,
    },
    /// What the entrance's output told of an admission.
    #[n(1)]
    #[cbor(map)]
    Actuated {
        /// The admission's row.
        #[n(0)]
        of: u64,
        /// What it told.
        #[n(1)]
        actuation: Actuation,
    },
    /// A supervisor let in whom the gate had not.
    #[n(2)]
    #[cbor(map)]
    Overrule {
        /// The row of the gate's own verdict.
        #[n(0)]
        of: u64,
        /// Who.
        #[n(1)]
        supervisor: SupervisorId,
        /// Why.
        #[n(2)]
        why: OverruleReason,
    },
    /// The gate asks the others before it admits, and lets nobody through until a row answers this one.
    #[n(3)]
    #[cbor(map)]
    Claim {
        /// What the question is called, however often it is asked: 16 bytes that name no other of the gate's questions.
        #[n(0)]
        #[serde(with = "super::hexadecimal")]
        attempt: ByteArray<16>,
        /// For how many persons.
        #[n(1)]
        persons: NonZeroU8,
    },
    /// The verdict after a claim.
    #[n(4)]
    #[cbor(map)]
    Claimed {
        /// The claim's row.
        #[n(0)]
        of: u64,
    },
    /// Staff hold the seat back at this gate, until the cloud's list says what becomes of it.
    #[n(5)]
    Hold,
    /// Staff hold it back no longer.
    #[n(6)]
    Release,
}

/// What an output told of an admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Actuation {
    /// It opened; nothing tells whether anybody went through.
    #[n(0)]
    Opened,
    /// It opened, and the arm turned.
    #[n(1)]
    Turned,
    /// It opened, and the arm did not turn in time.
    #[n(2)]
    NotTurned,
    /// It did not open.
    #[n(3)]
    NotOpened,
}

/// Why a supervisor overruled the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum OverruleReason {
    /// Who holds the ticket showed who they are.
    #[n(0)]
    Identified,
    /// The phone or the printout cannot be read as it should be.
    #[n(1)]
    Unreadable,
    /// They were let in before and nobody went through.
    #[n(2)]
    NotPassed,
    /// The organiser wants it so.
    #[n(3)]
    OrganisersDecision,
    /// Something else.
    #[n(4)]
    Other,
}

impl OverruleReason {
    /// All five.
    pub const ALL: [Self; 5] =
        [Self::Identified, Self::Unreadable, Self::NotPassed, Self::OrganisersDecision, Self::Other];

    /// As it is written in JSON, and on a command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Identified => "identified",
            Self::Unreadable => "unreadable",
            Self::NotPassed => "not-passed",
            Self::OrganisersDecision => "organisers-decision",
            Self::Other => "other",
        }
    }
}

impl Act {
    /// The row that this one is of.
    pub const fn of(self) -> Option<u64> {
        match self {
            Self::Undo { of, .. } | Self::Actuated { of, .. } | Self::Overrule { of, .. } | Self::Claimed { of } => {
                Some(of)
            }
            Self::Claim { .. } | Self::Hold | Self::Release => None,
        }
    }

    /// Whether the row is a verdict, by which persons may pass.
    pub(super) const fn is_verdict(self) -> bool {
        match self {
            Self::Overrule { .. } | Self::Claimed { .. } => true,
            Self::Undo { .. } | Self::Actuated { .. } | Self::Claim { .. } | Self::Hold | Self::Release => false,
        }
    }

    /// What is wrong with it in this row.
    pub(super) fn check(self, row: &JournalRow) -> Result<(), &'static str> {
        if !matches!(row.subject, Subject::Ticket { .. }) {
            return Err("something is done about no ticket");
        }
        if self.of().is_some_and(|of| of == 0 || of >= row.sequence) {
            return Err("it is about a row that is not an earlier one");
        }
        if !self.is_verdict() && (row.persons > 0 || row.proved) {
            return Err("it lets people through, or calls something proved, and is no verdict");
        }
        let fits = match self {
            // The reason is the one of the verdict that they are about.
            Self::Undo { .. } | Self::Actuated { .. } | Self::Claim { .. } => row.reason.severity().opens(),
            Self::Claimed { .. } => true,
            Self::Overrule { .. } => row.actor == Actor::Supervisor && row.direction == Direction::Entry,
            Self::Hold | Self::Release => row.reason == Reason::Blocked,
        };
        if fits { Ok(()) } else { Err("its reason or its actor is not one of what was done") }
    }
}
