//! What the ledger holds, for the screen, for `status`, and for sync to act on.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::clock::{Clock, GateClock};
use countermark_shared::decision::Passages;
use countermark_shared::documents::{Direction, FeedPassages, Lane, Lease, Needs};
use countermark_shared::id::{EventId, LaneId, Slot};
use countermark_shared::journal::ChainHash;
use countermark_shared::time::Timestamp;

use super::{Defect, GuestList, Ledger, LedgerError, store};
use crate::announcement::Sentence;
use crate::clock::Moment;
use crate::documents::{DocumentKind, Standing};

/// Taken after each transaction.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The event the gate is assigned to.
    pub(crate) event: Option<EventId>,
    /// The documents in force.
    pub(crate) documents: BTreeMap<DocumentKind, Standing>,
    /// The lanes it was assigned.
    pub(crate) lanes: Vec<Lane>,
    /// When the trust bundle ends. It goes on deciding, and people are told.
    pub(crate) trust_until: Option<Timestamp>,
    /// The age at which the event's policy has people told that the slot list is old.
    pub(crate) list_warning: Option<Duration>,
    /// Those at which each scan lets one person through.
    pub(crate) one_by_one: Vec<LaneId>,
    /// How long the gate may serve.
    pub(crate) lease: Option<Lease>,
    /// Whether it could read a sealed name.
    pub(crate) reads_names: bool,
    /// The guest list, as far as it is held; none where there is to be none.
    pub(crate) guests: Option<GuestList>,
    /// What it knows of the time.
    pub(crate) clock: GateClock,
    /// The event that the newest head is about, and what the head wants fetched; none before there is a head.
    pub(crate) needs: Option<(EventId, Needs)>,
    /// Steps held beside the stored slot list.
    pub(crate) steps: u64,
    /// Batches held beside the stored snapshot of the admission feed.
    pub(crate) batches: u64,
    /// Rows written.
    pub(crate) rows: u64,
    /// The chain after the last of them.
    pub(crate) chain: ChainHash,
    /// Rows that validation has not answered for.
    pub(crate) unsettled: u64,
    /// What is wrong with the ledger, the gravest first.
    pub(crate) defects: Vec<Defect>,
    /// Whether anybody may overrule this gate.
    pub(crate) has_supervisors: bool,
    /// Rows that validation put aside: forked, unreadable or unproved. People look into them.
    pub(crate) contested: u64,
}

impl Report {
    /// Of a ledger that was not opened, and why.
    pub(crate) fn unopened(why: Defect, uptime: Duration) -> Self {
        Self {
            event: None,
            documents: BTreeMap::new(),
            lanes: Vec::new(),
            trust_until: None,
            list_warning: None,
            one_by_one: Vec::new(),
            lease: None,
            reads_names: false,
            guests: None,
            clock: GateClock::new(Timestamp::from_unix_millis(0), uptime),
            needs: None,
            steps: 0,
            batches: 0,
            rows: 0,
            chain: ChainHash::START,
            unsettled: 0,
            has_supervisors: false,
            contested: 0,
            defects: vec![why],
        }
    }

    /// What keeps everybody out.
    pub(crate) fn stopped_by(&self) -> Option<Defect> {
        self.defects.iter().copied().find(|defect| defect.stops())
    }

    /// Whether a ticket shown at the lane can be decided about.
    pub(crate) fn is_ready(&self, lane: LaneId) -> bool {
        self.stopped_by().is_none()
            && DocumentKind::NEEDED.iter().all(|kind| self.documents.contains_key(kind))
            && self.assigned(lane).is_some()
    }

    /// What keeps everybody out at the lane, in words for staff. Leaving never depends on a lease.
    pub(crate) fn closed_by(&self, lane: LaneId, now: Moment) -> Option<Sentence> {
        if let Some(defect) = self.stopped_by() {
            return Some(defect.sentence());
        }
        match self.assigned(lane) {
            Some(Lane { direction: Direction::Entry, .. }) => self.lease_warning(now),
            Some(Lane { direction: Direction::Exit, .. }) => None,
            // Before there is an assignment, that is what is waited for.
            None => self.documents.contains_key(&DocumentKind::Assignment).then(|| Sentence::of_unassigned(lane)),
        }
    }

