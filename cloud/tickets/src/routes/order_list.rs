//! A buyer's orders.

use countermark_service::caller::Caller;
use countermark_service::extract::{Json, Query};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::page::{self, Before};
use crate::error::Error;
use crate::order::Order;
use crate::state::State;
use crate::store::orders;

/// Some of the caller's orders.
#[derive(Serialize, ToSchema)]
pub(super) struct Orders {
    /// The newest first, at most 50.
    orders: Vec<Order>,
    /// What to send as `before` for those that are older; none when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The caller's orders, in whatever state; each one's tickets come with the order itself.
#[utoipa::path(
    get,
    path = "/v1/orders",
    operation_id = "list_orders",
    params(Before),
    responses((status = 200, description = "A page of them; none before an order that is not the caller's.", body = Orders))
)]
pub(super) async fn list(
    state: State,
    caller: Caller,
    Query(Before { before }): Query<Before>,
) -> Result<Json<Orders>, Error> {
    let mut connection = state.pool.acquire().await?;
    let read = orders::of_account(&mut connection, caller.account, before, page::READ).await?;
    let (orders, next) = page::cut(read, |order| order.order.0);
    Ok(Json(Orders { orders, next }))
}
