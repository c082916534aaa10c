//! What to ask the cloud next. Owns order, pace and back-off; refuses to know how bytes travel, what time it is, and where anything is stored.
//!
//! What to fetch is never remembered: it follows anew, at each poll, from the newest head and from what is held. So nothing that is lost on the way, and no
//! restart, leaves anything behind.
//!
//! One request is under way at a time. A missing answer holds back everything; an answer that does not help holds back only its own duty,
//! so that a document that is refused for hours does not keep the journal here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_shared::documents::{Fetch, Remedy, Revision};
use countermark_shared::id::EventId;
use countermark_shared::wire::{GuestCursor, MAX_ROWS_PER_UPLOAD};
use secrecy::SecretString;

use super::back_off::{Jitter, Schedule};
use super::exchange::{Held, Request, Response, Step};
use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::ledger::{Delivery, Failure, GuestList, Taken};

/// Rows that follow each other travel together.
const COALESCE: Duration = Duration::from_millis(500);
/// Until then a quartz of ±50 ppm has drifted by 30 ms.
const TIME_EVERY: Duration = Duration::from_mins(10);

/// Validation publishes a snapshot after every 32 steps: with as many stored, there is one that stands for some of them.
const FOLD_FROM: u64 = 32;
/// Batches are small, and many in a busy hour; each fold is a snapshot of all that passed.
const FOLD_FEED_FROM: u64 = 512;
/// A snapshot is the largest of all documents: where none came that helps, the next is asked for no sooner.
const FOLD_AGAIN: Duration = Duration::from_mins(1);

/// Between two looks for new guests.
const GUESTS_EVERY: Duration = Duration::from_mins(5);
/// What was issued at about the same time comes in no order, since transactions end in none: each look begins so much before the newest that is
/// held.
const GUESTS_AGAIN: Duration = Duration::from_mins(5);

const NOTHING_NEWER: &str =
    "the cloud serves nothing newer than what is held in the place of what its head names; tell the administrator";
const MISSING: &str = "the cloud does not have what its head names; tell the administrator";

/// Duties in the order in which they are done when several are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    LogIn,
    Fetch(Wanted),
    /// Fetch a snapshot that stands for stored steps. Nobody waits for it, and nothing is amiss without it.
    Fold(Wanted),
    Time,
    Upload,
    /// Fetch a page of an event's guests. Nobody's verdict waits for it.
    Guests {
        event: EventId,
        after: Option<GuestCursor>,
    },
}

/// The state between requests. Times are uptimes.
#[derive(Debug)]
pub(crate) struct Machine {
    poll: Duration,
    session: Option<SecretString>,
    under_way: Option<Duty>,
    /// Rows waiting since, for them to travel together.
    rows_since: Option<Duration>,
    link: Schedule,
    log_in: Schedule,
    documents: BTreeMap<DocumentKind, Schedule>,
    folds: BTreeMap<DocumentKind, Schedule>,
    time: Schedule,
    upload: Schedule,
    guests: Schedule,
    /// Where the look for guests goes on that has begun, and of which event they are.
    guests_next: Option<(EventId, GuestCursor)>,
    /// How many rows travel together: half as many after a call that was lost, for a slow line to carry them; twice as many after one that was not.
    batch: usize,
    refused: BTreeMap<DocumentKind, String>,
    /// Of these a step was missing or did not fit: a snapshot comes next.
    snapshot_next: BTreeSet<DocumentKind>,
    /// Something was signed by nobody who is known here: bundles come next.
    bundles_next: bool,
}

impl Machine {
    /// A machine that looks for a newer head every `poll`.
    pub(crate) fn new(poll: Duration) -> Self {
        Self {
            poll,
            session: None,
            under_way: None,
            rows_since: None,
            link: Schedule::default(),
            log_in: Schedule::default(),
            documents: BTreeMap::new(),
            folds: BTreeMap::new(),
            time: Schedule::default(),
            upload: Schedule::default(),
            guests: Schedule::default(),
            guests_next: None,
            batch: MAX_ROWS_PER_UPLOAD,
            refused: BTreeMap::new(),
            snapshot_next: BTreeSet::new(),
            bundles_next: false,
        }
    }

