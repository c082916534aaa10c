//! The guest list of an event, for its gates.

use countermark_service::contract::{ListGuests, paths};
use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::wire::GuestPage;

use crate::error::Error;
use crate::guests;
use crate::state::State;

/// A page of an event's guests, in the order of issue, where the organiser's document in force says that gates find seats by their order.
/// Those revoked or passed on are among them: gates know that from the slot list.
#[utoipa::path(
    post,
    path = paths::GUESTS,
    operation_id = "list_guests",
    request_body = ListGuests,
    responses(
        (status = 200, description = "At most 500 guests; none where the event has no guest list.", body = GuestPage),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(state: State, Json(request): Json<ListGuests>) -> Result<Json<GuestPage>, Error> {
    let ListGuests { event, after } = request;
    let state = &state;
    let page = transaction(&state.pool, "list guests", |mut connection| {
        Box::pin(async move {
            let now = state.clock.now();
            let document = event_documents::in_force(&mut connection, event, &state.bundle, now).await?;
            if !document.ok_or(Error::EventUnknown)?.document().find_by_order {
                return Ok(GuestPage { guests: Vec::new(), next: None });
            }
            guests::page(state, &mut connection, event, after).await
        })
    })
    .await?;
    Ok(Json(page))
}
