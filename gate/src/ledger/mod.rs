//! The ledger: what this gate did and what it believes, on its own disk. Owns the order "journal, then green": a verdict leaves this module
//! only when its row is durable, or as one that opens nothing.
//!
//! One thread owns the database ([`serve`]); everybody else sends it [`Work`]. Knows nothing of inputs, networks or screens.

mod act;
mod aside;
mod case;
mod claim;
mod debounce;
mod defect;
mod delivery;
mod find;
mod guests;
mod hashing;
mod history;
mod holds;
mod judge;
mod lanes;
mod log;
mod open;
mod outcomes;
mod overrule;
mod pin;
mod recent;
mod recorder;
mod remains;
mod report;
mod retention;
mod salvage;
mod staff;
mod store;
mod supervisors;
mod taking;
mod tally;
mod thread;
mod throttle;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use countermark_shared::clock::GateClock;
use countermark_shared::id::{EventId, GateId, LaneId};
use countermark_shared::journal::{Actuation, BootId, ChainHash, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Verdict};
use countermark_shared::wire::{Base64, RowOutcome, RowResult, UploadedRow};

use claim::Claims;
use debounce::{Answer, Debounce};
use judge::{Grounds, Others};
use lanes::Lanes;
use outcomes::Outcomes;
use recorder::Recorder;
use rusqlite::{Connection, TransactionBehavior};

pub(crate) use act::{ActError, Deed, Done};
pub(crate) use claim::Question;
pub(crate) use defect::{Defect, is_full};
pub(crate) use delivery::{ANSWERED_FOR_NONE, Delivery, Failure, sentence};
pub(crate) use find::Found;
pub(crate) use guests::GuestList;
pub(crate) use hashing::Pins;
pub(crate) use lanes::Persons;
pub(crate) use open::{OpenError, Owner, is_in_use};
pub(crate) use pin::{Pin, Salt};
pub(crate) use recent::{RECENT, Recent};
pub(crate) use report::Report;
pub(crate) use retention::{Page, PruneError, Pruned};
pub(crate) use staff::StaffAct;
pub(crate) use supervisors::{Desk, NewSupervisor, Supervisor, SupervisorError, TypedPin};
pub use taking::Word;
pub(crate) use taking::{TakeError, Taken, TimeAnswered};
pub(crate) use tally::Tally;
pub(crate) use thread::{Said, Work, serve};

use crate::announcement::{Announcement, Ruling};
use crate::clock::Moment;
use crate::documents::Documents;
use crate::input::{RawScan, Source};
use crate::names::Names;

/// The open database and the documents in force. All else is looked up when it is needed, so that nothing in memory can differ from what
/// was committed.
pub(crate) struct Ledger {
    connection: Connection,
    gate: GateId,
    boot: BootId,
    documents: Documents,
    clock: GateClock,
    names: Names,
    debounce: Debounce,
    repeated: Vec<Repeated>,
    outcomes: Outcomes,
    claims: Claims,
    lanes: Lanes,
    /// What the disk did to whatever was written last.
    failed: Option<Defect>,
    /// Where the database lies.
    file: PathBuf,
    /// Whether a damaged ledger lies aside.
    replaced: bool,
    /// Whether the write-ahead log was emptied after names last left the journal. At a start nobody knows: the run before may have been cut off
    /// between the two.
    log_is_empty: bool,
    /// The event whose names alone may be in the journal, once that is known.
    names_of: Option<EventId>,
}

/// A scan that belongs to a showing that was answered already. A scanner that waits for an answer gets the same one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    /// What read it.
    pub(crate) source: Source,
    /// Whether people may pass.
    pub(crate) opens: bool,
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[error("ledger.sqlite in the gate's folder failed; look for a full disk (`df`) or a broken one (`dmesg`)")]
pub(crate) struct LedgerError {
    #[from]
    source: rusqlite::Error,
}

impl LedgerError {
    /// With its cause, for the log.
    fn sentence(&self) -> String {
        format!("{self}: {}", self.source)
    }
}

/// Consecutive rows for an upload, from the first that validation has not answered for.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The chain before them.
    pub(crate) previous: ChainHash,
    /// The rows.
    pub(crate) rows: Vec<UploadedRow>,
    /// The number of the last.
    pub(crate) last: u64,
    /// The chain after it.
    pub(crate) hash: ChainHash,
}

