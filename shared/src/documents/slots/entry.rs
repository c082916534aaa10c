//! What is said of one seat.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::documents::refusal::Refusal;
use crate::id::{Generation, Slot};

/// What the cloud says of a seat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum SlotState {
    /// No ticket of it was reported issued.
    #[default]
    #[n(0)]
    NotIssued,
    /// Issued, nothing against it.
    #[n(1)]
    Good,
    /// Held back until somebody lifts it.
    #[n(2)]
    Blocked,
    /// Withdrawn; final within an epoch.
    #[n(3)]
    Revoked,
}

/// Why a seat is blocked or revoked. Codes are stable.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize, ToSchema,
)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum SlotReason {
    /// Nobody said; never written down.
    #[default]
    #[n(0)]
    Unspecified,
    /// The buyer reported it lost or stolen.
    #[n(1)]
    LostOrStolen,
    /// The buyer's bank took the money back, or asks for it.
    #[n(2)]
    PaymentDisputed,
    /// The money was given back.
    #[n(3)]
    Refunded,
    /// The guest was sent away.
    #[n(4)]
    Misconduct,
    /// The organiser wants it so.
    #[n(5)]
    OrganiserDecision,
    /// It is being handed to somebody else.
    #[n(6)]
    InTransfer,
    /// Somebody is believed to have cheated.
    #[n(7)]
    SuspectedFraud,
}

/// All that a list says of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(array)]
pub struct SlotEntry {
    /// Its state.
    #[n(0)]
    pub state: SlotState,
    /// The lowest generation that is still good; 0 where nothing is said.
    #[n(1)]
    pub least_generation: Generation,
    /// Why it is blocked or revoked; unspecified for every other.
    #[n(2)]
    pub reason: SlotReason,
}

impl SlotState {
    pub(super) const fn bits(self) -> u8 {
        match self {
            Self::NotIssued => 0,
            Self::Good => 1,
            Self::Blocked => 2,
            Self::Revoked => 3,
        }
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotIssued,
            1 => Self::Good,
            2 => Self::Blocked,
            _ => Self::Revoked,
        }
    }

    /// Whether there is anything to give a reason for.
    pub(super) const fn has_reason(self) -> bool {
        match self {
            Self::NotIssued | Self::Good => false,
            Self::Blocked | Self::Revoked => true,
        }
    }
}

impl SlotReason {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Unspecified,
        Self::LostOrStolen,
        Self::PaymentDisputed,
        Self::Refunded,
        Self::Misconduct,
        Self::OrganiserDecision,
        Self::InTransfer,
        Self::SuspectedFraud,
    ];

    /// Its stable number.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<(SlotState, Generation)> for SlotEntry {
    fn from((state, least_generation): (SlotState, Generation)) -> Self {
        Self { state, least_generation, reason: SlotReason::Unspecified }
    }
}

impl SlotEntry {
    /// What holds for every slot that a list does not speak of.
    pub const NOT_ISSUED: Self =
        Self { state: SlotState::NotIssued, least_generation: Generation(0), reason: SlotReason::Unspecified };

    /// Whether nothing in it contradicts itself.
    pub(super) fn is_coherent(self) -> bool {
        self.state.has_reason() || self.reason == SlotReason::Unspecified
    }

    /// The same where no list has room for its least generation, `held` being the one that is said already.
    pub(super) const fn without_room_for_its_generation(self, held: Generation) -> Self {
        let state = match self.state {
            SlotState::NotIssued | SlotState::Good | SlotState::Blocked => SlotState::Blocked,
            SlotState::Revoked => SlotState::Revoked,
        };
        Self { state, least_generation: held, ..self }
    }

    /// What may follow within an epoch: a revoked seat stays revoked, an issued one issued, and generations do not fall.
    pub(super) fn may_become(self, next: Self, slot: Slot, document: &'static str) -> Result<(), Refusal> {
        if self.state == SlotState::Revoked && next.state != SlotState::Revoked {
            return Err(Refusal::Revives { document, slot });
        }
        if self.state != SlotState::NotIssued && next.state == SlotState::NotIssued {
            return Err(Refusal::Unissues { document, slot });
        }
        if next.least_generation < self.least_generation {
            return Err(Refusal::LowersGeneration { document, slot });
        }
        Ok(())
    }
}
