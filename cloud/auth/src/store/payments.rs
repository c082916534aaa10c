//! Table `payments`: append-only.

use countermark_service::webhook::Payment;
use countermark_shared::id::OrderId;
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{money, narrow};
use crate::error::Error;

/// Keeps a payment; `false` when one of that name is kept already.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    payment: &Payment,
    paid_at: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "INSERT INTO payments (payment, order_id, amount, currency, paid_at, received_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (payment) DO NOTHING",
        payment.payment,
        payment.reference.0,
        narrow::<_, i64>("amount", payment.amount.minor)?,
        payment.amount.currency.to_string(),
        OffsetDateTime::from(paid_at),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The payment of that name.
pub(crate) async fn find(connection: &mut PgConnection, payment: &str) -> Result<Option<Payment>, Error> {
    let row = sqlx::query!("SELECT order_id, amount, currency FROM payments WHERE payment = $1", payment)
        .fetch_optional(connection)
        .await?;
    row.map(|row| {
        let amount = money(row.amount, &row.currency)?;
        Ok(Payment { payment: payment.to_owned(), reference: OrderId(row.order_id), amount })
    })
    .transpose()
}

/// The first payment of exactly this amount that came for an order.
pub(crate) async fn first_of(
    connection: &mut PgConnection,
    order: OrderId,
    amount: Money,
) -> Result<Option<String>, Error> {
    let minor: i64 = narrow("amount", amount.minor)?;
    let name = sqlx::query_scalar!(
        "SELECT payment FROM payments WHERE order_id = $1 AND amount = $2 AND currency = $3
         ORDER BY received_at, payment LIMIT 1",
        order.0,
        minor,
        amount.currency.to_string(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(name)
}