    fn assigned(&self, lane: LaneId) -> Option<&Lane> {
        self.lanes.iter().find(|assigned| assigned.lane == lane)
    }

    /// Documents of which this gate holds one, and the newest head names another of the same number: somebody signed two.
    pub(crate) fn conflicts(&self) -> Vec<DocumentKind> {
        self.needs.iter().flat_map(|(_, needs)| &needs.conflicts).map(|kind| (*kind).into()).collect()
    }

    /// What the gate's clock shows.
    pub(crate) fn read_clock(&self, now: Moment) -> Clock {
        self.clock.read(now.uptime, Some(now.battery))
    }

    /// Whether the cloud told the time in this run; else the box's own date may be wrong.
    pub(crate) fn time_is_signed(&self, now: Moment) -> bool {
        self.clock.error_bound(now.uptime).is_some()
    }

    /// When a certificate may be valid: at the time that was signed, otherwise at what is surely reached or by the box's calendar.
    pub(crate) fn certificates_at(&self, now: Moment) -> [Timestamp; 2] {
        if self.time_is_signed(now) {
            return [self.read_clock(now).now; 2];
        }
        [self.clock.floor(now.uptime), now.battery]
    }

    /// What staff must be told about the lease.
    pub(crate) fn lease_warning(&self, now: Moment) -> Option<Sentence> {
        let shown = self.read_clock(now).now;
        Sentence::of_lease(self.lease?.at(shown), Some(shown).filter(|_| !self.time_is_signed(now)))
    }

    /// What people must be told about the disk and what is kept on it.
    pub(crate) fn ledger_warnings(&self) -> Vec<Sentence> {
        let cut = self.guests.filter(|guests| guests.is_cut).map(|_| Sentence::guest_list_cut());
        self.defects.iter().map(|defect| defect.sentence()).chain(cut).collect()
    }

    /// What people must be told about the trust bundle.
    pub(crate) fn trust_warning(&self, now: Timestamp) -> Option<Sentence> {
        self.trust_until.filter(|until| now > *until).map(|_| Sentence::trust_ended())
    }
}

impl Ledger {
    /// Looks it all up.
    pub(crate) fn report(&self) -> Result<Report, LedgerError> {
        let journal = store::head(&self.connection)?;
        let standing = |kind| self.documents.standing(kind).map(|standing| (kind, standing));
        Ok(Report {
            event: self.documents.event_assigned(),
            documents: DocumentKind::HELD.into_iter().filter_map(standing).collect(),
            lanes: self.documents.lanes(),
            trust_until: self.documents.trust_until(),
            list_warning: self.documents.list_warning(),
            one_by_one: self.lanes.one_by_one(),
            lease: self.documents.lease(),
            reads_names: self.names.are_readable(),
            guests: self.guest_list()?,
            clock: self.clock.clone(),
            needs: self.documents.head().map(|head| head.document().event).zip(self.documents.needs()),
            steps: store::step_count(&self.connection, DocumentKind::SlotDelta)?,
            batches: store::step_count(&self.connection, DocumentKind::FeedBatch)?,
            rows: journal.sequence,
            chain: journal.hash,
            unsettled: store::unsettled(&self.connection)?,
            has_supervisors: store::has_supervisors(&self.connection)?,
            contested: store::contested(&self.connection)?,
            defects: self.defects(Defect::of_journal(&self.connection)?),
        })
    }

    /// What passed with a seat: here by this gate's rows, and at the others by the feed.
    pub(crate) fn passed(&self, event: EventId, slot: Slot) -> Result<(Passages, FeedPassages), LedgerError> {
        let feed = self.documents.feed().filter(|feed| feed.event() == event);
        let others = feed.map(|feed| feed.passages(slot, Some(self.gate), None)).unwrap_or_default();
        Ok((store::history(&self.connection, event, slot)?.passages(None), others))
    }

    /// What is wrong, as far as it is known without a look at the disk.
    pub(super) fn defects(&self, journal: Option<Defect>) -> Vec<Defect> {
        let replaced = Some(Defect::Replaced).filter(|_| self.replaced && journal.is_none());
        [journal, self.failed, replaced].into_iter().flatten().collect()
    }
}
