//! The provider's signed word: an order was paid.

use countermark_service::outbox::enqueue;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_service::webhook::{self, PaymentEvent, PaymentEventKind};
use countermark_shared::time::Timestamp;
use http::StatusCode;
use sqlx::PgConnection;

use crate::error::Error;
use crate::issue;
use crate::order::Payment;
use crate::state::State;
use crate::store::{orders, payments};

/// Takes a payment event. 204 once it is stored for good, whatever it does; a repetition does nothing more.
#[utoipa::path(
    post,
    path = "/v1/payment-events",
    operation_id = "take_payment_event",
    params(webhook::Headers),
    request_body = PaymentEvent,
    responses(
        (status = 204, description = "Stored."),
        (status = 400, description = "`webhook-refused`: it cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`webhook-refused`: it is not believed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`too-large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`payment-event-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn receive(
    state: State,
    PaymentEvent { kind: PaymentEventKind::Succeeded, data, .. }: PaymentEvent,
) -> Result<StatusCode, Error> {
    let (payment, now) = (&data, state.clock.now());
    transaction(&state.pool, "take a payment", |mut connection| {
        Box::pin(async move { take(&mut connection, payment, now).await })
    })
    .await?;
    state.outbox.poke();
    Ok(StatusCode::NO_CONTENT)
}

async fn take(connection: &mut PgConnection, payment: &webhook::Payment, now: Timestamp) -> Result<(), Error> {
    // The order first: a repetition that comes at the same time waits here, not at the payment's row.
    let order = orders::lock(connection, payment.reference).await?;
    if !payments::insert(connection, payment, now).await? {
        if !payments::is_known(connection, payment).await? {
            tracing::error!(order = %payment.reference, "a payment of the same name was for something else; ask the provider");
        }
        return Ok(());
    }
    let Some(order) = order else {
        tracing::warn!(order = %payment.reference, "a payment names no order; it is owed back");
        return payments::owe_back(connection, &payment.payment, "there is no such order").await;
    };
    match order.state.pay(payment.payment.clone(), payment.amount, order.terms.amount, now) {
        Payment::Pays(paid) => {
            orders::set_state(connection, order.order, &paid).await?;
            enqueue(connection, issue::ISSUE, &order.order.to_string(), &order.order, now).await?;
            Ok(())
        }
        Payment::TooLate(refund_due) => {
            tracing::warn!(order = %order.order, "a payment came too late; it is owed back");
            orders::set_state(connection, order.order, &refund_due).await?;
            payments::owe_back(connection, &payment.payment, "it came after the reservation had ended").await
        }
        Payment::Surplus { why } => {
            tracing::warn!(order = %order.order, why, "a payment bought nothing; it is owed back");
            payments::owe_back(connection, &payment.payment, why).await
        }
    }
}
