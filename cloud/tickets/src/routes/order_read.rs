//! Reading an order, with its tickets once they exist.

use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::OrderId;
use serde::Serialize;
use utoipa::ToSchema;

use super::ticket::Ticket;
use crate::error::Error;
use crate::order::Order;
use crate::state::State;
use crate::store::{orders, tickets};

/// An order and its tickets.
#[derive(Serialize, ToSchema)]
pub(super) struct OrderWithTickets {
    #[serde(flatten)]
    order: Order,
    /// Those that are, or were, the caller's. Empty until the order is issued.
    tickets: Vec<Ticket>,
}

/// One of the caller's orders.
#[utoipa::path(
    get,
    path = "/v1/orders/{order}",
    operation_id = "read_order",
    params(("order" = OrderId, Path, description = "The order.")),
    responses(
        (status = 200, description = "The order.", body = OrderWithTickets),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn read(
    state: State,
    caller: Caller,
    Path(order): Path<OrderId>,
) -> Result<Json<OrderWithTickets>, Error> {
    let mut connection = state.pool.acquire().await?;
    let order = orders::find(&mut connection, order)
        .await?
        .filter(|order| order.account == caller.account)
        .ok_or(Error::Unknown)?;
    let tickets = tickets::of_order(&mut connection, order.order, caller.account).await?;
    let tickets = tickets.iter().filter_map(Ticket::of).collect();
    Ok(Json(OrderWithTickets { order, tickets }))
}
