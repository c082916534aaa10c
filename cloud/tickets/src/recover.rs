//! Going on from a backup while the service is stopped: no slot is handed out a second time and no issue of a seat sealed with two texts,
//! what auth signed is taken over where this service would have sold it, and people are told of the rest. Owns the order of that.

mod adoption;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_service::contract::{
    AdminClient, Decision, PaidOrder, ReportedState, RevokeTicket, SignedIssue, read_all,
};
use countermark_service::database::{self, NotAlone};
use countermark_service::event_documents::EventDocumentError;
use countermark_service::extract::Json;
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::documents::Refusal;
use countermark_shared::id::{EventId, Generation, OrderId, SealingGeneration, Slot};
use countermark_shared::ticket::TicketBody;

use self::adoption::{Adoption, adopt};
use crate::error::Error;
use crate::issue;
use crate::order::OrderState;
use crate::routes::{event_documents, offers, revoke};
use crate::start::{Prepared, Settings, StartError, prepare};
use crate::state::State;
use crate::store::{self, orders, slots};

/// Blocks that are left out beyond the last slot that auth knows, for what was allotted and had not come to auth: 4,096 seats, of which an
/// order has far fewer. They cost a slot list 1 kB.
const SPARE_BLOCKS: u32 = 16;

/// No slot list holds more; a number beyond is nobody's.
const LAST_SLOT: Slot = Slot(15_999_999);

/// How long places are held for whoever has paid: until people had the provider say so again.
const TIME_TO_ASK: Duration = Duration::from_hours(24);

/// The secret that seals from now on where the first was lost: gates may hold another under its number.
const SECOND: SealingGeneration = SealingGeneration(2);

/// What was recovered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Tickets that auth had signed and that were taken over.
    pub adopted: u64,
    /// The slot after which each event's tickets are sold from now on.
    pub next_slots: BTreeMap<EventId, u64>,
    /// Events whose first secret is lost, now or in an earlier restoring: their gates are to be given the second.
    pub sealed_anew: BTreeSet<EventId>,
    /// Decisions of administrators that hold here again, or held already.
    pub decisions: u64,
    /// Orders that are paid, as auth has it from the provider, and not known here to be: their tickets come once the provider says so again.
    pub unpaid: Vec<PaidOrder>,
    /// Orders that auth knows and this service has lost, with their seats.
    pub lost: BTreeMap<OrderId, LostOrder>,
    /// What could not be taken over otherwise, for a person.
    pub left: Vec<String>,
}

