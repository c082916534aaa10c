//! What to ask the cloud next. Owns order, pace and back-off; refuses to know how bytes travel, what time it is, and where anything is stored.
//!
//! One request is under way at a time. A missing answer holds back everything; an answer that does not help holds back only its own duty,
//! so that a document that is refused for hours does not keep the journal here.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::documents::DocumentHash;
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowResult};
use secrecy::SecretString;

use super::back_off::{Jitter, Schedule};
use crate::documents::DocumentKind;

/// Rows that follow each other travel together.
const COALESCE: Duration = Duration::from_millis(500);

/// What the ledger holds, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The documents in force.
    pub(crate) documents: BTreeMap<DocumentKind, DocumentHash>,
    /// Rows that validation has not answered for.
    pub(crate) unsettled: u64,
}

/// Something to ask.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// A session.
    LogIn,
    /// A document, unless it is the one that is held.
    Fetch { kind: DocumentKind, held: Option<DocumentHash>, session: SecretString },
    /// To take the ledger's next rows.
    Upload { session: SecretString },
}

/// What to do now.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Ask this.
    Send(Request),
    /// Nothing before this uptime, unless rows are written.
    Wait { until: Duration },
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Response {
    /// A session.
    LoggedIn(SecretString),
    /// A document.
    Document(Vec<u8>),
    /// The document that is held is the newest.
    Unchanged,
    /// There is no such document yet.
    Absent,
    /// What became of the rows.
    Uploaded(Vec<RowResult>),
    /// The session is over.
    Unauthorised,
    /// An answer that does not help.
    Refused { problem: String },
    /// No answer: whether the request arrived is unknown.
    Lost { problem: String },
}

/// Something for the ledger, to be confirmed with [`Machine::delivered`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// A document to take.
    Document { kind: DocumentKind, bytes: Vec<u8> },
    /// Answers to note.
    Results(Vec<RowResult>),
}

/// Duties in the order in which they are done when several are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    LogIn,
    Document(DocumentKind),
    Upload,
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
    upload: Schedule,
    refused: BTreeMap<DocumentKind, String>,
}

impl Machine {
    /// A machine that looks for newer documents every `poll`.
    pub(crate) fn new(poll: Duration) -> Self {
        Self {
            poll,
            session: None,
            under_way: None,
            rows_since: None,
            link: Schedule::default(),
            log_in: Schedule::default(),
            documents: DocumentKind::ALL.into_iter().map(|kind| (kind, Schedule::default())).collect(),
            upload: Schedule::default(),
            refused: BTreeMap::new(),
        }
    }

    /// What to do now. A request that is asked for must be answered through [`on`](Self::on) before the next is.
    pub(crate) fn poll(&mut self, now: Duration, held: &Held) -> Step {
        if held.unsettled == 0 {
            self.rows_since = None;
        } else {
            self.rows_since.get_or_insert(now);
        }
        // What was due first: on a line so slow that documents are due again before their round is over, rows still get their turn.
        let next = self.duties(held).min_by_key(|(due, _)| *due);
        let Some((due, duty)) = next else { return Step::Wait { until: now + self.poll } };
        let due = due.max(self.link.due());
        if due > now {
            return Step::Wait { until: due };
        }
        self.under_way = Some(duty);
        Step::Send(match (&self.session, duty) {
            (Some(session), Duty::Document(kind)) => {
                Request::Fetch { kind, held: held.documents.get(&kind).copied(), session: session.clone() }
            }
            (Some(session), Duty::Upload) => Request::Upload { session: session.clone() },
            (None, _) | (_, Duty::LogIn) => Request::LogIn,
        })
    }

    /// Each duty that could be done, and when it is due.
    fn duties(&self, held: &Held) -> impl Iterator<Item = (Duration, Duty)> {
        let log_in = self.session.is_none();
        let documents = self
            .documents
            .iter()
            .filter(|(kind, _)| kind.rests_on().is_none_or(|basis| held.documents.contains_key(&basis)))
            .map(|(kind, schedule)| (schedule.due(), Duty::Document(*kind)));
        let upload = self.rows_since.map(|since| (self.upload.due().max(since + COALESCE), Duty::Upload));
        let with_session = documents.chain(upload).filter(move |_| !log_in);
        log_in.then_some((self.log_in.due(), Duty::LogIn)).into_iter().chain(with_session)
    }

    /// Takes what came of the request; the answer is for the ledger.
    pub(crate) fn on(&mut self, response: Response, now: Duration, jitter: Jitter) -> Option<Delivery> {
        if let Response::Lost { problem: _ } = response {
            self.link.failed(now, jitter);
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
            (Response::Document(bytes), Duty::Document(kind)) => return Some(Delivery::Document { kind, bytes }),
            (Response::Unchanged | Response::Absent, Duty::Document(kind)) => {
                self.refused.remove(&kind);
                self.succeeded(now, now + self.poll);
            }
            (Response::Uploaded(results), Duty::Upload) if !results.is_empty() => {
                if results.len() < MAX_ROWS_PER_UPLOAD {
                    self.rows_since = None;
                }
                return Some(Delivery::Results(results));
            }
            (Response::Unauthorised, _) => {
                self.session = None;
                self.failed(now, jitter);
            }
            (
                Response::Refused { .. }
                | Response::LoggedIn(_)
                | Response::Document(_)
                | Response::Unchanged
                | Response::Absent
                | Response::Uploaded(_)
                | Response::Lost { .. },
                _,
            ) => self.failed(now, jitter),
        }
        None
    }

    /// Takes what the ledger made of a delivery: why it was not taken, if so.
    pub(crate) fn delivered(&mut self, outcome: Result<(), String>, now: Duration, jitter: Jitter) {
        let Some(duty) = self.under_way else { return };
        match (outcome, duty) {
            (Ok(()), Duty::Document(kind)) => {
                self.refused.remove(&kind);
                self.succeeded(now, now + self.poll);
            }
            (Ok(()), Duty::LogIn | Duty::Upload) => self.succeeded(now, now),
            (Err(problem), Duty::Document(kind)) => {
                self.refused.insert(kind, problem);
                self.failed(now, jitter);
            }
            (Err(_), Duty::LogIn | Duty::Upload) => self.failed(now, jitter),
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
            Duty::Document(kind) => self.documents.get_mut(&kind),
            Duty::Upload => Some(&mut self.upload),
        }
    }
}
