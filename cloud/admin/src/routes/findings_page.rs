//! The page of an event's findings: the frame for whoever asks, its content for administrators.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use axum::response::Html;
use countermark_service::caller::Caller;
use countermark_service::contract::findings::{FindingQuery, FindingState};
use countermark_service::event_documents;
use countermark_service::extract::{Path, Query};
use countermark_service::problem::{ProblemDocument, chain};
use countermark_shared::documents::Authentic;
use countermark_shared::id::EventId;
use countermark_shared::verdict::Language;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Error;
use crate::page::{self, Shown};
use crate::state::State;

/// How many findings a page shows.
const FINDINGS: u16 = 50;

/// In which language.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FrameQuery {
    /// English unless said.
    language: Option<Language>,
}

/// What is to be shown, in which language.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContentQuery {
    /// English unless said.
    language: Option<Language>,
    /// Findings in this state alone.
    state: Option<FindingState>,
    /// Those before this one.
    before: Option<i64>,
}

/// The page, as anybody may see it: a form to sign in. It says nothing of the event, not even whether there is one.
#[utoipa::path(
    get,
    path = "/events/{event}/findings",
    operation_id = "show_findings",
    params(("event" = EventId, Path, description = "The event"), FrameQuery),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"))
)]
pub(crate) async fn frame(
    Path(event): Path<EventId>,
    Query(query): Query<FrameQuery>,
) -> Result<([(HeaderName, &'static str); 1], Html<String>), Error> {
    let page = page::frame(event, query.language.unwrap_or(Language::En))?;
    Ok(([(CONTENT_SECURITY_POLICY, page::POLICY)], Html(page)))
}

/// What the page shows to an administrator: the figures, and the findings explained.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/findings/page",
    operation_id = "show_findings_content",
    params(("event" = EventId, Path, description = "The event"), ContentQuery),
    responses(
        (status = 200, description = "A part of a page.", body = String, content_type = "text/html"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn content(
    state: State,
    caller: Caller,
    Path(event): Path<EventId>,
    Query(query): Query<ContentQuery>,
) -> Result<Html<String>, Error> {
    let ContentQuery { language, state: wanted, before } = query;
    let query = FindingQuery { state: wanted, before, limit: Some(FINDINGS), ..FindingQuery::default() };
    let (page, figures) = tokio::join!(state.validation.findings(event, &query), state.validation.admissions(event));
    let (page, now) = (page?, state.clock.now());
    let figures = figures.inspect_err(|error| tracing::warn!(error = %chain(error), "figures are not known")).ok();
    let mut connection = state.pool.acquire().await?;
    let document = event_documents::in_force(&mut connection, event, state.bundle.document(), now).await?;
    drop(connection);
    let document = document.as_ref().map(Authentic::document);
    let shown =
        Shown { event, document, figures: figures.as_ref(), page: &page, query: &query, reader: caller.account, now };
    Ok(Html(page::content(&shown, language.unwrap_or(Language::En))?))
}

/// What a browser may keep for ten minutes.
const KEPT: &str = "public, max-age=600";

/// The page's script.
#[utoipa::path(
    get,
    path = "/assets/findings.js",
    operation_id = "read_findings_script",
    responses((status = 200, description = "The script.", body = String, content_type = "text/javascript"))
)]
pub(crate) async fn script() -> ([(HeaderName, &'static str); 2], &'static str) {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, KEPT)], page::SCRIPT)
}

/// The page's style.
#[utoipa::path(
    get,
    path = "/assets/findings.css",
    operation_id = "read_findings_style",
    responses((status = 200, description = "The style.", body = String, content_type = "text/css"))
)]
pub(crate) async fn style() -> ([(HeaderName, &'static str); 2], &'static str) {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEPT)], page::STYLE)
}
