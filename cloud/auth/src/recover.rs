//! Going on from a backup while the service is stopped: auth knows again what it signed, by its own signatures on the tickets that were
//! sold, signs nothing else for those seats, and closes what tickets says has ended. Owns the order of that. Refuses to believe anybody's word but its own signature's: a
//! ticket that is not shown here may be signed a second time, for a grant that is still open.

use countermark_service::contract::{AdminClient, Decision, SignedIssue, TicketsClient, Warrant, read_all};
use countermark_service::database::{self, NotAlone};
use countermark_service::event_documents::EventDocumentError;
use countermark_service::extract::Json;
use countermark_service::service_call::{CallError, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::Refusal;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;

use crate::error::Error;
use crate::routes::event_documents;
use crate::start::{Prepared, Settings, StartError, prepare};
use crate::state::State;
use crate::store::{authorisations, grants, locks, recovered, transfers};
use crate::terms;

/// What was recovered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Issues of seats that are on the record again, under their grant or transfer, whether or not the grant's payment is known.
    pub authorised: u64,
    /// Issues whose grant or transfer is lost: they are on the record, and cannot be passed on.
    pub without_warrant: u64,
    /// Grants that are closed again, whose orders have ended.
    pub closed: u64,
    /// Event documents that are in force here again, or were.
    pub documents: u64,
    /// What could not be taken over, for a person.
    pub left: Vec<String>,
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
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client {
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database failed, or something in it.
    #[error("the database cannot be brought up to date")]
    Failed {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Nobody but people knows what they did about accounts since the backup.
const ACCOUNTS: &str = "accounts are as they were in the backup: administrators that were removed since log in again, and passwords that were set \
                        since are the old ones; see `list-administrators`, remove and set them again";

impl From<Error> for RecoverError {
    fn from(error: Error) -> Self {
        Self::Failed { source: error.into() }
    }
}

/// Brings a database that was restored from a backup to where the service may start.
pub async fn recover(settings: Settings) -> Result<Recovered, RecoverError> {
    let Prepared { state, peers, service_key, .. } = prepare(settings).await?;
    database::expect_alone(&state.pool).await?;
    let (clock, randomness) = (state.clock.clone(), state.randomness.clone());
    let identity = ServiceIdentity::new(ServiceName::Auth, service_key, clock, randomness)
        .map_err(|source| RecoverError::Client { source: source.into() })?;
    let calls = |service| identity.client(service, peers.url(service).clone());
    go_on(&state, &TicketsClient(calls(ServiceName::Tickets)), &AdminClient(calls(ServiceName::Admin))).await
}

async fn go_on(state: &State, tickets: &TicketsClient, admin: &AdminClient) -> Result<Recovered, RecoverError> {
    let mut recovered = Recovered::default();
    take_documents(state, admin, &mut recovered).await?;
    let take_all = async |issues| {
        for signed in issues {
            match take(state, &signed).await? {
                Outcome::Known => {}
                Outcome::Authorised => recovered.authorised += 1,
                Outcome::WithoutWarrant => recovered.without_warrant += 1,
                Outcome::Left { why } => recovered.left.push(why),
            }
        }
        Ok::<_, RecoverError>(())
    };
    read_all(async |after| tickets.issues(after).await, take_all).await?;
    // Last: what was signed for them counts under their grants.
    recovered.closed = close_ended(state, tickets).await?;
    recovered.left.push(ACCOUNTS.to_owned());
    Ok(recovered)
}

/// The provider may say once more that an order is paid which ended when its tickets were all sold: nothing is signed for it any more.
async fn close_ended(state: &State, tickets: &TicketsClient) -> Result<u64, RecoverError> {
    let now = state.clock.now();
    let mut closed = 0;
    let close_all = async |orders: Vec<_>| {
        let orders = &orders;
        closed += transaction(&state.pool, "close grants of ended orders", |mut transaction| {
            Box::pin(async move { Ok::<_, Error>(grants::close_all(&mut transaction, orders, now).await?) })
        })
        .await?;
        Ok::<_, RecoverError>(())
    };
    read_all(async |after| tickets.ended_orders(after).await, close_all).await?;
    Ok(closed)
}

async fn take_documents(state: &State, admin: &AdminClient, recovered: &mut Recovered) -> Result<(), RecoverError> {
    let take_all = async |decisions| {
        for decision in decisions {
            let Decision::Document(request) = decision else { continue };
            match event_documents::push(state.clone(), Json(request)).await {
                Ok(_) => recovered.documents += 1,
                // It was replaced since.
                Err(Error::Document(EventDocumentError::Refused(Refusal::Older { .. }))) => {}
                Err(
                    error
                    @ Error::Document(EventDocumentError::Refused(_) | EventDocumentError::OtherSignatures { .. }),
                ) => {
                    recovered.left.push(format!("an event document: {error}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    };
    read_all(async |after| admin.decisions(after).await, take_all).await
}

enum Outcome {
    Known,
    Authorised,
    WithoutWarrant,
    Left { why: String },
}

async fn take(state: &State, signed: &SignedIssue) -> Result<Outcome, Error> {
    let Ok(body) = TicketBody::from_bytes(&signed.body.0) else {
        return Ok(Outcome::Left { why: "tickets showed what is no ticket's body".to_owned() });
    };
    let left = |why: &str| {
        let TicketBody { event, slot, generation, .. } = &body;
        Ok(Outcome::Left { why: format!("issue {generation} of seat {slot} of event {event}: {why}") })
    };
    let Some(key) = state.keys.authority(body.authority_key) else {
        return left("it names an authority key that is revoked or gone");
    };
    // Ed25519 is deterministic: what this key signed is what it would sign.
    if signed.signature.as_ref().map(|signature| signature.0) != Some(body.authorise(key).to_bytes()) {
        return left("auth did not sign it");
    }
    let (body, now) = (&body, state.clock.now());
    let outcome = transaction(&state.pool, "know again what was signed", |mut transaction| {
        Box::pin(async move {
            locks::seat(&mut transaction, body.event, body.slot).await?;
            let (event, slot, generation) = (body.event, body.slot, body.generation);
            let known = authorisations::find(&mut transaction, event, slot, generation)
                .await?
                .map(|known| known.body.to_bytes());
            let known = match known {
                Some(known) => Some(known),
                None => recovered::find(&mut transaction, event, slot, generation).await?,
            };
            if let Some(known) = known {
                return Ok::<_, Error>((known == body.to_bytes()).then_some(Outcome::Known));
            }
            if is_warranted(&mut transaction, signed.warrant, body, now).await? {
                authorisations::insert(&mut transaction, signed.warrant, body, now).await?;
                return Ok(Some(Outcome::Authorised));
            }
            recovered::insert(&mut transaction, body, now).await?;
            Ok(Some(Outcome::WithoutWarrant))
        })
    })
    .await?;
    match outcome {
        Some(outcome) => Ok(outcome),
        None => left("another body is on the record; of the two one may be worthless, for a key that was revoked"),
    }
}

/// Whether what it was signed for is still on the record; of an order it counts as one of its tickets then. That an order was paid is
/// known by what was signed for it, even where the payment itself is lost.
async fn is_warranted(
    transaction: &mut Transaction<'_, '_>,
    warrant: Warrant,
    body: &TicketBody,
    now: Timestamp,
) -> Result<bool, Error> {
    match warrant {
        Warrant::Order(order) => {
            locks::order(transaction, order).await?;
            let grant = grants::find(transaction, order, now).await?;
            let is_granted = grant.is_some_and(|grant| terms::fits(&grant.terms, body).is_ok());
            Ok(is_granted && grants::count_recovered(transaction, order, now).await?)
        }
        Warrant::Transfer(transfer) => {
            let known = transfers::find(transaction, transfer).await?;
            Ok(known.is_some_and(|known| {
                (known.event, known.slot) == (body.event, body.slot)
                    && known.replaces.0.checked_add(1) == Some(body.generation.0)
            }))
        }
    }
}

#[cfg(test)]
mod tests;
