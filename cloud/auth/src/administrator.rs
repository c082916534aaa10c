//! Making an administrator: by a command on the server, never over the network.

use countermark_service::caller::Role;
use countermark_service::randomness::Randomness;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use sqlx::PgPool;

use crate::email::{EmailAddress, InvalidEmail};
use crate::password::{HashingError, InvalidPassword, Password};
use crate::store::accounts::{self, NewAccount};

/// Why there is no new administrator.
#[derive(Debug, thiserror::Error)]
pub enum AddAdministratorError {
    /// Not an address.
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    /// Too short or too long.
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    /// Buyers stay buyers.
    #[error("this address has an account already; an administrator needs one of their own")]
    AccountExists,
    /// Its hash cannot be made.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The database failed.
    #[error("the account cannot be stored")]
    Database(#[from] sqlx::Error),
}

/// Adds an account with the role administrator.
pub async fn add_administrator(
    pool: &PgPool,
    email: &str,
    password: SecretString,
    now: Timestamp,
    randomness: &Randomness,
) -> Result<AccountId, AddAdministratorError> {
    let email = EmailAddress::parse(email)?;
    let password = Password::parse(password)?;
    let password = password.hash(randomness.bytes()).await?;
    let account = AccountId(randomness.uuid());
    let new = NewAccount { account, email: &email, role: Role::Administrator, password: &password };
    if accounts::insert(&mut *pool.acquire().await?, &new, now).await? {
        Ok(account)
    } else {
        Err(AddAdministratorError::AccountExists)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Auth, NOW};

    #[tokio::test]
    async fn an_administrator_is_made_on_the_server_and_nobody_becomes_one() {
        let auth = Auth::without_event().await;
        let (email, password) = ("root@example.org", "correct horse");
        let add = async |email, password: &str| {
            add_administrator(&auth.state.pool, email, password.into(), NOW, &auth.state.randomness).await
        };
        assert!(matches!(add(email, "short").await, Err(AddAdministratorError::Password(_))));
        assert!(matches!(add("root", password).await, Err(AddAdministratorError::Email(_))));
        let account = add(email, password).await.unwrap();
        assert!(matches!(add("ROOT@example.org", password).await, Err(AddAdministratorError::AccountExists)));

        let session = auth.post("/v1/sessions", None, json!({ "email": email, "password": password })).await;
        let profile = auth.get("/v1/account", session.body["access_token"].as_str()).await.body;
        assert_eq!((&profile["account"], &profile["role"]), (&json!(account), &json!("administrator")));
    }
}
