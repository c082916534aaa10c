//! A ticket's way to another account. Owns the order of its steps: each is committed before the next begins, and the whole may be
//! repeated. The recipient repeats it; there is no job.
//!
//! Everything that replaces or revokes a ticket takes the seat's lock. A body that waits for auth when its seat is revoked is revoked with
//! it, so that a signature under way comes too late.

mod refusal;
mod rule;

use countermark_service::contract::{
    AskHolderKey, AuthProblem, Authorise, ConfirmTransfer, ConfirmedTransfer, HolderKey, ReportedState, Warrant,
};
use countermark_service::service_call::CallError;
use countermark_service::transaction::transaction;
use countermark_shared::id::{AccountId, TransferId};
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::ticket::{Live, TicketBody};
use countermark_shared::wire::Base64;
use sqlx::PgConnection;

pub(crate) use self::refusal::Refusal;
use self::rule::Step;
use crate::body::{self, Issue};
use crate::error::Error;
use crate::names::Name;
use crate::state::State;
use crate::store::tickets::{self, Replacement, StoredTicket};
use crate::{event_secrets, issue};

/// How often a body is made anew in one request while keys are rotated.
const ATTEMPTS: u8 = 3;

/// What the recipient asks for.
pub(crate) struct Request {
    pub(crate) transfer: TransferId,
    pub(crate) recipient: AccountId,
    pub(crate) name: Option<Name>,
}

/// Carries a transfer out; again, it answers with the same ticket.
pub(crate) async fn carry_out(state: &State, request: &Request) -> Result<StoredTicket, Error> {
    if let Some(made) = tickets::of_transfer(&mut *state.pool.acquire().await?, request.transfer).await?
        && made.authority.is_some()
    {
        return if made.account == request.recipient { Ok(made) } else { Err(Refusal::Unknown.into()) };
    }
    let confirmed = confirm(state, request).await?;
    for _ in 0..ATTEMPTS {
        let holder = holder(state, request, confirmed).await?;
        let ticket = prepare(state, request, confirmed, holder).await?;
        if ticket.authority.is_some() {
            return Ok(ticket);
        }
        if let Some(authority) = authorise(state, request.transfer, &ticket).await? {
            return complete(state, request.transfer, &ticket, authority).await;
        }
        discard(state, &ticket).await?;
    }
    Err(Refusal::KeysChanging.into())
}

async fn confirm(state: &State, request: &Request) -> Result<ConfirmedTransfer, Error> {
    let question = ConfirmTransfer { transfer: request.transfer, account: request.recipient };
    state.auth.confirm_transfer(&question).await.map_err(refused_or_away)
}

/// Who will hold the new ticket; nothing when the old one is static. Asked before the seat is locked, since it is auth that answers.
async fn holder(state: &State, request: &Request, confirmed: ConfirmedTransfer) -> Result<Option<VerifyingKey>, Error> {
    let seat = seat(&mut *state.pool.acquire().await?, confirmed).await?;
    let Step::Make { old, issue } = rule::next(&seat, request.transfer, request.recipient, confirmed.replaces)? else {
        return Ok(None);
    };
    if old.body.live.is_none() {
        return Ok(None);
    }
    let Issue { slot, generation } = issue;
    let warrant = Warrant::Transfer(request.transfer);
    let ask = AskHolderKey { warrant, event: confirmed.event, slot, generation };
    let HolderKey { holder } = state.auth.holder_key(&ask).await.map_err(refused_or_away)?;
    Ok(Some(holder))
}

/// The ticket that the transfer makes, stored with the issuer's signature, now or before.
async fn prepare(
    state: &State,
    request: &Request,
    confirmed: ConfirmedTransfer,
    holder: Option<VerifyingKey>,
) -> Result<StoredTicket, Error> {
    transaction(&state.pool, "prepare a transfer", |mut connection| {
        Box::pin(async move {
            tickets::lock_seat(&mut connection, confirmed.event, confirmed.slot).await?;
            let seat = seat(&mut connection, confirmed).await?;
            let (old, issue) = match rule::next(&seat, request.transfer, request.recipient, confirmed.replaces)? {
                Step::Repeat(ticket) => return Ok(ticket.clone()),
                Step::Make { old, issue } => (old, issue),
            };
            let body = body(state, &mut connection, &old.body, issue, holder, request.name.as_ref()).await?;
            let replacement = Replacement {
                old: old.id,
                transfer: request.transfer,
                account: request.recipient,
                issuer: body.issue(&state.issuing_key),
                body: &body,
            };
            tickets::replace(&mut connection, state.randomness.uuid(), replacement).await?;
            tickets::of_transfer(&mut connection, request.transfer).await?.ok_or(Error::Transfer(Refusal::Unknown))
        })
    })
    .await
}

