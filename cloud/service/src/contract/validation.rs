//! What tickets and admin ask of validation: this seat is issued or revoked, hold it back, let a gate enrol, suspend it, say who came in.

use countermark_shared::documents::{Lane, SlotReason};
use countermark_shared::id::{EventId, GateId, Generation, ProductId, Slot};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::findings::{DecideFinding, Finding, FindingHistory, FindingPage, FindingQuery};
use super::paths;
use crate::service_call::{CallError, ServiceClient};

/// Tickets' word about a seat. A higher generation replaces a lower, and whatever was revoked stays so whatever generation is reported,
/// in whatever order the reports arrive.
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
    /// When it was issued, where that is told again: what is told for the first time becomes known as it arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Timestamp>,
    /// When it was revoked, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
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

/// Hold a seat back at every gate until the block is lifted. The block is the seat's and outlives a re-issue. The same again is
/// well, and another reason replaces the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockSeat {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// Why.
    pub reason: BlockReason,
    /// When the administrator decided it, by admin's clock. A decision that arrives after a later one changes nothing.
    pub decided: Timestamp,
}

/// Let a seat in again. One that is not blocked is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnblockSeat {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// As in [`BlockSeat`].
    pub decided: Timestamp,
}

/// Why a seat is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockReason {
    /// Nothing was said.
    Unspecified,
    /// Its ticket is in other hands than its buyer's, or may be.
    LostOrStolen,
    /// The buyer's bank takes the money back.
    PaymentDisputed,
    /// Somebody behaved so that they may not come in.
    Misconduct,
    /// The organiser wants it so.
    OrganisersDecision,
}

impl BlockReason {
    /// All five.
    pub const ALL: [Self; 5] =
        [Self::Unspecified, Self::LostOrStolen, Self::PaymentDisputed, Self::Misconduct, Self::OrganisersDecision];

    /// What a slot list says of it.
    pub const fn listed(self) -> SlotReason {
        match self {
            Self::Unspecified => SlotReason::Unspecified,
            Self::LostOrStolen => SlotReason::LostOrStolen,
            Self::PaymentDisputed => SlotReason::PaymentDisputed,
            Self::Misconduct => SlotReason::Misconduct,
            Self::OrganisersDecision => SlotReason::OrganiserDecision,
        }
    }

    /// Its number among the reasons of a slot list.
    pub const fn code(self) -> u8 {
        self.listed().code()
    }

    /// The reason of that number.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// How it stands with a seat that is not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatStanding {
    /// The seat.
    pub slot: Slot,
    /// Its newest issue.
    pub generation: Generation,
    /// Why it is blocked; nothing when it is not.
    pub blocked: Option<BlockReason>,
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

/// Have a gate serve this event, at these lanes, from its next assignment on. What it did at another stays that event's. The same again is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignGate {
    /// The gate.
    pub gate: GateId,
    /// The event it is to serve.
    pub event: EventId,
    /// Its lanes there.
    pub lanes: Vec<Lane>,
    /// When the administrator decided it, by admin's clock. A decision that arrives after a later one changes nothing.
    pub decided: Timestamp,
}

/// What a gate serves, by the latest decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignedGate {
    /// The gate.
    pub gate: GateId,
    /// The event.
    pub event: EventId,
    /// Its lanes.
    pub lanes: Vec<Lane>,
    /// The version of its assignment that says so.
    pub version: u32,
}

/// Let a gate admit nobody until it is resumed. The same again is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspendGate {
    /// The gate.
    pub gate: GateId,
    /// When the administrator decided it, by admin's clock. A decision that arrives after a later one changes nothing.
    pub decided: Timestamp,
    /// The last instant at which the gate was surely in known hands, where it is not any more: nothing that was received from it since is
    /// believed, now or ever. Without it what was received until now stays believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub believed_until: Option<Timestamp>,
}

/// Put a gate back into service. One that is not suspended is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeGate {
    /// The gate.
    pub gate: GateId,
    /// As in [`SuspendGate`].
    pub decided: Timestamp,
}

/// Whether a gate is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateSuspension {
    /// The gate.
    pub gate: GateId,
    /// Whether it is.
    pub suspended: bool,
}

/// Who came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdmissionFigures {
    /// Persons who came in. Whoever leaves and comes again counts once, and a seat for no more than its ticket's places.
    pub admitted: u64,
    /// By gate.
    pub gates: Vec<GateFigures>,
    /// What gates are not told yet; nothing when they are told all.
    #[serde(default)]
    pub unpublished: Option<Unpublished>,
    /// Seats and gates that could not be held against the rules, and will be again each minute; the service's log says why.
    #[serde(default)]
    pub unsettled: u64,
    /// Persons who are inside, as far as gates have told; a nightly reset finds the house empty.
    #[serde(default)]
    pub inside: u64,
    /// Entries by kind of ticket, each time somebody came in.
    #[serde(default)]
    pub products: Vec<ProductEntries>,
    /// Entries and exits by quarter of an hour, by gates' clocks; quarters in which nobody passed are left out.
    #[serde(default)]
    pub quarters: Vec<QuarterHour>,
}

