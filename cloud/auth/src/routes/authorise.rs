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
use crate::store::{grants, locks};
use crate::terms::{self, Mismatch};
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
        (status = 409, description = "`grant-closed`, `payment-not-confirmed` (try again), `not-granted`, `key-not-active` (make the body anew), `slot-taken`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn authorise(
    state: State,
    Json(Authorise { warrant, body }): Json<Authorise>,
) -> Result<Json<Authorised>, Error> {
    let body = &TicketBody::from_bytes(&body.0)
        .map_err(|defect| Error::NotGranted { why: format!("The body is no ticket's: {defect}.") })?;
    let (bundle, secrets, now) = (&*state.bundle, &state.account_secrets, state.clock.now());
    let key = state.keys.authority(body.authority_key);
    let keys_are_active = state.is_active(KeyRole::Issuing, body.issuing_key)
        && state.is_active(KeyRole::Authority, body.authority_key)
        && key.is_some();
    transaction(&state.pool, "authorise a ticket", |mut transaction| {
        Box::pin(async move {
            let issue = Issue { event: body.event, slot: body.slot, generation: body.generation };
            let warranted = warrant::find(&mut transaction, warrant, bundle, now).await?;
            warranted.expect(issue).map_err(not_granted)?;
            let holder = warranted.holder(&mut transaction, secrets, issue, now).await?;
            terms::covers(&warranted.terms, warranted.form, holder, body).map_err(not_granted)?;
            write_down(&mut transaction, warrant, body, keys_are_active, now).await
        })
    })
    .await?;
    // Only now: what is signed is stored, whatever happens to the answer.
    let signature = body.authorise(key.ok_or(Error::KeyNotActive)?);
    Ok(Json(Authorised { signature: Base64(signature.to_bytes()) }))
}

async fn write_down(
    transaction: &mut Transaction<'_, '_>,
    warrant: Warrant,
    body: &TicketBody,
    keys_are_active: bool,
    now: Timestamp,
) -> Result<(), Error> {
    locks::seat(transaction, body.event, body.slot).await?;
    let wanted = Authorisation { warrant, body: body.to_bytes() };
    match authorisations::find(transaction, body).await? {
        // Even if a key was rotated away since: whoever lost the answer gets it, and nobody anything new.
        Some(known) if known == wanted => Ok(()),
        Some(_) => Err(Error::SlotTaken),
        None if !keys_are_active => Err(Error::KeyNotActive),
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

fn not_granted(mismatch: Mismatch) -> Error {
    Error::NotGranted { why: mismatch.to_string() }
}

#[cfg(test)]
mod rotation;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thief;
