//! The journal for an auditor: its rows page by page, and which of them may go. Owns what is kept; refuses to know files and commands.

use std::time::Duration;

use countermark_shared::id::EventId;
use countermark_shared::journal::{ChainHash, ExportedRow, JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, RowOutcome};
use rusqlite::TransactionBehavior;
use serde::{Deserialize, Serialize};

use super::store::{self, Head, StoredRow};
use super::{Ledger, LedgerError};
use crate::clock::Moment;

/// Rows that go in one transaction: scans wait for it.
const PRUNED_AT_ONCE: usize = 5_000;

/// Consecutive rows of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    /// The row before the first, or the last there is.
    pub(crate) after: u64,
    /// The chain after that row.
    pub(crate) hash: ChainHash,
    /// The rows.
    pub(crate) rows: Vec<ExportedRow>,
}

/// What became of rows that may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pruned {
    /// How many went.
    pub(crate) rows: u64,
    /// The journal begins after this row.
    pub(crate) after: u64,
    /// Whether more may go.
    pub(crate) more: bool,
}

/// Why no row may go.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PruneError {
    /// Nobody knows how old a row is.
    #[error(
        "the gate's clock does not tell the time, so that no row is known to be old; let it reach the cloud, or see `countermark-gate clock`"
    )]
    ClockUnsure,
    /// The rows before are not there any more.
    #[error("row {after} is not in the journal any more; begin where it begins")]
    Gone {
        /// Which was asked for.
        after: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<rusqlite::Error> for PruneError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Ledger(source.into())
    }
}

impl Ledger {
    /// At most `most` rows after the row `after`, or from where the journal begins. With `tickets`, the texts that rows keep are among them.
    pub(crate) fn page(&self, after: Option<u64>, most: usize, tickets: bool) -> Result<Page, PruneError> {
        let anchor = store::anchor(&self.connection)?;
        let after = after.unwrap_or(anchor.sequence);
        if after < anchor.sequence {
            return Err(PruneError::Gone { after });
        }
        let hash = store::chain_before(&self.connection, after.saturating_add(1))?;
        let rows = store::rows_from(&self.connection, after.saturating_add(1), most)?;
        let rows = rows.into_iter().map(|stored| exported(stored, tickets)).collect::<Result<_, _>>()?;
        Ok(Page { after, hash, rows })
    }

    /// Lets the oldest rows go that are older than `keep`, as far as validation has them and nobody may be asked about them any more: of
    /// an event none goes before the gate's lease of it has ended by a signed time, or a seat would be free again, also where the gate was moved away and back. All or nothing, a few thousand at a time.
    pub(crate) fn prune(&mut self, keep: Duration, now: Moment) -> Result<Pruned, PruneError> {
        let clock = self.read_clock(now);
        if !clock.tells_time() {
            return Err(PruneError::ClockUnsure);
        }
        let before = clock.now - keep;
        let anchor = store::anchor(&self.connection)?;
        let rows = store::rows_from(&self.connection, anchor.sequence.saturating_add(1), PRUNED_AT_ONCE)?;
        let offered = rows.len();
        // A calendar alone ends no lease: one that was put forward would free the seats of the event that is served.
        let signed = self.clock.error_bound(now.uptime).is_some();
        let mut leases = store::leases(&self.connection)?;
        // A ledger from before they were noted has the assignment in force alone.
        leases.extend(self.documents.assignment().map(|assignment| (assignment.event, assignment.lease.until)));
        let served = |event: EventId| leases.get(&event).is_some_and(|until| !signed || clock.now < *until);
        let gone: Vec<_> = rows.into_iter().take_while(|stored| may_go(stored, before, served)).collect();
        let more = gone.len() == offered && offered == PRUNED_AT_ONCE;
        let Some(last) = gone.last() else { return Ok(Pruned { rows: 0, after: anchor.sequence, more }) };
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        store::prune(&transaction, Head { sequence: last.sequence, hash: last.hash })?;
        transaction.commit()?;
        Ok(Pruned { rows: gone.len() as u64, after: last.sequence, more })
    }
}

fn may_go(stored: &StoredRow, before: Timestamp, served: impl Fn(EventId) -> bool) -> bool {
    let settled = matches!(stored.outcome, Some(RowOutcome::Stored | RowOutcome::Known));
    // Every row was read when the ledger was opened: one that cannot be read now stays for whoever looks into it.
    let Ok(row) = JournalRow::from_bytes(&stored.row) else { return false };
    let is_asked_about = match row.subject {
        Subject::Payload { .. } => false,
        // Whoever was never assigned to it has no seats of it.
        Subject::Ticket { event, .. } => served(event),
    };
    settled && row.at < before && !is_asked_about
}

fn exported(stored: StoredRow, tickets: bool) -> Result<ExportedRow, rusqlite::Error> {
    let says = JournalRow::from_bytes(&stored.row)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error)))?;
    Ok(ExportedRow {
        sequence: stored.sequence,
        row: Base64(stored.row),
        hash: stored.hash,
        says,
        outcome: stored.outcome,
        ticket: stored.ticket.filter(|_| tickets),
    })
}