/// Entries with one kind of ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductEntries {
    /// Which; nothing for rows from before this was written down.
    pub product: Option<ProductId>,
    /// Persons who came in, as often as they did.
    pub entered: u64,
}

/// A quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarterHour {
    /// Its first instant.
    pub from: Timestamp,
    /// Persons who came in.
    pub entered: u64,
    /// Persons who left, of those who had come in.
    pub left: u64,
}

/// Changes of seats that no slot list says yet. Some wait for half a second; one that waits for longer has a publisher that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unpublished {
    /// How many.
    pub changes: u64,
    /// Since when the oldest waits.
    pub oldest: Timestamp,
}

/// One gate's state and figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFigures {
    /// The gate.
    pub gate: GateId,
    /// The entrance's name.
    pub name: String,
    /// Its public key, which journals that it exports are verified against (`countermark-gate journal verify --key`); nothing while its code waits.
    #[serde(default)]
    pub key: Option<VerifyingKey>,
    /// When it enrolled; nothing while its code waits.
    pub enrolled: Option<Timestamp>,
    /// When it was last heard of.
    pub last_seen: Option<Timestamp>,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether validation was restored from a backup and it has not told again since. Until it has, or is suspended, other gates' claims for this event are not
    /// answered.
    #[serde(default)]
    pub owes: bool,
    /// The event it serves by now, where that is another.
    #[serde(default)]
    pub moved_to: Option<EventId>,
    /// Rows of its journal, whichever event they are of.
    pub scans: u64,
    /// Persons who came in by its believed rows, as often as they did.
    pub admitted: u64,
    /// Rows stored aside: forks, unreadable, unproved.
    pub doubtful: u64,
    /// Admissions that staff took back.
    #[serde(default)]
    pub taken_back: u64,
    /// How often somebody was let in again because nobody had got through.
    #[serde(default)]
    pub forgiven: u64,
}

/// Calls of validation.
#[derive(Clone)]
pub struct ValidationClient(pub ServiceClient);

impl ValidationClient {
    /// Reports a seat.
    pub async fn report_slot(&self, request: &ReportSlot) -> Result<(), CallError> {
        self.0.post(paths::SLOTS, request).await
    }

    /// Blocks a seat. Problems: `seat-unknown` when no ticket of it was reported, `seat-revoked`.
    pub async fn block(&self, request: &BlockSeat) -> Result<SeatStanding, CallError> {
        self.0.post(paths::BLOCK, request).await
    }

    /// Lifts a block. Problems as for a block.
    pub async fn unblock(&self, request: &UnblockSeat) -> Result<SeatStanding, CallError> {
        self.0.post(paths::UNBLOCK, request).await
    }

    /// Makes a gate and its code. Problem `event-unknown` when the event's document has not arrived.
    pub async fn create_gate(&self, request: &CreateGate) -> Result<GateCreated, CallError> {
        self.0.post(paths::GATES, request).await
    }

    /// Has a gate serve another event. Problems: `gate-unknown`; `event-unknown` when the event's document has not arrived; `gate-refused`.
    pub async fn assign_gate(&self, request: &AssignGate) -> Result<AssignedGate, CallError> {
        self.0.post(paths::ASSIGN_GATE, request).await
    }

    /// Suspends a gate. Problem `gate-unknown`.
    pub async fn suspend_gate(&self, request: &SuspendGate) -> Result<GateSuspension, CallError> {
        self.0.post(paths::SUSPEND_GATE, request).await
    }

    /// Resumes a gate. Problems: `gate-unknown`; `gate-retracted` when it was in other hands.
    pub async fn resume_gate(&self, request: &ResumeGate) -> Result<GateSuspension, CallError> {
        self.0.post(paths::RESUME_GATE, request).await
    }

    /// Who came in.
    pub async fn admissions(&self, event: EventId) -> Result<AdmissionFigures, CallError> {
        self.0.get(&paths::ADMISSIONS.replace("{event}", &event.to_string())).await
    }
    /// What was found at an event.
    pub async fn findings(&self, event: EventId, query: &FindingQuery) -> Result<FindingPage, CallError> {
        let FindingQuery { state, rule, before, limit } = *query;
        let asked = [
            state.map(|state| format!("state={}", state.as_str())),
            rule.map(|rule| format!("rule={}", rule.as_str())),
            before.map(|before| format!("before={before}")),
            limit.map(|limit| format!("limit={limit}")),
        ];
        let query = asked.into_iter().flatten().collect::<Vec<_>>().join("&");
        let path = paths::FINDINGS.replace("{event}", &event.to_string());
        self.0.get(&if query.is_empty() { path } else { format!("{path}?{query}") }).await
    }

    /// One finding. Problem `finding-unknown`.
    pub async fn finding(&self, finding: i64) -> Result<FindingHistory, CallError> {
        self.0.get(&paths::FINDING.replace("{finding}", &finding.to_string())).await
    }

    /// Decides about a finding. Problems `finding-unknown`, `finding-grown`, `finding-resolved`.
    pub async fn decide_finding(&self, request: &DecideFinding) -> Result<Finding, CallError> {
        self.0.post(paths::DECIDE_FINDING, request).await
    }
}
