//! A ticket, for its buyer: as text, and as a picture of its code.

use axum::response::IntoResponse;
use countermark_service::api::Binary;
use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::{EventId, Generation, ProductId, Slot};
use countermark_shared::time::Timestamp;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::code::code_png;
use crate::error::Error;
use crate::state::State;
use crate::store::tickets::{self, StoredTicket};

/// A ticket with both signatures.
#[derive(Serialize, ToSchema)]
pub(super) struct Ticket {
    ticket: Uuid,
    event: EventId,
    slot: Slot,
    generation: Generation,
    product: ProductId,
    /// Persons it admits.
    places: u8,
    valid_from: Timestamp,
    valid_until: Timestamp,
    /// When it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// What its QR code says: whoever shows it first is let in.
    text: String,
}

impl Ticket {
    /// The ticket, once it has both signatures.
    pub(super) fn of(stored: &StoredTicket) -> Option<Self> {
        let complete = stored.complete()?;
        let body = complete.body();
        Some(Self {
            ticket: stored.id,
            event: body.event,
            slot: body.slot,
            generation: body.generation,
            product: body.product,
            places: body.places.get(),
            valid_from: body.validity.from(),
            valid_until: body.validity.until(),
            revoked_at: stored.revoked_at,
            text: complete.to_text(),
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
    find(&state, caller, ticket).await.map(Json)
}

/// The QR code of one of the caller's tickets.
#[utoipa::path(
    get,
    path = "/v1/tickets/{ticket}/code.png",
    operation_id = "read_ticket_code",
    params(("ticket" = Uuid, Path, description = "The ticket.")),
    responses(
        (status = 200, description = "The picture.", body = inline(Binary), content_type = "image/png"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn code(state: State, caller: Caller, Path(ticket): Path<Uuid>) -> Result<impl IntoResponse, Error> {
    let ticket = find(&state, caller, ticket).await?;
    Ok(([(CONTENT_TYPE, "image/png")], code_png(&ticket.text)?))
}

async fn find(state: &State, caller: Caller, ticket: Uuid) -> Result<Ticket, Error> {
    let mut connection = state.pool.acquire().await?;
    let stored = tickets::of_account(&mut connection, ticket, caller.account).await?.ok_or(Error::Unknown)?;
    Ticket::of(&stored).ok_or(Error::Unknown)
}
