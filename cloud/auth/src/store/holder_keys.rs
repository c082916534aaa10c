//! Table `holder_keys`.

use countermark_shared::id::AccountId;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::verifying_key;
use crate::error::Error;

/// A device's key, and since when an account has it.
pub(crate) struct HolderKey {
    pub(crate) key: VerifyingKey,
    pub(crate) added: Timestamp,
}

/// An account's keys, the oldest first.
pub(crate) async fn of_account(connection: &mut PgConnection, account: AccountId) -> Result<Vec<HolderKey>, Error> {
    let rows =
        sqlx::query!("SELECT key, added_at FROM holder_keys WHERE account = $1 ORDER BY added_at, key", account.0)
            .fetch_all(connection)
            .await?;
    rows.into_iter().map(|row| Ok(HolderKey { key: verifying_key(row.key)?, added: row.added_at.into() })).collect()
}

/// Whether an account has registered a key.
pub(crate) async fn has(
    connection: &mut PgConnection,
    account: AccountId,
    key: VerifyingKey,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM holder_keys WHERE account = $1 AND key = $2) AS "has!""#,
        account.0,
        &key.to_bytes()[..],
    )
    .fetch_one(connection)
    .await
}

/// Adds a key that the account does not have.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    HolderKey { key, added }: &HolderKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO holder_keys (account, key, added_at) VALUES ($1, $2, $3)",
        account.0,
        &key.to_bytes()[..],
        OffsetDateTime::from(*added),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a key, if the account has it.
pub(crate) async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    key: VerifyingKey,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM holder_keys WHERE account = $1 AND key = $2", account.0, &key.to_bytes()[..])
        .execute(connection)
        .await?;
    Ok(())
}
