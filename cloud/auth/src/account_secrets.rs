//! What auth keeps so that an account without a device can hold live tickets. Owns how the secrets are sealed, and that an account gets
//! one, once; refuses to know which tickets follow from them.

use countermark_service::master_key::{MasterKey, Purpose};
use countermark_service::randomness::Randomness;
use countermark_service::service_name::ServiceName;
use countermark_shared::holder::AccountSecret;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::store::{account_secrets, accounts};

/// Reads and makes accounts' secrets.
#[derive(Clone)]
pub(crate) struct AccountSecrets {
    master_key: MasterKey,
    randomness: Randomness,
}

impl AccountSecrets {
    pub(crate) fn new(master_key: MasterKey, randomness: Randomness) -> Self {
        Self { master_key, randomness }
    }

    /// The account's secret. One from before there were any, or an administrator's, is made when it is first asked for, under the
    /// account's lock. Within a transaction.
    pub(crate) async fn of(
        &self,
        connection: &mut PgConnection,
        account: AccountId,
        now: Timestamp,
    ) -> Result<AccountSecret, Error> {
        if let Some(sealed) = account_secrets::find(connection, account).await? {
            return self.open(account, &sealed);
        }
        if !accounts::lock(connection, account).await? {
            return Err(Error::NoAccount);
        }
        // Whoever had the lock before may have made it.
        match account_secrets::find(connection, account).await? {
            Some(sealed) => self.open(account, &sealed),
            None => self.make(connection, account, now).await,
        }
    }

    /// Makes the secret of an account that has none.
    pub(crate) async fn make(
        &self,
        connection: &mut PgConnection,
        account: AccountId,
        now: Timestamp,
    ) -> Result<AccountSecret, Error> {
        let secret = AccountSecret::new(Zeroizing::new(self.randomness.bytes()));
        let sealed = self.master_key.seal(secret.bytes(), purpose(&account), &self.randomness)?;
        account_secrets::insert(connection, account, &sealed, now).await?;
        Ok(secret)
    }

    fn open(&self, account: AccountId, sealed: &[u8]) -> Result<AccountSecret, Error> {
        let opened = self.master_key.open(sealed, purpose(&account))?;
        let bytes = <&[u8; 32]>::try_from(opened.as_slice()).map_err(|_| Error::Corrupt { column: "sealed" })?;
        Ok(AccountSecret::new(Zeroizing::new(*bytes)))
    }
}

fn purpose(account: &AccountId) -> Purpose<'_> {
    Purpose { service: ServiceName::Auth, role: "account-secret", subject: account.0.as_bytes() }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::testing::Auth;

    async fn secret(auth: &Auth, account: AccountId) -> Result<AccountSecret, Error> {
        let mut transaction = auth.state.pool.begin().await.unwrap();
        let secret = auth.state.account_secrets.of(&mut transaction, account, auth.state.clock.now()).await;
        transaction.commit().await.unwrap();
        secret
    }

    async fn stored(auth: &Auth) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM account_secrets").fetch_one(&auth.state.pool).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_registers_has_a_secret_of_their_own() {
        let auth = Auth::without_event().await;
        let mut secrets = Vec::new();
        for email in ["anna@example.org", "bert@example.org"] {
            let body = json!({ "email": email, "password": "correct horse" });
            let registered = auth.post("/v1/accounts", None, body).await;
            secrets.push(registered.body["account"].as_str().unwrap().parse().unwrap());
        }
        assert_eq!(stored(&auth).await, 2);
        let [anna, bert] = [secret(&auth, secrets[0]).await.unwrap(), secret(&auth, secrets[1]).await.unwrap()];
        assert!(anna.bytes() != bert.bytes());
        assert_eq!(stored(&auth).await, 2);
    }

    #[tokio::test]
    async fn an_account_from_before_gets_one_however_many_ask_at_once() {
        let auth = Auth::without_event().await;
        let (account, _) = auth.buyer().await;
        assert_eq!(stored(&auth).await, 0);
        let secrets = join_all((0..8).map(|_| secret(&auth, account))).await;
        let first = secrets[0].as_ref().unwrap().bytes();
        assert!(secrets.iter().all(|secret| secret.as_ref().unwrap().bytes() == first));
        assert_eq!(stored(&auth).await, 1);
    }

    #[tokio::test]
    async fn a_secret_opens_only_for_its_account_and_is_final() {
        let auth = Auth::without_event().await;
        let [(anna, _), (bert, _)] = [auth.buyer().await, auth.buyer().await];
        secret(&auth, anna).await.unwrap();
        let copy = "INSERT INTO account_secrets SELECT $1, sealed, created_at FROM account_secrets";
        sqlx::query(copy).bind(bert.0).execute(&auth.state.pool).await.unwrap();
        assert!(matches!(secret(&auth, bert).await, Err(Error::Sealed(_))));
        for sql in ["UPDATE account_secrets SET sealed = ''", "TRUNCATE account_secrets"] {
            let error = sqlx::query(sql).execute(&auth.state.pool).await.unwrap_err();
            assert!(error.to_string().contains("are final"), "{error}");
        }
    }
}
