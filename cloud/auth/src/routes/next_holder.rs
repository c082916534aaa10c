//! Who will hold a live ticket that is yet to be signed.

use countermark_service::contract::{AskHolderKey, HolderKey, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;

use crate::error::Error;
use crate::state::State;
use crate::warrant::{self, Issue};

/// The key that the body of a seat's issue must name to be signed: the same however often it is asked.
#[utoipa::path(
    post,
    path = paths::HOLDER_KEYS,
    operation_id = "ask_holder_key",
    request_body = AskHolderKey,
    responses(
        (status = 200, description = "The key.", body = HolderKey),
        (status = 404, description = "`grant-unknown`, `transfer-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`grant-closed`, `payment-not-confirmed` (try again), `not-granted`: another seat or issue, or a static ticket", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn next_holder(
    state: State,
    Json(AskHolderKey { warrant, event, slot, generation }): Json<AskHolderKey>,
) -> Result<Json<HolderKey>, Error> {
    let (bundle, secrets, now) = (&*state.bundle, &state.account_secrets, state.clock.now());
    let issue = Issue { event, slot, generation };
    let holder = transaction(&state.pool, "find the holder of a ticket", |mut transaction| {
        Box::pin(async move {
            let warranted = warrant::find(&mut transaction, warrant, bundle, now).await?;
            warranted.expect(issue).map_err(|mismatch| Error::NotGranted { why: mismatch.to_string() })?;
            warranted.holder(&mut transaction, secrets, issue, now).await
        })
    })
    .await?;
    let is_static = || Error::NotGranted { why: "The product's tickets are static: nobody holds them.".to_owned() };
    Ok(Json(HolderKey { holder: holder.ok_or_else(is_static)? }))
}

#[cfg(test)]
mod tests;
