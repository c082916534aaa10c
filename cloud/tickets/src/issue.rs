//! From paid to issued: the jobs behind the outbox. Owns their order; each step is committed before the next begins, and
//! each may be repeated.

use countermark_service::contract::{Authorise, CloseGrant, ReportSlot, ReportedState, Terms, Warrant};
use countermark_service::outbox::{Entry, Retry, enqueue};
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::id::{EventId, Generation, OrderId, Slot};
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use sqlx::PgConnection;

use crate::error::Error;
use crate::order::{Order, OrderState};
use crate::state::State;
use crate::store::tickets::StoredTicket;
use crate::store::{offers, orders, payments, slots, tickets};

/// Outbox kind: give a paid order its tickets. Payload: the order.
pub(crate) const ISSUE: &str = "issue";
/// Outbox kind: tell auth that an order has ended. Payload: [`CloseGrant`].
pub(crate) const CLOSE_GRANT: &str = "close-grant";
/// Outbox kind: tell validation about a seat. Payload: [`ReportSlot`].
pub(crate) const REPORT_SLOT: &str = "report-slot";

const FIRST_GENERATION: Generation = Generation(1);

/// Gives a paid order its tickets. Done when the order is no longer paid but issued, or to be refunded.
pub(crate) async fn issue(state: State, entry: Entry) -> Result<(), Retry> {
    let order: OrderId = entry.payload()?;
    loop {
        let waiting = prepare(&state, order).await?;
        match authorise_all(&state, order, waiting).await? {
            Progress::AllSigned => return finish(&state, order).await,
            Progress::Discarded => {}
            Progress::Refused { why } => return give_up(&state, order, why).await,
        }
    }
}

/// Tells auth that an order has ended.
pub(crate) async fn close_grant(state: State, entry: Entry) -> Result<(), Retry> {
    Ok(state.auth.close_grant(&entry.payload()?).await?)
}

/// Tells validation about a seat.
pub(crate) async fn report_slot(state: State, entry: Entry) -> Result<(), Retry> {
    Ok(state.validation.report_slot(&entry.payload()?).await?)
}

/// Enqueues the report of a seat.
pub(crate) async fn enqueue_report(
    connection: &mut PgConnection,
    seat: (EventId, Slot, Generation),
    reported: ReportedState,
    now: Timestamp,
) -> Result<(), Error> {
    let (event, slot, generation) = seat;
    let name = match reported {
        ReportedState::Issued => "issued",
        ReportedState::Revoked => "revoked",
    };
    let report = ReportSlot { event, slot, generation, state: reported };
    enqueue(connection, REPORT_SLOT, &format!("{event}/{slot}/{generation}/{name}"), &report, now).await?;
    Ok(())
}

/// Enqueues the end of a grant.
pub(crate) async fn enqueue_close(connection: &mut PgConnection, order: OrderId, now: Timestamp) -> Result<(), Error> {
    enqueue(connection, CLOSE_GRANT, &order.to_string(), &CloseGrant { order }, now).await?;
    Ok(())
}

/// Makes sure that each ticket of a paid order has a slot, a body and the issuer's signature; the answer is those that wait for
/// auth's. Empty when the order is not paid (any more).
async fn prepare(state: &State, order: OrderId) -> Result<Vec<StoredTicket>, Error> {
    transaction(&state.pool, "prepare tickets", |mut connection| {
        Box::pin(async move {
            let Some(Order { terms, state: OrderState::Paid { .. }, .. }) =
                orders::lock(&mut connection, order).await?
            else {
                return Ok(Vec::new());
            };
            let present = tickets::of_order(&mut connection, order).await?;
            let missing: Vec<u16> =
                (1..=terms.tickets).filter(|place| !present.iter().any(|ticket| ticket.number == *place)).collect();
            let slots =
                slots::allocate(&mut connection, terms.event, missing.len(), &mut state.randomness.clone()).await?;
            for (place, slot) in missing.into_iter().zip(slots) {
                let body = body(state, &terms, slot)?;
                let issuer = body.issue(&state.issuing_key);
                tickets::insert(&mut connection, order, state.randomness.uuid(), place, &body, issuer).await?;
            }
            let tickets = tickets::of_order(&mut connection, order).await?;
            Ok(tickets.into_iter().filter(|ticket| ticket.authority.is_none()).collect())
        })
    })
    .await
}

