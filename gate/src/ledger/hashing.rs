//! The thread that hashes PINs, so that no scan waits for it: one at a time, and few that wait. What follows from a hash, the ledger says.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use countermark_shared::id::SupervisorId;
use countermark_shared::journal::OverruleReason;
use tokio::sync::{mpsc, oneshot};

use super::pin::{NotHashed, Pin, PinHash, Salt};
use super::staff::StaffAct;
use super::supervisors::{Desk, NewSupervisor, SupervisorError};
use super::{ActError, Done, Work};
use crate::announcement::Announcement;

/// PINs that may wait. More than a gate has supervisors at once.
const WAITING: usize = 8;

/// Where the ledger hands PINs in.
#[derive(Debug)]
pub(crate) struct Pins(SyncSender<Job>);

/// What its thread does; it ends when [`Pins`] is dropped.
#[derive(Debug)]
pub(crate) struct PinWorker {
    jobs: Receiver<Job>,
    ledger: mpsc::WeakSender<Work>,
}

#[derive(Debug)]
struct Job {
    pin: Pin,
    salt: Salt,
    purpose: Purpose,
}

/// A PIN that was hashed, on its way back to the ledger.
#[derive(Debug)]
pub(crate) struct Hashed {
    pub(super) hash: Result<PinHash, NotHashed>,
    pub(super) purpose: Purpose,
}

/// What somebody wants by a PIN.
#[derive(Debug)]
pub(super) enum Purpose {
    /// To overrule the gate.
    Overrule { sequence: u64, desk: Desk, why: OverruleReason, reply: oneshot::Sender<Result<Announcement, ActError>> },
    /// To do what staff alone may not.
    ByStaff { act: StaffAct, sequence: u64, desk: Desk, reply: oneshot::Sender<Result<Done, ActError>> },
    /// To do what the ledger does not do itself.
    Permit { desk: Desk, reply: oneshot::Sender<Result<(), ActError>> },
    /// To be a supervisor.
    Add { supervisor: NewSupervisor, salt: Salt, reply: oneshot::Sender<Result<SupervisorId, SupervisorError>> },
}

impl Purpose {
    /// The PIN is not looked at. Who is to be a supervisor is told that too many are at it.
    pub(super) fn refuse(self, why: ActError) {
        match self {
            Self::Overrule { reply, .. } => drop(reply.send(Err(why))),
            Self::ByStaff { reply, .. } => drop(reply.send(Err(why))),
            Self::Permit { reply, .. } => drop(reply.send(Err(why))),
            Self::Add { reply, .. } => drop(reply.send(Err(SupervisorError::Busy))),
        }
    }
}

impl Pins {
    /// With the thread's work, whose answers go to the ledger for as long as anybody else can ask it.
    pub(crate) fn new(ledger: &mpsc::Sender<Work>) -> (Self, PinWorker) {
        let (sender, jobs) = sync_channel(WAITING);
        (Self(sender), PinWorker { jobs, ledger: ledger.downgrade() })
    }

    /// Has a PIN hashed; never waits. Where too many wait already, whoever asked is told so.
    pub(super) fn hash(&self, pin: Pin, salt: Salt, purpose: Purpose) {
        match self.0.try_send(Job { pin, salt, purpose }) {
            Ok(()) => {}
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                job.purpose.refuse(ActError::Wait { seconds: 1 });
            }
        }
    }
}

impl PinWorker {
    /// Works until nobody can ask it anything any more.
    pub(crate) fn work(self) {
        for Job { pin, salt, purpose } in self.jobs {
            let hash = pin.hash(&salt);
            let Some(ledger) = self.ledger.upgrade() else { return };
            // The ledger that is gone wants no answer.
            ledger.blocking_send(Work::Hashed(Hashed { hash, purpose })).unwrap_or_default();
        }
    }
}
