//! Locks that no row stands for. Each lasts until the transaction ends.
//!
//! Whoever decides about an order holds its lock, whether the order is known yet or not; whoever makes a seat's next issue, or decides
//! who may, the seat's; whoever counts an event's capacity, the capacity's. Where several are taken: order, then account
//! ([`accounts::lock`](super::accounts::lock)), then seat, then capacity.

use countermark_shared::id::{EventId, OrderId, Slot};
use sqlx::PgConnection;

/// Waits for, and then keeps, the sole right to decide about an order.
pub(crate) async fn order(connection: &mut PgConnection, order: OrderId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('order ' || $1::text, 0))", order.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits for, and then keeps, the sole right to decide about a seat.
pub(crate) async fn seat(connection: &mut PgConnection, event: EventId, slot: Slot) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('seat ' || $1::text, 0))", format!("{event}/{slot}"))
        .execute(connection)
        .await?;
    Ok(())
}

/// Waits for, and then keeps, the sole right to count an event's capacity.
pub(crate) async fn capacity(connection: &mut PgConnection, event: EventId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('capacity'), $1)", event.0.cast_signed())
        .execute(connection)
        .await?;
    Ok(())
}
