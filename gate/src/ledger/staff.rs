//! What staff do about a row, each a row of its own, durable before it is answered. Which of it is right, [`Case`] says.

use countermark_shared::clock::Clock;
use countermark_shared::journal::{Act, Actor, Actuation, JournalRow, Subject};
use countermark_shared::verdict::Admission;
use rusqlite::TransactionBehavior;

use super::case::Case;
use super::history::History;
use super::judge::Grounds;
use super::outcomes::Outcomes;
use super::pin::{NotHashed, PinHash};
use super::recorder::Recorder;
use super::supervisors::Desk;
use super::{ActError, Deed, Done, Ledger, LedgerError, Recent, store};
use crate::announcement::Sentence;
use crate::clock::Moment;

/// Something that is done about a row, by staff or, with a PIN, by a supervisor: [`Ledger::undo`], [`Ledger::hold`], [`Ledger::release`].
pub(crate) type StaffAct = fn(&mut Ledger, u64, Actor, Moment) -> Result<Done, ActError>;

impl Ledger {
    /// Takes an admission back: nobody went through.
    pub(crate) fn undo(&mut self, sequence: u64, actor: Actor, now: Moment) -> Result<Done, ActError> {
        self.act(sequence, now, |case, recorder| {
            let persons = case.undo(actor)?;
            let written = recorder.act(case.row, actor, Act::Undo { of: sequence, persons })?;
            store::finish(recorder.grounds.connection, sequence)?;
            Ok((Deed::Undo, written))
        })
    }

    /// Holds the seat of a row back at this gate, until the cloud's list says what becomes of it.
    pub(crate) fn hold(&mut self, sequence: u64, actor: Actor, now: Moment) -> Result<Done, ActError> {
        self.act(sequence, now, |case, recorder| {
            case.hold(actor)?;
            Ok((Deed::Hold, recorder.act(case.row, actor, Act::Hold)?))
        })
    }

    /// Holds the seat of a row back no longer.
    pub(crate) fn release(&mut self, sequence: u64, actor: Actor, now: Moment) -> Result<Done, ActError> {
        self.act(sequence, now, |case, recorder| {
            case.release(actor)?;
            Ok((Deed::Release, recorder.act(case.row, actor, Act::Release)?))
        })
    }

    /// Does what staff alone may not, if somebody who may has this PIN.
    pub(super) fn act_by_pin(
        &mut self,
        act: StaffAct,
        pin: Result<PinHash, NotHashed>,
        desk: Desk,
        sequence: u64,
        now: Moment,
    ) -> Result<Done, ActError> {
        self.identify(&pin?, desk, now)?;
        act(self, sequence, Actor::Supervisor, now)
    }

    /// Notes what staff say of an admission of which it is not known how it ended. If nobody passed, it is as if the turnstile had not turned: forgiven once.
    pub(crate) fn confirm(&mut self, sequence: u64, passed: bool, now: Moment) -> Result<Done, ActError> {
        let done = self.act(sequence, now, |case, recorder| {
            let admission = case.confirm()?;
            let actuation = if passed { Actuation::Turned } else { Actuation::NotTurned };
            let act = Act::Actuated { of: admission.sequence, actuation };
            let written = recorder.act(admission, Actor::Operator, act)?;
            store::finish(recorder.grounds.connection, admission.sequence)?;
            Ok((Deed::Confirm, written))
        })?;
        Ok(if passed { Done { sentence: Sentence::counts_as_used(), ..done } } else { done })
    }

    /// The last scans, at most so many, the newest first.
    pub(crate) fn recent(&self, most: usize, now: Moment) -> Result<Vec<Recent>, LedgerError> {
        let clock = self.read_clock(now);
        let has_supervisors = store::has_supervisors(&self.connection)?;
        let recent = |row: JournalRow| {
            let history = history(&self.connection, &row.subject)?;
            let case = self.outcomes.case(&row, &history, has_supervisors, clock);
            Ok(Recent::new(&case, self.last_entry(&row, &history)))
        };
        store::last_verdicts(&self.connection, most)?.into_iter().map(recent).collect()
    }

