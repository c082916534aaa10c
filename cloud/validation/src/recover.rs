//! Going on from a backup while the service is stopped: nothing more is signed under a number that gates have seen, and what the database
//! has lost is asked for where it is known. Owns the order of that. Refuses to know what gates have lost nothing of: at their next log-in
//! they hear how far their journals are known, and send the rest again; until then they owe it.

use countermark_service::contract::{AdminClient, Decision, read_all};
use countermark_service::database::{self, NotAlone};
use countermark_service::event_documents::EventDocumentError;
use countermark_service::extract::Json;
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::documents::Refusal;
use countermark_shared::id::GateId;

use crate::error::Error;
use crate::routes::{self, blocks, event_documents, suspensions};
use crate::secrets;
use crate::start::{Prepared, Settings, StartError, prepare};
use crate::state::State;
use crate::store::{debts, findings, gates, publications, seats, sessions};

/// Numbers of gates that are left out: more than are ever made between a backup and its restoring.
const SKIPPED_GATES: u16 = 1000;
/// Numbers of findings, likewise: who decides on a page that was opened before decides about nothing else.
const SKIPPED_FINDINGS: u32 = 1_000_000;

/// What was recovered.
#[derive(Debug, PartialEq, Eq)]
pub struct Recovered {
    /// In which slot lists and the admission feed are published from now on; assignments have at least this version.
    pub epoch: u32,
    /// Issues of seats that tickets reported.
    pub reports: u64,
    /// Decisions of administrators that hold here again, or held already.
    pub decisions: u64,
    /// Decisions that could not be taken over, for a person.
    pub left: Vec<String>,
    /// Gates that have to tell again what they told since the backup, before the others of their events are answered; suspended ones are waited for by nobody.
    pub owing: Vec<GateId>,
}

/// Why it is not done. Whatever was done is well: run it again.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// What the service is told is not what it could start with.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Somebody else uses the database.
    #[error(transparent)]
    NotAlone(#[from] NotAlone),
    /// Another service was not there to be asked.
    #[error("tickets and admin must run, as they always do, to be asked for what was lost")]
    Call(#[from] CallError),
    /// The database failed, or something in it.
    #[error("the database cannot be brought up to date")]
    Failed {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<Error> for RecoverError {
    fn from(error: Error) -> Self {
        Self::Failed { source: error.into() }
    }
}

/// Brings a database that was restored from a backup to where the service may start.
pub async fn recover(settings: Settings) -> Result<Recovered, RecoverError> {
    let Prepared { state, admin, .. } = prepare(settings).await?;
    database::expect_alone(&state.pool).await?;
    go_on(&state, &admin).await
}

async fn go_on(state: &State, admin: &AdminClient) -> Result<Recovered, RecoverError> {
    let epoch = begin(state).await?;
    // Seats first: what administrators decided is about them.
    let reports = take_reports(state).await?;
    let mut recovered = Recovered { epoch, reports, decisions: 0, left: Vec::new(), owing: Vec::new() };
    let take_all = async |decisions| {
        for decision in decisions {
            match take(state, decision).await? {
                Outcome::Holds => recovered.decisions += 1,
                Outcome::IsLeft { why } => recovered.left.push(why),
                Outcome::IsNoMatter => {}
            }
        }
        Ok::<_, RecoverError>(())
    };
    read_all(async |after| admin.decisions(after).await, take_all).await?;
    let mut connection = state.pool.acquire().await.map_err(Error::from)?;
    recovered.owing = debts::all(&mut connection).await?;
    Ok(recovered)
}

/// Begins an epoch that no backup knows: its number is the time, so that it is another one when the same backup is restored again.
async fn begin(state: &State) -> Result<u32, Error> {
    let now = state.clock.now();
    // A clock that is centuries off is left to the number that follows.
    let least = u32::try_from(now.unix_seconds()).unwrap_or(0);
    transaction(&state.pool, "begin an epoch", |mut transaction| {
        Box::pin(async move {
            let epoch = publications::raise_epoch(&mut transaction, least).await?;
            gates::skip_numbers(&mut transaction, SKIPPED_GATES).await?;
            findings::skip_numbers(&mut transaction, SKIPPED_FINDINGS).await?;
            // At the log-in gates hear how far their journals are known, and say how far they go.
            sessions::end_all(&mut transaction).await?;
            debts::all_owe(&mut transaction).await?;
            for gate in gates::all(&mut transaction).await? {
                secrets::ask(&mut transaction, gate, &format!("epoch-{epoch}"), now).await?;
            }
            Ok(epoch)
        })
    })
    .await
}

async fn take_reports(state: &State) -> Result<u64, RecoverError> {
    let now = state.clock.now();
    let mut taken = 0;
    let take_all = async |reports: Vec<_>| {
        let reports = &reports;
        transaction(&state.pool, "take reports of seats", |mut transaction| {
            Box::pin(async move {
                for report in reports {
                    seats::merge(&mut transaction, report, now).await?;
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
        taken += u64::try_from(reports.len()).unwrap_or(u64::MAX);
        Ok::<_, RecoverError>(())
    };
    read_all(async |after| state.tickets.reports(after).await, take_all).await?;
    Ok(taken)
}

enum Outcome {
    Holds,
    /// A person has to see to it.
    IsLeft {
        why: String,
    },
    /// It is another service's, or something later took its place.
    IsNoMatter,
}

/// Takes a decision as when admin brought it. The latest of each seat and gate stands, whatever the order.
async fn take(state: &State, decision: Decision) -> Result<Outcome, Error> {
    let state = state.clone();
    let (what, done) = match decision {
        Decision::Document(request) => {
            ("an event document".to_owned(), event_documents::push(state, Json(request)).await.map(drop))
        }
        Decision::Block(request) => (
            format!("the block of seat {} of event {}", request.slot, request.event),
            blocks::block(state, Json(request)).await.map(drop),
        ),
        Decision::Unblock(request) => (
            format!("the end of the block of seat {} of event {}", request.slot, request.event),
            blocks::unblock(state, Json(request)).await.map(drop),
        ),
        Decision::Assign(request) => (
            format!("the assignment of gate {} to event {}", request.gate, request.event),
            routes::gates::assign(state, Json(request)).await.map(drop),
        ),
        Decision::Suspend(request) => (
            format!("the suspension of gate {}", request.gate),
            suspensions::suspend(state, Json(request)).await.map(drop),
        ),
        Decision::Resume(request) => (
            format!("the end of the suspension of gate {}", request.gate),
            suspensions::resume(state, Json(request)).await.map(drop),
        ),
        Decision::Offer(_) | Decision::Close(_) | Decision::Revoke(_) => return Ok(Outcome::IsNoMatter),
    };
    match done {
        Ok(()) => Ok(Outcome::Holds),
        // The block of a seat that was revoked since, and a document that was replaced.
        Err(Error::SeatRevoked | Error::EventDocument(EventDocumentError::Refused(Refusal::Older { .. }))) => {
            Ok(Outcome::IsNoMatter)
        }
        Err(
            error @ (Error::SeatUnknown
            | Error::GateUnknown
            | Error::GateRetracted
            | Error::GateRefused { .. }
            | Error::EventUnknown
            | Error::EventDocument(EventDocumentError::Refused(_) | EventDocumentError::OtherSignatures { .. })),
        ) => Ok(Outcome::IsLeft { why: format!("{what}: {error}") }),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