    /// What to do now. A request that is asked for must be answered through [`on`](Self::on) before the next is.
    pub(crate) fn poll(&mut self, now: Duration, held: &Held) -> Step {
        if held.unsettled == 0 {
            self.rows_since = None;
        } else {
            self.rows_since.get_or_insert(now);
        }
        if held.guests.is_none() {
            (self.guests, self.guests_next) = (Schedule::default(), None);
        }
        let wanted = self.wanted(held);
        self.refused.retain(|kind, _| wanted.iter().any(|wanted| wanted.kind().leads_to() == *kind));
        // What was due first: on a line so slow that documents are due again before their round is over, rows still get their turn.
        let next = self.duties(held, &wanted).into_iter().min_by_key(|(due, _)| *due);
        let Some((due, duty)) = next else { return Step::Wait { until: now + self.poll } };
        let due = due.max(self.link.due());
        if due > now {
            return Step::Wait { until: due };
        }
        self.under_way = Some(duty);
        Step::Send(match (&self.session, duty) {
            (Some(session), Duty::Fetch(wanted) | Duty::Fold(wanted)) => {
                Request::Fetch { wanted, session: session.clone() }
            }
            (Some(session), Duty::Time) => Request::AskTime { session: session.clone() },
            (Some(session), Duty::Upload) => Request::Upload { session: session.clone(), most: self.batch },
            (Some(session), Duty::Guests { event: _, after }) => Request::Guests { after, session: session.clone() },
            (None, _) | (_, Duty::LogIn) => Request::LogIn,
        })
    }

    /// Each duty that could be done, and when it is due.
    fn duties(&self, held: &Held, wanted: &[Wanted]) -> Vec<(Duration, Duty)> {
        if self.session.is_none() {
            return vec![(self.log_in.due(), Duty::LogIn)];
        }
        let schedule = |schedules: &BTreeMap<DocumentKind, Schedule>, wanted: Wanted| {
            schedules.get(&wanted.kind().leads_to()).copied().unwrap_or_default()
        };
        let fetch = |wanted: &Wanted| (schedule(&self.documents, *wanted).due(), Duty::Fetch(*wanted));
        let fold = |wanted: Wanted| (schedule(&self.folds, wanted).due(), Duty::Fold(wanted));
        // A gate that is new, or has lost its documents, decides nothing while the list and the feed are on their way, however many steps they take; where
        // they do not come it goes on without.
        let comes = |wanted: &Wanted| {
            wanted.kind().leads_to().steps().is_some()
                && self.link.is_well()
                && schedule(&self.documents, *wanted).is_well()
        };
        let waits = !held.decides && wanted.iter().any(comes);
        let is_next = |wanted: &&Wanted| !(waits && matches!(wanted, Wanted::EventDocument(_)));
        let mut duties: Vec<_> = wanted.iter().filter(is_next).map(fetch).collect();
        let list = held.list.filter(|_| held.steps >= FOLD_FROM);
        let feed = held.feed.filter(|_| held.batches >= FOLD_FEED_FROM);
        duties.extend(list.map(|(event, up_to)| fold(Wanted::SlotSnapshot { event, up_to })));
        duties.extend(feed.map(|(event, up_to)| fold(Wanted::FeedSnapshot { event, up_to })));
        duties.extend(held.bundle.map(|_| (self.time.due(), Duty::Time)));
        duties.extend(self.rows_since.map(|since| (self.upload.due().max(since + COALESCE), Duty::Upload)));
        // Not before all that verdicts rest on is here: of documents only the question for a newer head is left then.
        let is_in_step = wanted.iter().all(|wanted| matches!(wanted, Wanted::Head { .. }));
        let guests = held.guests.filter(|_| is_in_step && held.head.is_some());
        duties.extend(guests.map(|list| (self.guests.due(), self.look_for(list))));
        duties
    }

