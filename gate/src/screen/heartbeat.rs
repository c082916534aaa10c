//! How it stands with the gate, once a second: what the screen shows beside verdicts, and what `watch` tells. Owns what people are told; knows nothing
//! of pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use countermark_shared::id::{GateId, LaneId};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Language;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::Shown;
use super::journal::Journal;
use crate::announcement::{Announcement, Sentence};
use crate::clock::{Clock, Moment};
use crate::devices::Devices;
use crate::documents::DocumentKind;
use crate::ledger::{Persons, Report, Work};
use crate::sync::Contact;
use crate::tablet::Tablets;

/// Silence of the cloud that an operator is told about.
const OFFLINE_AFTER: Duration = Duration::from_mins(1);

/// What the screen shows.
pub(crate) struct Screen {
    /// Which gate.
    pub(crate) gate: GateId,
    /// The entrance's name.
    pub(crate) name: String,
    /// The lanes that are scanned at.
    pub(crate) lanes: Vec<LaneId>,
    /// Verdicts as they are announced.
    pub(crate) verdicts: broadcast::Sender<Arc<Announcement>>,
    /// Answers for each heartbeat.
    pub(crate) ledger: mpsc::Sender<Work>,
    /// What the ledger holds.
    pub(crate) report: watch::Receiver<Report>,
    /// How it stands with the cloud.
    pub(crate) contact: watch::Receiver<Contact>,
    /// How it stands with inputs and outputs.
    pub(crate) devices: watch::Receiver<Devices>,
    /// For ages.
    pub(crate) clock: Clock,
    /// The last scans and the counts, once they are known.
    pub(crate) journal: watch::Receiver<Option<Journal>>,
    /// How it is shown where the page does not say otherwise.
    pub(crate) manner: Manner,
    /// Those that may show it, where any may.
    pub(crate) tablets: Option<Arc<Tablets>>,
}

/// How the screen speaks: English first, and with sound, where nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manner {
    /// The language that stands first, and larger.
    pub(crate) language: Language,
    /// Without a sound.
    pub(crate) quiet: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { language: Language::En, quiet: false }
    }
}

/// All that is not a verdict.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heartbeat {
    /// Whose page this should be: another one loads itself anew.
    pub(crate) version: String,
    pub(crate) gate: GateId,
    pub(crate) name: String,
    /// When it beat, by the machine's uptime: what the age of a verdict is counted by.
    pub(crate) uptime_milliseconds: u64,
    #[serde(flatten)]
    pub(crate) manner: Manner,
    /// The lanes that are shown.
    pub(crate) lanes: Vec<LaneStanding>,
    /// What is said of those at which each scan lets one person through.
    pub(crate) one_by_one: Vec<Sentence>,
    /// Whether tickets can be decided, and let somebody in, at each of them.
    pub(crate) ready: bool,
    pub(crate) list_age_seconds: Option<u64>,
    /// Guests that staff find here by their order's code.
    pub(crate) guests: u64,
    /// How old each document in force is, in seconds.
    pub(crate) ages: BTreeMap<DocumentKind, u64>,
    /// Whether the event's policy calls that old.
    pub(crate) list_old: bool,
    /// How long ago the other gates' word was known to be the newest, where the event's policy calls that old: then staff decide about what was
    /// used elsewhere.
    pub(crate) feed_old_seconds: Option<u64>,
    pub(crate) trust_warning: Option<Sentence>,
    /// What people must be told about the clock.
    pub(crate) clock_warning: Option<Sentence>,
    /// The instant that waits for the word of staff.
    pub(crate) clock_waiting: Option<Timestamp>,
    /// What staff must be told about the lease.
    pub(crate) lease_warning: Option<Sentence>,
    /// What people must be told about the cloud's certificate.
    pub(crate) certificate_warning: Option<Sentence>,
    /// What people must be told where the cloud does not know this gate. What follows from that is not said beside it: those words are for who waits for a
    /// network, and tell people to go on.
    pub(crate) log_in_warning: Option<Sentence>,
    /// What people must be told about the disk and the journal on it.
    pub(crate) ledger_warnings: Vec<Sentence>,
    /// What people must be told about inputs and outputs.
    pub(crate) device_warnings: Vec<Sentence>,
    pub(crate) unsettled: u64,
    pub(crate) contested: u64,
    pub(crate) offline: bool,
    /// Documents that were offered and refused.
    pub(crate) refused: Vec<DocumentKind>,
    /// Documents of which the cloud has another of the same number.
    pub(crate) conflicts: Vec<DocumentKind>,
    /// None where no tablet ever may show this.
    pub(crate) tablets: Option<TabletsStanding>,
}

