//! A row, and whether staff may do something about it: the rules of undo, overrule, hold, release and confirm. Pure: what is right to do is
//! said here once, for whoever does it and for whoever shows what can be done.

use core::num::NonZeroU8;
use core::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::journal::{Act, Actor, Actuation, JournalRow, Subject, UNDO_WINDOW};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::history::{History, Unended};
use super::{ActError, Deed};

/// For how long an admission can be taken back, which validation knows too, a refusal overruled, and one through which nobody went forgiven:
/// after that, whoever it was about has gone on, and staff would say of somebody what they have not seen.
pub(super) const WINDOW: Duration = UNDO_WINDOW;

/// All that bears on what may be done about a row.
pub(super) struct Case<'a> {
    pub(super) row: &'a JournalRow,
    /// Of the row's seat; empty where it has none.
    pub(super) history: &'a History,
    /// Whether an output of the row's lane tells how an admission ends.
    pub(super) has_opener: bool,
    /// Whether the gate has somebody whose PIN allows what staff alone may not.
    pub(super) has_supervisors: bool,
    pub(super) now: Timestamp,
}

/// How often staff take a seat back by themselves. More often it is no turnstile that does not turn, but one ticket for many.
const FREE_UNDOS: usize = 1;
/// So often where there is nobody to ask.
const MOST_UNDOS: usize = 2;

impl Case<'_> {
    /// What may be done now, as far as it can be seen without doing it, and whether that takes a supervisor's PIN.
    pub(super) fn may(&self) -> Vec<(Deed, bool)> {
        let by = |deed: fn(&Self, Actor) -> Result<(), ActError>| match deed(self, Actor::Operator) {
            Ok(()) => Some(false),
            Err(ActError::TakesPin) => Some(true),
            Err(_) => None,
        };
        let deeds = [
            (Deed::Undo, by(|case, actor| case.undo(actor).map(drop))),
            (Deed::Overrule, self.overrule().is_ok().then_some(true)),
            (Deed::Hold, by(Self::hold)),
            (Deed::Release, by(Self::release)),
            (Deed::Confirm, self.confirm().is_ok().then_some(false)),
        ];
        deeds.into_iter().filter_map(|(deed, pin)| Some((deed, pin?))).collect()
    }

    /// For how many persons the admission can be taken back. Only the seat's last passage can: what came after was decided by it.
    pub(super) fn undo(&self, actor: Actor) -> Result<NonZeroU8, ActError> {
        let sequence = self.row.sequence;
        let admitted = NonZeroU8::new(self.row.persons).filter(|_| self.row.direction == Direction::Entry);
        let persons = admitted.ok_or(ActError::NotAnAdmission { sequence })?;
        if self.row.reason == Reason::Forgiven {
            return Err(ActError::Forgiven { sequence });
        }
        if self.history.is_undone(sequence) {
            return Err(ActError::TakenBack { sequence });
        }
        if self.history.last().is_none_or(|last| last.sequence != sequence) {
            return Err(ActError::PassedSince { sequence });
        }
        if self.history.told(sequence).is_some_and(|(told, _)| told == Actuation::Turned) {
            return Err(ActError::Turned { sequence });
        }
        if self.has_opener && self.history.unended(sequence) == Some(Unended::UnderWay) {
            return Err(ActError::UnderWay { sequence });
        }
        self.in_time()?;
        let undone = self.history.undos();
        match actor {
            Actor::Gate | Actor::Operator if self.has_supervisors && undone >= FREE_UNDOS => Err(ActError::TakesPin),
            Actor::Gate | Actor::Operator if undone >= MOST_UNDOS => Err(ActError::TakenBackTwice),
            Actor::Gate | Actor::Operator | Actor::Supervisor => Ok(persons),
        }
    }

    /// Whether a supervisor may let in whom the row refused, as far as the row says.
    pub(super) fn overrule(&self) -> Result<(), ActError> {
        let sequence = self.row.sequence;
        let is_verdict = matches!(self.row.act, None | Some(Act::Claimed { of: _ }));
        if !is_verdict || self.row.persons > 0 || self.row.direction == Direction::Exit {
            return Err(ActError::NotARefusal { sequence });
        }
        if !may_be_overruled(self.row.reason) {
            return Err(ActError::Final { reason: self.row.reason });
        }
        self.has_ticket()?;
        if self.history.is_overruled(sequence) {
            return Err(ActError::Overruled { sequence });
        }
        self.in_time()
    }

    /// Whether the seat can be held back: by staff that of who stands there, by a supervisor any.
    pub(super) fn hold(&self, actor: Actor) -> Result<(), ActError> {
        self.has_ticket()?;
        if self.history.hold().is_some() { Err(ActError::Held) } else { self.before(actor) }
    }

    /// Whether it can be held back no longer, by the same.
    pub(super) fn release(&self, actor: Actor) -> Result<(), ActError> {
        self.has_ticket()?;
        if self.history.hold().is_some() { self.before(actor) } else { Err(ActError::NotHeld) }
    }

    /// The admission of which staff can say whether anybody went through. They name it, or the scan that called them.
    pub(super) fn confirm(&self) -> Result<&JournalRow, ActError> {
        let sequence = self.row.sequence;
        let named = |admission: &&JournalRow| {
            admission.sequence == sequence || (self.row.reason == Reason::Interrupted && sequence > admission.sequence)
        };
        self.history.in_doubt(self.now).filter(named).ok_or(ActError::NothingToConfirm { sequence })
    }

    fn has_ticket(&self) -> Result<(), ActError> {
        match self.row.subject {
            Subject::Ticket { .. } => Ok(()),
            Subject::Payload { hash: _ } => Err(ActError::NoTicket { sequence: self.row.sequence }),
        }
    }

    /// Whether whoever the row is about may still stand before staff; a supervisor need not see them.
    fn before(&self, actor: Actor) -> Result<(), ActError> {
        match actor {
            Actor::Supervisor => Ok(()),
            Actor::Gate | Actor::Operator if !self.has_supervisors => self.in_time(),
            Actor::Gate | Actor::Operator => self.in_time().map_err(|_| ActError::TakesPin),
        }
    }

    fn in_time(&self) -> Result<(), ActError> {
        if self.now.since(self.row.at) <= WINDOW {
            return Ok(());
        }
        Err(ActError::TooLate { sequence: self.row.sequence, minutes: WINDOW.as_secs() / 60 })
    }
}

