//! What is done about accounts by commands on the server, never over the network: administrators are added, listed and removed, and a password is set for
//! whoever has forgotten theirs. Owns that each is on the record.

use countermark_service::caller::Role;
use countermark_service::clock::Clock;
use countermark_service::randomness::Randomness;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};

use crate::email::{EmailAddress, InvalidEmail};
use crate::error::Error;
use crate::password::{HashingError, InvalidPassword, Password};
use crate::store::account_commands::{self, Act};
use crate::store::accounts::{self, NewAccount};
use crate::store::transfer_offers::{self, TransferOffer};
use crate::store::{locks, login_attempts};

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
    /// Something in the database is not what this program writes.
    #[error("the accounts cannot be read or changed")]
    Failed {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<Error> for AccountCommandError {
    fn from(error: Error) -> Self {
        Self::Failed { source: error.into() }
    }
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

/// Closes an administrator's account: nobody logs in with it any more, auth takes its tokens no more, and no ticket that it offered can be accepted. Tokens that
/// other services take end by themselves, within a quarter of an hour. What they did stays on the record, and the address may be another's.
pub async fn remove_administrator(
    pool: &PgPool,
    email: &str,
    now: Timestamp,
) -> Result<AccountId, AccountCommandError> {
    let email = EmailAddress::parse(email)?;
    let mut transaction = pool.begin().await?;
    let account = accounts::close_administrator(&mut transaction, &email, now).await?;
    let account = account.ok_or(AccountCommandError::AdministratorUnknown)?;
    withdraw_offers(&mut transaction, account, now).await?;
    account_commands::record(&mut transaction, account, Act::RemoveAdministrator, now).await?;
    transaction.commit().await?;
    Ok(account)
}

/// Sets the password of an account, a buyer's or an administrator's. Whoever is logged in has to log in again, and what they offered is withdrawn, as above.
pub async fn set_password(
    pool: &PgPool,
    email: &str,
    password: SecretString,
    clock: &Clock,
    randomness: &Randomness,
) -> Result<AccountId, AccountCommandError> {
    let email = EmailAddress::parse(email)?;
    let password = Password::parse(password)?.hash(randomness.bytes()).await?;
    let mut transaction = pool.begin().await?;
    let account = accounts::set_password(&mut transaction, &email, &password).await?;
    let account = account.ok_or(AccountCommandError::AccountUnknown)?;
    // Not before the account is locked: a log-in that read the old password began earlier, and ends with the others.
    let now = clock.now();
    accounts::end_log_ins(&mut transaction, account, now).await?;
    withdraw_offers(&mut transaction, account, now).await?;
    // Guesses at the old one keep nobody out.
    login_attempts::clear(&mut transaction, account).await?;
    account_commands::record(&mut transaction, account, Act::SetPassword, now).await?;
    transaction.commit().await?;
    Ok(account)
}

/// A thief's offer would outlive them by a week. The account is locked, so that no other comes.
async fn withdraw_offers(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<(), AccountCommandError> {
    for TransferOffer { event, slot, .. } in transfer_offers::open_of(connection, account, now).await? {
        locks::seat(connection, event, slot).await?;
        transfer_offers::delete(connection, event, slot, account).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::state::State;
    use crate::testing::{Answer, Auth, Buyer, NOW, event, order, tickets};

    const ROOT: &str = "root@example.org";
    const PASSWORD: &str = "correct horse";

    async fn add(auth: &Auth, email: &str, password: &str) -> Result<AccountId, AccountCommandError> {
        add_administrator(&auth.state.pool, email, password.into(), NOW, &auth.state.randomness).await
    }

    async fn set(auth: &Auth, email: &str, password: &str) -> Result<AccountId, AccountCommandError> {
        let State { pool, clock, randomness, .. } = &auth.state;
        set_password(pool, email, password.into(), clock, randomness).await
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

    /// Found in review: a thief's offer of a ticket could be accepted for a week, and their token made more of them.
    #[tokio::test]
    async fn what_was_begun_with_the_old_password_ends_with_it() {
        let auth = Auth::start().await;
        let (robbed, removed, friend) = (auth.buyer().await, auth.buyer().await, auth.buyer().await);
        let email = |buyer: &Buyer| format!("{}@example.org", buyer.0);
        for (slot, owner) in [(1, &robbed), (2, &removed)] {
            auth.ticket(owner, &event(), slot).await;
        }
        sqlx::query("UPDATE accounts SET role = 'administrator' WHERE account = $1")
            .bind(removed.0.0)
            .execute(&auth.state.pool)
            .await
            .unwrap();
        // Ten minutes before their tokens end.
        auth.state.clock.advance(Duration::from_hours(1000) - Duration::from_mins(10));
        let codes = [auth.code(&robbed, 1).await, auth.code(&removed, 2).await];

        set(&auth, &email(&robbed), "another horse").await.unwrap();
        remove_administrator(&auth.state.pool, &email(&removed), auth.state.clock.now()).await.unwrap();
        for code in codes {
            assert_eq!(auth.accept(&friend, &code, None).await.outcome(), (404, Some("code-unknown")));
        }
        for ended in [&robbed, &removed] {
            let token = Some(ended.1.as_str());
            let device = crate::testing::key(40);
            let answers = [
                auth.offer(ended, 1).await,
                auth.present(ended, 1).await,
                auth.register(&ended.1, &device, ended.0).await,
                auth.grant(&ended.1, order(9), &tickets(1)).await,
                auth.get("/v1/transfers", token).await,
                auth.get("/v1/holder-keys", token).await,
                auth.get("/v1/account", token).await,
                auth.post("/v1/access-tokens", token, json!({ "audience": "tickets" })).await,
            ];
            for answer in answers {
                assert_eq!(answer.outcome(), (401, Some("unauthenticated")));
            }
        }
        assert_eq!(auth.get("/v1/transfers", Some(&friend.1)).await.status, 200);
    }

    #[tokio::test]
    async fn an_offer_under_way_finds_that_its_log_in_is_over() {
        let auth = Auth::start().await;
        let owner = auth.buyer().await;
        auth.ticket(&owner, &event(), 1).await;
        auth.state.clock.advance(Duration::from_hours(1000) - Duration::from_mins(10));
        let mut ending = auth.state.pool.begin().await.unwrap();
        accounts::end_log_ins(&mut ending, owner.0, auth.state.clock.now()).await.unwrap();
        assert_eq!(auth.after(ending, auth.offer(&owner, 1)).await.outcome(), (401, Some("unauthenticated")));
    }

    #[tokio::test]
    async fn a_log_in_that_read_the_old_password_ends_with_the_others() {
        let auth = Auth::without_event().await;
        let account = add(&auth, ROOT, PASSWORD).await.unwrap();
        let mut log_in = auth.state.pool.begin().await.unwrap();
        assert!(accounts::lock(&mut log_in, account).await.unwrap());
        let second = Duration::from_secs(1);
        auth.after_a_while(log_in, second, set(&auth, ROOT, "another horse")).await.unwrap();
        let profile = accounts::profile(&mut auth.state.pool.acquire().await.unwrap(), account).await.unwrap();
        assert_eq!(profile.unwrap().sessions_from, Some(NOW + second));
    }
}
