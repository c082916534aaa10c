//! Asking the other gates before anybody passes. The question is a row, and nobody passes by it; asked it is once that row is durable and no transaction
//! is open, and the verdict is a second row. Refuses to know who answers, how, and how long that may take.
//!
//! Until then the seat counts as having passed here. What was not answered when the agent ended is refused at its next start, and what was answered while
//! the disk took nothing, as soon as it takes something: nobody was shown anything.

use core::fmt;
use core::num::NonZeroU8;
use std::collections::BTreeMap;

use countermark_shared::decision::Claim;
use countermark_shared::journal::{Act, Actor, JournalRow, Subject};
use countermark_shared::verdict::{Reason, Verdict};
use countermark_shared::wire::{AskClaim, Base64, ClaimAnswered};

use super::debounce::Answer;
use super::judge::{self, Asks, Judgement, Others};
use super::recorder::Recorder;
use super::{Defect, Ledger, LedgerError, store, undecided};
use crate::announcement::Announcement;
use crate::clock::Moment;
use crate::input::{RawScan, Source};

/// What to ask, and by which row.
#[derive(Clone)]
pub(crate) struct Question {
    /// The claim's row.
    pub(crate) sequence: u64,
    /// The question.
    pub(crate) ask: AskClaim,
}

/// The ticket is not for the log.
impl fmt::Debug for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Question").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// What is asked and not answered.
#[derive(Default)]
pub(super) struct Claims {
    /// Whether the others are asked about every ticket, and not only where the policy is strict.
    always: bool,
    asked: BTreeMap<u64, Asked>,
    /// In rows that nobody has been handed yet.
    unasked: Vec<Question>,
    /// Whether an answer could not be written.
    unwritten: bool,
}

struct Asked {
    scan: RawScan,
    subject: Subject,
}

impl Claims {
    /// Whether a verdict waits for the others.
    pub(super) fn others(&self) -> Others {
        Others::Ask { always: self.always }
    }

    /// Whether a reader still sees what is being asked about.
    pub(super) fn are_about(&self, scan: &RawScan, subject: &Subject) -> bool {
        let Source::Device(_) = &scan.source else { return false };
        let held = |asked: &Asked| {
            (asked.scan.lane, &asked.scan.source) == (scan.lane, &scan.source) && is_one_seat(&asked.subject, subject)
        };
        self.asked.values().any(held)
    }

    /// Writes down that the others are asked.
    pub(super) fn ask(
        &mut self,
        recorder: Recorder<'_>,
        scan: &RawScan,
        judgement: &Judgement,
        asks: Asks,
    ) -> Result<(), LedgerError> {
        let persons = NonZeroU8::new(judgement.verdict.persons).unwrap_or(NonZeroU8::MIN);
        let claim = |attempt: [u8; 16]| Some(Act::Claim { attempt: attempt.into(), persons });
        let verdict = recorder.verdict(scan, judgement);
        let mut row = JournalRow { persons: 0, proved: false, act: claim([0; 16]), ..verdict };
        let attempt = recorder.name(&mut row)?;
        row.act = claim(attempt);
        recorder.append(&mut row, judgement.proof.as_deref())?;
        let Asks { ticket, own } = asks;
        let ask = AskClaim { attempt: Base64(attempt), row: row.sequence, persons, own, ticket };
        self.asked.insert(row.sequence, Asked { scan: scan.clone(), subject: row.subject });
        self.unasked.push(Question { sequence: row.sequence, ask });
        Ok(())
    }

    /// The rows that ask were not written.
    pub(super) fn forget_unasked(&mut self) {
        for question in self.unasked.drain(..) {
            self.asked.remove(&question.sequence);
        }
    }
}

impl Recorder<'_> {
    /// What a question is called: by the hash that its row would have without that name. The hash holds all rows before it, and the start of the machine,
    /// which a disk that was put back has not seen.
    fn name(&self, row: &mut JournalRow) -> Result<[u8; 16], LedgerError> {
        let head = store::head(self.grounds.connection)?;
        row.sequence = head.sequence + 1;
        let [name @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = head.hash.next(&row.to_bytes()).0;
        Ok(name)
    }
}

impl Ledger {
    /// From now on the others are asked about every ticket, or only where the policy is strict.
    pub(crate) fn asks_others(&mut self, always: bool) {
        self.claims.always = always;
    }

