//! What was sold, for a service that was restored from a backup: every seat for validation, every ticket that auth signed for auth.

use countermark_service::contract::{After, Page, ReportSlot, SeatIssue, SignedIssue, paths};
use countermark_service::extract::Json;

use crate::error::Error;
use crate::state::State;
use crate::store::tickets;

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
    let items = tickets::reports(&mut *state.pool.acquire().await?, after, PAGE).await?;
    let last = items.last().map(|&ReportSlot { event, slot, generation, .. }| SeatIssue { event, slot, generation });
    let next = last.filter(|_| items.len() == usize::from(PAGE));
    Ok(Json(Page { items, next }))
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
    let issues = tickets::authorised(&mut *state.pool.acquire().await?, after, PAGE).await?;
    let next = issues.last().map(|(issue, _)| *issue).filter(|_| issues.len() == usize::from(PAGE));
    Ok(Json(Page { items: issues.into_iter().map(|(_, signed)| signed).collect(), next }))
}
