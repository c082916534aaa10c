//! The payment provider's word to auth itself.

use axum::http::StatusCode;
use countermark_service::contract::{Grant, GrantStanding};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_service::webhook::{self, Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;

use crate::error::Error;
use crate::state::State;
use crate::store::{grants, locks, payments};

/// What a payment does for its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It pays for the grant.
    Pays,
    /// The order is not granted and confirmed yet; the confirmation looks for it.
    Waits,
    /// Nothing, and somebody must look into it: why.
    Nothing(&'static str),
}

/// Keeps the payment, and marks the grant of its order as paid when it is of exactly the granted amount. 204 once it is
/// kept, whatever it does; a repetition does nothing more.
#[utoipa::path(
    post,
    path = "/v1/payment-events",
    operation_id = "take_payment_event",
    params(webhook::Headers),
    request_body = PaymentEvent,
    responses(
        (status = 204, description = "Kept."),
        (status = 400, description = "`webhook-refused`: it cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`webhook-refused`: it is not believed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`too-large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`payment-event-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn payment_event(
    state: State,
    PaymentEvent { kind: PaymentEventKind::Succeeded, timestamp, data }: PaymentEvent,
) -> Result<StatusCode, Error> {
    let (payment, now) = (&data, state.clock.now());
    let effect = transaction(&state.pool, "keep a payment", |mut transaction| {
        Box::pin(async move { keep(&mut transaction, payment, timestamp, now).await })
    })
    .await?;
    match effect {
        Effect::Pays => {}
        Effect::Waits => {
            tracing::info!(order = %payment.reference, "a payment came before its order was confirmed");
        }
        Effect::Nothing(why) => tracing::warn!(order = %payment.reference, why, "a payment was not applied"),
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn keep(
    transaction: &mut Transaction<'_, '_>,
    payment: &Payment,
    paid_at: Timestamp,
    now: Timestamp,
) -> Result<Effect, Error> {
    locks::order(transaction, payment.reference).await?;
    if !payments::insert(transaction, payment, paid_at, now).await? {
        let known = payments::find(transaction, &payment.payment).await?;
        return Ok(if known.as_ref() == Some(payment) {
            Effect::Pays
        } else {
            Effect::Nothing("a payment of the same name was for something else")
        });
    }
    let grant = grants::find(transaction, payment.reference, now).await?;
    let effect = effect(grant.as_ref(), payment.amount);
    if effect == Effect::Pays && !grants::is_confirmed(transaction, payment.reference).await? {
        return Ok(Effect::Waits);
    }
    // Another transaction may have closed it in between, as overdue by that one's clock.
    if effect == Effect::Pays && !grants::pay(transaction, payment.reference, &payment.payment).await? {
        return Ok(Effect::Nothing("the order has ended"));
    }
    Ok(effect)
}

fn effect(grant: Option<&Grant>, amount: Money) -> Effect {
    let Some(grant) = grant else { return Effect::Waits };
    match grant.standing {
        GrantStanding::Open if grant.terms.amount == amount => Effect::Pays,
        GrantStanding::Open => Effect::Nothing("another amount was granted"),
        GrantStanding::Paid => Effect::Nothing("the order was paid before"),
        GrantStanding::Closed => Effect::Nothing("the order has ended"),
    }
}

#[cfg(test)]
mod tests;
