//! From paid to issued: the jobs behind the outbox. Owns their order; each step is committed before the next begins, and
//! each may be repeated.

pub(crate) mod bodies;

use countermark_service::contract::{AuthProblem, Authorise, CloseGrant, ReportSlot, ReportedState, Warrant};
use countermark_service::outbox::{Entry, Retry, enqueue};
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::id::{EventId, Generation, OrderId, Slot};
use countermark_shared::key_ring::Unproved;
use countermark_shared::keys::Signature;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use sqlx::PgConnection;

use crate::error::Error;
use crate::order::OrderState;
use crate::state::State;
use crate::store::tickets::StoredTicket;
use crate::store::{offers, orders, payments, tickets};

/// Outbox kind: give a paid order its tickets. Payload: the order.
pub(crate) const ISSUE: &str = "issue";
/// Outbox kind: tell auth that an order has ended. Payload: [`CloseGrant`].
pub(crate) const CLOSE_GRANT: &str = "close-grant";
/// Outbox kind: tell validation about a seat. Payload: [`ReportSlot`].
pub(crate) const REPORT_SLOT: &str = "report-slot";

/// Gives a paid order its tickets. Done when the order is no longer paid but issued, or to be refunded.
pub(crate) async fn issue(state: State, entry: Entry) -> Result<(), Retry> {
    let order: OrderId = entry.payload()?;
    loop {
        let Some(paid) = bodies::allot(&state, order).await? else { return Ok(()) };
        let progress = match bodies::make(&state, &paid).await? {
            Progress::Done => authorise_all(&state, order).await?,
            stopped @ (Progress::Discarded | Progress::Refused { .. }) => stopped,
        };
        match progress {
            Progress::Done => return finish(&state, order).await,
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
    let report = ReportSlot { event, slot, generation, state: reported, issued: None, revoked: None };
    enqueue(connection, REPORT_SLOT, &format!("{event}/{slot}/{generation}/{name}"), &report, now).await?;
    Ok(())
}

/// Enqueues the end of a grant.
pub(crate) async fn enqueue_close(connection: &mut PgConnection, order: OrderId, now: Timestamp) -> Result<(), Error> {
    enqueue(connection, CLOSE_GRANT, &order.to_string(), &CloseGrant { order }, now).await?;
    Ok(())
}

/// How far a step came with an order.
enum Progress {
    Done,
    /// A body that auth will never sign was discarded; the next is made anew.
    Discarded,
    Refused {
        why: String,
    },
}

async fn authorise_all(state: &State, order: OrderId) -> Result<Progress, Retry> {
    let made = tickets::first_issues(&mut *state.pool.acquire().await?, order).await?;
    for ticket in made.into_iter().filter(|ticket| ticket.authority.is_none()) {
        let request = Authorise { warrant: Warrant::Order(order), body: Base64(ticket.body.to_bytes()) };
        let answer = state.auth.authorise(&request).await;
        let authority = match answer {
            Ok(authorised) => Signature::from_bytes(&authorised.signature.0),
            Err(error) => match verdict_of_auth(state, &ticket, &error) {
                Some(Verdict::Anew(seat)) => return discard(state, &ticket, seat).await,
                Some(Verdict::Refused { why }) => return Ok(Progress::Refused { why }),
                None => return Err(error.into()),
            },
        };
        if !is_good(state, &ticket, authority)? {
            return discard(state, &ticket, Seat::Same).await;
        }
        let mut connection = state.pool.acquire().await?;
        tickets::authorise(&mut connection, ticket.id, authority).await?;
    }
    Ok(Progress::Done)
}

/// What auth's refusal means for the order.
enum Verdict {
    Anew(Seat),
    Refused { why: String },
}

/// Where a body that auth does not sign is made anew.
enum Seat {
    Other,
    /// Auth wrote the body down for this seat, and counts it: only there it signs another in its place.
    Same,
}

/// Nothing when the same call may succeed later.
fn verdict_of_auth(state: &State, ticket: &StoredTicket, error: &CallError) -> Option<Verdict> {
    // With today's keys the body would be the same: then it is auth's bundle that lags.
    let has_old_keys = !state.keys().are_named_by(&ticket.body);
    match AuthProblem::of(error)? {
        // Auth knows another ticket of the slot: this database was restored from an older backup.
        AuthProblem::SlotTaken => Some(Verdict::Anew(Seat::Other)),
        // A key was rotated away before both had signed.
        AuthProblem::KeyNotActive => has_old_keys.then_some(Verdict::Anew(Seat::Other)),
        // A key was revoked after auth had signed, before its answer came.
        AuthProblem::WrittenDownKeyGone => has_old_keys.then_some(Verdict::Anew(Seat::Same)),
        problem @ (AuthProblem::GrantUnknown
        | AuthProblem::GrantClosed
        | AuthProblem::NotGranted
        | AuthProblem::DocumentUnknown
        | AuthProblem::DocumentRefused
        | AuthProblem::TermsRefused
        | AuthProblem::CapacityReached
        | AuthProblem::PaymentNotConfirmed
        | AuthProblem::TransferUnknown) => refusal(problem).map(|why| Verdict::Refused { why }),
    }
}

/// Auth's final word against an order; nothing when the same call may succeed later.
fn refusal(problem: AuthProblem) -> Option<String> {
    match problem {
        AuthProblem::GrantUnknown | AuthProblem::GrantClosed | AuthProblem::NotGranted => {
            Some(format!("the account service does not authorise the tickets ({})", problem.slug()))
        }
        AuthProblem::DocumentUnknown
        | AuthProblem::DocumentRefused
        | AuthProblem::TermsRefused
        | AuthProblem::CapacityReached
        | AuthProblem::PaymentNotConfirmed
        | AuthProblem::TransferUnknown
        | AuthProblem::KeyNotActive
        | AuthProblem::WrittenDownKeyGone
        | AuthProblem::SlotTaken => None,
    }
}

/// Whether gates take the ticket with auth's signature. If not, it is to be made anew: a key that it names was revoked since. What is
/// wrong otherwise is an error, and not stored.
pub(crate) fn is_good(state: &State, ticket: &StoredTicket, authority: Signature) -> Result<bool, Unproved> {
    match state.key_ring.verify(&UnverifiedTicket::new(ticket.body.clone(), ticket.issuer, authority)) {
        Ok(_) => Ok(true),
        Err(Unproved::KeyRevoked | Unproved::KeyUnknown) if !state.keys().are_named_by(&ticket.body) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn discard(state: &State, ticket: &StoredTicket, seat: Seat) -> Result<Progress, Retry> {
    let mut connection = state.pool.acquire().await?;
    match seat {
        Seat::Other => tickets::discard_unauthorised(&mut connection, ticket.id).await?,
        Seat::Same => tickets::discard_body(&mut connection, ticket).await?,
    }
    Ok(Progress::Discarded)
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
            let made = tickets::first_issues(&mut connection, order).await?;
            let ids: Vec<_> = made.iter().map(|ticket| ticket.id).collect();
            tickets::hand_over(&mut connection, &ids, now).await?;
            for ticket in made {
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
