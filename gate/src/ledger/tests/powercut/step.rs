//! One thing that is done to a ledger, and done again where nobody knows whether it was.

use super::*;
use crate::ledger::pin::PinHash;
use countermark_shared::decision::Passages;
use countermark_shared::id::SupervisorId;
use countermark_shared::journal::{Actuation, OverruleReason};
use countermark_shared::wire::{ClaimAnswered, Guest, GuestPage};

const GRANTED: ClaimAnswered = ClaimAnswered { persons: 2, others: Passages::NONE };

/// What is done.
pub(super) enum Step {
    Take(DocumentKind, Vec<u8>),
    Scan(Vec<RawScan>),
    /// The others are asked about the seat's ticket; and they answer.
    Ask(u32),
    Answered(u32),
    /// What staff, a supervisor or the arm say of the seat's last row that it can be said of.
    Undo(u32),
    Hold(u32),
    Release(u32),
    Overrule(u32),
    Confirm {
        slot: u32,
        passed: bool,
    },
    Tell(u32, Actuation),
    SetClock(TimeAnswered),
    /// Validation answers for so many rows.
    Settle(usize),
    /// A page of the guest list comes.
    Guests(Vec<Guest>),
    /// Somebody types a PIN that nobody has, or an order's code.
    WrongPin(PinHash),
    WrongCode,
    /// Nothing happens until then.
    PassTime(Timestamp),
    /// Rows go that nobody may ask about any more.
    Prune,
    /// The agent ends and starts again.
    Restart,
}

/// The disk did.
#[derive(Debug)]
pub(super) struct Failed;