impl Batch {
    /// The numbers of its rows.
    pub(crate) fn sequences(&self) -> RangeInclusive<u64> {
        self.rows.first().map_or(self.last, |row| row.sequence)..=self.last
    }
}

impl Ledger {
    /// Decides scans in order, each knowing those before, and writes them down: one transaction, one savepoint each. What could not be
    /// written opens nothing. A showing that was answered already is not answered again.
    pub(crate) fn scan(&mut self, scans: &[RawScan], now: Moment) -> Vec<Announcement> {
        self.keep_names(now);
        let announcements = self.try_scan(scans, now).unwrap_or_else(|error| {
            self.note(Defect::of_error(&error));
            tracing::error!(error = error.sentence(), "no scan was written");
            self.debounce.forget();
            // Nobody may pass by what was answered in the same transaction.
            self.repeated.clear();
            self.claims.forget_unasked();
            let at = self.read_clock(now).now;
            scans.iter().map(|scan| undecided(scan, at, now)).collect()
        });
        self.outcomes.announced(&announcements);
        announcements
    }

    fn try_scan(&mut self, scans: &[RawScan], now: Moment) -> Result<Vec<Announcement>, LedgerError> {
        let clock = self.read_clock(now);
        let Self { connection, gate, boot, documents, names, lanes, debounce, repeated, outcomes, claims, .. } = self;
        let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !store::is_whole(&transaction)? {
            return Ok(scans.iter().map(|scan| undecided(scan, clock.now, now)).collect());
        }
        let mut failed = None;
        let mut told = false;
        if !outcomes.is_empty() {
            let savepoint = transaction.savepoint()?;
            let grounds = Grounds { connection: &savepoint, documents, names, lanes, clock };
            match outcomes.write(Recorder { gate: *gate, boot: *boot, grounds, outcomes }) {
                Ok(()) => {
                    savepoint.commit()?;
                    told = true;
                }
                Err(error) => {
                    // Nobody is kept waiting for want of it: it goes with the next.
                    tracing::error!(error = error.sentence(), "how admissions ended was not written");
                    savepoint.finish()?;
                }
            }
        }
        let mut announcements = Vec::with_capacity(scans.len());
        for scan in scans {
            if judge::is_overtaken(scan, now.uptime) {
                continue;
            }
            let savepoint = transaction.savepoint()?;
            let grounds = Grounds { connection: &savepoint, documents, names, lanes, clock };
            let recorder = Recorder { gate: *gate, boot: *boot, grounds, outcomes };
            let outcome = judge::judge(grounds, scan, now.uptime, claims.others()).and_then(|mut judgement| {
                // It is held still while the others are asked.
                if claims.are_about(scan, &judgement.subject) {
                    return Ok(None);
                }
                let asks = judgement.asks.take();
                let opens = judgement.verdict.opens() && asks.is_none();
                let answer = Answer { reason: judgement.verdict.reason, opens };
                if let Some(Answer { opens, reason: _ }) = debounce.repeats(scan, &judgement.subject, answer) {
                    repeated.push(Repeated { source: scan.source.clone(), opens });
                    return Ok(None);
                }
                match asks {
                    Some(asks) => claims.ask(recorder, scan, &judgement, asks).map(|()| None),
                    None => recorder.record(scan, judgement, None, now).map(Some),
                }
            });
            match outcome {
                Ok(announcement) => {
                    savepoint.commit()?;
                    announcements.extend(announcement);
                }
                Err(error) => {
                    debounce.forget();
                    failed = Defect::of_error(&error);
                    tracing::error!(error = error.sentence(), "a scan was not written");
                    // A full disk may have rolled back the whole transaction. Then this fails too, and the batch with it: going on would
                    // commit each further scan by itself, and those before would be announced without a row.
                    savepoint.finish()?;
                    announcements.push(undecided(scan, clock.now, now));
                }
            }
        }
        transaction.commit()?;
        if told {
            outcomes.written();
        }
        self.note(failed);
        Ok(announcements)
    }

    /// Remembers what the disk did to the last that was written. A page does not heal because the next scan has no need of it.
    fn note(&mut self, failed: Option<Defect>) {
        self.failed = failed.or(self.failed.filter(|defect| *defect == Defect::Damaged));
    }

    /// From now on outputs at these lanes tell how admissions end.
    pub(crate) fn is_told_at(&mut self, openers: BTreeSet<LaneId>) {
        self.outcomes = Outcomes::at(openers);
    }