async fn body(
    state: &State,
    connection: &mut PgConnection,
    old: &TicketBody,
    issue: Issue,
    holder: Option<VerifyingKey>,
    name: Option<&Name>,
) -> Result<TicketBody, Error> {
    let live = match (old.live, holder) {
        (None, _) => None,
        (Some(live), Some(holder)) => Some(Live { holder, ..live }),
        // The same request, sent twice at once: the other one discarded the body that this one found.
        (Some(_), None) => return Err(Refusal::KeysChanging.into()),
    };
    let body = body::next(old, state.keys(), issue, live);
    match (old.sealed, name) {
        (None, None) => Ok(body),
        (Some(seal), Some(name)) => {
            let secret = event_secrets::newest(state, connection, old.event).await?;
            Ok(secret.seal(&body, name.text(), seal.check_id)?)
        }
        (None, Some(_)) => Err(Error::NamesNotTaken),
        (Some(_), None) => Err(Error::NamesRequired { tickets: 1 }),
    }
}

/// Auth's signature; nothing when the body names keys of yesterday, or revoked ones, and is to be made anew.
async fn authorise(state: &State, transfer: TransferId, ticket: &StoredTicket) -> Result<Option<Signature>, Error> {
    let request = Authorise { warrant: Warrant::Transfer(transfer), body: Base64(ticket.body.to_bytes()) };
    let error = match state.auth.authorise(&request).await {
        Ok(authorised) => {
            let authority = Signature::from_bytes(&authorised.signature.0);
            return Ok(issue::is_good(state, ticket, authority)?.then_some(authority));
        }
        Err(error) => error,
    };
    match AuthProblem::of(&error) {
        Some(AuthProblem::KeyNotActive | AuthProblem::WrittenDownKeyGone)
            if state.keys().are_named_by(&ticket.body) =>
        {
            Err(Refusal::KeysChanging.into())
        }
        Some(AuthProblem::KeyNotActive | AuthProblem::WrittenDownKeyGone) => Ok(None),
        // The body stays, whatever auth says: another one of this issue would be sealed with the same key.
        Some(_) | None => Err(refused_or_away(error)),
    }
}

/// Stores auth's signature, unless the seat was revoked meanwhile; then the old ticket is its owner's no more.
async fn complete(
    state: &State,
    transfer: TransferId,
    ticket: &StoredTicket,
    authority: Signature,
) -> Result<StoredTicket, Error> {
    let now = state.clock.now();
    let made = transaction(&state.pool, "complete a transfer", |mut connection| {
        Box::pin(async move {
            expect_pending(&mut connection, ticket).await?;
            tickets::authorise(&mut connection, ticket.id, authority).await?;
            tickets::hand_over(&mut connection, &[ticket.id], now).await?;
            tickets::end_earlier(&mut connection, &ticket.body, now).await?;
            let seat = (ticket.body.event, ticket.body.slot, ticket.body.generation);
            issue::enqueue_report(&mut connection, seat, ReportedState::Issued, now).await?;
            tickets::of_transfer(&mut connection, transfer).await?.ok_or(Error::Transfer(Refusal::Unknown))
        })
    })
    .await?;
    state.outbox.poke();
    Ok(made)
}

/// Forgets a body that names a key of yesterday. The next one is sealed with another key, which follows from the keys it names.
async fn discard(state: &State, ticket: &StoredTicket) -> Result<(), Error> {
    transaction(&state.pool, "discard a transfer's body", |mut connection| {
        Box::pin(async move {
            expect_pending(&mut connection, ticket).await?;
            tickets::discard_unauthorised(&mut connection, ticket.id).await
        })
    })
    .await
}

/// Takes the seat's lock, and expects the ticket as it was prepared, not revoked since.
async fn expect_pending(connection: &mut PgConnection, ticket: &StoredTicket) -> Result<(), Error> {
    tickets::lock_seat(connection, ticket.body.event, ticket.body.slot).await?;
    let seat = tickets::of_seat(connection, ticket.body.event, ticket.body.slot).await?;
    match seat.iter().find(|known| known.id == ticket.id) {
        Some(StoredTicket { authority: None, revoked_at: Some(_), .. }) => Err(Refusal::Revoked.into()),
        Some(_) => Ok(()),
        // The same request, sent twice at once: the other one made the body anew.
        None => Err(Refusal::KeysChanging.into()),
    }
}

async fn seat(connection: &mut PgConnection, confirmed: ConfirmedTransfer) -> Result<Vec<StoredTicket>, Error> {
    let ConfirmedTransfer { event, slot, replaces: _ } = confirmed;
    tickets::of_seat(connection, event, slot).await
}

/// What auth's answer means for the recipient; another than a refusal by the contract is one that may change.
fn refused_or_away(error: CallError) -> Error {
    match AuthProblem::of(&error) {
        Some(AuthProblem::TransferUnknown) => Refusal::Unknown.into(),
        Some(
            AuthProblem::NotGranted | AuthProblem::SlotTaken | AuthProblem::GrantUnknown | AuthProblem::GrantClosed,
        ) => Refusal::NotAuthorised.into(),
        Some(
            AuthProblem::DocumentUnknown
            | AuthProblem::DocumentRefused
            | AuthProblem::TermsRefused
            | AuthProblem::CapacityReached
            | AuthProblem::PaymentNotConfirmed
            | AuthProblem::KeyNotActive
            | AuthProblem::WrittenDownKeyGone,
        )
        | None => error.into(),
    }
}