    /// The next page: of the look that has begun, or the first of another.
    fn look_for(&self, list: GuestList) -> Duty {
        let event = list.event;
        let next = self.guests_next.filter(|(of, _)| *of == event).map(|(_, after)| after);
        Duty::Guests { event, after: next.or_else(|| Some(GuestCursor::before(list.newest? - GUESTS_AGAIN))) }
    }

    /// What is to be fetched, who is believed first.
    fn wanted(&self, held: &Held) -> Vec<Wanted> {
        let Some(bundle) = held.bundle else {
            // The roots that the code named may have been replaced since.
            let first = Revision::version(0);
            return vec![if self.bundles_next { Wanted::BundlesAfter(first) } else { Wanted::NewestBundle }];
        };
        let mut wanted = Vec::new();
        if self.bundles_next {
            wanted.push(Wanted::BundlesAfter(bundle));
        }
        if let Some((event, needs)) = &held.needs {
            let assigned = held.assigned == Some(*event);
            wanted.extend(needs.fetch.iter().filter_map(|fetch| self.wanted_of(*event, assigned, *fetch)));
        }
        wanted.push(Wanted::Head { held: held.head });
        wanted
    }

    /// `assigned` says whether the gate knows already that it serves the event: before that it can believe nothing about it.
    fn wanted_of(&self, event: EventId, assigned: bool, fetch: Fetch) -> Option<Wanted> {
        match fetch {
            Fetch::Bundle(_) | Fetch::BundlesAfter(_) if self.bundles_next => None,
            Fetch::Bundle(hash) => Some(Wanted::Bundle(hash)),
            Fetch::BundlesAfter(version) => Some(Wanted::BundlesAfter(version)),
            Fetch::Assignment(_) => Some(Wanted::Assignment),
            Fetch::EventDocument(_)
            | Fetch::SlotSnapshot(_)
            | Fetch::SlotDeltas { .. }
            | Fetch::FeedSnapshot(_)
            | Fetch::FeedBatches { .. }
                if !assigned =>
            {
                None
            }
            Fetch::EventDocument(hash) => Some(Wanted::EventDocument(hash)),
            Fetch::SlotSnapshot(standing) => Some(Wanted::SlotSnapshot { event, up_to: standing.revision }),
            Fetch::SlotDeltas { from: _, to } if self.snapshot_next.contains(&DocumentKind::SlotList) => {
                Some(Wanted::SlotSnapshot { event, up_to: to })
            }
            // One at a time: what comes after follows from what is held then.
            Fetch::SlotDeltas { from, to: _ } => Some(Wanted::SlotDelta { event, to: from }),
            Fetch::FeedSnapshot(standing) => Some(Wanted::FeedSnapshot { event, up_to: standing.revision }),
            Fetch::FeedBatches { from: _, to } if self.snapshot_next.contains(&DocumentKind::AdmissionFeed) => {
                Some(Wanted::FeedSnapshot { event, up_to: to })
            }
            Fetch::FeedBatches { from, to: _ } => Some(Wanted::FeedBatch { event, to: from }),
        }
    }

