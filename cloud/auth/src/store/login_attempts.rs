//! Table `login_attempts`.

use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// The attempts that count.
pub(crate) struct Attempts {
    pub(crate) count: i64,
    pub(crate) oldest: Option<Timestamp>,
}

/// The attempts since an instant; older ones are forgotten.
pub(crate) async fn since(
    connection: &mut PgConnection,
    account: AccountId,
    from: Timestamp,
) -> Result<Attempts, sqlx::Error> {
    sqlx::query!("DELETE FROM login_attempts WHERE account = $1 AND at <= $2", account.0, OffsetDateTime::from(from),)
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", min(at) AS oldest FROM login_attempts WHERE account = $1"#,
        account.0,
    )
    .fetch_one(connection)
    .await?;
    Ok(Attempts { count: row.count, oldest: row.oldest.map(Timestamp::from) })
}

/// Writes one down.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("INSERT INTO login_attempts (account, at) VALUES ($1, $2)", account.0, OffsetDateTime::from(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets all of an account's.
pub(crate) async fn clear(connection: &mut PgConnection, account: AccountId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM login_attempts WHERE account = $1", account.0).execute(connection).await?;
    Ok(())
}
