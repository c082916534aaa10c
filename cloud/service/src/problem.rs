//! Errors as HTTP says them (RFC 9457). Owns the form, the log line of an internal error and the wording of what the
//! framework refuses by itself; refuses to know any service's own refusals.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What every problem type begins with; the slug follows.
const URN: &str = "urn:countermark:problem:";

/// The media type of RFC 9457, section 3.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A refused request, as told to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    slug: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    // Boxed: a problem is what most functions here may answer with, and few have any.
    extra: Box<Map<String, Value>>,
}

/// A problem as it travels: RFC 9457, `application/problem+json`. Further members tell more, as each type says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// What went wrong, for programs: `urn:countermark:problem:<slug>`.
    #[serde(rename = "type")]
    #[schema(example = "urn:countermark:problem:sold-out")]
    pub kind: String,
    /// What went wrong, for people; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do about this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Further members.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

impl ProblemDocument {
    /// The last part of the type; nothing when the type is not one of ours.
    pub fn slug(&self) -> Option<&str> {
        self.kind.strip_prefix(URN)
    }
}

impl Problem {
    /// A problem of type `urn:countermark:problem:<slug>`.
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str) -> Self {
        Self { status, slug: Cow::Borrowed(slug), title: Cow::Borrowed(title), detail: None, extra: Box::default() }
    }

    /// What to do about this occurrence, as a sentence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// A further member of the document.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// 404: there is no such thing, or it is not the caller's to see.
    pub fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    /// 401: the caller did not say who they are, or could not prove it.
    pub fn unauthenticated() -> Self {
        Self::of_status(StatusCode::UNAUTHORIZED)
    }

    /// 403: the caller is known and may not do this.
    pub fn forbidden() -> Self {
        Self::of_status(StatusCode::FORBIDDEN)
    }

    /// 400: the request does not say what it should; `detail` says where.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::of_status(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 500 without any detail: the error and its sources are logged here, once, and never returned.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "internal error");
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The last part of the type.
    pub fn slug(&self) -> &str {
        &self.slug
    }

    /// The problem that a bare status means.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (slug, title) = match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
                ("invalid-request", "The request is not valid")
            }
            StatusCode::UNAUTHORIZED => ("unauthenticated", "Credentials are missing or invalid"),
            StatusCode::FORBIDDEN => ("forbidden", "This is not yours to do"),
            StatusCode::NOT_FOUND => ("not-found", "There is no such thing here"),
            StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "This cannot be done with that method"),
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "The request's body is too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "The body must be application/json"),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "The service cannot answer now; try again"),
            StatusCode::INTERNAL_SERVER_ERROR => ("internal", "Something went wrong on our side"),
            other => {
                let title = other.canonical_reason().unwrap_or("The request failed");
                let slug = title.to_lowercase().replace(' ', "-");
                return Self { slug: Cow::Owned(slug), ..Self::new(other, "", title) };
            }
        };
        Self::new(status, slug, title)
    }

    /// The document as it travels.
    pub fn document(&self) -> ProblemDocument {
        ProblemDocument {
            kind: format!("{URN}{}", self.slug),
            title: self.title.clone().into_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            extra: *self.extra.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

/// Turns refusals that the framework worded itself (routing, limits, time-outs) into problems; others pass unchanged.
pub(crate) async fn worded_as_problem(response: Response) -> Response {
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let bare = response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(refused && bare) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let (problem, body) = Problem::of_status(status).into_response().into_parts();
    // Such as `Allow`, which belongs to the refusal.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, Body::new(body))
}

/// An error and its sources in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn json(response: Response) -> Value {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_problem_is_told_as_rfc_9457_says() {
        let problem = Problem::new(StatusCode::CONFLICT, "sold-out", "Nothing is left")
            .detail("Choose another offer.")
            .with("left", 0);
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::CONFLICT);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let body = json(response).await;
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:countermark:problem:sold-out",
                "title": "Nothing is left",
                "status": 409,
                "detail": "Choose another offer.",
                "left": 0,
            })
        );
        let document: ProblemDocument = serde_json::from_value(body).unwrap();
        assert_eq!(document.slug(), Some("sold-out"));
    }

    #[tokio::test]
    async fn an_internal_error_keeps_its_detail_to_itself() {
        let response = Problem::internal(&std::io::Error::other("password")).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!json(response).await.to_string().contains("password"));
    }
}
