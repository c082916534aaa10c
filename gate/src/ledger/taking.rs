//! Taking documents and the time: on disk in one transaction before it is in force, and what of it is given on.

use countermark_shared::clock::{Clock, Exchange, NotTaken, TimeQuestion};
use countermark_shared::documents::{Assignment, Refusal, Remedy};
use countermark_shared::keys::Signature;
use countermark_shared::time::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::judge::Grounds;
use super::recorder::Recorder;
use super::{Defect, Ledger, LedgerError, aside, holds, store};
use crate::clock::Moment;
use crate::documents::{self, DocumentKind, Documents, Envelopes, Record, Standing};

/// What became of a document that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is in force, and was not before.
    New,
    /// It was in force already, or, of a head, a newer one is.
    Held,
    /// An older snapshot from which the last steps lead to what is in force: it stands for the steps before it.
    Folded,
}

/// Why an offered document did not come into force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// It does not hold.
    #[error(transparent)]
    NotTaken(#[from] documents::NotTaken),
    /// It could not be stored.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl TakeError {
    /// What helps.
    pub(crate) fn remedy(&self) -> Remedy {
        match self {
            // Whoever signed it may be in a bundle that this gate does not have.
            Self::NotTaken(documents::NotTaken::Refused(Refusal::NotSigned { document: _ })) => Remedy::EarlierBundles,
            Self::NotTaken(documents::NotTaken::Refused(refusal)) => refusal.remedy(),
            Self::NotTaken(documents::NotTaken::Premature { .. }) | Self::Ledger(_) => Remedy::None,
        }
    }
}

/// What the cloud answered to this gate's nonce.
#[derive(Clone, Debug)]
pub(crate) struct TimeAnswered {
    pub(crate) question: TimeQuestion,
    pub(crate) at: Timestamp,
    pub(crate) signature: Signature,
    pub(crate) exchange: Exchange,
}

/// Why an answer did not set the clock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TimeError {
    /// There is nobody to believe yet.
    #[error("the time cannot be believed before there is a trust bundle")]
    NoBundle,
    /// Nobody who is believed signed it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It says too little about now.
    #[error("the cloud's time took longer than five seconds to come")]
    TooSlow,
    /// Staff are asked.
    #[error(
        "the cloud says it is {at}, more than a day later than this gate's clock; compare with a watch, then run `countermark-gate clock confirm` or `clock dismiss`"
    )]
    Ahead {
        /// What it says.
        at: Timestamp,
    },
    /// It could not be stored.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What staff say of an instant that waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// It is right.
    Confirm,
    /// It is wrong.
    Dismiss,
}

impl Ledger {
    /// What the gate's clock shows.
    pub(crate) fn read_clock(&self, now: Moment) -> Clock {
        self.clock.read(now.uptime, Some(now.battery))
    }

    /// Takes an offered document: it is on disk before it comes into force.
    pub(crate) fn take(&mut self, kind: DocumentKind, bytes: &[u8], now: Moment) -> Result<Taken, TakeError> {
        let (kind, next) = match self.documents.offered(kind, bytes, self.read_clock(now).now) {
            Ok(taken) => taken,
            // A copy of the cloud lags behind. What it says was true once, and alarms nobody.
            Err(documents::NotTaken::Refused(Refusal::Older { .. })) if kind == DocumentKind::Head => {
                return Ok(Taken::Held);
            }
            // Signed, and true once.
            Err(documents::NotTaken::Refused(Refusal::Older { .. })) if kind.steps().is_some() => {
                return Ok(self.fold(kind, bytes, now)?);
            }
            Err(refused) => {
                // Before there is a bundle nobody can be asked the time: then only staff can tell whether this clock lies back.
                if let documents::NotTaken::Refused(Refusal::FromTheFuture { document: _, issued }) = refused
                    && (kind.is_dated_by_the_cloud() || self.documents.trust_bundle().is_none())
                {
                    self.clock.held_back(issued);
                }
                return Err(refused.into());
            }
        };
        let held_as = kind.leads_to();
        let (before, after) = (self.documents.standing(held_as), next.standing(held_as));
        // The same document signed by another key says nothing new, but who vouches for it does.
        let vouched = self.documents.held() == next.held();
        if before == after && vouched {
            return Ok(self.fold(kind, bytes, now)?);
        }
        let mut clock = self.clock.clone();
        if let Some(standing) = after.filter(|_| kind.is_dated_by_the_cloud()) {
            clock.raise(standing.as_of, now.uptime);
        }
        self.store(kind, bytes, &next, clock.floor(now.uptime), now)?;
        report_conflicts(&self.documents, &next);
        (self.documents, self.clock) = (next, clock);
        self.keep_names(now);
        self.drop_guests()?;
        let named = |standing: Option<Standing>| standing.map(|standing| (standing.name, standing.revision));
        Ok(if named(before) == named(after) && vouched { Taken::Held } else { Taken::New })
    }