    /// An output told how an admission ended. It is written with the next transaction.
    pub(crate) fn tell(&mut self, sequence: u64, actuation: Actuation) {
        self.outcomes.told(sequence, actuation);
    }

    /// Writes how admissions ended, as far as it was told since the last transaction.
    pub(crate) fn write_outcomes(&mut self, now: Moment) -> Result<(), LedgerError> {
        // A journal that is not whole takes none.
        if self.outcomes.is_empty() || !store::is_whole(&self.connection)? {
            return Ok(());
        }
        self.transact(now, |_| Ok(()))
    }

    /// Whether an output told something since.
    fn has_told(&self) -> bool {
        self.outcomes.has_told()
    }

    /// What was scanned again since this was last asked.
    pub(crate) fn repeated(&mut self) -> Vec<Repeated> {
        std::mem::take(&mut self.repeated)
    }

    /// What the gate would say, without saying it.
    pub(crate) fn check(&mut self, lane: LaneId, text: &str, now: Moment) -> Result<Ruling, LedgerError> {
        self.keep_names(now);
        let clock = self.read_clock(now);
        let Self { connection, documents, names, lanes, .. } = self;
        if !store::is_whole(connection)? {
            return Ok(Ruling::new(Verdict::refusal(Reason::CannotDecide), &Subject::unverified(text)));
        }
        let judgement =
            judge::examine(Grounds { connection, documents, names, lanes, clock }, lane, text, Others::Silent)?;
        Ok(Ruling::new(judgement.verdict, &judgement.subject))
    }

    /// The documents in force, and what a replacement of each is held against.
    pub(crate) fn documents_held(&self) -> countermark_shared::documents::Held {
        self.documents.held()
    }

    /// The number of the last row that this gate can tell again, 0 where it has none. Nothing where rows are missing: how many, and of whom, nobody can tell.
    pub(crate) fn last_row(&self) -> Result<Option<u64>, LedgerError> {
        let (last, before) = (store::head(&self.connection)?.sequence, store::anchor(&self.connection)?.sequence);
        // What it let go, nobody need wait for: it never comes, and was of events that this gate has done with.
        let last = if last > before { last } else { 0 };
        Ok(store::is_whole(&self.connection)?.then_some(last))
    }

    /// The next rows to upload, at most `most`; none when validation has answered for all.
    pub(crate) fn batch(&self, most: usize) -> Result<Option<Batch>, LedgerError> {
        let Some(first) = store::first_unsettled(&self.connection)? else { return Ok(None) };
        let previous = store::chain_before(&self.connection, first)?;
        let mut batch = Batch { previous, rows: Vec::new(), last: first, hash: previous };
        for stored in store::rows_from(&self.connection, first, most)? {
            batch.last = stored.sequence;
            batch.hash = stored.hash;
            batch.rows.push(UploadedRow { sequence: stored.sequence, row: Base64(stored.row), ticket: stored.ticket });
        }
        Ok(Some(batch))
    }

    /// Notes what validation answered, and says for how many rows that was news. Rows stay: a seat used here stays used here. Where it has
    /// another row of this gate, seats were used that this ledger knows nothing of: the journal takes no more rows.
    pub(crate) fn settle(&mut self, results: &[RowResult]) -> Result<usize, LedgerError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut settled = 0;
        for result in results {
            settled += store::settle(&transaction, result)?;
        }
        if results.iter().any(|result| result.outcome == RowOutcome::Fork) && store::is_forked(&transaction)? {
            store::close_journal(&transaction)?;
        }
        transaction.commit()?;
        Ok(settled)
    }

    /// Takes it that validation has the journal up to that row and no further: what it answered for later ones, before it was restored
    /// from a backup, does not hold any more. Says for how many rows that was news; they are uploaded again. Whoever lies about it gets
    /// rows twice, and nothing else.
    pub(crate) fn unsettle(&mut self, known_up_to: u64) -> Result<usize, LedgerError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let unsettled = store::unsettle(&transaction, known_up_to)?;
        transaction.commit()?;
        Ok(unsettled)
    }
}

/// What a person is told whose scan could not be written.
fn undecided(scan: &RawScan, at: Timestamp, now: Moment) -> Announcement {
    let nothing = Subject::unverified("");
    let ruling = Ruling::new(Verdict::refusal(Reason::CannotDecide), &nothing);
    let (lane, source) = (scan.lane, scan.source.clone());
    Announcement { sequence: None, lane, source, at, ruling, announced: now.uptime, holder: None }
}

#[cfg(test)]
mod tests;
