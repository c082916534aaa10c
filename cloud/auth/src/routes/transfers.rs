//! Passing a ticket on, as its owner does.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::caller::{Access, Caller};
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::{EventId, Generation, Slot, TransferId};
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::log_in;
use crate::state::State;
use crate::store::authorisations::{self, Newest};
use crate::store::transfer_offers::{self, TransferOffer};
use crate::store::transfers::{self, Transfer};
use crate::store::{accounts, locks};
use crate::transfer_code::TransferCode;

/// How long a code can be accepted.
const OPEN_FOR: Duration = Duration::from_hours(7 * 24);

/// No seat has an issue after this one.
const LAST_GENERATION: Generation = Generation(u8::MAX);

/// How many transfers are listed.
const MOST_LISTED: i64 = 500;

/// Pass this ticket on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferTransfer {
    /// The event.
    event: EventId,
    /// The seat.
    slot: Slot,
}

/// The ticket can be accepted.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offered {
    /// For whoever is to have it: whoever has the code can take the ticket, once. It is told this once only.
    #[schema(example = "UWS2-LJNF-UWS2-LJNF-UWS2-LJNF-UU")]
    code: String,
    /// When the code ends.
    until: Timestamp,
}

/// The caller's transfers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Transfers {
    /// Tickets that they offer and nobody has accepted yet, the first to end first.
    offers: Vec<OpenOffer>,
    /// Tickets that others accepted from them, the newest first.
    given: Vec<AcceptedTransfer>,
    /// Tickets that they accepted, from others or themselves, the newest first. Of given and received ones together, the newest 500.
    received: Vec<AcceptedTransfer>,
}

/// A ticket that nobody has accepted yet.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenOffer {
    /// The event.
    event: EventId,
    /// The seat.
    slot: Slot,
    /// When the code ends.
    until: Timestamp,
}

/// A ticket on its way from one account to another, or there.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedTransfer {
    /// Its name.
    transfer: TransferId,
    /// The event.
    event: EventId,
    /// The seat.
    slot: Slot,
    /// When the recipient accepted it.
    accepted: Timestamp,
}

/// Offers one of the caller's tickets. An offer of it that is open ends: only the newest code counts.
#[utoipa::path(
    post,
    path = "/v1/transfers",
    operation_id = "offer_transfer",
    request_body = OfferTransfer,
    responses(
        (status = 201, description = "Offered.", body = Offered),
        (status = 404, description = "`ticket-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`transferred`: somebody has accepted it; `last-generation`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn offer(
    state: State,
    access: Access,
    Json(OfferTransfer { event, slot }): Json<OfferTransfer>,
) -> Result<(StatusCode, Json<Offered>), Error> {
    let code = &TransferCode::new(state.randomness.bytes());
    let (owner, now) = (access.caller.account, state.clock.now());
    let until = now + OPEN_FOR;
    transaction(&state.pool, "offer a transfer", |mut transaction| {
        Box::pin(async move {
            // An offer outlives its log-in: whoever ends that meanwhile is waited for, or finds the offer.
            if !accounts::lock(&mut transaction, owner).await? {
                return Err(Error::NoAccount);
            }
            log_in::standing(&mut transaction, access).await?;
            locks::seat(&mut transaction, event, slot).await?;
            let newest = authorisations::newest(&mut transaction, event, slot).await?;
            let replaces = offerable(newest.filter(|newest| newest.owner == owner))?;
            let offer = TransferOffer { event, slot, replaces, owner, until };
            Ok::<_, Error>(transfer_offers::put(&mut transaction, &offer, &code.hash(), now).await?)
        })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(Offered { code: code.to_string(), until })))
}

/// The issue that the owner may pass on.
fn offerable(owned: Option<Newest>) -> Result<Generation, Error> {
    match owned {
        None => Err(Error::TicketUnknown),
        Some(newest) if newest.is_passed_on => Err(Error::Transferred),
        Some(newest) if newest.body.generation == LAST_GENERATION => Err(Error::LastGeneration),
        Some(newest) => Ok(newest.body.generation),
    }
}

/// The caller's open offers, and their transfers. No code is told again.
#[utoipa::path(
    get,
    path = "/v1/transfers",
    operation_id = "list_transfers",
    responses((status = 200, description = "Offers and transfers.", body = Transfers))
)]
pub(crate) async fn list(state: State, caller: Caller) -> Result<Json<Transfers>, Error> {
    let connection = &mut *state.pool.acquire().await?;
    let offers = transfer_offers::open_of(connection, caller.account, state.clock.now()).await?;
    let transfers = transfers::of_account(connection, caller.account, MOST_LISTED).await?;
    let (given, received): (Vec<_>, Vec<_>) =
        transfers.into_iter().partition(|transfer| transfer.recipient != caller.account);
    Ok(Json(Transfers {
        offers: offers.into_iter().map(OpenOffer::from).collect(),
        given: given.into_iter().map(AcceptedTransfer::from).collect(),
        received: received.into_iter().map(AcceptedTransfer::from).collect(),
    }))
}

/// Ends an offer that nobody has accepted.
#[utoipa::path(
    delete,
    path = "/v1/transfers/{event}/{slot}",
    operation_id = "withdraw_transfer",
    params(("event" = EventId, Path, description = "The event."), ("slot" = Slot, Path, description = "The seat.")),
    responses(
        (status = 204, description = "The code counts no more."),
        (status = 404, description = "`transfer-unknown`: the caller has no open offer of this seat", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`transferred`: somebody has accepted it", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn withdraw(
    state: State,
    caller: Caller,
    Path((event, slot)): Path<(EventId, Slot)>,
) -> Result<StatusCode, Error> {
    let owner = caller.account;
    transaction(&state.pool, "withdraw a transfer", |mut transaction| {
        Box::pin(async move {
            locks::seat(&mut transaction, event, slot).await?;
            if transfer_offers::delete(&mut transaction, event, slot, owner).await? {
                return Ok(());
            }
            match authorisations::newest(&mut transaction, event, slot).await? {
                Some(newest) if newest.owner == owner && newest.is_passed_on => Err(Error::Transferred),
                Some(_) | None => Err(Error::TransferUnknown),
            }
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<TransferOffer> for OpenOffer {
    fn from(TransferOffer { event, slot, until, .. }: TransferOffer) -> Self {
        Self { event, slot, until }
    }
}

impl From<Transfer> for AcceptedTransfer {
    fn from(Transfer { transfer, event, slot, accepted, .. }: Transfer) -> Self {
        Self { transfer, event, slot, accepted }
    }
}

#[cfg(test)]
mod tests;
