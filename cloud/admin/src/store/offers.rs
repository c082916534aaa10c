//! Which offer a request means.

use countermark_shared::id::{AccountId, OfferId};
use countermark_shared::time::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::error::Error;

/// The offer of this account's key: `new`, unless the key was used before. Fails when it was used for another request.
pub(crate) async fn of_key(
    connection: &mut PgConnection,
    account: AccountId,
    key: &str,
    new: OfferId,
    request: &Value,
    now: Timestamp,
) -> Result<OfferId, Error> {
    sqlx::query!(
        "INSERT INTO offer_requests (account, idempotency_key, offer, request, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account, idempotency_key) DO NOTHING",
        account.0,
        key,
        new.0,
        request,
        OffsetDateTime::from(now),
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        "SELECT offer, request FROM offer_requests WHERE account = $1 AND idempotency_key = $2",
        account.0,
        key,
    )
    .fetch_one(connection)
    .await?;
    if row.request == *request { Ok(OfferId(row.offer)) } else { Err(Error::KeyReused) }
}
