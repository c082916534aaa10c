//! What was sold, for admin.

use countermark_service::contract::{SalesFigures, paths};
use countermark_service::extract::{Json, Path};
use countermark_service::outbox;
use countermark_shared::id::EventId;

use crate::error::Error;
use crate::issue;
use crate::state::State;
use crate::store::offers;

/// What was sold of an event, counted from the orders and tickets themselves.
#[utoipa::path(
    get,
    path = paths::SALES,
    operation_id = "read_sales",
    params(("event" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The figures.", body = SalesFigures))
)]
pub(super) async fn read(state: State, Path(event): Path<EventId>) -> Result<Json<SalesFigures>, Error> {
    let mut connection = state.pool.acquire().await?;
    let offers = offers::figures(&mut connection, event).await?;
    let reports_under_way = outbox::count_pending(&mut connection, issue::REPORT_SLOT, &format!("{event}/")).await?;
    Ok(Json(SalesFigures { offers, reports_under_way }))
}
