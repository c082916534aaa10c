//! Admin reads what was found, and says what people decided about it.

use countermark_service::contract::findings::{
    DecideFinding, Finding, FindingDecision, FindingHistory, FindingPage, FindingQuery, FindingState,
};
use countermark_service::contract::paths;
use countermark_service::extract::{Json, Path, Query};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::EventId;

use crate::error::Error;
use crate::state::State;
use crate::store::findings;

const USUAL: u16 = 50;
const MOST: u16 = 200;
const LONGEST_SENTENCE: usize = 500;

/// What was found at an event, the newest first.
#[utoipa::path(
    get,
    path = paths::FINDINGS,
    operation_id = "list_findings",
    params(("event" = EventId, Path, description = "The event"), FindingQuery),
    responses(
        (status = 200, description = "A page of findings.", body = FindingPage),
        (status = 400, description = "`invalid-request`: a page has 1 to 200 entries", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    state: State,
    Path(event): Path<EventId>,
    Query(query): Query<FindingQuery>,
) -> Result<Json<FindingPage>, Error> {
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Error::Invalid { why: "A page has 1 to 200 entries." });
    }
    let mut connection = state.pool.acquire().await?;
    let page = findings::page(&mut connection, event, &query, limit).await?;
    let next = page.last().map(|last| last.finding).filter(|_| page.len() == usize::from(limit));
    let gates = findings::gates(&mut connection, event).await?;
    Ok(Json(FindingPage { findings: page, gates, next }))
}

/// One finding, and how it came to its state.
#[utoipa::path(
    get,
    path = paths::FINDING,
    operation_id = "read_finding",
    params(("finding" = i64, Path, description = "The finding")),
    responses(
        (status = 200, description = "The finding.", body = FindingHistory),
        (status = 404, description = "`finding-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(state: State, Path(finding): Path<i64>) -> Result<Json<FindingHistory>, Error> {
    let mut connection = state.pool.acquire().await?;
    let finding = findings::one(&mut connection, finding).await?.ok_or(Error::FindingUnknown)?;
    let steps = findings::steps(&mut connection, finding.finding).await?;
    let gates = findings::gates(&mut connection, finding.event).await?;
    Ok(Json(FindingHistory { finding, gates, steps }))
}

/// Somebody looks after a finding, or explains it. The same again is well.
#[utoipa::path(
    post,
    path = paths::DECIDE_FINDING,
    operation_id = "decide_finding",
    request_body = DecideFinding,
    responses(
        (status = 200, description = "It is decided.", body = Finding),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`finding-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`finding-grown`, `finding-resolved`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn decide(state: State, Json(decision): Json<DecideFinding>) -> Result<Json<Finding>, Error> {
    let why = decision.why.trim();
    if why.is_empty() || why.chars().count() > LONGEST_SENTENCE || why.contains('\0') {
        return Err(Error::Invalid { why: "Say why, in 1 to 500 characters." });
    }
    let now = state.clock.now();
    let decision = &decision;
    let finding = transaction(&state.pool, "decide about a finding", |mut transaction| {
        Box::pin(async move {
            let finding = findings::lock(&mut transaction, decision.finding).await?.ok_or(Error::FindingUnknown)?;
            if let Some(state) = step(&finding, decision)? {
                findings::take_step(&mut transaction, finding.finding, state, Some(decision.account), why, now).await?;
            }
            findings::one(&mut transaction, finding.finding).await?.ok_or(Error::FindingUnknown)
        })
    })
    .await?;
    Ok(Json(finding))
}

/// What the finding becomes; nothing where it is so already.
fn step(finding: &Finding, decision: &DecideFinding) -> Result<Option<FindingState>, Error> {
    if finding.revision != decision.revision {
        return Err(Error::FindingGrown);
    }
    let wanted = decision.decision.state();
    match (finding.state, decision.decision) {
        (FindingState::Resolved, FindingDecision::Acknowledge) => Err(Error::FindingResolved),
        (state, _) => Ok((state != wanted).then_some(wanted)),
    }
}

#[cfg(test)]
mod tests;