fn body(state: &State, terms: &Terms, slot: Slot) -> Result<TicketBody, Error> {
    Ok(TicketBody {
        issuing_key: state.issuing_key.verifying_key().id(),
        authority_key: state.authority_key,
        event: terms.event,
        slot,
        generation: FIRST_GENERATION,
        places: terms.places,
        entries: terms.entries,
        product: terms.product,
        zones: terms.zones,
        validity: Validity::between(terms.valid_from, terms.valid_until)
            .ok_or(Error::Invalid("the validity is empty"))?,
        // Products of live or sealed tickets are granted by nobody yet: auth refuses them.
        live: None,
        sealed: None,
    })
}

enum Progress {
    AllSigned,
    /// A body that auth will never sign was discarded; the next is made anew.
    Discarded,
    Refused {
        why: String,
    },
}

async fn authorise_all(state: &State, order: OrderId, waiting: Vec<StoredTicket>) -> Result<Progress, Retry> {
    for ticket in waiting {
        let request = Authorise { warrant: Warrant::Order(order), body: Base64(ticket.body.to_bytes()) };
        let answer = state.auth.authorise(&request).await;
        let authority = match answer {
            Ok(authorised) => Signature::from_bytes(&authorised.signature.0),
            Err(error) => match verdict_of_auth(state, &ticket, &error) {
                Some(progress) => {
                    if let Progress::Discarded = progress {
                        let mut connection = state.pool.acquire().await?;
                        tickets::discard_unauthorised(&mut connection, ticket.id).await?;
                    }
                    return Ok(progress);
                }
                None => return Err(error.into()),
            },
        };
        // What no gate would take is not stored: auth signs with a key that this service's bundle does not know.
        let complete = UnverifiedTicket::new(ticket.body, ticket.issuer, authority);
        state.key_ring.verify(&complete)?;
        let mut connection = state.pool.acquire().await?;
        tickets::authorise(&mut connection, ticket.id, authority).await?;
    }
    Ok(Progress::AllSigned)
}

/// What auth's refusal means for the order; nothing when the same call may succeed later.
fn verdict_of_auth(state: &State, ticket: &StoredTicket, error: &CallError) -> Option<Progress> {
    match error.slug()? {
        // Auth knows another ticket of the slot: this database was restored from an older backup.
        "slot-taken" => Some(Progress::Discarded),
        // A key was rotated away before both had signed. With today's keys the body would be the same: then auth's bundle lags.
        "key-not-active" if !names_todays_keys(state, ticket) => Some(Progress::Discarded),
        slug @ ("grant-unknown" | "grant-closed" | "not-granted") => {
            Some(Progress::Refused { why: format!("the account service does not authorise the tickets ({slug})") })
        }
        _ => None,
    }
}

fn names_todays_keys(state: &State, ticket: &StoredTicket) -> bool {
    let TicketBody { issuing_key, authority_key, .. } = ticket.body;
    (issuing_key, authority_key) == (state.issuing_key.verifying_key().id(), state.authority_key)
}

async fn finish(state: &State, order: OrderId) -> Result<(), Retry> {
    let now = state.clock.now();
    transaction(&state.pool, "finish an order", |mut connection| {
        Box::pin(async move {
            let Some(found) = orders::lock(&mut connection, order).await? else { return Ok(()) };
            let issued = found.state.issue(now);
            if !matches!(issued, OrderState::Issued { .. }) {
                return Ok(());
            }
            orders::set_state(&mut connection, order, &issued).await?;
            for ticket in tickets::of_order(&mut connection, order).await? {
                let seat = (ticket.body.event, ticket.body.slot, ticket.body.generation);
                enqueue_report(&mut connection, seat, ReportedState::Issued, now).await?;
            }
            enqueue_close(&mut connection, order, now).await
        })
    })
    .await?;
    state.outbox.poke();
    Ok(())
}

async fn give_up(state: &State, order: OrderId, why: String) -> Result<(), Retry> {
    let (now, why) = (state.clock.now(), &why);
    transaction(&state.pool, "give an order up", |mut connection| {
        Box::pin(async move {
            let Some(found) = orders::lock(&mut connection, order).await? else { return Ok(()) };
            let (offer, persons) = (found.offer, found.terms.persons());
            let OrderState::Paid { payment, .. } = &found.state else { return Ok(()) };
            payments::owe_back(&mut connection, payment, why).await?;
            orders::set_state(&mut connection, order, &found.state.clone().give_up(why.clone(), now)).await?;
            offers::give_back(&mut connection, offer, persons).await?;
            for seat in tickets::revoke_order(&mut connection, order, now).await? {
                enqueue_report(&mut connection, seat, ReportedState::Revoked, now).await?;
            }
            enqueue_close(&mut connection, order, now).await
        })
    })
    .await?;
    state.outbox.poke();
    Ok(())
}
