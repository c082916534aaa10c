//! What tickets asks of a transfer.

use countermark_service::contract::{ConfirmTransfer, ConfirmedTransfer, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;

use crate::error::Error;
use crate::state::State;
use crate::store::transfers;

/// Which issue a transfer replaces, if this account accepted it.
#[utoipa::path(
    post,
    path = paths::CONFIRM_TRANSFER,
    operation_id = "confirm_transfer",
    request_body = ConfirmTransfer,
    responses(
        (status = 200, description = "It did.", body = ConfirmedTransfer),
        (status = 404, description = "`transfer-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn confirm(
    state: State,
    Json(ConfirmTransfer { transfer, account }): Json<ConfirmTransfer>,
) -> Result<Json<ConfirmedTransfer>, Error> {
    let transfer = transfers::find(&mut *state.pool.acquire().await?, transfer).await?;
    let transfer = transfer.filter(|transfer| transfer.recipient == account).ok_or(Error::TransferUnknown)?;
    let transfers::Transfer { event, slot, replaces, .. } = transfer;
    Ok(Json(ConfirmedTransfer { event, slot, replaces }))
}
