//! A row, and whether staff may do something about it: the rules of undo, overrule, hold, release and confirm. Pure: what is right to do is
//! said here once, for whoever does it and for whoever shows what can be done.

use core::num::NonZeroU8;
use core::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::journal::{Act, Actuation, JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::history::{History, Unended};
use super::{ActError, Deed};

/// For how long an admission can be taken back, a refusal overruled, and one through which nobody went forgiven. Chosen, by nobody's standard: after
/// that, whoever it was about has gone on, and staff would say of somebody what they have not seen.
pub(super) const WINDOW: Duration = Duration::from_mins(5);

/// All that bears on what may be done about a row.
pub(super) struct Case<'a> {
    pub(super) row: &'a JournalRow,
    /// Of the row's seat; empty where it has none.
    pub(super) history: &'a History,
    /// Whether an output of the row's lane tells how an admission ends.
    pub(super) has_opener: bool,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    /// What may be done now, as far as it can be seen without doing it.
    pub(super) fn may(&self) -> Vec<Deed> {
        let deeds = [
            (Deed::Undo, self.undo().is_ok()),
            (Deed::Overrule, self.overrule().is_ok()),
            (Deed::Hold, self.hold().is_ok()),
            (Deed::Release, self.release().is_ok()),
            (Deed::Confirm, self.confirm().is_ok()),
        ];
        deeds.into_iter().filter_map(|(deed, may)| may.then_some(deed)).collect()
    }

    /// For how many persons the admission can be taken back. Only the seat's last passage can: what came after was decided by it.
    pub(super) fn undo(&self) -> Result<NonZeroU8, ActError> {
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
        Ok(persons)
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

    /// Whether the seat can be held back.
    pub(super) fn hold(&self) -> Result<(), ActError> {
        self.has_ticket()?;
        if self.history.hold().is_some() { Err(ActError::Held) } else { Ok(()) }
    }

    /// Whether it can be held back no longer.
    pub(super) fn release(&self) -> Result<(), ActError> {
        self.has_ticket()?;
        if self.history.hold().is_some() { Ok(()) } else { Err(ActError::NotHeld) }
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
        | Reason::BundleTooOld => true,
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
