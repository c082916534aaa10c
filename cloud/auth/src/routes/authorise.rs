//! The second signature.

use countermark_service::contract::{Authorise, Authorised, GrantStanding, Warrant, paths};
use countermark_service::event_documents::{self, EventDocumentError};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::TrustBundle;
use countermark_shared::id::OrderId;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;

use crate::error::Error;
use crate::state::State;
use crate::store::authorisations::{self, Authorisation};
use crate::store::grants;
use crate::terms;

/// Signs a ticket's body if it is one of those that the order was granted and paid for. The same body again gets the same
/// signature, as long as the order is open.
#[utoipa::path(
    post,
    path = paths::AUTHORISE,
    operation_id = "authorise_ticket",
    request_body = Authorise,
    responses(
        (status = 200, description = "Signed.", body = Authorised),
        (status = 404, description = "`grant-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`grant-closed`, `payment-not-confirmed` (try again), `not-granted`, `key-not-active` (make the body anew), `slot-taken`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn authorise(
    state: State,
    Json(Authorise { warrant, body }): Json<Authorise>,
) -> Result<Json<Authorised>, Error> {
    let Warrant::Order(order) = warrant else { return Err(Error::GrantUnknown) };
    let body = &TicketBody::from_bytes(&body.0)
        .map_err(|defect| Error::NotGranted { why: format!("The body is no ticket's: {defect}.") })?;
    let (bundle, now) = (&*state.bundle, state.clock.now());
    let key = state.keys.authority(body.authority_key);
    let keys_are_active = key.is_some() && state.is_issuing(body.issuing_key);
    transaction(&state.pool, "authorise a ticket", |mut transaction| {
        Box::pin(async move {
            grants::lock_order(&mut transaction, order).await?;
            expect_granted(&mut transaction, order, body, bundle, now).await?;
            if !keys_are_active {
                return Err(Error::KeyNotActive);
            }
            write_down(&mut transaction, order, body, now).await
        })
    })
    .await?;
    // Only now: what is signed is stored, whatever happens to the answer.
    let signature = body.authorise(key.ok_or(Error::KeyNotActive)?);
    Ok(Json(Authorised { signature: Base64(signature.to_bytes()) }))
}

async fn expect_granted(
    transaction: &mut Transaction<'_, '_>,
    order: OrderId,
    body: &TicketBody,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<(), Error> {
    let grant = grants::find(transaction, order, now).await?.ok_or(Error::GrantUnknown)?;
    match grant.standing {
        GrantStanding::Closed => return Err(Error::GrantClosed),
        GrantStanding::Open => return Err(Error::PaymentNotConfirmed),
        GrantStanding::Paid => {}
    }
    let refused = |why: String| Error::NotGranted { why };
    terms::covers(&grant.terms, body).map_err(|mismatch| refused(mismatch.to_string()))?;
    // Once more against the organiser's own words, which no row of the database can imitate.
    let document = match event_documents::by_hash(transaction, grant.terms.document, bundle, now).await {
        Ok(document) => document.ok_or_else(|| refused("The event document of the grant is gone.".to_owned()))?,
        Err(EventDocumentError::Refused(refusal)) => return Err(refused(format!("No longer believed: {refusal}."))),
        Err(error @ EventDocumentError::Database(_)) => return Err(error.into()),
    };
    terms::allowed(&grant.terms, document.document()).map_err(|mismatch| refused(mismatch.to_string()))?;
    Ok(())
}

async fn write_down(
    transaction: &mut Transaction<'_, '_>,
    order: OrderId,
    body: &TicketBody,
    now: Timestamp,
) -> Result<(), Error> {
    let wanted = Authorisation { order, body: body.to_bytes() };
    match authorisations::find(transaction, body).await? {
        Some(known) if known == wanted => Ok(()),
        Some(_) => Err(Error::SlotTaken),
        None => {
            if !grants::count_authorised(transaction, order).await? {
                return Err(Error::NotGranted { why: "All tickets of the order are signed.".to_owned() });
            }
            authorisations::insert(transaction, order, body, now).await
        }
    }
}

#[cfg(test)]
mod tests;
