//! Accepting a ticket that its owner passes on.

use std::time::Duration;

use countermark_service::caller::Caller;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::{AccountId, EventId, Slot, TransferId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::holder_keys;
use crate::error::Error;
use crate::state::State;
use crate::store::attempts::{self, Kind};
use crate::store::authorisations::{self, Newest};
use crate::store::transfers::{self, Transfer};
use crate::store::{accounts, locks, transfer_offers};
use crate::terms;
use crate::transfer_code::{CodeHash, TransferCode};

/// How many wrong codes an account may try, and in what time. A code cannot be guessed: this is against noise.
const MOST_WRONG_CODES: i64 = 10;
const WRONG_CODES_WINDOW: Duration = Duration::from_mins(15);

/// Accept the ticket of this code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptTransfer {
    /// As the owner gave it, in capitals or small letters, with or without spaces and hyphens.
    #[schema(value_type = String, example = "UWS2-LJNF-UWS2-LJNF-UWS2-LJNF-UU")]
    code: SecretString,
    /// The device that is to hold a live ticket, one of the caller's registered keys. Without: the account itself.
    #[serde(default)]
    holder: Option<VerifyingKey>,
}

/// The ticket is the caller's; tickets makes its next issue.
#[derive(Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// What tickets is to be asked for.
    transfer: TransferId,
    /// The event.
    event: EventId,
    /// The seat.
    slot: Slot,
    /// For how many seconds a proof of it is fresh; of a static ticket 0.
    live_window_seconds: u8,
    /// Whether tickets is to be sent a name for it.
    names: HolderName,
}

/// What an account accepts, how, and when.
struct Acceptance {
    code: CodeHash,
    recipient: AccountId,
    holder: Option<VerifyingKey>,
    now: Timestamp,
    /// What the transfer will be called.
    transfer: TransferId,
}

/// Makes a ticket the caller's. From here on auth signs no proof of it for its last owner, who can pass it on no more. **They can still show
/// it** where auth has no part in that, by a static ticket's code or with the device that holds a live one, until the caller has asked
/// tickets for the next issue and gates have heard of it: ask at once (`POST /v1/transfers` at tickets). The same code by the same account
/// again gets the same answer. An owner may accept their own ticket with another holder, as when the device that holds it is lost.
#[utoipa::path(
    post,
    path = "/v1/transfers/accept",
    operation_id = "accept_transfer",
    request_body = AcceptTransfer,
    responses(
        (status = 200, description = "Accepted, now or before. Until tickets has made the next issue, a static or device-held ticket still admits whoever shows it.", body = Accepted),
        (status = 404, description = "`code-unknown`: unknown, used, withdrawn or too old", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`own-transfer`: the ticket is the caller's with this holder; `accepted-otherwise`: with another holder", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`code-refused`, `holder-unknown`, `holder-not-needed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-wrong-codes`, with `Retry-After`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn accept(
    state: State,
    caller: Caller,
    Json(AcceptTransfer { code, holder }): Json<AcceptTransfer>,
) -> Result<Json<Accepted>, Error> {
    let code = code.expose_secret().parse::<TransferCode>()?.hash();
    let transfer = TransferId(state.randomness.uuid());
    let acceptance = &Acceptance { code, recipient: caller.account, holder, now: state.clock.now(), transfer };
    let accepted = transaction(&state.pool, "accept a transfer", |mut transaction| {
        Box::pin(async move {
            expect_few_wrong_codes(&mut transaction, acceptance).await?;
            let accepted = by_code(&mut transaction, acceptance).await?;
            if accepted.is_none() {
                // Counted in the transaction that refuses, which must therefore not fail.
                attempts::insert(&mut transaction, acceptance.recipient, Kind::WrongTransferCode, acceptance.now)
                    .await?;
            }
            Ok::<_, Error>(accepted)
        })
    })
    .await?;
    accepted.map(Json).ok_or(Error::CodeUnknown)
}

/// Keeps the account locked, so that many codes at once are not more than one after the other.
async fn expect_few_wrong_codes(
    transaction: &mut Transaction<'_, '_>,
    &Acceptance { recipient, now, .. }: &Acceptance,
) -> Result<(), Error> {
    if !accounts::lock(transaction, recipient).await? {
        return Err(Error::NoAccount);
    }
    let since = now - WRONG_CODES_WINDOW;
    let wrong = attempts::since(transaction, recipient, Kind::WrongTransferCode, since).await?;
    if wrong.count < MOST_WRONG_CODES {
        return Ok(());
    }
    let oldest = wrong.oldest.unwrap_or(now);
    Err(Error::TooManyWrongCodes { retry_after: (oldest + WRONG_CODES_WINDOW).since(now) })
}

/// What the code stands for; nothing when it stands for nothing that this account may have.
async fn by_code(transaction: &mut Transaction<'_, '_>, acceptance: &Acceptance) -> Result<Option<Accepted>, Error> {
    if let Some(known) = transfers::by_code(transaction, &acceptance.code).await? {
        return again(transaction, known, acceptance).await;
    }
    let Some(found) = transfer_offers::by_code(transaction, &acceptance.code).await? else { return Ok(None) };
    locks::seat(transaction, found.event, found.slot).await?;
    // Before this transaction had the seat it may have been withdrawn, replaced or accepted.
    let Some(offer) = transfer_offers::by_code(transaction, &acceptance.code).await? else { return Ok(None) };
    if offer.until <= acceptance.now {
        return Ok(None);
    }
    let newest = authorisations::newest(transaction, offer.event, offer.slot).await?;
    let is_offered = |newest: &Newest| {
        newest.owner == offer.owner && newest.body.generation == offer.replaces && !newest.is_passed_on
    };
    let Some(newest) = newest.filter(is_offered) else { return Ok(None) };
    if offer.owner == acceptance.recipient && newest.device == acceptance.holder {
        return Err(Error::OwnTransfer);
    }
    holder_keys::expect(transaction, acceptance.recipient, acceptance.holder, newest.body.live.is_some()).await?;

    let Acceptance { code, recipient, holder, now, transfer } = *acceptance;
    let transfer_offers::TransferOffer { event, slot, replaces, owner, .. } = offer;
    let new = Transfer { transfer, event, slot, replaces, owner, recipient, holder, accepted: now };
    transfers::insert(transaction, &new, &code).await?;
    transfer_offers::delete(transaction, event, slot, owner).await?;
    Ok(Some(Accepted::of(&new, &newest.body)))
}

async fn again(
    transaction: &mut Transaction<'_, '_>,
    known: Transfer,
    acceptance: &Acceptance,
) -> Result<Option<Accepted>, Error> {
    if known.recipient != acceptance.recipient {
        return Ok(None);
    }
    if known.holder != acceptance.holder {
        return Err(Error::AcceptedOtherwise);
    }
    let replaced = authorisations::find(transaction, known.event, known.slot, known.replaces).await?;
    let replaced = replaced.ok_or(Error::Corrupt { column: "replaces" })?;
    Ok(Some(Accepted::of(&known, &replaced.body)))
}

impl Accepted {
    fn of(&Transfer { transfer, event, slot, .. }: &Transfer, replaced: &TicketBody) -> Self {
        let TicketForm { live_window_seconds, holder: names } = terms::form_of(replaced);
        Self { transfer, event, slot, live_window_seconds, names }
    }
}

#[cfg(test)]
mod tests;
