//! Opening a payment: only for an order whose terms the buyer granted with auth.

use core::time::Duration;

use countermark_service::caller::Caller;
use countermark_service::contract::{AuthProblem, ConfirmGrant, Grant, GrantStanding};
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::id::OrderId;
use countermark_shared::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::expire::TIME_TO_HEAR;
use crate::order::{Order, OrderState};
use crate::payment::OpenPayment;
use crate::state::State;
use crate::store::orders;

/// How long a buyer has on the provider's page.
const TIME_TO_PAY: Duration = Duration::from_mins(15);

/// Where to pay.
#[derive(Serialize, ToSchema)]
pub(super) struct PaymentPage {
    page: String,
}

/// Opens the payment of one of the caller's orders; again, it answers with the same page and holds nothing longer.
#[utoipa::path(
    post,
    path = "/v1/orders/{order}/payment",
    operation_id = "open_payment",
    params(("order" = OrderId, Path, description = "The order.")),
    responses(
        (status = 200, description = "Where to pay.", body = PaymentPage),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`not-granted`, `not-payable`, `capacity-reached`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`payment-unavailable`, `unavailable`: the places are still held; try again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn open(state: State, caller: Caller, Path(order): Path<OrderId>) -> Result<Json<PaymentPage>, Error> {
    let found = payable(&state, caller, order).await?;
    if let OrderState::Reserved { payment_page: Some(page), .. } = found.state {
        return Ok(Json(PaymentPage { page }));
    }
    confirm_grant(&state, &found).await?;

    let expires = state.clock.now() + TIME_TO_PAY;
    // For the provider's word to arrive.
    let until = expires + TIME_TO_HEAR;
    hold(&state, order, None, until).await?;
    let request = OpenPayment { reference: order, amount: found.terms.amount, expires };
    let page = state.payments.open(&request).await?.page;
    hold(&state, order, Some(&page), until).await?;
    Ok(Json(PaymentPage { page }))
}

async fn payable(state: &State, caller: Caller, order: OrderId) -> Result<Order, Error> {
    let mut connection = state.pool.acquire().await?;
    let found = orders::find(&mut connection, order)
        .await?
        .filter(|order| order.account == caller.account)
        .ok_or(Error::Unknown)?;
    match &found.state {
        OrderState::Reserved { reserved_until, .. } if state.clock.now() < *reserved_until => Ok(found),
        OrderState::Reserved { .. } => Err(Error::NotPayable { state: "expired" }),
        OrderState::Paid { .. }
        | OrderState::Issued { .. }
        | OrderState::Expired { .. }
        | OrderState::RefundDue { .. } => Err(Error::NotPayable { state: found.state.name() }),
    }
}

async fn confirm_grant(state: &State, order: &Order) -> Result<(), Error> {
    let not_granted = || Error::NotGranted { terms: Box::new(order.terms.clone()) };
    let request = ConfirmGrant { order: order.order, account: order.account, terms: order.terms.clone() };
    match state.auth.confirm_grant(&request).await {
        Ok(Grant { account, terms, standing: GrantStanding::Open, .. })
            if account == order.account && terms == order.terms =>
        {
            Ok(())
        }
        Ok(Grant { standing: GrantStanding::Closed, .. }) => Err(Error::unpayable(
            "What was granted for it has ended with the account service, and cannot be granted again. Make a new order.",
        )),
        Ok(Grant { standing: GrantStanding::Paid, .. }) => Err(Error::unpayable(
            "The account service knows it to be paid. Do not pay again: its tickets follow once the payment is known here.",
        )),
        Ok(Grant { standing: GrantStanding::Open, .. }) => Err(not_granted()),
        Err(error) => Err(refused_or_away(error, order)),
    }
}

/// What auth's answer means for the buyer; another than a refusal by the contract is one that may change.
fn refused_or_away(error: CallError, order: &Order) -> Error {
    match (AuthProblem::of(&error), error) {
        (Some(AuthProblem::GrantUnknown), _) => Error::NotGranted { terms: Box::new(order.terms.clone()) },
        (Some(AuthProblem::CapacityReached), _) => Error::CapacityReached,
        (Some(AuthProblem::DocumentRefused | AuthProblem::TermsRefused), CallError::Refused { problem, .. }) => {
            let why = problem.detail.unwrap_or(problem.title);
            Error::unpayable(format!(
                "The organiser's event document does not allow it any more: {why} Make a new order."
            ))
        }
        (_, error) => error.into(),
    }
}

/// Holds the places before the buyer can pay, so that no payment in time meets an order that has expired.
async fn hold(state: &State, order: OrderId, page: Option<&str>, until: Timestamp) -> Result<(), Error> {
    transaction(&state.pool, "hold an order for its payment", |mut connection| {
        Box::pin(async move {
            let found = orders::lock(&mut connection, order).await?.ok_or(Error::Unknown)?;
            if !matches!(found.state, OrderState::Reserved { .. }) {
                return Err(Error::NotPayable { state: found.state.name() });
            }
            orders::hold(&mut connection, order, page, until).await
        })
    })
    .await
}
