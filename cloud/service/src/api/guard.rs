//! Who goes there. Owns the middleware that stands before a group of routes and puts the caller into the request.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, OriginalUri, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use crate::caller::{AccessTokens, Role};
use crate::problem::Problem;
use crate::service_call::{LONGEST_BODY, ServiceCalls};
use crate::service_name::ServiceName;

type SignedIn = (AccessTokens, &'static [Role]);
type Services = (ServiceCalls, &'static [ServiceName]);

// `layer`, not `route_layer`: even a refused method is not told to strangers.

pub(super) fn signed_in<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    tokens: AccessTokens,
    roles: &'static [Role],
) -> Router<S> {
    router.layer(middleware::from_fn_with_state((tokens, roles), only_roles))
}

pub(super) fn services<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    calls: ServiceCalls,
    callers: &'static [ServiceName],
) -> Router<S> {
    // What the guard has buffered, the handler may read.
    router
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(middleware::from_fn_with_state((calls, callers), only_services))
}

async fn only_roles(
    State((tokens, roles)): State<SignedIn>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = tokens.verify(bearer(request.headers())?).await?;
    if !roles.contains(&access.caller.role) {
        return Err(Problem::forbidden());
    }
    request.extensions_mut().insert(access);
    request.extensions_mut().insert(access.caller);
    Ok(next.run(request).await)
}

async fn only_services(
    State((calls, callers)): State<Services>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    // Before the body is read: a stranger without a token need not be listened to.
    bearer(request.headers())?;
    let (mut parts, body) = request.into_parts();
    let body: Bytes =
        to_bytes(body, LONGEST_BODY).await.map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    // The signed path is the one that was asked for, whatever routers have cut off since.
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let path = uri.path_and_query().map_or(uri.path(), http::uri::PathAndQuery::as_str);
    let caller = calls.verify(bearer(&parts.headers)?, parts.method.as_str(), path, &body)?;
    if !callers.contains(&caller.0) {
        return Err(Problem::forbidden());
    }
    parts.extensions.insert(caller);
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// The bearer token (RFC 6750, 2.1; the scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let (scheme, token) = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .ok_or_else(Problem::unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Problem::unauthenticated()) }
}
