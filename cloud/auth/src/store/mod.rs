//! Auth's tables. Owns all SQL of auth; refuses to know what any of it is for: whoever calls decides, in a transaction.

pub(crate) mod account_commands;
pub(crate) mod account_secrets;
pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod authorisations;
pub(crate) mod grants;
pub(crate) mod holder_keys;
pub(crate) mod locks;
pub(crate) mod login_attempts;
pub(crate) mod payments;
pub(crate) mod recovered;
pub(crate) mod transfer_offers;
pub(crate) mod transfers;

use countermark_shared::keys::VerifyingKey;
use countermark_shared::money::{Currency, Money};

use crate::error::Error;

/// Reads a column into the domain's narrower type.
fn narrow<T, U: TryFrom<T>>(column: &'static str, value: T) -> Result<U, Error> {
    U::try_from(value).map_err(|_| Error::Corrupt { column })
}

fn money(minor: i64, currency: &str) -> Result<Money, Error> {
    let currency = Currency::parse(currency).map_err(|_| Error::Corrupt { column: "currency" })?;
    Ok(Money { minor: narrow("amount", minor)?, currency })
}

fn verifying_key(bytes: Vec<u8>) -> Result<VerifyingKey, Error> {
    let corrupt = || Error::Corrupt { column: "key or holder" };
    VerifyingKey::from_bytes(&bytes.try_into().map_err(|_| corrupt())?).map_err(|_| corrupt())
}

#[cfg(test)]
mod tests {
    use countermark_postgres::{Schema, TestDatabase};
    use countermark_shared::id::{AccountId, EventId, Generation, Slot};
    use sqlx::{Connection, PgConnection};
    use uuid::Uuid;

    use super::*;
    use crate::testing::body;

    const BEFORE: &str = include_str!("../../../../migrations/auth/0001_accounts_and_grants.sql");
    const HOLDERS_AND_TRANSFERS: &str = include_str!("../../../../migrations/auth/0002_holders_and_transfers.sql");
    const OWN_TRANSFERS: &str = include_str!("../../../../migrations/auth/0003_own_transfers_and_revoked_keys.sql");

    /// An account with a paid order and its ticket, as they were stored before there were transfers.
    const ROWS: &str = "
        INSERT INTO accounts VALUES ($1, 'anna@example.org', 'buyer', '$argon2id$', now());
        INSERT INTO payments VALUES ('one', $1, 2000, 'EUR', now(), now());
        INSERT INTO grants VALUES ($1, $1, 7, decode(repeat('07', 32), 'hex'), 1, 1, 1, 1, 0, now(), now() + '1 h', 2000, 'EUR',
                                   now(), now() + '1 d', now(), 'one', NULL, 1);
        INSERT INTO authorisations VALUES (7, 1, 1, $1, $2, now())";

    #[tokio::test]
    async fn what_was_stored_before_transfers_survives_them() {
        let database = TestDatabase::new(Schema::Service);
        let mut connection = PgConnection::connect(&database.url).await.unwrap();
        sqlx::raw_sql(BEFORE).execute(&mut connection).await.unwrap();
        let anna = AccountId(Uuid::from_u128(1));
        for sql in ROWS.split(';') {
            let sql = sql.replace("$1", &format!("'{anna}'")).replace("$2", "$1");
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.clone()));
            let query = if sql.contains("$1") { query.bind(body(1).to_bytes()) } else { query };
            query.execute(&mut connection).await.unwrap();
        }
        for later in [HOLDERS_AND_TRANSFERS, OWN_TRANSFERS] {
            sqlx::raw_sql(later).execute(&mut connection).await.unwrap();
        }
        let newest = authorisations::newest(&mut connection, EventId(7), Slot(1)).await.unwrap().unwrap();
        assert_eq!((newest.owner, newest.body.generation, newest.is_passed_on), (anna, Generation(1), false));
    }
}