    /// When the seat of a row by which nobody passed was last admitted, here or at another gate.
    fn last_entry(&self, row: &JournalRow, history: &History) -> Option<Admission> {
        let Subject::Ticket { event, slot, generation: _ } = row.subject else { return None };
        let feed = self.documents.feed().filter(|feed| feed.event() == event);
        let told = feed.and_then(|feed| feed.passages(slot, Some(self.gate), None).last_entry);
        let told = told.map(|last| Admission { at: last.at, gate: Some(last.gate) });
        let own = history.passages(None).last_entry;
        own.into_iter().chain(told).max_by_key(|entry| entry.at).filter(|_| row.persons == 0)
    }

    /// One deed in one transaction, which sees all that was told before it.
    fn act(
        &mut self,
        sequence: u64,
        now: Moment,
        deed: impl FnOnce(&Case<'_>, Recorder<'_>) -> Result<(Deed, u64), ActError>,
    ) -> Result<Done, ActError> {
        let done = self.transact(now, |recorder| {
            let Grounds { connection, documents: _, names: _, lanes: _, clock } = recorder.grounds;
            let row = store::row(connection, sequence)?.ok_or(ActError::Unknown { sequence })?;
            let history = history(connection, &row.subject)?;
            let case = recorder.outcomes.case(&row, &history, store::has_supervisors(connection)?, clock);
            let (deed, written) = deed(&case, recorder)?;
            let Subject::Ticket { event, slot, generation: _ } = row.subject else {
                return Err(ActError::NoTicket { sequence });
            };
            let (at, lane, sentence) = (clock.now, row.lane, deed.sentence());
            Ok((event, Done { deed, sequence: written, of: sequence, at, lane, slot, sentence }))
        });
        done.map(|(event, done)| {
            self.debounce.forget_seat(event, done.slot);
            done
        })
    }

    /// One transaction, after what was told since the last one.
    pub(super) fn transact<T, E: From<LedgerError>>(
        &mut self,
        now: Moment,
        work: impl FnOnce(Recorder<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let clock = self.read_clock(now);
        let Self { connection, gate, boot, documents, names, lanes, outcomes, .. } = self;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(LedgerError::from)?;
        let grounds = Grounds { connection: &transaction, documents, names, lanes, clock };
        let recorder = Recorder { gate: *gate, boot: *boot, grounds, outcomes };
        outcomes.write(recorder)?;
        let worked = work(recorder)?;
        transaction.commit().map_err(LedgerError::from)?;
        outcomes.written();
        Ok(worked)
    }
}

impl Outcomes {
    /// A row as of now.
    pub(super) fn case<'a>(
        &self,
        row: &'a JournalRow,
        history: &'a History,
        has_supervisors: bool,
        clock: Clock,
    ) -> Case<'a> {
        Case { row, history, has_opener: self.are_told_at(row.lane), has_supervisors, now: clock.now }
    }
}

/// What is known of a row's seat; nothing of a row that has none.
pub(super) fn history(connection: &rusqlite::Connection, subject: &Subject) -> Result<History, LedgerError> {
    match subject {
        Subject::Ticket { event, slot, generation: _ } => Ok(store::history(connection, *event, *slot)?),
        Subject::Payload { hash: _ } => Ok(History::default()),
    }
}

impl Deed {
    /// What it means for whoever stands there.
    fn sentence(self) -> Sentence {
        let (en, fr) = match self {
            Self::Undo => {
                ("Taken back. The ticket can be scanned again.", "Annulé. Le billet peut être scanné de nouveau.")
            }
            Self::Overrule => ("Let in by a supervisor.", "Entrée autorisée par un superviseur."),
            Self::Hold => {
                ("On hold at this gate. Tell the administrator.", "Bloqué à ce portique. Prévenez l'administrateur.")
            }
            Self::Release => ("No longer on hold at this gate.", "N'est plus bloqué à ce portique."),
            Self::Confirm => (
                "Noted: nobody passed. Scan the ticket again.",
                "C'est noté : personne n'est passé. Scannez de nouveau le billet.",
            ),
        };
        Sentence { en: en.to_owned(), fr: fr.to_owned() }
    }
}
