//! From a paid order to bodies that the issuer signed: a slot for each ticket, who holds it, and what is sealed into it.

use countermark_service::contract::{AskHolderKey, AuthProblem, HolderKey, Terms, Warrant};
use countermark_service::event_documents::{self, EventDocumentError};
use countermark_service::outbox::Retry;
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::documents::TicketForm;
use countermark_shared::id::OrderId;
use countermark_shared::ticket::{Live, TicketBody};
use sqlx::PgConnection;

use super::{Progress, refusal};
use crate::body::{self, Issue, Keys};
use crate::error::Error;
use crate::order::{Order, OrderState};
use crate::state::State;
use crate::store::tickets::{self, Allotted};
use crate::store::{orders, slots};
use crate::{event_secrets, names};

/// Makes sure that each ticket of a paid order has a slot; nothing when the order is not paid (any more).
pub(super) async fn allot(state: &State, order: OrderId) -> Result<Option<Order>, Error> {
    transaction(&state.pool, "allot slots", |mut connection| {
        Box::pin(async move {
            let Some(found) = paid(&mut connection, order).await? else { return Ok(None) };
            let present = tickets::numbers(&mut connection, order).await?;
            let missing: Vec<u16> = (1..=found.terms.tickets).filter(|number| !present.contains(number)).collect();
            let event = found.terms.event;
            let slots = slots::allocate(&mut connection, event, missing.len(), &mut state.randomness.clone()).await?;
            for (number, slot) in missing.into_iter().zip(slots) {
                let ticket = Allotted { id: state.randomness.uuid(), number, slot };
                tickets::allot(&mut connection, order, ticket, event, Issue::first(slot).generation).await?;
            }
            Ok(Some(found))
        })
    })
    .await
}

/// Makes the bodies that are missing, each stored before anybody sees it.
pub(super) async fn make(state: &State, order: &Order) -> Result<Progress, Retry> {
    let mut connection = state.pool.acquire().await?;
    let Some(form) = granted_form(state, &mut connection, &order.terms).await? else {
        return Ok(Progress::Refused { why: "the event document that it was sold under is not believed".to_owned() });
    };
    let waiting = tickets::without_body(&mut connection, order.order).await?;
    drop(connection);
    for ticket in waiting {
        let live = match holder(state, order, form, ticket).await {
            Ok(live) => live,
            Err(error) => match AuthProblem::of(&error).and_then(refusal) {
                Some(why) => return Ok(Progress::Refused { why }),
                None => return Err(error.into()),
            },
        };
        sign(state, order, form, ticket, live).await?;
    }
    Ok(Progress::Done)
}

/// Whether the body is a first issue that was sold under these terms, whoever holds it and whatever is sealed in it.
pub(crate) async fn is_of(
    state: &State,
    connection: &mut PgConnection,
    terms: &Terms,
    body: &TicketBody,
) -> Result<bool, Error> {
    let Some(form) = granted_form(state, connection, terms).await? else { return Ok(false) };
    let keys = Keys { issuing: body.issuing_key, authority: body.authority_key };
    let expected = body::first(terms, keys, Issue::first(body.slot), body.live);
    let is_as_sold = expected.is_some_and(|expected| TicketBody { sealed: body.sealed, ..expected } == *body);
    let check = body.sealed.map(|sealed| sealed.check_id);
    let has_form =
        body.live.map(|live| live.window) == body::window(form) && check == form.is_sealed().then(|| form.checks_id());
    Ok(is_as_sold && has_form)
}

/// What the order's tickets are like, by the organiser's own words; nothing when nobody believes them any more.
async fn granted_form(
    state: &State,
    connection: &mut PgConnection,
    terms: &Terms,
) -> Result<Option<TicketForm>, Error> {
    match event_documents::by_hash(connection, terms.document, &state.bundle, state.clock.now()).await {
        Ok(document) => Ok(document.and_then(|known| known.document().product(terms.product).map(|known| known.form))),
        Err(EventDocumentError::Refused(_)) => Ok(None),
        Err(error @ (EventDocumentError::OtherSignatures { .. } | EventDocumentError::Database(_))) => {
            Err(error.into())
        }
    }
}

async fn holder(state: &State, order: &Order, form: TicketForm, ticket: Allotted) -> Result<Option<Live>, CallError> {
    let Some(window) = body::window(form) else { return Ok(None) };
    let Issue { slot, generation } = Issue::first(ticket.slot);
    let ask = AskHolderKey { warrant: Warrant::Order(order.order), event: order.terms.event, slot, generation };
    let HolderKey { holder } = state.auth.holder_key(&ask).await?;
    Ok(Some(Live { window, holder }))
}

async fn sign(
    state: &State,
    order: &Order,
    form: TicketForm,
    ticket: Allotted,
    live: Option<Live>,
) -> Result<(), Error> {
    transaction(&state.pool, "make a ticket", |mut connection| {
        Box::pin(async move {
            // Whoever else issues the order may have ended it, and its names are gone.
            if paid(&mut connection, order.order).await?.is_none() {
                return Ok(());
            }
            let terms = &order.terms;
            let body = body::first(terms, state.keys(), Issue::first(ticket.slot), live)
                .ok_or(Error::Invalid("the validity is empty"))?;
            let body = if form.is_sealed() {
                let text = names::find(state, &mut connection, order.order, ticket.number).await?;
                event_secrets::newest(state, &mut connection, terms.event).await?.seal(
                    &body,
                    &text,
                    form.checks_id(),
                )?
            } else {
                body
            };
            tickets::sign(&mut connection, ticket.id, &body, body.issue(&state.issuing_key)).await
        })
    })
    .await
}

async fn paid(connection: &mut PgConnection, order: OrderId) -> Result<Option<Order>, Error> {
    let found = orders::lock(connection, order).await?;
    Ok(found.filter(|order| matches!(order.state, OrderState::Paid { .. })))
}