    /// Whether somebody was asked about and has no verdict.
    pub(crate) fn waits_for_others(&self) -> bool {
        !self.claims.asked.is_empty()
    }

    /// What is to be asked since this was last called, each once.
    pub(crate) fn questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.claims.unasked)
    }

    /// Judges anew whoever was asked about, by what was answered, and writes it down; no answer is that nobody answered in time. Nothing is
    /// said where the question was answered before, or never asked by this run.
    pub(crate) fn claimed(
        &mut self,
        sequence: u64,
        answer: Option<ClaimAnswered>,
        now: Moment,
    ) -> Option<Announcement> {
        let Asked { scan, subject } = self.claims.asked.remove(&sequence)?;
        self.keep_names(now);
        let written = self.transact(now, |recorder| {
            let mut judgement = judge::judge(recorder.grounds, &scan, now.uptime, asked(sequence, answer))?;
            keep_to(&mut judgement.verdict, answer);
            judgement.subject = subject.clone();
            recorder.record(&scan, judgement, Some(Act::Claimed { of: sequence }), now)
        });
        let announcement = written.unwrap_or_else(|error: LedgerError| {
            self.note(Defect::of_error(&error));
            self.claims.unwritten = true;
            tracing::error!(error = error.sentence(), "the verdict after a claim was not written");
            undecided(&scan, self.read_clock(now).now, now)
        });
        self.outcomes.announced(std::slice::from_ref(&announcement));
        if let Subject::Ticket { event, slot, generation: _ } = subject {
            let answer = Answer { reason: announcement.ruling.verdict, opens: announcement.ruling.opens };
            self.debounce.answer(scan.lane, event, slot, answer);
        }
        Some(announcement)
    }

    /// Answers what was asked and is waited for no more, by the run before above all: nobody passed by it, and whoever stood there may scan again. To be
    /// done before the first scan. Where it cannot be written, those seats count as having passed until it can.
    pub(crate) fn release_claims(&mut self, now: Moment) {
        let released = self.try_release_claims(now);
        self.claims.unwritten = released.is_err();
        if let Err(error) = released {
            self.note(Defect::of_error(&error));
            tracing::error!(error = error.sentence(), "what was asked of the others and not answered is not released");
        }
    }

    /// The same, where an answer could not be written before.
    pub(super) fn release_unwritten_claims(&mut self, now: Moment) {
        if self.claims.unwritten {
            self.release_claims(now);
        }
    }

    fn try_release_claims(&mut self, now: Moment) -> Result<(), LedgerError> {
        let mut unanswered = store::unanswered_claims(&self.connection)?;
        unanswered.retain(|claim| !self.claims.asked.contains_key(&claim.sequence));
        if unanswered.is_empty() {
            return Ok(());
        }
        self.transact(now, |recorder| {
            for claim in unanswered {
                let (actor, reason) = (Actor::Gate, Reason::ScanAgain);
                let act = Some(Act::Claimed { of: claim.sequence });
                let mut row = JournalRow { persons: 0, actor, reason, proved: false, act, ..recorder.now(&claim) };
                recorder.append(&mut row, None)?;
            }
            Ok(())
        })
    }
}

fn asked(of: u64, answer: Option<ClaimAnswered>) -> Others {
    let claim = match answer {
        None => Claim::Unreachable,
        Some(ClaimAnswered { persons: 0, others }) => Claim::Refused(others),
        Some(ClaimAnswered { persons: _, others }) => Claim::Granted(others),
    };
    Others::Asked { of, claim }
}

/// No more pass than were granted.
fn keep_to(verdict: &mut Verdict, answer: Option<ClaimAnswered>) {
    if let Some(ClaimAnswered { persons, others: _ }) = answer {
        let beyond = verdict.persons.saturating_sub(persons);
        verdict.persons -= beyond;
        verdict.remaining = verdict.remaining.saturating_add(beyond);
    }
}

/// Whatever its generation.
fn is_one_seat(one: &Subject, other: &Subject) -> bool {
    let seat = |subject: &Subject| match *subject {
        Subject::Ticket { event, slot, generation: _ } => Some((event, slot)),
        Subject::Payload { hash: _ } => None,
    };
    seat(one).is_some() && seat(one) == seat(other)
}
