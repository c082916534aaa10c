//! What tickets and admin ask of validation: this seat is issued or revoked, let a gate enrol, say who came in.

use countermark_shared::documents::Lane;
use countermark_shared::id::{EventId, GateId, Generation, Slot};
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::paths;
use crate::service_call::{CallError, ServiceClient};

/// Tickets' word about a seat. A higher generation replaces a lower, and within one generation revoked replaces issued, in
/// whatever order the reports arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportSlot {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// Which issue of it.
    pub generation: Generation,
    /// What became of it.
    pub state: ReportedState,
}

/// What became of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportedState {
    /// Its ticket exists.
    Issued,
    /// Its ticket was withdrawn.
    Revoked,
}

/// A gate is to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGate {
    /// The entrance's name.
    pub name: String,
    /// The event it serves.
    pub event: EventId,
    /// Its lanes.
    pub lanes: Vec<Lane>,
}

/// The gate waits for its enrolment. Not repeatable: a second call makes a second gate.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateCreated {
    /// The gate.
    pub gate: GateId,
    /// The one-time code for field staff, shown once and stored nowhere.
    pub code: String,
    /// When the code ends.
    pub until: Timestamp,
}

/// Who came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmissionFigures {
    /// Persons admitted, each seat counted once.
    pub admitted: u64,
    /// By gate.
    pub gates: Vec<GateFigures>,
}

/// One gate's state and figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFigures {
    /// The gate.
    pub gate: GateId,
    /// The entrance's name.
    pub name: String,
    /// When it enrolled; nothing while its code waits.
    pub enrolled: Option<Timestamp>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
    /// Rows of its journal.
    pub scans: u64,
    /// Persons that its believed rows admitted.
    pub admitted: u64,
    /// Rows stored aside: forks, unreadable, unproved.
    pub doubtful: u64,
}

/// Calls of validation.
#[derive(Clone)]
pub struct ValidationClient(pub ServiceClient);

impl ValidationClient {
    /// Reports a seat.
    pub async fn report_slot(&self, request: &ReportSlot) -> Result<(), CallError> {
        self.0.post(paths::SLOTS, request).await
    }

    /// Makes a gate and its code. Problem `event-unknown` when the event's document has not arrived.
    pub async fn create_gate(&self, request: &CreateGate) -> Result<GateCreated, CallError> {
        self.0.post(paths::GATES, request).await
    }

    /// Who came in.
    pub async fn admissions(&self, event: EventId) -> Result<AdmissionFigures, CallError> {
        self.0.get(&paths::ADMISSIONS.replace("{event}", &event.to_string())).await
    }
}
