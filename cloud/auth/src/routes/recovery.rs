//! What auth signed and who paid, for a ticket service that was restored from a backup. It had all of it before: nothing here is signed
//! that is not on the record.

use countermark_service::contract::{After, Page, PaidOrder, SeatIssue, SignedIssue, paths};
use countermark_service::extract::Json;
use countermark_shared::id::OrderId;
use countermark_shared::ticket::TicketBody;
use countermark_shared::wire::Base64;

use crate::error::Error;
use crate::state::State;
use crate::store::authorisations::{self, Authorisation};
use crate::store::grants;

/// 1,000 signatures are 20 ms, and their bodies half a megabyte of JSON.
const PAGE: u16 = 1000;

/// What was signed for each issue of each seat, and the signature again, in order.
#[utoipa::path(
    post,
    path = paths::ISSUES,
    operation_id = "read_issues",
    request_body = After<SeatIssue>,
    responses((status = 200, description = "A page.", body = Page<SignedIssue, SeatIssue>))
)]
pub(crate) async fn issues(
    state: State,
    Json(After { after }): Json<After<SeatIssue>>,
) -> Result<Json<Page<SignedIssue, SeatIssue>>, Error> {
    let issues = authorisations::page(&mut *state.pool.acquire().await?, after, PAGE).await?;
    let page = Page::of(issues, PAGE, |(Authorisation { body, .. }, _)| issue(body));
    Ok(Json(page.map(|(Authorisation { warrant, body }, account)| {
        let signature = state.keys.authority(body.authority_key).map(|key| Base64(body.authorise(key).to_bytes()));
        SignedIssue { warrant, account, body: Base64(body.to_bytes()), signature }
    })))
}

/// The orders whose grants are paid for, in order.
#[utoipa::path(
    post,
    path = paths::PAID_ORDERS,
    operation_id = "read_paid_orders",
    request_body = After<OrderId>,
    responses((status = 200, description = "A page.", body = Page<PaidOrder, OrderId>))
)]
pub(crate) async fn paid_orders(
    state: State,
    Json(After { after }): Json<After<OrderId>>,
) -> Result<Json<Page<PaidOrder, OrderId>>, Error> {
    let paid = grants::paid(&mut *state.pool.acquire().await?, after, PAGE).await?;
    Ok(Json(Page::of(paid, PAGE, |paid| paid.order)))
}

fn issue(body: &TicketBody) -> SeatIssue {
    SeatIssue { event: body.event, slot: body.slot, generation: body.generation }
}
