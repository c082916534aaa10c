//! The operator's screen: one page, the stream that feeds it, and what staff do there. Owns what a browser may load, and that on this machine only its own
//! pages ask; the page owns how it looks. Knows nothing of decisions.
//!
//! A verdict goes to the pages that are open when it is announced, never to one that opens later: there is no stale green to show.

mod acts;
mod heartbeat;
mod journal;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

pub(crate) use acts::from_this_page;
#[cfg(test)]
pub(crate) use heartbeat::LaneStanding;
pub(crate) use heartbeat::{Heartbeat, Manner, Screen};
pub(crate) use journal::{Journal, keep};
pub(crate) use stream::{Shown, Welcome};

/// Everything from here, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page and its stream, for a listener at `address` of this machine itself.
pub(crate) fn router(screen: Arc<Screen>, address: SocketAddr) -> Router {
    // Who is at the gate itself may let a tablet in; who is at a tablet may not.
    let invite = post(acts::invite).layer(from_fn(from_this_page)).with_state(Arc::clone(&screen));
    pages(screen).route("/tablets/invite", invite).layer(from_fn_with_state(address.port(), only_this_machine))
}

/// The page, its stream, and what staff do. Who may ask is said by whoever mounts it.
pub(crate) fn pages(screen: Arc<Screen>) -> Router {
    Router::new()
        .route("/", html(include_str!("page.html")))
        .route("/screen.css", css(include_str!("screen.css")))
        .route("/screen.js", script(include_str!("screen.js")))
        .route("/connection.js", script(include_str!("connection.js")))
        .route("/time.js", script(include_str!("time.js")))
        .route("/verdict.js", script(include_str!("verdict.js")))
        .route("/regions.js", script(include_str!("regions.js")))
        .route("/notices.js", script(include_str!("notices.js")))
        .route("/sound.js", script(include_str!("sound.js")))
        .route("/words.js", script(include_str!("words.js")))
        .route("/menu.js", script(include_str!("menu.js")))
        .route("/find.js", script(include_str!("find.js")))
        .route("/menu.css", css(include_str!("menu.css")))
        .route("/events", get(stream::events))
        .merge(acts::routes())
        .with_state(screen)
}

pub(crate) fn html<S: Clone + Send + Sync + 'static>(content: &'static str) -> MethodRouter<S> {
    asset("text/html; charset=utf-8", content)
}

pub(crate) fn css<S: Clone + Send + Sync + 'static>(content: &'static str) -> MethodRouter<S> {
    asset("text/css; charset=utf-8", content)
}

pub(crate) fn script<S: Clone + Send + Sync + 'static>(content: &'static str) -> MethodRouter<S> {
    asset("text/javascript; charset=utf-8", content)
}

fn asset<S: Clone + Send + Sync + 'static>(kind: &'static str, content: &'static str) -> MethodRouter<S> {
    const HEADERS: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    get(async move || (HEADERS, [(CONTENT_TYPE, kind)], content))
}

/// The listener is on loopback, but a web page elsewhere can name it by a host name of its own (DNS rebinding); the Host header tells.
async fn only_this_machine(State(port): State<u16>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let local = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
    if host.is_some_and(|host| local.iter().any(|local| local == host)) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "open this page by its address on the gate itself\n").into_response()
    }
}

#[cfg(test)]
mod tests;
