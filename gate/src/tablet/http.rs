//! What a tablet reaches: the pairing page, and once it is paired the operator's screen. Everything is refused that is not let in by name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{COOKIE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;

use super::{NotPaired, TabletError, Tablets};
use crate::announcement::Sentence;
use crate::ledger::Desk;
use crate::screen::{Screen, Welcome, css, from_this_page, html, pages, script};

/// `__Host-`: of this host alone, and never over an unencrypted line (RFC 6265bis, 4.1.3.2).
const NAME: &str = "__Host-tablet";
/// A code has six digits.
const MAX_BODY: usize = 1024;

/// All that is served on the venue's network.
pub(super) fn router(screen: Arc<Screen>, tablets: Arc<Tablets>) -> Router {
    let pair = post(pair).layer(DefaultBodyLimit::max(MAX_BODY)).layer(from_fn(from_this_page));
    let open = Router::new()
        .route("/pair", html(include_str!("pair.html")).merge(pair))
        .route("/pair.css", css(include_str!("pair.css")))
        .route("/pair.js", script(include_str!("pair.js")))
        .with_state(Arc::clone(&tablets));
    let paired = pages(screen).layer(from_fn_with_state(Arc::clone(&tablets), paired_alone));
    open.merge(paired)
        .fallback(get(async || StatusCode::NOT_FOUND))
        .layer(from_fn_with_state(tablets, by_address_alone))
}

/// A web page elsewhere can give its own name this gate's address (DNS rebinding), but no page can have an address for a name.
async fn by_address_alone(State(tablets): State<Arc<Tablets>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = match (host.parse::<SocketAddr>(), host.trim_matches(['[', ']']).parse::<IpAddr>()) {
        (Ok(address), _) => Some(address.port()),
        (Err(_), Ok(_)) => Some(443),
        (Err(_), Err(_)) => None,
    };
    if port == Some(tablets.port()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "open this page by the gate's address, in numbers\n").into_response()
    }
}

async fn paired_alone(State(tablets): State<Arc<Tablets>>, mut request: Request, next: Next) -> Response {
    if let Some(number) = secret(request.headers()).and_then(|secret| tablets.whose(secret)) {
        request.extensions_mut().insert(Desk::Tablet(number));
        request.extensions_mut().insert(Welcome(Arc::new(move || tablets.has(number))));
        return next.run(request).await;
    }
    if request.method() == Method::GET && request.uri().path() == "/" {
        return Redirect::to("/pair").into_response();
    }
    StatusCode::UNAUTHORIZED.into_response()
}

fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    cookies.find(|(name, _)| *name == NAME).map(|(_, secret)| secret)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    code: String,
}

async fn pair(State(tablets): State<Arc<Tablets>>, Json(Typed { code }): Json<Typed>) -> Response {
    match tablets.pair(&code) {
        Ok((secret, left)) => {
            let (secret, seconds) = (secret.text(), left.as_secs());
            let cookie = format!("{NAME}={}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict", *secret);
            (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
        }
        Err(TabletError::NoLease(why)) => (StatusCode::FORBIDDEN, Json(why.sentence())).into_response(),
        Err(TabletError::Code(why)) => (StatusCode::FORBIDDEN, Json(sentence(why))).into_response(),
        Err(error) => {
            tracing::error!(error = %anyhow::Error::from(error), "a tablet was not paired");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn sentence(why: NotPaired) -> Sentence {
    let fr = match why {
        NotPaired::Closed => {
            "Aucun code n'est ouvert. Faites-en afficher un au portique : MENU, ou `countermark-gate tablet pair`."
        }
        NotPaired::Wrong => "Code erroné.",
    };
    Sentence { en: why.to_string(), fr: fr.to_owned() }
}

#[cfg(test)]
mod tests;
