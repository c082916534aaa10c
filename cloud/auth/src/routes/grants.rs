//! Granting an order.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::contract::{Grant, GrantStanding, Terms};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::{EventDocument, TrustBundle};
use countermark_shared::id::OrderId;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::capacity;
use crate::error::Error;
use crate::routes::holder_keys;
use crate::state::State;
use crate::store::grants::NewGrant;
use crate::store::{accounts, grants, locks};
use crate::terms;

/// How long a grant waits for its payment. A backstop: tickets closes sooner.
const UNPAID_FOR: Duration = Duration::from_hours(24);

/// How many unpaid grants an account may have.
const MOST_UNPAID: i64 = 5;

/// Grant this order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MakeGrant {
    /// The order, as tickets named it.
    order: OrderId,
    /// All that it is for and costs, as tickets told.
    terms: Terms,
    /// The device that is to hold its live tickets, one of the caller's registered keys. Without: the account itself.
    #[serde(default)]
    holder: Option<VerifyingKey>,
}

/// Grants an order: the caller's word to auth itself that they want exactly this. The same again is well. The order may be
/// made up: the grant holds no places until tickets confirms it.
#[utoipa::path(
    post,
    path = "/v1/grants",
    operation_id = "grant_order",
    request_body = MakeGrant,
    responses(
        (status = 201, description = "Granted.", body = Grant),
        (status = 200, description = "Granted before.", body = Grant),
        (status = 409, description = "`document-unknown` (try again), `document-replaced`, `capacity-reached`, `grant-exists`, `grant-closed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`terms-refused`, `holder-unknown`, `holder-not-needed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-open-grants`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn grant(
    state: State,
    caller: Caller,
    Json(request): Json<MakeGrant>,
) -> Result<(StatusCode, Json<Grant>), Error> {
    let (request, bundle, now) = (&request, &*state.bundle, state.clock.now());
    transaction(&state.pool, "grant an order", |mut transaction| {
        Box::pin(async move {
            locks::order(&mut transaction, request.order).await?;
            let Some(grant) = grants::find(&mut transaction, request.order, now).await? else {
                let grant = make(&mut transaction, caller, request, bundle, now).await?;
                return Ok((StatusCode::CREATED, Json(grant)));
            };
            let holder = grants::holder(&mut transaction, request.order).await?;
            if (grant.account, &grant.terms, holder) == (caller.account, &request.terms, request.holder) {
                Ok((StatusCode::OK, Json(grant)))
            } else {
                Err(Error::GrantExists)
            }
        })
    })
    .await
}

async fn make(
    transaction: &mut Transaction<'_, '_>,
    caller: Caller,
    request: &MakeGrant,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Grant, Error> {
    let MakeGrant { order, ref terms, holder } = *request;
    if grants::has_ended(transaction, order).await? {
        return Err(Error::GrantClosed);
    }
    let document = document_in_force(transaction, terms, bundle, now).await?;
    let product = terms::allowed(terms, &document).map_err(Error::Terms)?;

    if !accounts::lock(transaction, caller.account).await? {
        return Err(Error::NoAccount);
    }
    holder_keys::expect(transaction, caller.account, holder, product.form.is_live()).await?;
    if grants::count_unpaid(transaction, caller.account, now).await? >= MOST_UNPAID {
        return Err(Error::TooManyOpenGrants);
    }
    // Holds nothing: whoever comes too late hears it here already.
    capacity::expect_places(transaction, terms, &document, product, now).await?;
    let new = NewGrant { order, account: caller.account, terms, holder, created: now, expires: now + UNPAID_FOR };
    grants::insert(transaction, &new).await?;
    Ok(Grant { order, account: caller.account, terms: terms.clone(), standing: GrantStanding::Open })
}

async fn document_in_force(
    transaction: &mut Transaction<'_, '_>,
    terms: &Terms,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<EventDocument, Error> {
    match event_documents::in_force(transaction, terms.event, bundle, now).await? {
        Some(in_force) if in_force.hash() == terms.document => Ok(in_force.document().clone()),
        _ => match event_documents::by_hash(transaction, terms.document, bundle, now).await? {
            Some(_) => Err(Error::DocumentReplaced),
            None => Err(Error::DocumentUnknown),
        },
    }
}

#[cfg(test)]
mod tests;
