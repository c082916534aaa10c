//! Lanes: the paths through a gate.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::{LaneId, Zones};

/// A path through the gate.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    /// Its number within the gate.
    #[n(0)]
    pub lane: LaneId,
    /// Which way people pass.
    #[n(1)]
    pub direction: Direction,
    /// Where it leads: a ticket needs one of these zones to enter. To leave it needs none.
    #[n(2)]
    pub zones: Zones,
}

/// Which way people pass a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Into the event.
    #[n(0)]
    Entry,
    /// Out of it.
    #[n(1)]
    Exit,
}
