//! Table `account_secrets`: a secret is never replaced.

use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// An account's secret, sealed.
pub(crate) async fn find(connection: &mut PgConnection, account: AccountId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT sealed FROM account_secrets WHERE account = $1", account.0)
        .fetch_optional(connection)
        .await
}

/// Stores the secret of an account that has none.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO account_secrets (account, sealed, created_at) VALUES ($1, $2, $3)",
        account.0,
        sealed,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}
