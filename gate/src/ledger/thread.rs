//! The thread that owns the ledger: one queue, in order. Scans that wait together share a transaction.

use countermark_shared::id::LaneId;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::RowResult;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Batch, Defect, Ledger, LedgerError, Repeated, Report, TakeError, Taken, TimeAnswered, TimeError, Word};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Clock;
use crate::documents::{DocumentKind, Envelopes};
use crate::input::{CAPACITY, RawScan};

/// What the ledger is asked to do. A reply that nobody waits for any more is dropped.
#[derive(Debug)]
pub(crate) enum Work {
    /// Decide, write, announce.
    Scan(RawScan),
    /// Say what it would say.
    Check { lane: LaneId, text: String, reply: oneshot::Sender<Result<Ruling, LedgerError>> },
    /// Take a document.
    Take { kind: DocumentKind, bytes: Vec<u8>, reply: oneshot::Sender<Result<Taken, TakeError>> },
    /// Give what is held, to be offered elsewhere.
    Give { reply: oneshot::Sender<Result<Envelopes, LedgerError>> },
    /// Set the clock by the cloud's answer.
    SetClock { answer: TimeAnswered, reply: oneshot::Sender<Result<(), TimeError>> },
    /// Note what staff say of the instant that waits, and give that instant.
    Hear { word: Word, reply: oneshot::Sender<Result<Option<Timestamp>, LedgerError>> },
    /// Do what time alone asks for.
    PassTime,
    /// Give the next rows to upload, at most so many.
    Batch { most: usize, reply: oneshot::Sender<Result<Option<Batch>, LedgerError>> },
    /// Note validation's answers; for how many rows were they news?
    Settle { results: Vec<RowResult>, reply: oneshot::Sender<Result<usize, LedgerError>> },
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
        Work::Scan(_) => {}
        Work::Check { lane, text, reply } => drop(reply.send(ledger.check(lane, &text, clock.now()))),
        Work::Take { kind, bytes, reply } => {
            let outcome = ledger.take(kind, &bytes, clock.now());
            publish(ledger, report);
            drop(reply.send(outcome));
        }
        Work::Give { reply } => drop(reply.send(ledger.held_documents())),
        Work::SetClock { answer, reply } => {
            let outcome = ledger.set_clock(&answer, clock.now());
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
        Work::Settle { results, reply } => {
            let outcome = ledger.settle(&results);
            publish(ledger, report);
            drop(reply.send(outcome));
        }
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
