//! Table `payments`.

use countermark_service::webhook::Payment;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::number;
use crate::error::Error;

/// Records a payment; false when it was told before.
pub(crate) async fn insert(connection: &mut PgConnection, payment: &Payment, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query!(
        "INSERT INTO payments (payment, order_id, amount_minor, currency, received_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (payment) DO NOTHING",
        payment.payment,
        payment.reference.0,
        number::<i64, _>(payment.amount.minor, "payments", "amount")?,
        payment.amount.currency.to_string(),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether exactly this payment was told before.
pub(crate) async fn is_known(connection: &mut PgConnection, payment: &Payment) -> Result<bool, Error> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM payments WHERE payment = $1 AND order_id = $2 AND amount_minor = $3 AND currency = $4
           ) AS "known!""#,
        payment.payment,
        payment.reference.0,
        number::<i64, _>(payment.amount.minor, "payments", "amount")?,
        payment.amount.currency.to_string(),
    )
    .fetch_one(connection)
    .await?;
    Ok(known)
}

/// Notes that a payment bought nothing.
pub(crate) async fn owe_back(connection: &mut PgConnection, payment: &str, why: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE payments SET refund_due_because = $2 WHERE payment = $1", payment, why)
        .execute(connection)
        .await?;
    Ok(())
}
