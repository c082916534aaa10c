//! The thread that owns the ledger: one queue, in order. Scans that wait together share a transaction.

use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::journal::OverruleReason;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    ActError, Batch, Defect, Delivery, Done, Failure, Ledger, LedgerError, Page, PruneError, Pruned, Recent, Repeated,
    Report, TakeError, Taken, Word,
};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Clock;
use crate::documents::{DocumentKind, Envelopes};
use crate::input::{CAPACITY, RawScan, ScannedText};

/// What the ledger is asked to do. A reply that nobody waits for any more is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "the types come first, so that whoever asks can be written beside whoever answers")]
pub(crate) enum Work {
    /// Decide, write, announce.
    Scan(RawScan),
    /// Decide about what staff typed, as about any scan: it is announced, and told here.
    Enter { lane: LaneId, text: ScannedText, reply: oneshot::Sender<Announcement> },
    /// Take an admission back: nobody went through.
    Undo { sequence: u64, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Let in whom a row refused. Who does it is known by the PIN. It is announced, and told here.
    Overrule {
        sequence: u64,
        pin: SecretString,
        why: OverruleReason,
        reply: oneshot::Sender<Result<Announcement, ActError>>,
    },
    /// Hold a row's seat back at this gate, until the cloud's list says what becomes of it.
    Hold { sequence: u64, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Hold a row's seat back no longer.
    Release { sequence: u64, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Note whether people passed by an admission that was cut off. If nobody did, it is forgiven once.
    Confirm { sequence: u64, passed: bool, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Give the last scans, at most so many, the newest first.
    Recent { most: usize, reply: oneshot::Sender<Result<Vec<Recent>, LedgerError>> },
    /// Say what it would say.
    Check { lane: LaneId, text: String, reply: oneshot::Sender<Result<Ruling, LedgerError>> },
    /// Take a document.
    Take { kind: DocumentKind, bytes: Vec<u8>, reply: oneshot::Sender<Result<Taken, TakeError>> },
    /// Give what is held, to be offered elsewhere.
    Give { reply: oneshot::Sender<Result<Envelopes, LedgerError>> },
    /// Take what the cloud answered.
    Deliver { delivery: Delivery, reply: oneshot::Sender<Result<Taken, Failure>> },
    /// Note what staff say of the instant that waits, and give that instant.
    Hear { word: Word, reply: oneshot::Sender<Result<Option<Timestamp>, LedgerError>> },
    /// Do what time alone asks for.
    PassTime,
    /// Give the next rows to upload, at most so many.
    Batch { most: usize, reply: oneshot::Sender<Result<Option<Batch>, LedgerError>> },
    /// Give rows of the journal, for an auditor: at most so many after that row, with the texts of tickets or without.
    Page { after: Option<u64>, most: usize, tickets: bool, reply: oneshot::Sender<Result<Page, PruneError>> },
    /// Let some rows go that are older than that.
    Prune { keep: Duration, reply: oneshot::Sender<Result<Pruned, PruneError>> },
    /// Say so when all that was asked before is done.
    Reach { reply: oneshot::Sender<()> },
    /// Close the ledger.
    Stop,
}

/// What is said of a scan.
#[derive(Debug)]
pub(crate) enum Said {
    /// Its verdict.
    New(Announcement),
    /// That it was answered.
    Again(Repeated),
}

/// Works until told to stop. `announce` is called for each scan after its transaction is durable, the new ones in order; what comes of it
/// is the caller's.
pub(crate) fn serve(
    mut ledger: Ledger,
    mut work: mpsc::Receiver<Work>,
    clock: Clock,
    report: &watch::Sender<Report>,
    mut announce: impl FnMut(Said),
) {
    let mut waiting = Vec::with_capacity(CAPACITY);
    while work.blocking_recv_many(&mut waiting, CAPACITY) > 0 {
        let mut scans = Vec::new();
        for item in waiting.drain(..) {
            if let Work::Scan(scan) = item {
                scans.push(scan);
                continue;
            }
            // Whatever else is asked sees the scans before it.
            record(&mut ledger, &mut scans, clock, report, &mut announce);
            if !perform(&mut ledger, item, clock, report) {
                return;
            }
        }
        record(&mut ledger, &mut scans, clock, report, &mut announce);
    }
}

fn record(
    ledger: &mut Ledger,
    scans: &mut Vec<RawScan>,
    clock: Clock,
    report: &watch::Sender<Report>,
    announce: &mut impl FnMut(Said),
) {
    if scans.is_empty() {
        return;
    }
    let announcements = ledger.scan(scans, clock.now());
    scans.clear();
    let repeated = ledger.repeated().into_iter().map(Said::Again);
    announcements.into_iter().map(Said::New).chain(repeated).for_each(announce);
    publish(ledger, report);
}

/// Does one thing; `false` after the last.
fn perform(ledger: &mut Ledger, work: Work, clock: Clock, report: &watch::Sender<Report>) -> bool {
    match work {
        Work::Scan(_)
        | Work::Enter { .. }
        | Work::Undo { .. }
        | Work::Overrule { .. }
        | Work::Hold { .. }
        | Work::Release { .. }
        | Work::Confirm { .. }
        | Work::Recent { .. } => {}
        Work::Check { lane, text, reply } => drop(reply.send(ledger.check(lane, &text, clock.now()))),
        Work::Take { kind, bytes, reply } => {
            let outcome = ledger.take(kind, &bytes, clock.now());
            publish(ledger, report);
            drop(reply.send(outcome));
        }
        Work::Give { reply } => drop(reply.send(ledger.held_documents())),
        Work::Deliver { delivery, reply } => {
            let outcome = ledger.deliver(delivery, clock.now());
            publish(ledger, report);
            drop(reply.send(outcome));
        }
        Work::Hear { word, reply } => {
            let outcome = ledger.hear(word, clock.now());
            publish(ledger, report);
            drop(reply.send(outcome));
        }
        Work::PassTime => {
            if let Err(error) = ledger.pass_time(clock.now()) {
                tracing::error!(error = error.sentence(), "the clock's floor was not written");
            }
            publish(ledger, report);
        }
        Work::Batch { most, reply } => drop(reply.send(ledger.batch(most))),
        Work::Page { after, most, tickets, reply } => drop(reply.send(ledger.page(after, most, tickets))),
        Work::Prune { keep, reply } => drop(reply.send(ledger.prune(keep, clock.now()))),
        Work::Reach { reply } => drop(reply.send(())),
        Work::Stop => return false,
    }
    true
}

pub(super) fn publish(ledger: &Ledger, report: &watch::Sender<Report>) {
    match ledger.report() {
        Ok(current) => drop(report.send_replace(current)),
        Err(error) => {
            tracing::error!(error = error.sentence(), "the ledger cannot say what it holds");
            let defects = ledger.defects(Defect::of_error(&error));
            report.send_modify(|last| last.defects = defects);
        }
    }
}