    /// Takes what came of the request; the answer is for the ledger.
    pub(crate) fn on(&mut self, response: Response, now: Duration, jitter: Jitter) -> Option<Delivery> {
        if let Response::Lost { problem: _ } | Response::OutOfDate { problem: _ } = response {
            self.link.failed(now, jitter);
            if self.under_way == Some(Duty::Upload) {
                self.batch = (self.batch / 2).max(1);
            }
            // Behind what waits already: what never gets through whole must not keep back the rest.
            if let Some(schedule) = self.finish() {
                schedule.postpone(now);
            }
            return None;
        }
        self.link.succeeded(now);
        let duty = self.under_way?;
        match (response, duty) {
            (Response::LoggedIn(session), Duty::LogIn) => {
                self.session = Some(session);
                self.succeeded(now, now);
            }
            (Response::Document(bytes), Duty::Fetch(Wanted::BundlesAfter(_))) => return Some(Delivery::Bundles(bytes)),
            (Response::Document(bytes), Duty::Fetch(wanted) | Duty::Fold(wanted)) => {
                return Some(Delivery::Document { kind: wanted.kind(), bytes });
            }
            (Response::Unchanged | Response::Absent, Duty::Fetch(Wanted::Head { held: _ })) => {
                self.refused.remove(&DocumentKind::Head);
                self.succeeded(now, now + self.poll);
            }
            (Response::Absent, Duty::Fetch(wanted)) => {
                let is_step = matches!(wanted, Wanted::SlotDelta { .. } | Wanted::FeedBatch { .. });
                let remedy = if is_step { Remedy::Snapshot } else { Remedy::None };
                self.not_taken(wanted, MISSING, remedy, now, jitter);
            }
            (Response::Absent, Duty::Fold(_)) => self.succeeded(now, now + FOLD_AGAIN),
            // A cloud that is older than this gate serves none.
            (Response::Absent, Duty::Guests { .. }) => self.succeeded(now, now + GUESTS_EVERY),
            (Response::Guests(page), Duty::Guests { event, after }) => {
                // A cloud that answers with the same again is asked no sooner than one that has no more.
                self.guests_next = page.next.filter(|next| Some(*next) > after).map(|next| (event, next));
                return Some(Delivery::Guests { event, page });
            }
            (Response::Time(answer), Duty::Time) => return Some(Delivery::Time(answer)),
            (Response::Uploaded(results), Duty::Upload) if !results.is_empty() => {
                if results.len() < self.batch {
                    self.rows_since = None;
                }
                self.batch = self.batch.saturating_mul(2).min(MAX_ROWS_PER_UPLOAD);
                return Some(Delivery::Results(results));
            }
            (Response::Unauthorised, _) => {
                self.session = None;
                self.failed(now, jitter);
            }
            (Response::Refused { .. }, Duty::Upload) => {
                // It may be too large for whatever is on the way, or one row in it may be what fails: the others need not wait for that.
                self.batch = (self.batch / 2).max(1);
                self.failed(now, jitter);
            }
            (
                Response::Refused { .. }
                | Response::LoggedIn(_)
                | Response::Document(_)
                | Response::Unchanged
                | Response::Absent
                | Response::Time(_)
                | Response::Guests(_)
                | Response::Uploaded(_)
                | Response::OutOfDate { .. }
                | Response::Lost { .. },
                _,
            ) => self.failed(now, jitter),
        }
        None
    }

    /// Takes what the ledger made of a delivery.
    pub(crate) fn delivered(&mut self, outcome: Result<Taken, Failure>, now: Duration, jitter: Jitter) {
        let Some(duty) = self.under_way else { return };
        match (outcome, duty) {
            (Ok(_), Duty::Fetch(Wanted::Head { held: _ })) => {
                self.refused.remove(&DocumentKind::Head);
                self.succeeded(now, now + self.poll);
            }
            (Ok(Taken::Held) | Err(_), Duty::Fold(_)) => self.succeeded(now, now + FOLD_AGAIN),
            (Ok(Taken::New), Duty::Fetch(wanted)) => {
                self.refused.remove(&wanted.kind().leads_to());
                self.tried(wanted);
                self.succeeded(now, now);
            }
            (Ok(Taken::Held | Taken::Folded), Duty::Fetch(wanted)) => {
                self.not_taken(wanted, NOTHING_NEWER, Remedy::None, now, jitter);
            }
            (Err(Failure { problem, remedy }), Duty::Fetch(wanted)) => {
                self.not_taken(wanted, &problem, remedy, now, jitter);
            }
            (Ok(_), Duty::Time) => self.succeeded(now, now + TIME_EVERY),
            (Ok(Taken::New | Taken::Folded), Duty::Fold(_)) | (Ok(_), Duty::LogIn | Duty::Upload) => {
                self.succeeded(now, now);
            }
            (Ok(_), Duty::Guests { .. }) => {
                let next = if self.guests_next.is_some() { now } else { now + GUESTS_EVERY };
                self.succeeded(now, next);
            }
            (Err(_), Duty::Guests { .. }) => {
                self.guests_next = None;
                self.failed(now, jitter);
            }
            (Err(_), Duty::Time | Duty::LogIn | Duty::Upload) => self.failed(now, jitter),
        }
    }