    /// Makes the disk say what will be in force, and what follows from it for seats that staff hold back.
    fn store(
        &mut self,
        kind: DocumentKind,
        bytes: &[u8],
        next: &Documents,
        floor: Timestamp,
        now: Moment,
    ) -> Result<(), LedgerError> {
        let clock = self.read_clock(now);
        let Self { connection, gate, boot, names, lanes, outcomes, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        persist(&transaction, kind, bytes, next)?;
        store::raise_clock_floor(&transaction, floor)?;
        let grounds = Grounds { connection: &transaction, documents: next, names, lanes, clock };
        holds::release_those_listed(Recorder { gate: *gate, boot: *boot, grounds, outcomes })?;
        Ok(transaction.commit()?)
    }

    /// Holds a snapshot that is no newer than what is in force in the place of the one before and of the steps up to it, if there are any.
    /// A restart begins from what is in force; what is given on begins from the snapshot.
    fn fold(&mut self, kind: DocumentKind, snapshot: &[u8], now: Moment) -> Result<Taken, LedgerError> {
        let Some(step) = kind.steps() else { return Ok(Taken::Held) };
        let steps = store::steps(&self.connection, step)?;
        let Some((base, next)) = self.documents.folded(kind, snapshot, &steps, self.read_clock(now).now) else {
            return Ok(Taken::Held);
        };
        if steps.iter().all(|step| step.sequence > base.sequence) {
            return Ok(Taken::Held);
        }
        let record = next.record(kind);
        self.write(|connection| {
            store::drop_steps(connection, step, base.sequence)?;
            store::put_document(connection, kind, 0, snapshot, &record)
        })?;
        self.documents = next;
        Ok(Taken::Folded)
    }

    /// Sets the clock by what the cloud answered.
    pub(crate) fn set_clock(&mut self, answer: &TimeAnswered, now: Moment) -> Result<(), TimeError> {
        let bundle = self.documents.trust_bundle().ok_or(TimeError::NoBundle)?;
        let time = answer.question.verify(answer.at, &answer.signature, bundle)?;
        self.clock.answered(time, answer.exchange, Some(now.battery)).map_err(|why| match why {
            NotTaken::TooSlow => TimeError::TooSlow,
            NotTaken::Ahead { at } => TimeError::Ahead { at },
        })?;
        Ok(self.pass_time(now)?)
    }

    /// Staff looked at their watches. The answer is the instant that waited, if one did.
    pub(crate) fn hear(&mut self, word: Word, now: Moment) -> Result<Option<Timestamp>, LedgerError> {
        let waiting = self.clock.waiting();
        match word {
            Word::Confirm => self.clock.confirm(),
            Word::Dismiss => self.clock.dismiss(),
        }
        self.pass_time(now)?;
        Ok(waiting)
    }

    /// What time alone changes, or a disk that takes something again: names and guests leave when the lease says so, from memory and from the disk, the clock's floor rises, and how admissions
    /// ended is written.
    pub(crate) fn pass_time(&mut self, now: Moment) -> Result<(), LedgerError> {
        self.keep_names(now);
        self.release_unwritten_claims(now);
        self.write_outcomes(now)?;
        self.drop_names(now)?;
        self.drop_guests()?;
        let floor = self.clock.floor(now.uptime);
        self.write(|connection| store::raise_clock_floor(connection, floor))
    }

    /// What is held, as it was received, in the order in which it is to be offered elsewhere.
    pub(crate) fn held_documents(&self) -> Result<Envelopes, LedgerError> {
        let stored = store::documents(&self.connection)?;
        Ok(stored.into_iter().map(|stored| (stored.kind, stored.envelope)).collect())
    }

    /// Wrapped secrets cannot be taken out of the assignment that was signed with them. So what they open goes: the texts of sealed tickets, as
    /// soon as validation has them, those of an event that was served before at once, and a damaged ledger that lies aside, as soon as validation has answered for all that was saved of it.
    fn drop_names(&mut self, now: Moment) -> Result<(), LedgerError> {
        let shown = self.read_clock(now).now;
        let Some(assignment) = self.documents.assignment() else { return Ok(()) };
        let kept = (shown < assignment.lease.names_until).then_some(assignment.event);
        if let Some(event) = kept
            && (self.names_of == kept || !store::tells_of_another(&self.connection, event)?)
        {
            self.names_of = kept;
            return Ok(());
        }
        let texts = store::drop_texts(&self.connection, kept)?;
        if texts > 0 {
            self.log_is_empty = false;
            tracing::info!(texts, "the texts of sealed tickets are gone from the journal, and with them their names");
        }
        if !self.log_is_empty {
            self.log_is_empty = store::empty_log(&self.connection)?;
        }
        if let Some(event) = kept {
            if self.log_is_empty && !store::owes_of_another(&self.connection, event)? {
                self.names_of = kept;
            }
            return Ok(());
        }
        if self.replaced && store::first_unsettled(&self.connection)?.is_none() {
            match aside::empty(&self.file) {
                Ok(0) => {}
                Ok(files) => tracing::info!(files, "what lay aside of a damaged ledger was overwritten"),
                Err(error) => {
                    tracing::error!(%error, "what lies aside of a damaged ledger was not overwritten; delete ledger.sqlite.damaged-*");
                }
            }
        }
        Ok(())
    }

    pub(super) fn keep_names(&mut self, now: Moment) {
        let now = self.read_clock(now).now;
        self.names.keep_to(self.documents.assignment(), now);
    }

    pub(super) fn write(&mut self, what: impl FnOnce(&Connection) -> rusqlite::Result<()>) -> Result<(), LedgerError> {
        let outcome = (|| {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            what(&transaction)?;
            Ok(transaction.commit()?)
        })();
        self.note(outcome.as_ref().err().and_then(Defect::of_error));
        outcome
    }
}

/// Once, when it is found: the screen and `status` say it for as long as it lasts.
fn report_conflicts(before: &Documents, after: &Documents) {
    let conflicts = |documents: &Documents| documents.needs().map(|needs| needs.conflicts).unwrap_or_default();
    let known = conflicts(before);
    for kind in conflicts(after).into_iter().filter(|kind| !known.contains(kind)) {
        let document = DocumentKind::from(kind).code();
        tracing::error!(document, "the cloud has another document of the revision that is held: somebody signed two");
    }
}

/// Makes the disk say what will be in force once a document of this kind was taken.
fn persist(connection: &Connection, kind: DocumentKind, bytes: &[u8], next: &Documents) -> rusqlite::Result<()> {
    match kind {
        DocumentKind::SlotDelta | DocumentKind::FeedBatch => {
            let sequence = next.standing(kind.leads_to()).map_or(0, |in_force| in_force.revision.sequence);
            return store::put_document(connection, kind, sequence, bytes, &Record::default());
        }
        DocumentKind::SlotList | DocumentKind::AdmissionFeed => drop_steps(connection, kind)?,
        // The steps so far were taken under the bundle before: a restart must not ask the new one whether it believes them.
        DocumentKind::TrustBundle => {
            for kind in [DocumentKind::SlotList, DocumentKind::AdmissionFeed] {
                store::put_record(connection, kind, &next.record(kind))?;
            }
        }
        DocumentKind::Assignment => {
            if let Some(Assignment { event, lease, .. }) = next.assignment() {
                store::put_lease(connection, *event, lease.until)?;
            }
        }
        DocumentKind::EventDocument | DocumentKind::Head => {}
    }
    store::put_document(connection, kind, 0, bytes, &next.record(kind))?;
    for kind in DocumentKind::HELD.into_iter().filter(|kind| next.standing(*kind).is_none()) {
        store::drop_documents(connection, kind)?;
        drop_steps(connection, kind)?;
    }
    Ok(())
}

fn drop_steps(connection: &Connection, kind: DocumentKind) -> rusqlite::Result<()> {
    kind.steps().map_or(Ok(()), |step| store::drop_documents(connection, step))
}
