//! Showing a live ticket that the account itself holds.

use std::time::Duration;

use countermark_service::caller::Caller;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::id::{AccountId, EventId, Generation, Slot};
use countermark_shared::ticket::{NotPresented, Presentation};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account_secrets::AccountSecrets;
use crate::error::Error;
use crate::state::State;
use crate::store::attempts::{self, Kind};
use crate::store::{accounts, authorisations};

/// How many presentations an account may have, and in what time. A ticket's window is seconds: a person needs a few in a minute.
const MOST_PRESENTATIONS: i64 = 30;
const WINDOW: Duration = Duration::from_mins(1);

/// Show this ticket now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Present {
    /// The event.
    event: EventId,
    /// The seat.
    slot: Slot,
}

/// The holder's word that the ticket is shown now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Presented {
    /// The moment, by auth's clock: Unix seconds.
    at: i64,
    /// The holder key's signature over label `present`, the ticket's body and the moment.
    #[schema(value_type = String, format = Byte)]
    proof: Base64<[u8; 64]>,
    /// Which issue of the seat is shown.
    generation: Generation,
}

/// Signs that one of the caller's live tickets is shown now.
#[utoipa::path(
    post,
    path = "/v1/presentations",
    operation_id = "present_ticket",
    request_body = Present,
    responses(
        (status = 200, description = "Shown.", body = Presented),
        (status = 404, description = "`ticket-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`not-live`: show it as it is; `device-held`: show it with the device; `transferred`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-presentations`, with `Retry-After`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn present(
    state: State,
    caller: Caller,
    Json(Present { event, slot }): Json<Present>,
) -> Result<Json<Presented>, Error> {
    let (account, secrets, now) = (caller.account, &state.account_secrets, state.clock.now());
    transaction(&state.pool, "present a ticket", |mut transaction| {
        Box::pin(async move {
            count(&mut transaction, account, now).await?;
            let (presentation, generation) = sign(&mut transaction, secrets, account, (event, slot), now).await?;
            let proof = Base64(presentation.signature().to_bytes());
            Ok(Json(Presented { at: presentation.at().unix_seconds(), proof, generation }))
        })
    })
    .await
}

/// Keeps the account locked, so that many at once are not more than one after the other. What is refused later does not count.
async fn count(transaction: &mut Transaction<'_, '_>, account: AccountId, now: Timestamp) -> Result<(), Error> {
    if !accounts::lock(transaction, account).await? {
        return Err(Error::NoAccount);
    }
    let before = attempts::since(transaction, account, Kind::Presentation, now - WINDOW).await?;
    if before.count >= MOST_PRESENTATIONS {
        let oldest = before.oldest.unwrap_or(now);
        return Err(Error::TooManyPresentations { retry_after: (oldest + WINDOW).since(now) });
    }
    Ok(attempts::insert(transaction, account, Kind::Presentation, now).await?)
}

async fn sign(
    transaction: &mut Transaction<'_, '_>,
    secrets: &AccountSecrets,
    account: AccountId,
    (event, slot): (EventId, Slot),
    now: Timestamp,
) -> Result<(Presentation, Generation), Error> {
    let newest = authorisations::newest(transaction, event, slot).await?;
    let newest = newest.filter(|newest| newest.owner == account).ok_or(Error::TicketUnknown)?;
    if newest.is_passed_on {
        return Err(Error::Transferred);
    }
    let (generation, body) = (newest.body.generation, newest.body);
    let key = secrets.of(transaction, account, now).await?.holder_key(event, slot, generation);
    let presentation = body.present(&key, now).map_err(|error| match error {
        NotPresented::Static => Error::NotLive,
        NotPresented::OtherHolder => Error::DeviceHeld,
        NotPresented::Time => Error::ClockTooFar,
    })?;
    Ok((presentation, generation))
}

#[cfg(test)]
mod tests;
