//! The devices that may hold an account's live tickets.

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::holder::holder_is_proved;
use countermark_shared::id::AccountId;
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::State;
use crate::store::{accounts, holder_keys};

/// How many keys an account may have.
const MOST_KEYS: usize = 10;

/// A device's key, and its proof that it has the private half.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterHolderKey {
    /// The public half.
    key: VerifyingKey,
    /// Its signature over label `holder-enrolment`, the account's 16 bytes and the key's 32.
    #[schema(value_type = String, format = Byte)]
    proof: Base64<[u8; 64]>,
}

/// A device's key.
#[derive(Serialize, ToSchema)]
pub(crate) struct HolderKey {
    /// The public half.
    key: VerifyingKey,
    /// Since when.
    added: Timestamp,
}

/// All keys of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct HolderKeys {
    /// The oldest first.
    keys: Vec<HolderKey>,
}

/// Lets new grants and transfers name a device of the caller's.
#[utoipa::path(
    post,
    path = "/v1/holder-keys",
    operation_id = "register_holder_key",
    request_body = RegisterHolderKey,
    responses(
        (status = 201, description = "Registered.", body = HolderKey),
        (status = 200, description = "Registered before.", body = HolderKey),
        (status = 409, description = "`too-many-holder-keys`: an account has at most ten", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`holder-not-proved`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    state: State,
    caller: Caller,
    Json(RegisterHolderKey { key, proof }): Json<RegisterHolderKey>,
) -> Result<(StatusCode, Json<HolderKey>), Error> {
    let (account, now) = (caller.account, state.clock.now());
    if !holder_is_proved(account, key, &Signature::from_bytes(&proof.0)) {
        return Err(Error::HolderNotProved);
    }
    transaction(&state.pool, "register a holder key", |mut transaction| {
        Box::pin(async move {
            if !accounts::lock(&mut transaction, account).await? {
                return Err(Error::NoAccount);
            }
            let known = holder_keys::of_account(&mut transaction, account).await?;
            let count = known.len();
            if let Some(known) = known.into_iter().find(|known| known.key == key) {
                return Ok((StatusCode::OK, Json(known.into())));
            }
            if count >= MOST_KEYS {
                return Err(Error::TooManyHolderKeys);
            }
            let new = holder_keys::HolderKey { key, added: now };
            holder_keys::insert(&mut transaction, account, &new).await?;
            Ok((StatusCode::CREATED, Json(new.into())))
        })
    })
    .await
}

/// The caller's devices.
#[utoipa::path(
    get,
    path = "/v1/holder-keys",
    operation_id = "list_holder_keys",
    responses((status = 200, description = "All of them.", body = HolderKeys))
)]
pub(crate) async fn list(state: State, caller: Caller) -> Result<Json<HolderKeys>, Error> {
    let keys = holder_keys::of_account(&mut *state.pool.acquire().await?, caller.account).await?;
    Ok(Json(HolderKeys { keys: keys.into_iter().map(HolderKey::from).collect() }))
}

/// No new grant or transfer names this device any more. Tickets that it holds stay its own.
#[utoipa::path(
    delete,
    path = "/v1/holder-keys/{key}",
    operation_id = "remove_holder_key",
    params(("key" = VerifyingKey, Path, description = "The public half.")),
    responses((status = 204, description = "Removed, now or before."))
)]
pub(crate) async fn remove(state: State, caller: Caller, Path(key): Path<VerifyingKey>) -> Result<StatusCode, Error> {
    holder_keys::delete(&mut *state.pool.acquire().await?, caller.account, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether an account may have a ticket held so: by a device that it registered, or by itself; a static one by no device.
pub(super) async fn expect(
    connection: &mut PgConnection,
    account: AccountId,
    holder: Option<VerifyingKey>,
    is_live: bool,
) -> Result<(), Error> {
    match holder {
        None => Ok(()),
        Some(_) if !is_live => Err(Error::HolderNotNeeded),
        Some(key) if holder_keys::has(connection, account, key).await? => Ok(()),
        Some(_) => Err(Error::HolderUnknown),
    }
}

impl From<holder_keys::HolderKey> for HolderKey {
    fn from(holder_keys::HolderKey { key, added }: holder_keys::HolderKey) -> Self {
        Self { key, added }
    }
}

#[cfg(test)]
mod tests;
