//! What was sold, for a service that was restored from a backup: every seat for validation, every ticket that auth signed, and every
//! order that has ended, for auth.

use countermark_service::contract::{After, Page, ReportSlot, SeatIssue, SignedIssue, paths};
use countermark_service::extract::Json;
use countermark_shared::id::OrderId;

use crate::error::Error;
use crate::state::State;
use crate::store::{issues, orders};

/// 1,000 tickets of the longest are half a megabyte of JSON.
const PAGE: u16 = 1000;

/// What there is to say of each seat, in order: as it was reported, or is about to be.
#[utoipa::path(
    post,
    path = paths::REPORTS,
    operation_id = "read_reports",
    request_body = After<SeatIssue>,
    responses((status = 200, description = "A page.", body = Page<ReportSlot, SeatIssue>))
)]
pub(super) async fn reports(
    state: State,
    Json(After { after }): Json<After<SeatIssue>>,
) -> Result<Json<Page<ReportSlot, SeatIssue>>, Error> {
    let reports = issues::reports(&mut *state.pool.acquire().await?, after, PAGE).await?;
    let place = |&ReportSlot { event, slot, generation, .. }: &_| SeatIssue { event, slot, generation };
    Ok(Json(Page::of(reports, PAGE, place)))
}

/// The tickets that auth signed, in order.
#[utoipa::path(
    post,
    path = paths::ISSUES,
    operation_id = "read_issues",
    request_body = After<SeatIssue>,
    responses((status = 200, description = "A page.", body = Page<SignedIssue, SeatIssue>))
)]
pub(super) async fn issues(
    state: State,
    Json(After { after }): Json<After<SeatIssue>>,
) -> Result<Json<Page<SignedIssue, SeatIssue>>, Error> {
    let authorised = issues::authorised(&mut *state.pool.acquire().await?, after, PAGE).await?;
    Ok(Json(Page::of(authorised, PAGE, |(issue, _)| *issue).map(|(_, signed)| signed)))
}

/// The orders for which nothing is to be signed any more, in order: whoever bought them has their tickets, or never will.
#[utoipa::path(
    post,
    path = paths::ENDED_ORDERS,
    operation_id = "read_ended_orders",
    request_body = After<OrderId>,
    responses((status = 200, description = "A page.", body = Page<OrderId, OrderId>))
)]
pub(super) async fn ended_orders(
    state: State,
    Json(After { after }): Json<After<OrderId>>,
) -> Result<Json<Page<OrderId, OrderId>>, Error> {
    let ended = orders::ended(&mut *state.pool.acquire().await?, after, PAGE).await?;
    Ok(Json(Page::of(ended, PAGE, |order| *order)))
}
