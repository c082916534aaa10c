//! What stands around all routes: request id, trace, safe headers, limits, and a problem for whatever goes wrong.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::{Instrument, Span};

use crate::problem::{Problem, worded_as_problem};
use crate::randomness::Randomness;

/// The longest a request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest body of a request, in bytes, where a route says nothing else with a `DefaultBodyLimit` of its own.
const LONGEST_BODY: usize = 1 << 20;

/// Documents for programs: a browser that shows one runs nothing in it.
const FOR_PROGRAMS: &str = "default-src 'none'; frame-ancestors 'none'";

/// The documentation's pages bring their own scripts, and styles within the page.
const FOR_DOCUMENTATION: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

pub(super) fn around(router: Router, randomness: &Randomness) -> Router {
    let router = router.layer(
        ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(panicked))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
            .layer(middleware::from_fn(to_its_end))
            .layer(DefaultBodyLimit::max(LONGEST_BODY)),
    );
    router.layer(
        ServiceBuilder::new()
            .map_request(without_foreign_id)
            .layer(SetRequestIdLayer::x_request_id(Ids(randomness.clone())))
            .layer(TraceLayer::new_for_http().make_span_with(span).on_request(()).on_response(finished).on_failure(()))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(default(X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(default(CACHE_CONTROL, "no-store"))
            .layer(default(REFERRER_POLICY, "no-referrer"))
            .layer(middleware::from_fn(content_security))
            .layer(middleware::map_response(worded_as_problem)),
    )
}

/// A handler whose client hangs up, or whose time is over, goes on to its end. Cut short while its transaction begins, it would
/// give its connection back within that transaction (sqlx 0.9), and what the next ones wrote there would be lost.
async fn to_its_end(request: Request, next: middleware::Next) -> Response {
    match tokio::spawn(next.run(request).instrument(Span::current())).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Problem::internal(&error).into_response(),
        },
    }
}

/// A caller's own id would let it write into the log what it likes.
fn without_foreign_id<B>(mut request: http::Request<B>) -> http::Request<B> {
    request.headers_mut().remove("x-request-id");
    request
}

#[derive(Clone)]
struct Ids(Randomness);

impl MakeRequestId for Ids {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        HeaderValue::from_str(&self.0.uuid().to_string()).ok().map(RequestId::new)
    }
}

/// Method and route, never the path itself, query, headers or body: they hold names and secrets.
fn span<B>(request: &http::Request<B>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", method = %request.method(), route, id)
}

fn finished<B>(response: &http::Response<B>, latency: Duration, _: &Span) {
    tracing::info!(status = response.status().as_u16(), latency = ?latency, "answered");
}

fn default(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn content_security(request: Request, next: middleware::Next) -> Response {
    let path = request.uri().path();
    let documentation = path == "/docs" || path.starts_with("/docs/");
    let policy = if documentation { FOR_DOCUMENTATION } else { FOR_PROGRAMS };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    response
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {message}")]
struct Panicked {
    message: String,
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "with something that is no text".to_owned(),
    };
    Problem::internal(&Panicked { message }).into_response()
}
