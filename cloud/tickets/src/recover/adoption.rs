//! Taking over a ticket that auth signed and this database has lost. Owns when that is the ticket that would have been made here: auth's
//! word alone makes none. Refuses to make another in its place: the issue may have been sealed with another text.

use countermark_service::contract::{ReportedState, SeatIssue, SignedIssue, Warrant};
use countermark_shared::id::{AccountId, Generation, OrderId, TransferId};
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
use sqlx::PgConnection;

use crate::body::{self, Issue, Keys};
use crate::error::Error;
use crate::issue::{self, bodies};
use crate::order::OrderState;
use crate::state::State;
use crate::store::issues::{self, Known};
use crate::store::orders;
use crate::store::tickets::{self, Allotted, Replacement};

/// What became of an issue that auth signed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Adoption {
    /// It is stored here.
    Known,
    /// It was not, and is now.
    Adopted,
    /// Its order is not known here. Whoever has the ticket is let in.
    OrderLost(OrderId),
    /// It is not one that would have been made here; a person has to look into it.
    Refused {
        /// Why.
        why: &'static str,
    },
}

/// Both signatures over one body.
struct Signed<'a> {
    body: &'a TicketBody,
    issuer: Signature,
    authority: Signature,
}

/// Takes one issue over, those of a seat in their order.
pub(super) async fn adopt(
    state: &State,
    connection: &mut PgConnection,
    body: &TicketBody,
    signed: &SignedIssue,
) -> Result<Adoption, Error> {
    let TicketBody { event, slot, generation, .. } = *body;
    tickets::lock_seat(connection, event, slot).await?;
    let known = issues::find(connection, SeatIssue { event, slot, generation }).await?;
    if let Some(Known { body: Some(stored), is_authorised, .. }) = &known {
        if *stored != signed.body.0 {
            return Ok(Adoption::Refused { why: "another body of it is stored here" });
        }
        if *is_authorised {
            return Ok(Adoption::Known);
        }
    }
    let Some(authority) = signed.signature.as_ref().map(|signature| Signature::from_bytes(&signature.0)) else {
        return Ok(Adoption::Refused { why: "it names a key that was revoked" });
    };
    if body.issuing_key != state.keys().issuing {
        return Ok(Adoption::Refused { why: "it names an issuing key of yesterday" });
    }
    let issuer = body.issue(&state.issuing_key);
    if state.key_ring.verify(&UnverifiedTicket::new(body.clone(), issuer, authority)).is_err() {
        return Ok(Adoption::Refused { why: "gates would not believe it" });
    }
    let signed_body = Signed { body, issuer, authority };
    match signed.warrant {
        Warrant::Order(order) => of_order(state, connection, order, known, signed_body).await,
        Warrant::Transfer(transfer) => {
            of_transfer(state, connection, transfer, signed.account, known, signed_body).await
        }
    }
}

async fn of_order(
    state: &State,
    connection: &mut PgConnection,
    order: OrderId,
    known: Option<Known>,
    Signed { body, issuer, authority }: Signed<'_>,
) -> Result<Adoption, Error> {
    // Its report may have been lost with it. That auth says so lets nobody in: a ticket has this service's signature, too.
    let report = (body.event, body.slot, body.generation);
    let Some(found) = orders::lock(connection, order).await? else {
        issue::enqueue_report(connection, report, ReportedState::Issued, state.clock.now()).await?;
        return Ok(Adoption::OrderLost(order));
    };
    if !bodies::is_of(state, connection, &found.terms, body).await? {
        return Ok(Adoption::Refused { why: "its order was for something else" });
    }
    let id = match (known, &found.state) {
        (Some(known), _) if known.order != order => {
            return Ok(Adoption::Refused { why: "the seat is another order's here" });
        }
        (Some(known), _) => known.id,
        // Reserved: auth says that it was paid. It is issued once the provider says so here.
        (None, OrderState::Reserved { .. } | OrderState::Paid { .. }) => {
            let present = tickets::numbers(connection, order).await?;
            let Some(number) = (1..=found.terms.tickets).find(|number| !present.contains(number)) else {
                return Ok(Adoption::Refused { why: "its order has all its tickets" });
            };
            let ticket = Allotted { id: state.randomness.uuid(), number, slot: body.slot };
            tickets::allot(connection, order, ticket, body.event, body.generation).await?;
            ticket.id
        }
        (None, OrderState::Issued { .. } | OrderState::Expired { .. } | OrderState::RefundDue { .. }) => {
            return Ok(Adoption::Refused { why: "its order has ended without it" });
        }
    };
    tickets::sign(connection, id, body, issuer).await?;
    tickets::authorise(connection, id, authority).await?;
    issue::enqueue_report(connection, report, ReportedState::Issued, state.clock.now()).await?;
    Ok(Adoption::Adopted)
}

async fn of_transfer(
    state: &State,
    connection: &mut PgConnection,
    transfer: TransferId,
    account: AccountId,
    known: Option<Known>,
    Signed { body, issuer, authority }: Signed<'_>,
) -> Result<Adoption, Error> {
    let seat = tickets::of_seat(connection, body.event, body.slot).await?;
    let replaced = Generation(body.generation.0.saturating_sub(1));
    let Some(old) = seat.iter().find(|ticket| ticket.body.generation == replaced && ticket.authority.is_some()) else {
        return Ok(Adoption::Refused { why: "the issue that it replaced is not known here" });
    };
    if !follows(&old.body, body) {
        return Ok(Adoption::Refused { why: "it is not what the issue before it was passed on as" });
    }
    let now = state.clock.now();
    let id = if let Some(known) = known {
        known.id
    } else {
        let id = state.randomness.uuid();
        tickets::replace(connection, id, Replacement { old: old.id, transfer, account, body, issuer }).await?;
        id
    };
    tickets::authorise(connection, id, authority).await?;
    tickets::hand_over(connection, &[id], now).await?;
    tickets::end_earlier(connection, body, now).await?;
    let issue = (body.event, body.slot, body.generation);
    issue::enqueue_report(connection, issue, ReportedState::Issued, now).await?;
    Ok(Adoption::Adopted)
}

/// Whether the body is the next issue after `old`, whoever holds it and whatever is sealed in it.
fn follows(old: &TicketBody, body: &TicketBody) -> bool {
    let Some(issue) = Issue::after(old) else { return false };
    let keys = Keys { issuing: body.issuing_key, authority: body.authority_key };
    let expected = TicketBody { sealed: body.sealed, ..body::next(old, keys, issue, body.live) };
    let window = |body: &TicketBody| body.live.map(|live| live.window);
    let check = |body: &TicketBody| body.sealed.map(|sealed| sealed.check_id);
    expected == *body && window(old) == window(body) && check(old) == check(body)
}
