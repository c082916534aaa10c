//! How it stands with a gate, as `status` and `check` say it. No name of a guest is among it.

use std::collections::BTreeMap;

use countermark_shared::documents::{Lease, LeaseState};
use countermark_shared::id::{EventId, GateId, LaneId};
use countermark_shared::journal::ClockState;
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::announcement::{Ruling, Sentence};
use crate::clock::Moment;
use crate::devices::DeviceStatus;
use crate::documents::{DocumentKind, Standing};
use crate::ledger::{Recent, Report};
use crate::sync::Contact;

/// How it stands with a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Whether the agent runs; else this is what the disk says.
    pub(crate) running: bool,
    /// The gate's number.
    pub(crate) gate: GateId,
    /// The entrance's name.
    pub(crate) name: String,
    /// Whether the key is there that event secrets are wrapped for: an agent's, wherever it has it from; else the folder's. Its own key an agent
    /// has, or it does not run.
    pub(crate) has_unwrapping_key: bool,
    /// What the ledger holds.
    #[serde(flatten)]
    pub(crate) ledger: LedgerStatus,
    /// How it stands with the cloud, as far as an agent knows.
    pub(crate) contact: Contact,
    /// How it stands with inputs and outputs, as far as an agent knows.
    pub(crate) devices: Vec<DeviceStatus>,
    /// The last scans, the newest first.
    pub(crate) recent: Vec<Recent>,
}

/// The ledger's part, with ages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerStatus {
    /// The event served.
    pub(crate) event: Option<EventId>,
    /// The documents in force.
    pub(crate) documents: BTreeMap<DocumentKind, DocumentStatus>,
    /// Documents of which the cloud has another of the same number.
    pub(crate) conflicts: Vec<DocumentKind>,
    /// The lanes that it was assigned.
    pub(crate) lanes: Vec<LaneId>,
    /// How long the gate may serve.
    pub(crate) lease: Option<LeaseStatus>,
    /// Whether sealed names can be read.
    pub(crate) reads_names: bool,
    /// Guests that staff can find by their order's code; none where the event has no guest list.
    pub(crate) guests: Option<u64>,
    /// What it knows of the time.
    pub(crate) clock: ClockStatus,
    /// Rows written.
    pub(crate) rows: u64,
    /// Rows not yet uploaded.
    pub(crate) unsettled: u64,
    /// What people must be told about the trust bundle.
    pub(crate) trust_warning: Option<Sentence>,
    /// Whether anybody may overrule it.
    pub(crate) has_supervisors: bool,
    /// Rows that validation put aside.
    pub(crate) contested: u64,
    /// What is wrong with the disk or the journal on it.
    pub(crate) ledger_warnings: Vec<Sentence>,
}

/// A document in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentStatus {
    pub(crate) revision: String,
    /// When it was signed; a slot list or a feed was last said to be the newest then.
    pub(crate) as_of: Timestamp,
    pub(crate) age_seconds: u64,
}

/// The lease in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseStatus {
    /// What staff must be told.
    pub(crate) warning: Option<Sentence>,
    pub(crate) state: LeaseCode,
    /// From here on nobody is admitted.
    pub(crate) until: Timestamp,
    /// From here on no name can be read.
    pub(crate) names_until: Timestamp,
}

/// What the lease permits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LeaseCode {
    Held,
    WithoutNames,
    Ended,
    Suspended,
}

/// What the gate's clock shows, and what that is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockStatus {
    pub(crate) state: ClockState,
    pub(crate) now: Timestamp,
    /// How far it may be off; none unless the time is signed.
    pub(crate) error_milliseconds: Option<u64>,
    /// The instant that waits for staff.
    pub(crate) waiting: Option<Timestamp>,
    /// What people must be told.
    pub(crate) warning: Option<Sentence>,
}

/// What the gate would say of a ticket, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checked {
    #[serde(flatten)]
    pub(crate) ruling: Ruling,
    pub(crate) clock: ClockStatus,
    /// None where there is no list.
    pub(crate) list: Option<DocumentStatus>,
    /// What other gates did; none where there is no feed.
    pub(crate) feed: Option<DocumentStatus>,
}

impl LedgerStatus {
    /// A report, with ages as of now.
    pub(crate) fn new(report: &Report, now: Moment) -> Self {
        let shown = report.read_clock(now).now;
        let documents = report.documents.iter().map(|(kind, standing)| (*kind, DocumentStatus::new(standing, shown)));
        Self {
            event: report.event,
            documents: documents.collect(),
            conflicts: report.conflicts(),
            lanes: report.lanes.iter().map(|lane| lane.lane).collect(),
            lease: report.lease.map(|lease| LeaseStatus::new(lease, report, now)),
            reads_names: report.reads_names,
            guests: report.guests.map(|guests| guests.held),
            clock: ClockStatus::new(report, now),
            rows: report.rows,
            unsettled: report.unsettled,
            trust_warning: report.trust_warning(shown),
            has_supervisors: report.has_supervisors,
            contested: report.contested,
            ledger_warnings: report.ledger_warnings(),
        }
    }
}

impl Checked {
    /// A ruling, with what it rests on as of now.
    pub(crate) fn new(ruling: Ruling, report: &Report, now: Moment) -> Self {
        let shown = report.read_clock(now).now;
        let document = |kind| report.documents.get(&kind).map(|standing| DocumentStatus::new(standing, shown));
        let (list, feed) = (document(DocumentKind::SlotList), document(DocumentKind::AdmissionFeed));
        Self { ruling, clock: ClockStatus::new(report, now), list, feed }
    }
}

impl DocumentStatus {
    fn new(standing: &Standing, now: Timestamp) -> Self {
        let Standing { name: _, revision, as_of } = standing;
        Self { revision: revision.to_string(), as_of: *as_of, age_seconds: now.since(*as_of).as_secs() }
    }
}

impl LeaseStatus {
    fn new(lease: Lease, report: &Report, now: Moment) -> Self {
        let state = match lease.at(report.read_clock(now).now) {
            LeaseState::Held => LeaseCode::Held,
            LeaseState::WithoutNames => LeaseCode::WithoutNames,
            LeaseState::Ended => LeaseCode::Ended,
            LeaseState::Suspended => LeaseCode::Suspended,
        };
        Self { warning: report.lease_warning(now), state, until: lease.until, names_until: lease.names_until }
    }
}

impl ClockStatus {
    /// What the clock of a report shows now.
    pub(crate) fn new(report: &Report, now: Moment) -> Self {
        let (clock, waiting) = (report.read_clock(now), report.clock.waiting());
        let error = report.clock.error_bound(now.uptime);
        Self {
            state: clock.state,
            now: clock.now,
            error_milliseconds: error.map(|error| u64::try_from(error.as_millis()).unwrap_or(u64::MAX)),
            waiting,
            warning: Sentence::of_clock(clock.state, waiting),
        }
    }
}
