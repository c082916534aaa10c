//! Table `accounts`.

use countermark_service::caller::Role;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::account_commands::Administrator;
use crate::email::EmailAddress;
use crate::error::Error;
use crate::password::PasswordHash;

/// An account to be.
pub(crate) struct NewAccount<'a> {
    pub(crate) account: AccountId,
    pub(crate) email: &'a EmailAddress,
    pub(crate) role: Role,
    pub(crate) password: &'a PasswordHash,
}

/// An account as a log-in needs it.
pub(crate) struct Credentials {
    pub(crate) account: AccountId,
    pub(crate) role: Role,
    pub(crate) password: PasswordHash,
}

/// An account as its owner sees it.
pub(crate) struct Profile {
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) created: Timestamp,
    /// Log-ins before it are over.
    pub(crate) sessions_from: Option<Timestamp>,
}

/// Adds an account; `false` when the address has one.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: &NewAccount<'_>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"INSERT INTO accounts (account, email, role, password, created_at) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (lower(email COLLATE "C")) WHERE closed_at IS NULL DO NOTHING"#,
        new.account.0,
        new.email.as_str(),
        new.role.as_str(),
        new.password.0,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The account of that address, locked until the transaction ends.
pub(crate) async fn lock_by_email(
    connection: &mut PgConnection,
    email: &EmailAddress,
) -> Result<Option<Credentials>, Error> {
    let row = sqlx::query!(
        r#"SELECT account, role, password FROM accounts
           WHERE lower(email COLLATE "C") = lower($1 COLLATE "C") AND closed_at IS NULL FOR NO KEY UPDATE"#,
        email.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Credentials {
            account: AccountId(row.account),
            role: role(&row.role)?,
            password: PasswordHash(row.password),
        })
    })
    .transpose()
}

/// Locks an account until the transaction ends; `false` when there is none, or none any more.
pub(crate) async fn lock(connection: &mut PgConnection, account: AccountId) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        "SELECT account FROM accounts WHERE account = $1 AND closed_at IS NULL FOR NO KEY UPDATE",
        account.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.is_some())
}

/// What its owner is told.
pub(crate) async fn profile(connection: &mut PgConnection, account: AccountId) -> Result<Option<Profile>, Error> {
    let row = sqlx::query!(
        "SELECT email, role, created_at, sessions_from FROM accounts WHERE account = $1 AND closed_at IS NULL",
        account.0,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Profile {
            email: row.email,
            role: role(&row.role)?,
            created: row.created_at.into(),
            sessions_from: row.sessions_from.map(Timestamp::from),
        })
    })
    .transpose()
}

/// Replaces a hash by another of the same password, unless another password was set since it was read.
pub(crate) async fn renew_password(
    connection: &mut PgConnection,
    account: AccountId,
    known: &PasswordHash,
    renewed: &PasswordHash,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts SET password = $3 WHERE account = $1 AND password = $2",
        account.0,
        known.0,
        renewed.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Who may administrate, by address.
pub(crate) async fn administrators(connection: &mut PgConnection) -> Result<Vec<Administrator>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account, email, created_at FROM accounts WHERE role = $1 AND closed_at IS NULL
           ORDER BY lower(email COLLATE "C")"#,
        Role::Administrator.as_str(),
    )
    .fetch_all(connection)
    .await?;
    let administrators = rows.into_iter().map(|row| Administrator {
        account: AccountId(row.account),
        email: row.email,
        since: row.created_at.into(),
    });
    Ok(administrators.collect())
}

/// Closes the administrator's account of that address; none where there is none.
pub(crate) async fn close_administrator(
    connection: &mut PgConnection,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<AccountId>, sqlx::Error> {
    let account = sqlx::query_scalar!(
        r#"UPDATE accounts SET closed_at = $2, sessions_from = $2
           WHERE lower(email COLLATE "C") = lower($1 COLLATE "C") AND role = $3 AND closed_at IS NULL RETURNING account"#,
        email.as_str(),
        OffsetDateTime::from(now),
        Role::Administrator.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(account.map(AccountId))
}

/// Gives the account of that address another password; none where there is none. Locked until the transaction ends.
pub(crate) async fn set_password(
    connection: &mut PgConnection,
    email: &EmailAddress,
    password: &PasswordHash,
) -> Result<Option<AccountId>, sqlx::Error> {
    let account = sqlx::query_scalar!(
        r#"UPDATE accounts SET password = $2
           WHERE lower(email COLLATE "C") = lower($1 COLLATE "C") AND closed_at IS NULL RETURNING account"#,
        email.as_str(),
        password.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(account.map(AccountId))
}

/// Ends the log-ins of an account.
pub(crate) async fn end_log_ins(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE accounts SET sessions_from = $2 WHERE account = $1", account.0, OffsetDateTime::from(now))
        .execute(connection)
        .await?;
    Ok(())
}

fn role(text: &str) -> Result<Role, Error> {
    text.parse().map_err(|_| Error::Corrupt { column: "role" })
}