    /// Says so, and tries another way where there is one.
    fn not_taken(&mut self, wanted: Wanted, problem: &str, remedy: Remedy, now: Duration, jitter: Jitter) {
        self.refused.insert(wanted.kind().leads_to(), problem.to_owned());
        self.tried(wanted);
        match wanted {
            // Whoever signed a step may be known no more, and the snapshot be signed by another.
            Wanted::SlotDelta { .. } | Wanted::FeedBatch { .. }
                if matches!(remedy, Remedy::Snapshot | Remedy::EarlierBundles) =>
            {
                self.snapshot_next.insert(wanted.kind().leads_to());
                self.bundles_next |= remedy == Remedy::EarlierBundles;
                // The snapshot comes at once; that the step failed is remembered, so that a round that fails whole is waited for.
                if let Some(schedule) = self.finish() {
                    schedule.postpone(now);
                }
                return;
            }
            Wanted::BundlesAfter(_) => {}
            Wanted::NewestBundle
            | Wanted::Bundle(_)
            | Wanted::EventDocument(_)
            | Wanted::Assignment
            | Wanted::Head { .. }
            | Wanted::SlotDelta { .. }
            | Wanted::SlotSnapshot { .. }
            | Wanted::FeedBatch { .. }
            | Wanted::FeedSnapshot { .. } => self.bundles_next |= remedy == Remedy::EarlierBundles,
        }
        self.failed(now, jitter);
    }

    /// Another way is tried once, and then the usual one again.
    fn tried(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::SlotSnapshot { .. } | Wanted::FeedSnapshot { .. } => {
                self.snapshot_next.remove(&wanted.kind());
            }
            Wanted::BundlesAfter(_) => self.bundles_next = false,
            Wanted::NewestBundle
            | Wanted::Bundle(_)
            | Wanted::EventDocument(_)
            | Wanted::Assignment
            | Wanted::Head { .. }
            | Wanted::SlotDelta { .. }
            | Wanted::FeedBatch { .. } => {}
        }
    }

    /// Documents that were offered and not taken, and why.
    pub(crate) fn refused(&self) -> &BTreeMap<DocumentKind, String> {
        &self.refused
    }

    /// The end is near: forgets every wait on the way to the next upload.
    pub(crate) fn hurry(&mut self) {
        self.rows_since = self.rows_since.map(|_| Duration::ZERO);
        self.link.hurry();
        self.log_in.hurry();
        self.upload.hurry();
    }

    fn succeeded(&mut self, now: Duration, next: Duration) {
        if let Some(schedule) = self.finish() {
            schedule.succeeded(next.max(now));
        }
    }

    fn failed(&mut self, now: Duration, jitter: Jitter) {
        if let Some(schedule) = self.finish() {
            schedule.failed(now, jitter);
        }
    }

    fn finish(&mut self) -> Option<&mut Schedule> {
        match self.under_way.take()? {
            Duty::LogIn => Some(&mut self.log_in),
            Duty::Fetch(wanted) => Some(self.documents.entry(wanted.kind().leads_to()).or_default()),
            Duty::Fold(wanted) => Some(self.folds.entry(wanted.kind()).or_default()),
            Duty::Time => Some(&mut self.time),
            Duty::Upload => Some(&mut self.upload),
            Duty::Guests { .. } => Some(&mut self.guests),
        }
    }
}
