//! One scan: the facts this gate knows, and the shared decision over them. Reads the ledger, writes nothing.

use std::time::Duration;

use countermark_shared::decision::{self, Facts, Policy};
use countermark_shared::documents::Document;
use countermark_shared::id::LaneId;
use countermark_shared::journal::Subject;
use countermark_shared::ticket::VerifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Verdict};
use rusqlite::Connection;

use super::{LedgerError, store};
use crate::clock::Moment;
use crate::documents::{Basis, Documents};
use crate::input::{RawScan, ScannedText};

/// After this long in a queue, whoever showed the code may have walked on.
pub(super) const MAX_AGE: Duration = Duration::from_millis(1500);

/// A verdict, and what the journal keeps beside it.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) subject: Subject,
    /// The ticket's text, where the journal does not have it yet.
    pub(super) proof: Option<String>,
}

/// Judges a scan when its turn has come.
pub(super) fn judge(
    connection: &Connection,
    documents: &Documents,
    scan: &RawScan,
    now: Moment,
) -> Result<Judgement, LedgerError> {
    let (ScannedText::Whole(text) | ScannedText::Damaged(text)) = &scan.text;
    if now.uptime.saturating_sub(scan.at) > MAX_AGE {
        return Ok(refusal(Reason::ScanAgain, text));
    }
    match &scan.text {
        ScannedText::Whole(text) => examine(connection, documents, scan.lane, text, now.at),
        ScannedText::Damaged(text) => Ok(refusal(Reason::Malformed, text)),
    }
}

/// Judges a text as if it were shown at a lane now.
pub(super) fn examine(
    connection: &Connection,
    documents: &Documents,
    lane: LaneId,
    text: &str,
    now: Timestamp,
) -> Result<Judgement, LedgerError> {
    let Some(basis) = documents.basis(lane) else { return Ok(refusal(Reason::CannotDecide, text)) };
    match decision::examine(text, basis.event.event, basis.keys) {
        Ok(ticket) => {
            let facts = facts(connection, &basis, &ticket, now)?;
            let policy = Policy { event: basis.event, lane: basis.lane };
            let body = ticket.body();
            let proved = store::is_proved(connection, body.event, body.slot, body.generation)?;
            Ok(Judgement {
                verdict: decision::decide(&ticket, &facts, &policy, now),
                subject: Subject::of(&ticket),
                proof: (!proved).then(|| text.to_owned()),
            })
        }
        Err(reason) => Ok(refusal(reason, text)),
    }
}

fn facts(
    connection: &Connection,
    basis: &Basis<'_>,
    ticket: &VerifiedTicket,
    now: Timestamp,
) -> Result<Facts, LedgerError> {
    let body = ticket.body();
    Ok(Facts {
        slot: basis.slots.state(body.slot),
        least_generation: basis.slots.least_generation(body.slot),
        list_age: now.since(basis.slots.issued()),
        highest_seen: store::highest_generation(connection, body.event, body.slot)?,
        admitted: store::admitted(connection, body.event, body.slot)?,
    })
}

fn refusal(reason: Reason, text: &str) -> Judgement {
    Judgement { verdict: Verdict::refusal(reason), subject: Subject::unverified(text), proof: None }
}
