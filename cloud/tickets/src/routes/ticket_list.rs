//! The tickets that a person has.

use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Query};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::{self, Before};
use super::ticket::Ticket;
use crate::error::Error;
use crate::state::State;
use crate::store::tickets;

/// Some of the caller's tickets.
#[derive(Serialize, ToSchema)]
pub(super) struct Tickets {
    /// The newest first, at most 50.
    tickets: Vec<Ticket>,
    /// What to send as `before` for those that are older; none when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The caller's tickets, bought or received: of each seat the newest issue. Those that were passed on come with their order only.
#[utoipa::path(
    get,
    path = "/v1/tickets",
    operation_id = "list_tickets",
    params(Before),
    responses((status = 200, description = "A page of them; none before a ticket that was never the caller's.", body = Tickets))
)]
pub(super) async fn list(
    state: State,
    caller: Caller,
    Query(Before { before }): Query<Before>,
) -> Result<Json<Tickets>, Error> {
    let mut connection = state.pool.acquire().await?;
    let read = tickets::newest_of(&mut connection, caller.account, before, page::READ).await?;
    let (read, next) = page::cut(read, |ticket| ticket.id);
    Ok(Json(Tickets { tickets: read.iter().filter_map(Ticket::of).collect(), next }))
}
