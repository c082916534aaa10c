//! Reservations that were not paid in time: their places go back on sale. Owns the sweep; a background task runs it.

use core::time::Duration;

use countermark_service::problem::chain;
use countermark_service::serve::Shutdown;
use countermark_service::transaction::transaction;
use countermark_shared::time::Timestamp;
use sqlx::PgPool;

use crate::error::Error;
use crate::issue;
use crate::order::OrderState;
use crate::state::State;
use crate::store::{offers, orders};

const INTERVAL: Duration = Duration::from_secs(1);
/// How long the provider's word about a payment may be under way.
pub(crate) const TIME_TO_HEAR: Duration = Duration::from_mins(5);

/// Sweeps until the shutdown.
pub(crate) async fn run(state: State, shutdown: Shutdown) {
    // After an outage the provider's word about payments made in time is still under way.
    let heard = state.clock.now() + TIME_TO_HEAR;
    while !shutdown.is_requested() {
        let now = state.clock.now();
        match sweep(&state.pool, now >= heard, now).await {
            Ok(0) => {}
            Ok(_) => state.outbox.poke(),
            Err(error) => tracing::error!(error = %chain(&error), "overdue reservations cannot be ended"),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shutdown.requested() => {}
        }
    }
}

/// Ends what is overdue; the answer is how many. Orders with an opened payment only `with_payment`.
pub(crate) async fn sweep(pool: &PgPool, with_payment: bool, now: Timestamp) -> Result<usize, Error> {
    transaction(pool, "end overdue reservations", |mut connection| {
        Box::pin(async move {
            let overdue = orders::lock_overdue(&mut connection, with_payment, now).await?;
            for order in &overdue {
                orders::set_state(&mut connection, order.order, &OrderState::Expired { expired_at: now }).await?;
                offers::give_back(&mut connection, order.offer, order.terms.persons()).await?;
                issue::enqueue_close(&mut connection, order.order, now).await?;
            }
            Ok(overdue.len())
        })
    })
    .await
}
