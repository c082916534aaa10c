//! Withdrawing a ticket.

use countermark_service::contract::{ReportedState, RevokeTicket, RevokedTicket, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;

use crate::error::Error;
use crate::issue;
use crate::state::State;
use crate::store::tickets;

/// Revokes the newest ticket of a seat, and one that a transfer of it is about to make; sees to it that validation hears of it.
#[utoipa::path(
    post,
    path = paths::REVOKE,
    operation_id = "revoke_ticket",
    request_body = RevokeTicket,
    responses(
        (status = 200, description = "Revoked, now or before.", body = RevokedTicket),
        (status = 404, description = "`ticket-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn revoke(
    state: State,
    Json(RevokeTicket { event, slot }): Json<RevokeTicket>,
) -> Result<Json<RevokedTicket>, Error> {
    let now = state.clock.now();
    let generation = transaction(&state.pool, "revoke a ticket", |mut connection| {
        Box::pin(async move {
            tickets::lock_seat(&mut connection, event, slot).await?;
            let generation =
                tickets::revoke_slot(&mut connection, event, slot, now).await?.ok_or(Error::TicketUnknown)?;
            issue::enqueue_report(&mut connection, (event, slot, generation), ReportedState::Revoked, now).await?;
            Ok::<_, Error>(generation)
        })
    })
    .await?;
    state.outbox.poke();
    Ok(Json(RevokedTicket { slot, generation }))
}