/// How it stands with tablets.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TabletsStanding {
    /// How many show this, or may.
    pub(crate) paired: usize,
    /// Whether it takes a supervisor's PIN to let one in.
    pub(crate) by_pin: bool,
}

/// How it stands with a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaneStanding {
    pub(crate) lane: LaneId,
    /// Whether tickets can be decided there, and let somebody through.
    pub(crate) ready: bool,
    /// What keeps everybody out there, if anything is known to.
    pub(crate) stopped_by: Option<Sentence>,
}

impl Screen {
    /// A heartbeat, once the ledger has come to it; none when there is no ledger any more.
    pub(crate) async fn beat(self: Arc<Self>, shown: Shown) -> Option<Heartbeat> {
        let (reply, reached) = oneshot::channel();
        self.ledger.send(Work::Reach { reply }).await.ok()?;
        reached.await.ok()?;
        Some(self.heartbeat(self.clock.now(), shown))
    }

    pub(super) fn heartbeat(&self, now: Moment, shown: Shown) -> Heartbeat {
        let report = self.report.borrow();
        let contact = self.contact.borrow();
        let clock = report.read_clock(now);
        let age = |kind| report.documents.get(&kind).map(|standing| clock.now.since(standing.as_of));
        let (list_age, feed_age) = (age(DocumentKind::SlotList), age(DocumentKind::AdmissionFeed));
        let standing = |lane: LaneId| {
            let stopped_by = report.closed_by(lane, now);
            LaneStanding { lane, ready: stopped_by.is_none() && report.is_ready(lane), stopped_by }
        };
        let lanes: Vec<_> = self.lanes.iter().copied().filter(|lane| shown.shows(*lane)).map(standing).collect();
        let log_in_warning = contact.log_in_warning();
        let is_known = log_in_warning.is_none();
        let is_old = |age: &Duration| is_known && report.list_warning.is_some_and(|warning| *age > warning);
        Heartbeat {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gate: self.gate,
            name: self.name.clone(),
            manner: self.manner,
            uptime_milliseconds: milliseconds(now.uptime),
            ready: !lanes.is_empty() && lanes.iter().all(|lane| lane.ready),
            lanes,
            one_by_one: report
                .one_by_one
                .iter()
                .filter(|lane| self.lanes.contains(lane) && shown.shows(**lane))
                .map(|lane| Sentence::of_persons(*lane, Persons::One))
                .collect(),
            ages: report.documents.iter().map(|(kind, held)| (*kind, clock.now.since(held.as_of).as_secs())).collect(),
            guests: report.guests.map_or(0, |guests| guests.held),
            list_age_seconds: list_age.map(|age| age.as_secs()),
            list_old: list_age.as_ref().is_some_and(is_old),
            feed_old_seconds: feed_age.filter(is_old).map(|age| age.as_secs()),
            trust_warning: report.trust_warning(clock.now).filter(|_| is_known),
            clock_warning: Sentence::of_clock(clock.state, report.clock.waiting()),
            clock_waiting: report.clock.waiting(),
            lease_warning: report.lease_warning(now),
            certificate_warning: contact.certificate_warning(&report, now).filter(|_| is_known),
            log_in_warning,
            ledger_warnings: report.ledger_warnings(),
            device_warnings: self.devices.borrow().warnings(),
            unsettled: report.unsettled,
            contested: report.contested,
            offline: is_known && contact.heard.is_none_or(|heard| now.uptime.saturating_sub(heard) > OFFLINE_AFTER),
            refused: contact.refused.keys().copied().collect(),
            conflicts: report.conflicts(),
            tablets: self
                .tablets
                .as_ref()
                .map(|tablets| TabletsStanding { paired: tablets.list().len(), by_pin: report.has_supervisors }),
        }
    }
}

/// As a page counts.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
