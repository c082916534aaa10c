//! Those who may overrule this gate: names, numbers, PINs. Their names stay on this box; journal rows have the numbers.

use countermark_shared::id::SupervisorId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::pin::{NotHashed, PinHash, Salt};
use super::store::{self, NotAdded};
use super::{ActError, Ledger, LedgerError};
use crate::clock::Moment;
use crate::retire::ENROL_ANEW;

/// A longer name is none.
const LONGEST_NAME: usize = 64;

/// Somebody who may overrule the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Supervisor {
    /// As journal rows have it. Of somebody who was removed it is not given again.
    pub(crate) number: SupervisorId,
    /// For people at this box.
    pub(crate) name: String,
}

/// Where a PIN is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Desk {
    /// At the gate itself: its screen, or its command line.
    Gate,
    /// At the tablet of this number, from 1.
    Tablet(u32),
}

impl Desk {
    /// As the ledger's tables have it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Gate => 0,
            Self::Tablet(number) => number,
        }
    }
}

/// What a supervisor typed.
#[derive(Debug)]
pub(crate) struct TypedPin {
    /// As it was typed.
    pub(crate) pin: SecretString,
    /// Where.
    pub(crate) desk: Desk,
}

/// Somebody who is to be one. The salt is taken where the gate has none yet.
#[derive(Debug)]
pub(crate) struct NewSupervisor {
    name: String,
    pub(super) salt: Salt,
}

/// Why somebody is no supervisor.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupervisorError {
    /// It is no name.
    #[error("a name has 1 to {LONGEST_NAME} characters, all of them legible")]
    Name,
    /// Two cannot be told apart.
    #[error("another supervisor of this gate has this PIN; choose another")]
    Taken,
    /// Each was given once.
    #[error("this gate has given away all of its numbers for supervisors; {ENROL_ANEW}")]
    NoNumber,
    /// Nobody has the number.
    #[error("nobody is supervisor {number} of this gate; `countermark-gate supervisor list` says who is")]
    Unknown {
        /// It.
        number: SupervisorId,
    },
    /// Somebody else was the first in the same moment.
    #[error("another supervisor was added meanwhile; run the same command again")]
    Meanwhile,
    /// Too many at once.
    #[error("too many PINs wait to be looked at; run the same command again")]
    Busy,
    /// There is no hash.
    #[error(transparent)]
    NotHashed(#[from] NotHashed),
    /// It could not be stored.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<rusqlite::Error> for SupervisorError {
    fn from(error: rusqlite::Error) -> Self {
        LedgerError::from(error).into()
    }
}

impl NewSupervisor {
    /// With 16 random bytes.
    pub(crate) fn new(name: &str, salt: Salt) -> Result<Self, SupervisorError> {
        let name = name.trim();
        let legible = !name.is_empty() && !name.chars().any(char::is_control);
        if legible && name.chars().count() <= LONGEST_NAME {
            Ok(Self { name: name.to_owned(), salt })
        } else {
            Err(SupervisorError::Name)
        }
    }
}

impl Ledger {
    /// By number.
    pub(crate) fn supervisors(&self) -> Result<Vec<Supervisor>, LedgerError> {
        Ok(store::supervisors(&self.connection)?)
    }

    /// With what a new supervisor's PIN is to be hashed.
    pub(crate) fn salt_for(&self, new: &NewSupervisor) -> Result<Salt, LedgerError> {
        Ok(store::pin_salt(&self.connection)?.unwrap_or(new.salt))
    }

    /// Makes somebody a supervisor whose PIN was hashed with the salt of [`salt_for`](Self::salt_for).
    pub(crate) fn add_supervisor(
        &mut self,
        new: &NewSupervisor,
        salt: Salt,
        pin: &PinHash,
    ) -> Result<SupervisorId, SupervisorError> {
        let transaction = self.connection.transaction()?;
        store::put_pin_salt(&transaction, &salt)?;
        if store::pin_salt(&transaction)? != Some(salt) {
            return Err(SupervisorError::Meanwhile);
        }
        let number = store::add_supervisor(&transaction, &new.name, pin).map_err(|why| match why {
            NotAdded::Taken => SupervisorError::Taken,
            NotAdded::NoNumber => SupervisorError::NoNumber,
            NotAdded::Failed(error) => error.into(),
        })?;
        transaction.commit()?;
        Ok(number)
    }

    /// Somebody is a supervisor no longer. Their name is kept with their number, which rows have.
    pub(crate) fn remove_supervisor(&mut self, number: SupervisorId) -> Result<(), SupervisorError> {
        if store::remove_supervisor(&self.connection, number)? {
            Ok(())
        } else {
            Err(SupervisorError::Unknown { number })
        }
    }

    /// Begins a try of a PIN that somebody typed, if it may be tried now: with what it is to be hashed.
    pub(super) fn begin_try(&mut self, desk: Desk, now: Moment) -> Result<Salt, ActError> {
        self.serve_wait(desk, now)?;
        let salt = store::pin_salt(&self.connection)?;
        let has_supervisors = store::has_supervisors(&self.connection)?;
        salt.filter(|_| has_supervisors).ok_or(ActError::NoSupervisor)
    }

    /// Whether staff may do what takes a supervisor's PIN where there is one, and show none.
    pub(super) fn permit_without_pin(&self) -> Result<(), ActError> {
        if store::has_supervisors(&self.connection)? { Err(ActError::PinMissing) } else { Ok(()) }
    }

    /// Whose PIN it is. That it is nobody's is on the disk before it is said, so that whoever pulls the plug has tried it all the same. Of
    /// several that were hashed at once, each is held against those before.
    pub(super) fn identify(&mut self, pin: &PinHash, desk: Desk, now: Moment) -> Result<SupervisorId, ActError> {
        self.serve_wait(desk, now)?;
        let found = store::supervisor_of(&self.connection, pin)?;
        if found.is_none() {
            let shown = self.read_clock(now).now;
            let throttle = store::throttle(&self.connection, desk)?.at(shown);
            self.write(|connection| store::put_throttle(connection, desk, throttle.after_one_more(shown)))?;
        }
        found.ok_or(ActError::WrongPin)
    }

    /// Refuses for as long as there is a wait. One that a clock that was set back made longer begins anew, and that is written down: else it would
    /// begin anew each time.
    fn serve_wait(&mut self, desk: Desk, now: Moment) -> Result<(), ActError> {
        let shown = self.read_clock(now).now;
        let stored = store::throttle(&self.connection, desk)?;
        let throttle = stored.at(shown);
        if throttle != stored {
            self.write(|connection| store::put_throttle(connection, desk, throttle))?;
        }
        match throttle.wait(shown) {
            // A part of a second is one more.
            Some(left) => Err(ActError::Wait { seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) }),
            None => Ok(()),
        }
    }
}
