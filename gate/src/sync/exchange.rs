//! What passes between the machine, the network and the ledger.

use std::ops::RangeInclusive;
use std::time::Duration;

use countermark_shared::documents::{DocumentHash, Needs, Revision};
use countermark_shared::id::{EventId, GateId};
use countermark_shared::journal::Checkpoint;
use countermark_shared::keys::SigningKey;
use countermark_shared::wire::{Base64, GuestCursor, GuestPage, RowResult, SignedCheckpoint, Upload, Uploaded};
use secrecy::SecretString;

use crate::cloud::Wanted;
use crate::documents::DocumentKind;
use crate::ledger::{ANSWERED_FOR_NONE, Batch, GuestList, Report, TimeAnswered};

/// What the ledger holds, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The trust bundle in force.
    pub(crate) bundle: Option<Revision>,
    /// The event that the gate is assigned to.
    pub(crate) assigned: Option<EventId>,
    /// Whether there is an event document, without which nothing is decided.
    pub(crate) decides: bool,
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
    /// The guest list; none where there is to be none.
    pub(crate) guests: Option<GuestList>,
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
    /// A page of the guest list.
    Guests { after: Option<GuestCursor>, session: SecretString },
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
    /// Guests, in the order of issue.
    Guests(GuestPage),
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

impl Held {
    /// As the ledger reports it.
    pub(crate) fn of(report: &Report) -> Self {
        let standing = |kind| report.documents.get(&kind);
        Self {
            bundle: standing(DocumentKind::TrustBundle).map(|standing| standing.revision),
            assigned: report.event,
            decides: standing(DocumentKind::EventDocument).is_some(),
            head: standing(DocumentKind::Head).map(|standing| DocumentHash(standing.name)),
            needs: report.needs.clone(),
            list: report.event.zip(standing(DocumentKind::SlotList).map(|standing| standing.revision)),
            steps: report.steps,
            feed: report.event.zip(standing(DocumentKind::AdmissionFeed).map(|standing| standing.revision)),
            batches: report.batches,
            guests: report.guests,
            unsettled: report.unsettled,
        }
    }
}

impl Response {
    /// What an answer to an upload says of the rows that were sent. A row that was not is not settled, whatever is said of it.
    pub(crate) fn to_rows(sent: &RangeInclusive<u64>, Uploaded { mut results }: Uploaded) -> Self {
        results.retain(|result| sent.contains(&result.sequence));
        if results.is_empty() {
            return Self::Refused { problem: ANSWERED_FOR_NONE.to_owned() };
        }
        Self::Uploaded(results)
    }
}

/// Rows to upload, with the gate's word that its journal goes so far.
pub(crate) fn upload(batch: Batch, gate: GateId, key: &SigningKey) -> Upload {
    let Batch { previous, rows, last, hash } = batch;
    let signature = Base64(Checkpoint::new(gate, last, hash).sign(key).to_bytes());
    Upload { previous, rows, checkpoint: SignedCheckpoint { sequence: last, hash, signature } }
}
