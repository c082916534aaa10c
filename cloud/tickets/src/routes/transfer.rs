//! Taking over a ticket that somebody passed on.

use countermark_service::caller::Caller;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::TransferId;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ticket::Ticket;
use crate::error::Error;
use crate::names::{Name, Written};
use crate::state::State;
use crate::transfer::{Refusal, Request, carry_out};

/// Which ticket, and who it is for now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeOver {
    /// As the account service answered when the caller accepted it.
    transfer: TransferId,
    /// Asked for where the ticket carries a name, and only there.
    #[serde(default)]
    #[schema(value_type = Option<Written>)]
    name: Option<Name>,
}

/// Makes the ticket that a transfer gives to the caller: the next issue of the same seat, which gates admit in place of the one before.
/// The same transfer again answers with the same ticket, and its first name stands.
#[utoipa::path(
    post,
    path = "/v1/transfers",
    operation_id = "take_ticket_over",
    request_body = TakeOver,
    responses(
        (status = 201, description = "The ticket, made now or before.", body = Ticket),
        (status = 404, description = "`transfer-unknown`: the caller did not accept it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ticket-revoked`, `transfer-outdated`, `transfer-under-way`, `transfer-refused`, `last-generation`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`names-required`, `names-not-taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again, nothing is lost", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn transfer(
    state: State,
    caller: Caller,
    Json(TakeOver { transfer, name }): Json<TakeOver>,
) -> Result<(StatusCode, Json<Ticket>), Error> {
    let request = Request { transfer, recipient: caller.account, name };
    let made = carry_out(&state, &request).await?;
    let ticket = Ticket::of(&made).ok_or(Refusal::Unknown)?;
    Ok((StatusCode::CREATED, Json(ticket)))
}