/// Whether a supervisor may let somebody in for whom this is the verdict. Not where somebody else has the right to the seat or nobody has,
/// nor where the gate itself has none to admit.
pub(super) const fn may_be_overruled(reason: Reason) -> bool {
    match reason {
        Reason::LiveProofStale
        | Reason::NotYetValid
        | Reason::NoLongerValid
        | Reason::WrongZone
        | Reason::AlreadyInside
        | Reason::AlreadyUsed
        | Reason::PlacesUsedUp
        | Reason::EntriesUsedUp
        | Reason::EntriesTodayUsedUp
        | Reason::PassBack
        | Reason::LiveProofMissing
        | Reason::LiveProofFromTheFuture
        | Reason::ProductUnknown
        | Reason::NotIssued
        | Reason::Blocked
        | Reason::ExitMissing
        | Reason::Interrupted
        | Reason::UsedElsewhere
        | Reason::OthersUnreachable
        | Reason::CheckId
        | Reason::ClockUnsure
        | Reason::ListTooOld
        | Reason::BundleTooOld
        | Reason::FoundByOrder => true,
        Reason::CannotDecide
        | Reason::ScanAgain
        | Reason::NotOurs
        | Reason::UnknownVersion
        | Reason::Malformed
        | Reason::OtherEvent
        | Reason::KeyUnknown
        | Reason::KeyRevoked
        | Reason::IssuerForged
        | Reason::AuthorityForged
        | Reason::LiveProofForged
        | Reason::OutdatedGeneration
        | Reason::Revoked
        | Reason::Suspended
        | Reason::LeaseEnded
        | Reason::ExitUnread
        | Reason::Forgiven
        | Reason::NewerThanList
        | Reason::NoList
        | Reason::ListOld
        | Reason::ClockUnset
        | Reason::BundleExpired
        | Reason::ExitWithoutEntry
        | Reason::Exit
        | Reason::Admitted
        | Reason::Overruled => false,
    }
}
