//! The thread that owns the ledger: one queue, in order. Scans that wait together share a transaction.

use std::collections::HashMap;
use std::iter;
use std::time::Duration;

use countermark_shared::id::{LaneId, Slot, SupervisorId};
use countermark_shared::journal::{Actor, Actuation, OverruleReason};
use countermark_shared::order_code::OrderCode;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::ClaimAnswered;
use tokio::sync::{mpsc, oneshot, watch};

use super::hashing::{Hashed, Purpose};
use super::staff::StaffAct;
use super::{
    ActError, Batch, Defect, Delivery, Desk, Done, Failure, Found, Ledger, LedgerError, NewSupervisor, Page, Persons,
    Pin, Pins, PruneError, Pruned, Question, Recent, Repeated, Report, Supervisor, SupervisorError, TakeError, Taken,
    Tally, TypedPin, Word,
};
use crate::announcement::{Announcement, Ruling};
use crate::clock::{Clock, Moment};
use crate::documents::{DocumentKind, Envelopes};
use crate::input::{CAPACITY, RawScan, ScannedText, Source};

/// What the ledger is asked to do. A reply that nobody waits for any more is dropped.
#[derive(Debug)]
pub(crate) enum Work {
    /// Decide, write, announce.
    Scan(RawScan),
    /// Decide about what staff typed, as about any scan: it is announced, and told here.
    Enter { lane: LaneId, text: ScannedText, reply: oneshot::Sender<Announcement> },
    /// Do something about a row, as staff or with a supervisor's PIN.
    ByStaff { act: StaffAct, sequence: u64, pin: Option<TypedPin>, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Let in whom a row refused. Who does it is known by the PIN. It is announced, and told here.
    Overrule {
        sequence: u64,
        pin: TypedPin,
        why: OverruleReason,
        reply: oneshot::Sender<Result<Announcement, ActError>>,
    },
    /// Look for the seats of an order, for somebody who stands at that lane without a ticket.
    Find { lane: LaneId, code: OrderCode, reply: oneshot::Sender<Result<Vec<Found>, ActError>> },
    /// Note that they say one of them is theirs. It is announced, and told here.
    Choose { lane: LaneId, code: OrderCode, slot: Slot, reply: oneshot::Sender<Result<Announcement, ActError>> },
    /// Say whether staff may do what takes a supervisor's PIN where there is a supervisor.
    Permit { pin: Option<TypedPin>, reply: oneshot::Sender<Result<(), ActError>> },
    /// Note whether people passed by an admission of which that is not known. If nobody did, it is forgiven once.
    Confirm { sequence: u64, passed: bool, reply: oneshot::Sender<Result<Done, ActError>> },
    /// Let so many through by each scan at a lane, until the agent ends.
    LetThrough { lane: LaneId, persons: Persons, reply: oneshot::Sender<()> },
    /// Give the last scans, at most so many, the newest first.
    Recent { most: usize, reply: oneshot::Sender<Result<Vec<Recent>, LedgerError>> },
    /// Go on with whoever was asked about by that row: what was answered, or nothing where nobody answered in time. It is announced.
    Claimed { sequence: u64, answer: Option<ClaimAnswered> },
    /// Note what an output told of an admission. Nobody waits for it.
    Actuated { sequence: u64, actuation: Actuation },
    /// Say who may overrule.
    Supervisors { reply: oneshot::Sender<Result<Vec<Supervisor>, LedgerError>> },
    /// Make somebody a supervisor; under which number?
    AddSupervisor { supervisor: NewSupervisor, pin: Pin, reply: oneshot::Sender<Result<SupervisorId, SupervisorError>> },
    /// Somebody is a supervisor no longer.
    RemoveSupervisor { number: SupervisorId, reply: oneshot::Sender<Result<(), SupervisorError>> },
    /// Go on with what a PIN was hashed for.
    Hashed(Hashed),
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
    /// Give the number of the last row that this gate wrote, if every one is there.
    LastRow { reply: oneshot::Sender<Result<Option<u64>, LedgerError>> },
    /// Count on from what was counted.
    Tally { so_far: Tally, reply: oneshot::Sender<Result<Tally, LedgerError>> },
    /// Forget validation's answers for the rows after one, which it has lost; for how many rows was that news?
    Unsettle { known_up_to: u64, reply: oneshot::Sender<Result<usize, LedgerError>> },
    /// Give rows of the journal, for an auditor: at most so many after that row, with the texts of tickets or without.
    Page { after: Option<u64>, most: usize, tickets: bool, reply: oneshot::Sender<Result<Page, PruneError>> },
    /// Let some rows go that are older than that.
    Prune { keep: Duration, reply: oneshot::Sender<Result<Pruned, PruneError>> },
    /// Say so when all that was asked before is done.
    Reach { reply: oneshot::Sender<()> },
    /// Say so when that is so, and nobody waits for the others.
    Settle { reply: oneshot::Sender<()> },
    /// Announce nothing from now on, so that outputs come to their end; what they tell is still noted, and nothing else is done.
    FallSilent,
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
    /// That the others are asked, and its verdict follows.
    Asks(Question),
}

/// Who waits until the others were heard.
#[derive(Default)]
struct Waiting {
    /// For the verdict of what they typed, by the row that asks.
    entered: HashMap<u64, oneshot::Sender<Announcement>>,
    /// For there to be none.
    settled: Vec<oneshot::Sender<()>>,
}

/// Works until told to stop. `announce` is called for each scan after its transaction is durable, the new ones in order, before anything
/// else is done; what comes of it is the caller's.
pub(crate) fn serve(
    mut ledger: Ledger,
    mut work: mpsc::Receiver<Work>,
    pins: &Pins,
    clock: Clock,
    report: &watch::Sender<Report>,
    mut announce: impl FnMut(Said),
) {
    let mut waiting = Vec::with_capacity(CAPACITY);
    let mut heard = Waiting::default();
    while work.blocking_recv_many(&mut waiting, CAPACITY) > 0 {
        let mut scans = Vec::new();
        let mut items = waiting.drain(..);
        while let Some(item) = items.next() {
            if let Work::Scan(scan) = item {
                scans.push(scan);
                continue;
            }
            if let Work::Actuated { sequence, actuation } = item {
                ledger.tell(sequence, actuation);
                continue;
            }
            // Whatever else is asked sees the scans before it, and what outputs told.
            record(&mut ledger, &mut scans, clock, report, &mut announce);
            if matches!(item, Work::FallSilent) {
                // Outputs end with it.
                drop(announce);
                let rest = items.chain(iter::from_fn(|| work.blocking_recv()));
                return hear_outputs(&mut ledger, rest, clock);
            }
            if !perform(&mut ledger, item, &mut heard, pins, clock, report, &mut announce) {
                return;
            }
        }
        record(&mut ledger, &mut scans, clock, report, &mut announce);
    }
    write_outcomes(&mut ledger, clock);
}

/// Notes what becomes of those who were let in last, until told to stop. Nobody else is.
fn hear_outputs(ledger: &mut Ledger, work: impl Iterator<Item = Work>, clock: Clock) {
    write_outcomes(ledger, clock);
    for item in work {
        if let Work::Actuated { sequence, actuation } = item {
            ledger.tell(sequence, actuation);
            write_outcomes(ledger, clock);
        } else if matches!(item, Work::Stop) {
            return;
        }
    }
}

/// Writes what waits.
fn record(
    ledger: &mut Ledger,
    scans: &mut Vec<RawScan>,
    clock: Clock,
    report: &watch::Sender<Report>,
    announce: &mut impl FnMut(Said),
) {
    if scans.is_empty() {
        // Nobody was scanned with whose row it could go.
        if ledger.has_told() {
            write_outcomes(ledger, clock);
            publish(ledger, report);
        }
        return;
    }
    let announcements = ledger.scan(scans, clock.now());
    scans.clear();
    let repeated = ledger.repeated().into_iter().map(Said::Again);
    let questions = ledger.questions().into_iter().map(Said::Asks);
    announcements.into_iter().map(Said::New).chain(repeated).chain(questions).for_each(announce);
    publish(ledger, report);
}

/// Does one thing that is no scan; `false` after the last.
fn perform(
    ledger: &mut Ledger,
    work: Work,
    heard: &mut Waiting,
    pins: &Pins,
    clock: Clock,
    report: &watch::Sender<Report>,
    announce: &mut impl FnMut(Said),
) -> bool {
    let now = clock.now();
    match work {
        Work::Scan(_) | Work::Actuated { .. } | Work::FallSilent => {}
        Work::Enter { lane, text, reply } => {
            let scan = RawScan { lane, source: Source::Typed, text, at: now.uptime, in_sight_since: None };
            // Typed text is no showing that goes on, so that each has its verdict.
            let announcement = ledger.scan(std::slice::from_ref(&scan), now).pop();
            if let Some(announcement) = announcement {
                announce(Said::New(announcement.clone()));
                publish(ledger, report);
                drop(reply.send(announcement));
            } else if let Some(question) = ledger.questions().pop() {
                heard.entered.insert(question.sequence, reply);
                announce(Said::Asks(question));
                publish(ledger, report);
            }
        }
        Work::Claimed { sequence, answer } => {
            if let Some(announcement) = ledger.claimed(sequence, answer, now) {
                announce(Said::New(announcement.clone()));
                publish(ledger, report);
                if let Some(reply) = heard.entered.remove(&sequence) {
                    drop(reply.send(announcement));
                }
            }
            if !ledger.waits_for_others() {
                heard.settled.drain(..).for_each(|reply| reply.send(()).unwrap_or_default());
            }
        }
        Work::Settle { reply } if ledger.waits_for_others() => heard.settled.push(reply),
        Work::ByStaff { act, sequence, pin: None, reply } => {
            answer(ledger, report, reply, |ledger| act(ledger, sequence, Actor::Operator, now));
        }
        Work::ByStaff { act, sequence, pin: Some(pin), reply } => {
            try_pin(ledger, pins, pin, now, |desk| Purpose::ByStaff { act, sequence, desk, reply });
        }
        Work::Confirm { sequence, passed, reply } => {
            answer(ledger, report, reply, |ledger| ledger.confirm(sequence, passed, now));
        }
        Work::Overrule { sequence, pin, why, reply } => {
            try_pin(ledger, pins, pin, now, |desk| Purpose::Overrule { sequence, desk, why, reply });
        }
        Work::LetThrough { lane, persons, reply } => {
            answer(ledger, report, reply, |ledger| ledger.let_through(lane, persons));
        }
        Work::Find { lane, code, reply } => drop(reply.send(ledger.find(lane, code, now))),
        Work::Choose { lane, code, slot, reply } => {
            let outcome = ledger.choose(lane, code, slot, now);
            if let Ok(announcement) = &outcome {
                announce(Said::New(announcement.clone()));
            }
            answer(ledger, report, reply, |_| outcome);
        }
        Work::Permit { pin: None, reply } => drop(reply.send(ledger.permit_without_pin())),
        Work::Permit { pin: Some(pin), reply } => {
            try_pin(ledger, pins, pin, now, |desk| Purpose::Permit { desk, reply });
        }
        Work::Recent { most, reply } => drop(reply.send(ledger.recent(most, now))),
        Work::Supervisors { reply } => drop(reply.send(ledger.supervisors())),
        Work::AddSupervisor { supervisor, pin, reply } => match ledger.salt_for(&supervisor) {
            Ok(salt) => pins.hash(pin, salt, Purpose::Add { supervisor, salt, reply }),
            Err(error) => drop(reply.send(Err(error.into()))),
        },
        Work::RemoveSupervisor { number, reply } => {
            answer(ledger, report, reply, |ledger| ledger.remove_supervisor(number));
        }
        Work::Hashed(hashed) => go_on(ledger, hashed, now, report, announce),
        Work::Check { lane, text, reply } => drop(reply.send(ledger.check(lane, &text, now))),
        Work::Take { kind, bytes, reply } => answer(ledger, report, reply, |ledger| ledger.take(kind, &bytes, now)),
        Work::Give { reply } => drop(reply.send(ledger.held_documents())),
        Work::Deliver { delivery, reply } => answer(ledger, report, reply, |ledger| ledger.deliver(delivery, now)),
        Work::Hear { word, reply } => answer(ledger, report, reply, |ledger| ledger.hear(word, now)),
        Work::PassTime => {
            if let Err(error) = ledger.pass_time(now) {
                tracing::error!(error = error.sentence(), "what time alone changes was not written");
            }
            publish(ledger, report);
        }
        Work::Batch { most, reply } => drop(reply.send(ledger.batch(most))),
        Work::LastRow { reply } => drop(reply.send(ledger.last_row())),
        Work::Tally { so_far, reply } => drop(reply.send(ledger.tally(so_far))),
        Work::Unsettle { known_up_to, reply } => {
            answer(ledger, report, reply, |ledger| ledger.unsettle(known_up_to));
        }
        Work::Page { after, most, tickets, reply } => drop(reply.send(ledger.page(after, most, tickets))),
        Work::Prune { keep, reply } => drop(reply.send(ledger.prune(keep, now))),
        Work::Reach { reply } | Work::Settle { reply } => drop(reply.send(())),
        Work::Stop => {
            write_outcomes(ledger, clock);
            return false;
        }
    }
    true
}

/// Goes on with what a PIN was hashed for.
fn go_on(
    ledger: &mut Ledger,
    hashed: Hashed,
    now: Moment,
    report: &watch::Sender<Report>,
    announce: &mut impl FnMut(Said),
) {
    match hashed {
        Hashed { hash, purpose: Purpose::ByStaff { act, sequence, desk, reply } } => {
            answer(ledger, report, reply, |ledger| ledger.act_by_pin(act, hash, desk, sequence, now));
        }
        Hashed { hash, purpose: Purpose::Overrule { sequence, desk, why, reply } } => {
            let outcome = ledger.overrule_by(hash, desk, sequence, why, now);
            if let Ok(announcement) = &outcome {
                announce(Said::New(announcement.clone()));
            }
            answer(ledger, report, reply, |_| outcome);
        }
        Hashed { hash, purpose: Purpose::Permit { desk, reply } } => {
            let permitted = hash.map_err(ActError::from).and_then(|pin| ledger.identify(&pin, desk, now).map(drop));
            drop(reply.send(permitted));
        }
        Hashed { hash, purpose: Purpose::Add { supervisor, salt, reply } } => {
            let added = hash.map_err(SupervisorError::from);
            answer(ledger, report, reply, |ledger| {
                added.and_then(|pin| ledger.add_supervisor(&supervisor, salt, &pin))
            });
        }
    }
}

/// Has a PIN hashed, if it may be tried.
fn try_pin(
    ledger: &mut Ledger,
    pins: &Pins,
    TypedPin { pin, desk }: TypedPin,
    now: Moment,
    purpose: impl FnOnce(Desk) -> Purpose,
) {
    let tried = Pin::parse(pin).map_err(|_| ActError::WrongPin);
    match tried.and_then(|pin| Ok((pin, ledger.begin_try(desk, now)?))) {
        Ok((pin, salt)) => pins.hash(pin, salt, purpose(desk)),
        Err(why) => purpose(desk).refuse(why),
    }
}

/// Does what may change what the ledger holds, and tells everybody before whoever asked.
fn answer<T>(
    ledger: &mut Ledger,
    report: &watch::Sender<Report>,
    reply: oneshot::Sender<T>,
    work: impl FnOnce(&mut Ledger) -> T,
) {
    let outcome = work(ledger);
    publish(ledger, report);
    drop(reply.send(outcome));
}

fn write_outcomes(ledger: &mut Ledger, clock: Clock) {
    if let Err(error) = ledger.write_outcomes(clock.now()) {
        tracing::error!(error = error.sentence(), "how admissions ended was not written");
    }
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