impl Evening {
    /// What was shown before the disk failed is told even so.
    pub(super) fn perform(
        &self,
        step: &Step,
        disk: &Disk,
        ledger: &mut Option<Ledger>,
        shown: &mut Vec<Announcement>,
    ) -> Result<(), Failed> {
        let Some(open_ledger) = ledger.as_mut() else { return Err(Failed) };
        match step {
            Step::Take(kind, bytes) => drop(open_ledger.take(*kind, bytes, moment(DOORS)).map_err(|_| Failed)?),
            Step::Scan(scans) => {
                let said = open_ledger.scan(scans, moment(DOORS));
                let failed = said.iter().any(|said| said.sequence.is_none());
                assert!(said.iter().all(|said| said.sequence.is_some() || !said.ruling.opens));
                shown.extend(said.into_iter().filter(|said| said.sequence.is_some()));
                if failed {
                    return Err(Failed);
                }
            }
            Step::Ask(slot) => shown.extend(ask(open_ledger, *slot)?),
            Step::Answered(slot) => {
                let claim = rows(open_ledger).into_iter().rev().find(|row| is_claim_of(row, *slot));
                let answer = |ledger: &mut Ledger, claim| ledger.claimed(claim, Some(GRANTED), moment(DOORS));
                let mut said = claim.and_then(|claim| answer(open_ledger, claim.sequence));
                if said.is_none() {
                    // The agent was cut off in between: nobody was shown anything, and they scan again.
                    said = ask(open_ledger, *slot)?;
                    if let Some(question) = open_ledger.questions().pop() {
                        said = answer(open_ledger, question.sequence);
                    }
                }
                let said = said.ok_or(Failed)?;
                if said.sequence.is_none() {
                    return Err(Failed);
                }
                shown.push(said);
            }
            Step::Undo(slot) => {
                if let Some(sequence) = history(open_ledger, *slot).last().map(|row| row.sequence) {
                    done(open_ledger.undo(sequence, Actor::Operator, moment(DOORS)))?;
                }
            }
            Step::Hold(slot) => {
                done(open_ledger.hold(last_verdict(open_ledger, *slot), Actor::Operator, moment(DOORS)))?;
            }
            Step::Release(slot) => {
                done(open_ledger.release(last_verdict(open_ledger, *slot), Actor::Operator, moment(DOORS)))?;
            }
            Step::Overrule(slot) => {
                let refusal = last_verdict(open_ledger, *slot);
                let (supervisor, why) = (SupervisorId(1), OverruleReason::Identified);
                shown.extend(done(open_ledger.overrule(refusal, supervisor, why, moment(DOORS)))?);
            }
            Step::Confirm { slot, passed } => {
                done(open_ledger.confirm(last_verdict(open_ledger, *slot), *passed, moment(DOORS)))?;
            }
            Step::Tell(slot, actuation) => {
                let admission = history(open_ledger, *slot).last().map(|row| row.sequence);
                if let Some(admission) = admission {
                    open_ledger.tell(admission, *actuation);
                }
                open_ledger.write_outcomes(moment(DOORS)).map_err(|_| Failed)?;
            }
            Step::SetClock(answer) => open_ledger.set_clock(answer, moment(DOORS)).map_err(|_| Failed)?,
            Step::Settle(most) => {
                let batch = open_ledger.batch(*most).map_err(|_| Failed)?;
                let sequences = batch.map(|batch| batch.sequences()).into_iter().flatten();
                let results = sequences.map(|sequence| RowResult { sequence, outcome: RowOutcome::Stored });
                open_ledger.settle(&results.collect::<Vec<_>>()).map(drop).map_err(|_| Failed)?;
            }
            Step::Guests(guests) => {
                // Whoever asks for a page has read names before.
                open_ledger.keep_names(moment(DOORS));
                let page = GuestPage { guests: guests.clone(), next: None };
                let delivery = Delivery::Guests { event: samples::EVENT, page };
                open_ledger.deliver(delivery, moment(DOORS)).map(drop).map_err(|_| Failed)?;
            }
            Step::WrongPin(pin) => match open_ledger.identify(pin, Desk::Gate, moment(DOORS)) {
                Err(ActError::WrongPin) => {}
                Err(ActError::Ledger(_)) => return Err(Failed),
                outcome => panic!("{outcome:?}"),
            },
            Step::WrongCode => match open_ledger.find(LaneId(1), "00000-00000".parse().unwrap(), moment(DOORS)) {
                Err(ActError::NobodyFound) => {}
                Err(ActError::Ledger(_)) => return Err(Failed),
                outcome => panic!("{outcome:?}"),
            },
            Step::PassTime(to) => open_ledger.pass_time(moment(*to)).map_err(|_| Failed)?,
            Step::Prune => {
                let later = moment(DOORS + Duration::from_mins(1));
                _ = open_ledger.prune(Duration::ZERO, later).map_err(|_| Failed)?;
            }
            Step::Restart => {
                *ledger = None;
                *ledger = Some(self.start(disk).map_err(|_| Failed)?);
            }
        }
        Ok(())
    }
}

/// Shows a ticket about which the others are asked; the answer is a verdict for which they need not be.
fn ask(ledger: &mut Ledger, slot: u32) -> Result<Option<Announcement>, Failed> {
    ledger.asks_others(true);
    let said = ledger.scan(&[scan(&ticket(slot, 1))], moment(DOORS)).pop();
    ledger.asks_others(false);
    if said.as_ref().is_some_and(|said| said.sequence.is_none()) { Err(Failed) } else { Ok(said) }
}

/// What came of a deed; nothing where it was done already, before the power went.
fn done<T>(outcome: Result<T, ActError>) -> Result<Option<T>, Failed> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(ActError::Ledger(_)) => Err(Failed),
        Err(
            ActError::TakenBack { .. }
            | ActError::Held
            | ActError::NotHeld
            | ActError::Overruled { .. }
            | ActError::NothingToConfirm { .. },
        ) => Ok(None),
        Err(error) => panic!("{error:?}"),
    }
}

fn is_of(row: &JournalRow, slot: u32) -> bool {
    matches!(row.subject, Subject::Ticket { slot: of, .. } if of == Slot(slot))
}

fn is_claim_of(row: &JournalRow, slot: u32) -> bool {
    is_of(row, slot) && matches!(row.act, Some(Act::Claim { .. }))
}

/// The row of the seat's last scan.
fn last_verdict(ledger: &Ledger, slot: u32) -> u64 {
    let rows = rows(ledger);
    rows.iter().rev().find(|row| is_of(row, slot) && row.act.is_none()).unwrap().sequence
}
