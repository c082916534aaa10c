//! A ticket, for its owner: as it stands, as the text that is shown, and as a picture of its code.

use axum::response::IntoResponse;
use countermark_service::api::Binary;
use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Path, Query};
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::{EventId, Generation, ProductId, Slot};
use countermark_shared::time::Timestamp;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::code::code_png;
use crate::error::Error;
use crate::showing::{Showing, ShowingParameters, shown};
use crate::state::State;
use crate::store::tickets::{self, StoredTicket};

/// A ticket with both signatures.
#[derive(Serialize, ToSchema)]
pub(super) struct Ticket {
    ticket: Uuid,
    event: EventId,
    slot: Slot,
    /// Which issue of the seat it is: a transfer raises it, and gates admit only the newest.
    generation: Generation,
    product: ProductId,
    state: TicketState,
    /// Persons it admits.
    places: u8,
    valid_from: Timestamp,
    valid_until: Timestamp,
    /// Whether it admits only with its holder's fresh proof, which the account service or the holder's device makes.
    live: bool,
    /// For how many seconds a proof is fresh; only of a live ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u8>,
    /// Whether it carries its holder's name, for gates to read.
    sealed: bool,
    /// When it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// When it was passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    transferred_at: Option<Timestamp>,
    /// What its QR code says: whoever shows it first is let in. Of a live ticket it is only the printout. None once it was passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// How a ticket stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum TicketState {
    /// It admits.
    Valid,
    /// It was withdrawn.
    Revoked,
    /// It was passed on, and admits nobody.
    Transferred,
}

impl Ticket {
    /// The ticket, once it has both signatures.
    pub(super) fn of(stored: &StoredTicket) -> Option<Self> {
        let complete = stored.complete()?;
        let body = complete.body();
        let state = match (stored.transferred_at, stored.revoked_at) {
            (Some(_), _) => TicketState::Transferred,
            (None, Some(_)) => TicketState::Revoked,
            (None, None) => TicketState::Valid,
        };
        Some(Self {
            ticket: stored.id,
            event: body.event,
            slot: body.slot,
            generation: body.generation,
            product: body.product,
            state,
            places: body.places.get(),
            valid_from: body.validity.from(),
            valid_until: body.validity.until(),
            live: body.live.is_some(),
            window_seconds: body.live.map(|live| live.window.get()),
            sealed: body.sealed.is_some(),
            revoked_at: stored.revoked_at,
            transferred_at: stored.transferred_at,
            text: stored.transferred_at.is_none().then(|| complete.to_text()),
        })
    }
}

/// One of the caller's tickets.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}",
    operation_id = "read_ticket",
    params(("ticket" = Uuid, Path, description = "The ticket.")),
    responses(
        (status = 200, description = "The ticket.", body = Ticket),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn read(state: State, caller: Caller, Path(ticket): Path<Uuid>) -> Result<Json<Ticket>, Error> {
    let stored = find(&state, caller, ticket).await?;
    Ticket::of(&stored).map(Json).ok_or(Error::Unknown)
}

/// The QR code of one of the caller's tickets: of a live one as it is shown with a proof, or without any as it is printed.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}/code.png",
    operation_id = "read_ticket_code",
    params(("ticket" = Uuid, Path, description = "The ticket."), ShowingParameters),
    responses(
        (status = 200, description = "The picture.", body = inline(Binary), content_type = "image/png"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ticket-transferred`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`presentation-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn code(
    state: State,
    caller: Caller,
    Path(ticket): Path<Uuid>,
    Query(showing): Query<Showing>,
) -> Result<impl IntoResponse, Error> {
    let text = shown(&state.key_ring, &find(&state, caller, ticket).await?, showing)?;
    Ok(([(CONTENT_TYPE, "image/png")], code_png(&text)?))
}

/// What the QR code of one of the caller's tickets says, with or without a proof.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}/text",
    operation_id = "read_ticket_text",
    params(("ticket" = Uuid, Path, description = "The ticket."), ShowingParameters),
    responses(
        (status = 200, description = "The text.", body = String, content_type = "text/plain"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ticket-transferred`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`presentation-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn text(
    state: State,
    caller: Caller,
    Path(ticket): Path<Uuid>,
    Query(showing): Query<Showing>,
) -> Result<String, Error> {
    shown(&state.key_ring, &find(&state, caller, ticket).await?, showing)
}

async fn find(state: &State, caller: Caller, ticket: Uuid) -> Result<StoredTicket, Error> {
    let mut connection = state.pool.acquire().await?;
    let stored = tickets::of_account(&mut connection, ticket, caller.account).await?.ok_or(Error::Unknown)?;
    if stored.authority.is_some() { Ok(stored) } else { Err(Error::Unknown) }
}
