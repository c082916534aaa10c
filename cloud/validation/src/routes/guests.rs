//! The guest list, where the gate's event has one: tickets is asked on the gate's behalf, and nothing of the answer is kept here.

use countermark_service::contract::ListGuests;
use countermark_service::event_documents;
use countermark_service::extract::{Json, Query};
use countermark_service::problem::ProblemDocument;
use countermark_service::service_call::CallError;
use countermark_shared::documents::LeaseState;
use countermark_shared::wire::{GuestCursor, GuestPage, paths};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::assignment;
use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::gates;

/// Where a page begins.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// After which guest: when it was issued, in milliseconds since 1970, its slot and its generation (`1800000000000.41327.1`). From the
    /// first on where nothing is said.
    #[param(value_type = Option<String>)]
    after: Option<GuestCursor>,
}

/// A page of the event's guests: what tickets sold, as halves that name somebody to this event's gates alone. None where the organiser gives
/// gates no guest list, while the gate is suspended, and once names are over.
#[utoipa::path(
    get,
    path = paths::GUESTS,
    operation_id = "read_guests",
    params(After),
    responses(
        (status = 200, description = "At most 500 guests, in the order of issue.", body = GuestPage),
        (status = 400, description = "`invalid-request`: no place in a guest list", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: tickets cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    state: State,
    gate: Gate,
    Query(After { after }): Query<After>,
) -> Result<Json<GuestPage>, Error> {
    if !may_have_names(&state, &gate).await? {
        return Ok(Json(GuestPage { guests: Vec::new(), next: None }));
    }
    let answer = state.tickets.guests(&ListGuests { event: gate.event, after }).await;
    answer.map(Json).map_err(|error: CallError| match error.slug() {
        // The document has not reached tickets yet.
        Some("event-unknown") => Error::EventUnknown,
        Some(_) | None => Error::Call(error),
    })
}

/// Whether the gate may hold the names of those who have not come, by the document and the lease that follows from it.
async fn may_have_names(state: &State, gate: &Gate) -> Result<bool, Error> {
    let (bundle, now) = (state.trust.bundle.document(), state.clock.now());
    let mut connection = state.pool.acquire().await?;
    let suspended = gates::is_suspended(&mut connection, gate.gate).await?;
    let event =
        event_documents::in_force(&mut connection, gate.event, bundle, now).await?.ok_or(Error::EventUnknown)?;
    let lease = assignment::lease(event.document(), suspended);
    Ok(event.document().find_by_order && lease.at(now) == LeaseState::Held)
}

#[cfg(test)]
mod tests;
