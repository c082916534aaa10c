//! What passes between the machine, the network and the ledger.

use std::time::Duration;

use countermark_shared::documents::{DocumentHash, Needs, Remedy, Revision};
use countermark_shared::id::EventId;
use countermark_shared::wire::RowResult;
use secrecy::SecretString;

use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::ledger::TimeAnswered;

/// What the ledger holds, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The trust bundle in force.
    pub(crate) bundle: Option<Revision>,
    /// The event that the gate is assigned to.
    pub(crate) assigned: Option<EventId>,
    /// The newest head.
    pub(crate) head: Option<DocumentHash>,
    /// The event that head is about, and what it wants fetched.
    pub(crate) needs: Option<(EventId, Needs)>,
    /// The slot list in force: its event and revision.
    pub(crate) list: Option<(EventId, Revision)>,
    /// Steps that are stored to get there.
    pub(crate) steps: u64,
    /// The admission feed in force: its event and revision.
    pub(crate) feed: Option<(EventId, Revision)>,
    /// Batches that are stored to get there.
    pub(crate) batches: u64,
    /// Rows that validation has not answered for.
    pub(crate) unsettled: u64,
}

/// Something to ask.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// A session.
    LogIn,
    /// A document.
    Fetch { wanted: Wanted, session: SecretString },
    /// The time.
    AskTime { session: SecretString },
    /// To take the ledger's next rows, at most so many.
    Upload { session: SecretString, most: usize },
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
    /// A document, or a set of bundles.
    Document(Vec<u8>),
    /// The document that is held is the newest.
    Unchanged,
    /// There is no such document yet.
    Absent,
    /// The time.
    Time(TimeAnswered),
    /// What became of the rows.
    Uploaded(Vec<RowResult>),
    /// The session is over.
    Unauthorised,
    /// An answer that does not help.
    Refused { problem: String },
    /// No connection, for its certificate is not valid by this gate's date.
    OutOfDate { problem: String },
    /// No answer: whether the request arrived is unknown.
    Lost { problem: String },
}

/// Something for the ledger, to be confirmed with [`Machine::delivered`](super::machine::Machine::delivered).
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A document to take.
    Document { kind: DocumentKind, bytes: Vec<u8> },
    /// A set of trust bundles to take in order.
    Bundles(Vec<u8>),
    /// The time.
    Time(TimeAnswered),
    /// Answers to note.
    Results(Vec<RowResult>),
}

/// Why the ledger did not take a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For people.
    pub(crate) problem: String,
    /// What helps.
    pub(crate) remedy: Remedy,
}
