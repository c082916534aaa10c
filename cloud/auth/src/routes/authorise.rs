//! The second signature.

use countermark_service::contract::{Authorise, Authorised, Warrant, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::KeyRole;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;

use crate::error::Error;
use crate::state::State;
use crate::store::authorisations::{self, Authorisation};
use crate::store::{grants, locks, recovered};
use crate::terms::Mismatch;
use crate::warrant::{self, Issue};

/// Signs a ticket's body if it is one of those that an order was granted and paid for, or the next issue of a seat for whoever
/// accepted its transfer. The same body again gets the same signature, of an order as long as it is open.
#[utoipa::path(
    post,
    path = paths::AUTHORISE,
    operation_id = "authorise_ticket",
    request_body = Authorise,
    responses(
        (status = 200, description = "Signed.", body = Authorised),
        (status = 404, description = "`grant-unknown`, `transfer-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`grant-closed`, `payment-not-confirmed` (try again), `not-granted`, `key-not-active` (make the body anew), `written-down-key-gone` (make the body of the same seat and issue anew), `slot-taken`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn authorise(
    state: State,
    Json(Authorise { warrant, body }): Json<Authorise>,
) -> Result<Json<Authorised>, Error> {
    let body = &TicketBody::from_bytes(&body.0)
        .map_err(|defect| Error::NotGranted { why: format!("The body is no ticket's: {defect}.") })?;
    let (state, secrets, now) = (&state, &state.account_secrets, state.clock.now());
    transaction(&state.pool, "authorise a ticket", |mut transaction| {
        Box::pin(async move {
            let issue = Issue { event: body.event, slot: body.slot, generation: body.generation };
            let warranted = warrant::find(&mut transaction, warrant, &state.bundle, now).await?;
            warranted.expect(issue).map_err(not_granted)?;
            let holder = warranted.holder(&mut transaction, secrets, issue, now).await?;
            warranted.covers(holder, body).map_err(not_granted)?;
            write_down(&mut transaction, state, warrant, body, now).await
        })
    })
    .await?;
    // Only now: what is signed is stored, whatever happens to the answer.
    let key = state.keys.authority(body.authority_key).ok_or(Error::WrittenDownKeyGone)?;
    let signature = body.authorise(key);
    Ok(Json(Authorised { signature: Base64(signature.to_bytes()) }))
}

async fn write_down(
    transaction: &mut Transaction<'_, '_>,
    state: &State,
    warrant: Warrant,
    body: &TicketBody,
    now: Timestamp,
) -> Result<(), Error> {
    let (event, slot) = (body.event, body.slot);
    locks::seat(transaction, event, slot).await?;
    let wanted = Authorisation { warrant, body: body.clone() };
    match authorisations::find(transaction, event, slot, body.generation).await? {
        Some(known) if known == wanted && state.names_revoked_key(body) => Err(Error::WrittenDownKeyGone),
        // Even if a key was rotated away since: whoever lost the answer gets it, and nobody anything new.
        Some(known) if known == wanted => Ok(()),
        // What was signed is worthless, whoever has it; signed anew, the seat has one ticket again.
        Some(known) if known.warrant == warrant && state.names_revoked_key(&known.body) => {
            let newest = authorisations::newest(transaction, event, slot).await?;
            if newest.is_none_or(|newest| newest.body.generation != body.generation || newest.is_passed_on) {
                return Err(Error::SlotTaken);
            }
            if !are_active(state, body) {
                return Err(Error::KeyNotActive);
            }
            authorisations::insert_again(transaction, body, now).await
        }
        Some(_) => Err(Error::SlotTaken),
        // For a grant that was lost with a database: another body would be the second.
        None if recovered::find(transaction, event, slot, body.generation).await?.is_some() => Err(Error::SlotTaken),
        None if !are_active(state, body) => Err(Error::KeyNotActive),
        None => {
            if let Warrant::Order(order) = warrant
                && !grants::count_authorised(transaction, order).await?
            {
                return Err(Error::NotGranted { why: "All tickets of the order are signed.".to_owned() });
            }
            authorisations::insert(transaction, warrant, body, now).await
        }
    }
}

/// Whether the body's keys may sign something new, and its authority key is at hand.
fn are_active(state: &State, body: &TicketBody) -> bool {
    state.is_active(KeyRole::Issuing, body.issuing_key)
        && state.is_active(KeyRole::Authority, body.authority_key)
        && state.keys.authority(body.authority_key).is_some()
}

fn not_granted(mismatch: Mismatch) -> Error {
    Error::NotGranted { why: mismatch.to_string() }
}

#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thief;
