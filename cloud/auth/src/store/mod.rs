//! Auth's tables. Owns all SQL of auth; refuses to know what any of it is for: whoever calls decides, in a transaction.

pub(crate) mod account_secrets;
pub(crate) mod accounts;
pub(crate) mod attempts;
pub(crate) mod authorisations;
pub(crate) mod grants;
pub(crate) mod holder_keys;
pub(crate) mod locks;
pub(crate) mod login_attempts;
pub(crate) mod payments;
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
