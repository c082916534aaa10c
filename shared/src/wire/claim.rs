//! A gate asks the venue before it admits.

use core::num::NonZeroU8;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Base64;
use crate::decision::Passages;

/// May these persons enter here? Asked after the row of [`Act::Claim`](crate::journal::Act::Claim) is durable, and as often as the answer is
/// lost. It has no `Debug`, which would tell the ticket.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskClaim {
    /// What the question is called, as the row says: 16 bytes.
    #[schema(value_type = String, format = Byte)]
    pub attempt: Base64<[u8; 16]>,
    /// The row's number. A row that is `of` it ends the claim, whatever it says, and whether it comes before the question or after.
    pub row: u64,
    /// Persons who want to enter.
    #[schema(value_type = u8, minimum = 1)]
    pub persons: NonZeroU8,
    /// What passed at this gate with the seat, all of it: validation may not have been told yet.
    pub own: Passages,
    /// The ticket's text, which proves that the gate saw it.
    pub ticket: String,
}

/// For ever the same for one attempt of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimAnswered {
    /// Persons who may enter, at most as many as were asked for; 0: nobody.
    pub persons: u8,
    /// What passed at the other gates, with what they were granted and have not told the end of.
    pub others: Passages,
}
