//! What is done about accounts by commands on the server, never over the network: administrators are added, listed and removed, and a password is set for
//! whoever has forgotten theirs. Owns that each is on the record.

use countermark_service::caller::Role;
use countermark_service::randomness::Randomness;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgPool;

use crate::email::{EmailAddress, InvalidEmail};
use crate::password::{HashingError, InvalidPassword, Password};
use crate::store::account_commands::{self, Act};
use crate::store::accounts::{self, NewAccount};
use crate::store::login_attempts;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountCommandError {
    /// Not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Too short or too long.
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    /// Buyers stay buyers.
    #[error("this address has an account already; an administrator needs one of their own")]
    AccountExists,
    /// Nobody has it, or not any more.
    #[error("no account has this address")]
    AccountUnknown,
    /// Nobody who has it is one.
    #[error("no administrator has this address; `list-administrators` says who is one")]
    AdministratorUnknown,
    /// Its hash cannot be made.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The database failed.
    #[error("the accounts cannot be read or changed")]
    Database(#[from] sqlx::Error),
}

/// Who may administrate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Administrator {
    /// The account, as the audit log names it.
    pub account: AccountId,
    /// With which they log in.
    pub email: String,
    /// Since when.
    pub since: Timestamp,
}

/// Adds an account with the role administrator.
pub async fn add_administrator(
    pool: &PgPool,
    email: &str,
    password: SecretString,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<AccountId, AccountCommandError> {
    let email = EmailAddress::parse(email)?;
    let password = Password::parse(password)?.hash(randomness.bytes()).await?;
    let account = AccountId(randomness.uuid());
    let new = NewAccount { account, email: &email, role: Role::Administrator, password: &password };
    let mut transaction = pool.begin().await?;
    if !accounts::insert(&mut transaction, &new, now).await? {
        return Err(AccountCommandError::AccountExists);
    }
    account_commands::record(&mut transaction, account, Act::AddAdministrator, now).await?;
    transaction.commit().await?;
    Ok(account)
}

/// Those who may administrate, by address.
pub async fn administrators(pool: &PgPool) -> Result<Vec<Administrator>, AccountCommandError> {
    Ok(accounts::administrators(&mut *pool.acquire().await?).await?)
}

/// Closes an administrator's account: nobody logs in with it any more, and nothing is exchanged for the tokens it has. Those that other services take end
/// by themselves, within a quarter of an hour. What they did stays on the record, and the address may be another's.
pub async fn remove_administrator(
    pool: &PgPool,
    email: &str,
    now: Timestamp,
) -> Result<AccountId, AccountCommandError> {
    let email = EmailAddress::parse(email)?;
    let mut transaction = pool.begin().await?;
    let account = accounts::close_administrator(&mut transaction, &email, now).await?;
    let account = account.ok_or(AccountCommandError::AdministratorUnknown)?;
    account_commands::record(&mut transaction, account, Act::RemoveAdministrator, now).await?;
    transaction.commit().await?;
    Ok(account)
}

/// Sets the password of an account, a buyer's or an administrator's. Whoever is logged in has to log in again, as above.
pub async fn set_password(
    pool: &PgPool,
    email: &str,
    password: SecretString,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<AccountId, AccountCommandError> {
    let email = EmailAddress::parse(email)?;
    let password = Password::parse(password)?.hash(randomness.bytes()).await?;
    let mut transaction = pool.begin().await?;
    let account = accounts::set_password(&mut transaction, &email, &password, now).await?;
    let account = account.ok_or(AccountCommandError::AccountUnknown)?;
    // Guesses at the old one keep nobody out.
    login_attempts::clear(&mut transaction, account).await?;
    account_commands::record(&mut transaction, account, Act::SetPassword, now).await?;
    transaction.commit().await?;
    Ok(account)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::testing::{Answer, Auth, NOW};

    const ROOT: &str = "root@example.org";
    const PASSWORD: &str = "correct horse";

    async fn add(auth: &Auth, email: &str, password: &str) -> Result<AccountId, AccountCommandError> {
        add_administrator(&auth.state.pool, email, password.into(), NOW, &auth.state.randomness).await
    }

    async fn set(auth: &Auth, email: &str, password: &str) -> Result<AccountId, AccountCommandError> {
        let now = auth.state.clock.now();
        set_password(&auth.state.pool, email, password.into(), now, &auth.state.randomness).await
    }

    async fn log_in(auth: &Auth, email: &str, password: &str) -> Answer {
        auth.post("/v1/sessions", None, json!({ "email": email, "password": password })).await
    }

    async fn exchange(auth: &Auth, session: &Answer) -> u16 {
        let token = session.body["access_token"].as_str();
        auth.post("/v1/access-tokens", token, json!({ "audience": "tickets" })).await.status.as_u16()
    }

    async fn recorded(auth: &Auth) -> Vec<(uuid::Uuid, String)> {
        sqlx::query_as("SELECT account, act FROM account_commands ORDER BY command")
            .fetch_all(&auth.state.pool)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_administrator_is_made_on_the_server_and_nobody_becomes_one() {
        let auth = Auth::without_event().await;
        assert!(matches!(add(&auth, ROOT, "short").await, Err(AccountCommandError::Password(_))));
        assert!(matches!(add(&auth, "root", PASSWORD).await, Err(AccountCommandError::Email(_))));
        let account = add(&auth, ROOT, PASSWORD).await.unwrap();
        assert!(matches!(add(&auth, "ROOT@example.org", PASSWORD).await, Err(AccountCommandError::AccountExists)));

        let session = log_in(&auth, ROOT, PASSWORD).await;
        let profile = auth.get("/v1/account", session.body["access_token"].as_str()).await.body;
        assert_eq!((&profile["account"], &profile["role"]), (&json!(account), &json!("administrator")));
    }

    #[tokio::test]
    async fn who_is_removed_gets_in_nowhere_and_may_come_back_as_another() {
        let auth = Auth::without_event().await;
        let (first, other) =
            (add(&auth, ROOT, PASSWORD).await.unwrap(), add(&auth, "a@example.org", PASSWORD).await.unwrap());
        let session = log_in(&auth, ROOT, PASSWORD).await;
        assert_eq!(exchange(&auth, &session).await, 200);
        let pool = &auth.state.pool;
        assert_eq!(remove_administrator(pool, "Root@example.org", NOW).await.unwrap(), first);
        assert_eq!(exchange(&auth, &session).await, 401);
        assert_eq!(auth.get("/v1/account", session.body["access_token"].as_str()).await.status, 401);
        assert_eq!(log_in(&auth, ROOT, PASSWORD).await.outcome(), (401, Some("wrong-credentials")));
        let listed = administrators(pool).await.unwrap();
        assert_eq!(listed, [Administrator { account: other, email: "a@example.org".to_owned(), since: NOW }]);

        assert!(matches!(set(&auth, ROOT, "another horse").await, Err(AccountCommandError::AccountUnknown)));
        let again = remove_administrator(pool, ROOT, NOW).await;
        assert!(matches!(again, Err(AccountCommandError::AdministratorUnknown)));
        let second = add(&auth, ROOT, PASSWORD).await.unwrap();
        assert_eq!(log_in(&auth, ROOT, PASSWORD).await.status, 200);
        let acts = [(first, "add"), (other, "add"), (first, "remove"), (second, "add")];
        assert_eq!(recorded(&auth).await, acts.map(|(account, act)| (account.0, format!("{act}-administrator"))));
    }

    #[tokio::test]
    async fn a_buyer_who_forgot_their_password_is_given_another_and_keeps_the_account() {
        let auth = Auth::without_event().await;
        let buyer = "anna@example.org";
        auth.post("/v1/accounts", None, json!({ "email": buyer, "password": PASSWORD })).await;
        let session = log_in(&auth, buyer, PASSWORD).await;
        for _ in 0..10 {
            assert_eq!(log_in(&auth, buyer, "was it this one?").await.status, 401);
        }
        auth.state.clock.advance(Duration::from_secs(1));
        assert!(matches!(
            remove_administrator(&auth.state.pool, buyer, NOW).await,
            Err(AccountCommandError::AdministratorUnknown)
        ));
        let account = set(&auth, "Anna@example.org", "another horse").await.unwrap();
        assert_eq!(exchange(&auth, &session).await, 401, "what was given for the old one buys nothing");
        assert_eq!(log_in(&auth, buyer, PASSWORD).await.status, 401);
        let session = log_in(&auth, buyer, "another horse").await;
        assert_eq!(exchange(&auth, &session).await, 200);
        let profile = auth.get("/v1/account", session.body["access_token"].as_str()).await.body;
        assert_eq!((&profile["account"], &profile["role"]), (&json!(account), &json!("buyer")));
        assert_eq!(recorded(&auth).await, [(account.0, "set-password".to_owned())]);
    }
}