/// What auth knows of an order that is lost here.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LostOrder {
    /// The provider's name for its payment.
    pub payment: Option<String>,
    /// The issues of its seats that are signed: gates take them.
    pub seats: Vec<(EventId, Slot, Generation)>,
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
    #[error("auth and admin must run, as they always do, to be asked for what was lost")]
    Call(#[from] CallError),
    /// Auth names what it cannot have signed.
    #[error("auth says that it signed {what}: nothing more is taken from it; find out first what became of it")]
    Absurd {
        /// What.
        what: String,
    },
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

impl From<sqlx::Error> for RecoverError {
    fn from(error: sqlx::Error) -> Self {
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
    let mut recovered = Recovered::default();
    // Documents first: what auth signed is held against them.
    let revocations = take_decisions(state, admin, &mut recovered).await?;
    take_issues(state, &mut recovered).await?;
    take_payments(state, &mut recovered).await?;
    for request in revocations {
        if revoke(state, request, &recovered.lost).await? {
            recovered.decisions += 1;
        } else {
            let RevokeTicket { event, slot } = request;
            recovered.left.push(format!("the revocation of seat {slot} of event {event}: auth knows no ticket of it"));
        }
    }
    Ok(recovered)
}

/// Revokes a seat's ticket, of a lost order by its report alone; false when there is none.
async fn revoke(
    state: &State,
    request: RevokeTicket,
    lost: &BTreeMap<OrderId, LostOrder>,
) -> Result<bool, RecoverError> {
    match revoke::revoke(state.clone(), Json(request)).await {
        Ok(_) => return Ok(true),
        Err(Error::TicketUnknown) => {}
        Err(error) => return Err(error.into()),
    }
    let RevokeTicket { event, slot } = request;
    let seats = lost.values().flat_map(|order| &order.seats).filter(|seat| (seat.0, seat.1) == (event, slot));
    let Some(seat) = seats.max().copied() else { return Ok(false) };
    let mut connection = state.pool.acquire().await?;
    issue::enqueue_report(&mut connection, seat, ReportedState::Revoked, state.clock.now()).await?;
    Ok(true)
}

/// Takes documents and offers as when admin brought them; the answer is what is to be revoked once the tickets are known.
async fn take_decisions(
    state: &State,
    admin: &AdminClient,
    recovered: &mut Recovered,
) -> Result<Vec<RevokeTicket>, RecoverError> {
    let mut revocations = Vec::new();
    let take_all = async |decisions| {
        for decision in decisions {
            let (what, done) = match decision {
                Decision::Document(request) => (
                    "an event document".to_owned(),
                    event_documents::take(state, &request.document.0, SECOND).await.map(drop),
                ),
                Decision::Offer(request) => {
                    (format!("offer {}", request.offer), offers::publish(state.clone(), Json(request)).await.map(drop))
                }
                Decision::Close(request) => (
                    format!("the end of offer {}", request.offer),
                    offers::close(state.clone(), Json(request)).await.map(drop),
                ),
                Decision::Revoke(request) => {
                    revocations.push(request);
                    continue;
                }
                Decision::Block(_)
                | Decision::Unblock(_)
                | Decision::Assign(_)
                | Decision::Suspend(_)
                | Decision::Resume(_) => continue,
            };
            match done {
                Ok(()) => recovered.decisions += 1,
                // It was replaced since.
                Err(Error::EventDocument(EventDocumentError::Refused(Refusal::Older { .. }))) => {}
                // The backup knows its end already.
                Err(Error::OfferClosed) => recovered.decisions += 1,
                Err(
                    error @ (Error::EventDocument(_) | Error::OfferRefused(_) | Error::OfferExists | Error::Unknown),
                ) => {
                    recovered.left.push(format!("{what}: {error}"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok::<_, RecoverError>(())
    };
    read_all(async |after| admin.decisions(after).await, take_all).await?;
    recovered.sealed_anew = store::event_secrets::since(&mut *state.pool.acquire().await?, SECOND).await?;
    Ok(revocations)
}

async fn take_issues(state: &State, recovered: &mut Recovered) -> Result<(), RecoverError> {
    let mut known = BTreeMap::<EventId, Slot>::new();
    let take_all = async |issues: Vec<SignedIssue>| {
        let issues = issues.iter().map(|signed| Ok((TicketBody::from_bytes(&signed.body.0)?, signed)));
        let issues: Vec<_> = issues
            .collect::<Result<_, countermark_shared::ticket::ParseError>>()
            .map_err(|error| RecoverError::Absurd { what: format!("what is no ticket's body ({error})") })?;
        for (body, _) in &issues {
            if body.slot > LAST_SLOT {
                return Err(RecoverError::Absurd { what: format!("seat {} of event {}", body.slot, body.event) });
            }
            let highest = known.entry(body.event).or_insert(body.slot);
            *highest = body.slot.max(*highest);
        }
        let issues = &issues;
        let adoptions = transaction(&state.pool, "take over what auth signed", |mut connection| {
            Box::pin(async move {
                let mut adoptions = Vec::with_capacity(issues.len());
                for (body, signed) in issues {
                    adoptions.push(adopt(state, &mut connection, body, signed).await?);
                }
                Ok::<_, Error>(adoptions)
            })
        })
        .await?;
        for ((body, _), adoption) in issues.iter().zip(adoptions) {
            match adoption {
                Adoption::Known => {}
                Adoption::Adopted => recovered.adopted += 1,
                Adoption::OrderLost(order) => {
                    let seat = (body.event, body.slot, body.generation);
                    recovered.lost.entry(order).or_default().seats.push(seat);
                }
                Adoption::Refused { why } => {
                    let TicketBody { event, slot, generation, .. } = body;
                    recovered.left.push(format!("issue {generation} of seat {slot} of event {event}: {why}"));
                }
            }
        }
        Ok(())
    };
    read_all(async |after| state.auth.issues(after).await, take_all).await?;
    let known = &known;
    recovered.next_slots = transaction(&state.pool, "skip slots", |mut connection| {
        Box::pin(async move {
            let events: BTreeSet<_> =
                slots::events(&mut connection).await?.into_iter().chain(known.keys().copied()).collect();
            let mut next = BTreeMap::new();
            for event in events {
                let known = known.get(&event).copied();
                next.insert(event, slots::skip(&mut connection, event, known, SPARE_BLOCKS).await?);
            }
            Ok::<_, Error>(next)
        })
    })
    .await?;
    Ok(())
}

/// The provider's word is not auth's to give: what it paid waits until it says so here.
async fn take_payments(state: &State, recovered: &mut Recovered) -> Result<(), RecoverError> {
    let until = state.clock.now() + TIME_TO_ASK;
    let take_all = async |paid_orders: Vec<PaidOrder>| {
        for paid in paid_orders {
            let mut connection = state.pool.acquire().await?;
            match orders::find(&mut connection, paid.order).await?.map(|order| order.state) {
                Some(OrderState::Paid { .. } | OrderState::Issued { .. } | OrderState::RefundDue { .. }) => {}
                Some(OrderState::Reserved { .. }) => {
                    orders::hold(&mut connection, paid.order, None, until).await?;
                    recovered.unpaid.push(paid);
                }
                Some(OrderState::Expired { .. }) => recovered.unpaid.push(paid),
                None => recovered.lost.entry(paid.order).or_default().payment = Some(paid.payment),
            }
        }
        Ok(())
    };
    read_all(async |after| state.auth.paid_orders(after).await, take_all).await
}

#[cfg(test)]
mod tests;
