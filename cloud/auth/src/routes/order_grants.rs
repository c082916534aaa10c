//! What tickets tells of an order: that it is its own, and its end.

use axum::http::StatusCode;
use countermark_service::contract::{CloseGrant, ConfirmGrant, Grant, GrantStanding, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::TrustBundle;
use countermark_shared::time::Timestamp;

use crate::capacity;
use crate::error::Error;
use crate::state::State;
use crate::store::{grants, locks, payments};
use crate::terms;

/// Lets the grant of an order hold its places, if it is the order's in account and terms, and applies a payment that came
/// before. Again, or of one that is paid or closed: nothing more happens.
#[utoipa::path(
    post,
    path = paths::CONFIRM_GRANT,
    operation_id = "confirm_grant",
    request_body = ConfirmGrant,
    responses(
        (status = 200, description = "The grant as it now stands.", body = Grant),
        (status = 404, description = "`grant-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`capacity-reached`, `document-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`document-refused`, `terms-refused`: the organiser's document is believed no more", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm_grant(state: State, Json(request): Json<ConfirmGrant>) -> Result<Json<Grant>, Error> {
    let (request, bundle, now) = (&request, &*state.bundle, state.clock.now());
    transaction(&state.pool, "confirm a grant", |mut transaction| {
        Box::pin(async move {
            locks::order(&mut transaction, request.order).await?;
            let grant = grants::find(&mut transaction, request.order, now).await?.ok_or(Error::GrantUnknown)?;
            let is_the_orders = grant.account == request.account && grant.terms == request.terms;
            if is_the_orders
                && grant.standing == GrantStanding::Open
                && !grants::is_confirmed(&mut transaction, grant.order).await?
            {
                confirm(&mut transaction, grant, bundle, now).await.map(Json)
            } else {
                Ok(Json(grant))
            }
        })
    })
    .await
}

async fn confirm(
    transaction: &mut Transaction<'_, '_>,
    Grant { order, terms, .. }: Grant,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Grant, Error> {
    let document = event_documents::by_hash(transaction, terms.document, bundle, now).await?;
    let document = document.as_ref().ok_or(Error::DocumentUnknown)?.document();
    let product = terms::allowed(&terms, document).map_err(Error::Terms)?;
    capacity::expect_places(transaction, &terms, document, product, now).await?;
    grants::confirm(transaction, order, now).await?;
    // The provider's word may have been faster.
    if let Some(payment) = payments::first_of(transaction, order, terms.amount).await? {
        grants::pay(transaction, order, &payment).await?;
    }
    // Another transaction may have closed it before the places were counted, as overdue by that one's clock.
    grants::find(transaction, order, now).await?.ok_or(Error::GrantUnknown)
}

/// The order has ended: nothing more is signed for it. One that auth does not know is remembered, and not granted later.
#[utoipa::path(
    post,
    path = paths::CLOSE_GRANT,
    operation_id = "close_grant",
    request_body = CloseGrant,
    responses((status = 204, description = "Closed, now or before."))
)]
pub(crate) async fn close_grant(
    state: State,
    Json(CloseGrant { order }): Json<CloseGrant>,
) -> Result<StatusCode, Error> {
    let now = state.clock.now();
    transaction(&state.pool, "close a grant", |mut transaction| {
        Box::pin(async move {
            locks::order(&mut transaction, order).await?;
            grants::close(&mut transaction, order, now).await?;
            Ok::<_, Error>(())
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
