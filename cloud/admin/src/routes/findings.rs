//! What settling found: read, explained, taken away as a file, and decided about.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};
use countermark_service::caller::Caller;
use countermark_service::contract::findings::{
    DecideFinding, Explanation, Finding, FindingDecision, FindingHistory, FindingPage, FindingQuery, explanations,
};
use countermark_service::extract::{Json, Path, Query};
use countermark_service::problem::ProblemDocument;
use countermark_shared::id::EventId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::error::Error;
use crate::export;
use crate::record::{Act, Done, Intent, on_record, sentence};
use crate::state::State;

/// Decide about a finding.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    /// Which.
    pub(crate) finding: i64,
    /// Its revision, as it was read: a finding that has grown since is to be read again.
    pub(crate) revision: u32,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
}

/// What was found at an event, the newest first.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/findings",
    operation_id = "list_findings",
    params(("event" = EventId, Path, description = "The event"), FindingQuery),
    responses(
        (status = 200, description = "A page of findings.", body = FindingPage),
        (status = 400, description = "`invalid-request`: a page has 1 to 200 entries", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(
    state: State,
    Path(event): Path<EventId>,
    Query(query): Query<FindingQuery>,
) -> Result<Json<FindingPage>, Error> {
    Ok(Json(state.validation.findings(event, &query).await?))
}

/// One finding, with how it came to its state.
#[utoipa::path(
    get,
    path = "/v1/findings/{finding}",
    operation_id = "read_finding",
    params(("finding" = i64, Path, description = "The finding")),
    responses(
        (status = 200, description = "The finding.", body = FindingHistory),
        (status = 404, description = "`finding-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn read(state: State, Path(finding): Path<i64>) -> Result<Json<FindingHistory>, Error> {
    Ok(Json(state.validation.finding(finding).await?))
}

/// What each rule means and what to do about it, in English and French.
#[utoipa::path(
    get,
    path = "/v1/finding-rules",
    operation_id = "explain_findings",
    responses((status = 200, description = "Every rule.", body = Vec<Explanation>))
)]
pub(crate) async fn explain() -> Json<Vec<Explanation>> {
    Json(explanations())
}

/// Says that the caller looks after a finding. One that they look after already is well.
#[utoipa::path(
    post,
    path = "/v1/findings/acknowledge",
    operation_id = "acknowledge_finding",
    request_body = Decision,
    responses(
        (status = 200, description = "It is acknowledged.", body = Finding),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`finding-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`finding-grown`: read it again; `finding-resolved`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn acknowledge(
    state: State,
    caller: Caller,
    Json(request): Json<Decision>,
) -> Result<Json<Finding>, Error> {
    decide(&state, caller, Act::AcknowledgeFinding, FindingDecision::Acknowledge, request).await
}

/// Says what explains a finding. It is open again when it grows.
#[utoipa::path(
    post,
    path = "/v1/findings/resolve",
    operation_id = "resolve_finding",
    request_body = Decision,
    responses(
        (status = 200, description = "It is resolved.", body = Finding),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`finding-unknown` to validation", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`finding-grown`: read it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resolve(
    state: State,
    caller: Caller,
    Json(request): Json<Decision>,
) -> Result<Json<Finding>, Error> {
    decide(&state, caller, Act::ResolveFinding, FindingDecision::Resolve, request).await
}

async fn decide(
    state: &State,
    caller: Caller,
    act: Act,
    decision: FindingDecision,
    Decision { finding, revision, reason }: Decision,
) -> Result<Json<Finding>, Error> {
    let why = sentence(&reason)?.to_owned();
    let detail = json!({ "revision": revision, "reason": why });
    let intent = Intent { act, subject: format!("finding {finding}"), detail };
    let validation = state.validation.clone();
    let request = DecideFinding { finding, revision, decision, account: caller.account, why };
    on_record(state, caller, intent, async move {
        let finding = validation.decide_finding(&request).await?;
        let detail =
            json!({ "event": finding.event, "rule": finding.rule, "about": finding.about, "state": finding.state });
        Ok(Done { answer: finding, detail })
    })
    .await
    .map(Json)
}

/// A file to keep.
type File = ([(HeaderName, &'static str); 2], String);

/// All that was found at an event, for a spreadsheet: a row for each finding.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/findings.csv",
    operation_id = "export_findings_csv",
    params(("event" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "CSV (RFC 4180) in UTF-8, with a line of names.", body = String, content_type = "text/csv"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export_csv(state: State, Path(event): Path<EventId>) -> Result<File, Error> {
    let (findings, gates) = export::all(&state.validation, event).await?;
    Ok(file(
        "text/csv; charset=utf-8; header=present",
        "attachment; filename=\"findings.csv\"",
        export::csv(&findings, &gates),
    ))
}

/// All that was found at an event, for programs: a line of JSON for each finding, with all its evidence.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/findings.jsonl",
    operation_id = "export_findings_json_lines",
    params(("event" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "JSON Lines: a finding each.", body = String, content_type = "application/jsonl"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn export_json_lines(state: State, Path(event): Path<EventId>) -> Result<File, Error> {
    let (findings, _) = export::all(&state.validation, event).await?;
    Ok(file("application/jsonl", "attachment; filename=\"findings.jsonl\"", export::json_lines(&findings)?))
}

fn file(media_type: &'static str, disposition: &'static str, content: String) -> File {
    ([(CONTENT_TYPE, media_type), (CONTENT_DISPOSITION, disposition)], content)
}

#[cfg(test)]
mod tests;
