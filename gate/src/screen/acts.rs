//! What staff do at the screen: each is asked of the ledger, which does it or says why not. Owns that only the page itself can ask; decides nothing.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use countermark_shared::id::{LaneId, Slot};
use countermark_shared::journal::OverruleReason;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Screen;
use super::stream::HeardHolder;
use crate::announcement::Sentence;
use crate::input::ScannedText;
use crate::ledger::{ActError, Desk, Found, Ledger, Persons, StaffAct, TypedPin, Word, Work};
use crate::tablet::TabletError;

/// A ticket's text is the longest of all that is sent.
const MAX_BODY: usize = 8 * 1024;

pub(super) fn routes() -> Router<Arc<Screen>> {
    Router::new()
        .route("/acts/undo", post(undo))
        .route("/acts/overrule", post(overrule))
        .route("/acts/hold", post(hold))
        .route("/acts/release", post(release))
        .route("/acts/confirm", post(confirm))
        .route("/acts/enter", post(enter))
        .route("/acts/clock", post(clock))
        .route("/acts/persons", post(persons))
        .route("/acts/find", post(find))
        .route("/acts/choose", post(choose))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(from_this_page))
}

/// A form or a script of another site may send something here, but says where it comes from (Fetch, "Origin header"; Fetch Metadata).
pub(crate) async fn from_this_page(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only this gate's own page may ask for that\n").into_response()
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = said(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let site = said("sec-fetch-site");
    origin.is_some() && origin == said(HOST.as_str()) && site.is_none_or(|site| site == "same-origin")
}

/// A row, and the PIN of whoever may do more than staff.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    sequence: u64,
    pin: Option<SecretString>,
}

/// Where a request comes from, where it is not the gate itself.
type Whence = Option<Extension<Desk>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Overruled {
    sequence: u64,
    pin: SecretString,
    why: OverruleReason,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    sequence: u64,
    passed: bool,
}

/// What staff say of the instant that waits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    word: Word,
}

/// Where there are supervisors, one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inviting {
    pin: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LetThrough {
    lane: LaneId,
    persons: Persons,
}

/// A ticket's text: somebody's, so that it has no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    lane: LaneId,
    text: String,
}

/// An order's code, as somebody reads it out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Looked {
    lane: LaneId,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    lane: LaneId,
    code: String,
    slot: Slot,
}

/// A seat that was found, with whom it is for.
#[derive(Serialize)]
struct Seen<'a> {
    #[serde(flatten)]
    found: &'a Found,
    holder: Option<HeardHolder<'a>>,
}

async fn undo(State(screen): State<Arc<Screen>>, from: Whence, Json(named): Json<Named>) -> Response {
    screen.by_staff(Ledger::undo, from, named).await
}

async fn hold(State(screen): State<Arc<Screen>>, from: Whence, Json(named): Json<Named>) -> Response {
    screen.by_staff(Ledger::hold, from, named).await
}

async fn release(State(screen): State<Arc<Screen>>, from: Whence, Json(named): Json<Named>) -> Response {
    screen.by_staff(Ledger::release, from, named).await
}

fn typed(pin: SecretString, from: Whence) -> TypedPin {
    TypedPin { pin, desk: from.map_or(Desk::Gate, |Extension(desk)| desk) }
}

async fn confirm(State(screen): State<Arc<Screen>>, Json(Confirmed { sequence, passed }): Json<Confirmed>) -> Response {
    screen.act(|reply| Work::Confirm { sequence, passed, reply }).await
}

async fn overrule(
    State(screen): State<Arc<Screen>>,
    from: Whence,
    Json(Overruled { sequence, pin, why }): Json<Overruled>,
) -> Response {
    let pin = typed(pin, from);
    screen.act(|reply| Work::Overrule { sequence, pin, why, reply }).await
}

async fn enter(State(screen): State<Arc<Screen>>, Json(Typed { lane, text }): Json<Typed>) -> Response {
    if !screen.lanes.contains(&lane) {
        return StatusCode::NOT_FOUND.into_response();
    }
    // What it says is announced, as of any scan.
    match screen.ask(|reply| Work::Enter { lane, text: ScannedText::Whole(text), reply }).await {
        Some(announcement) => Json(announcement).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn clock(State(screen): State<Arc<Screen>>, Json(Said { word }): Json<Said>) -> Response {
    match screen.ask(|reply| Work::Hear { word, reply }).await {
        Some(Ok(Some(_))) => Json(Sentence::clock_heard(word)).into_response(),
        Some(Ok(None)) => (StatusCode::CONFLICT, Json(Sentence::no_instant_waits())).into_response(),
        Some(Err(error)) => (StatusCode::CONFLICT, Json(ActError::from(error).sentence())).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Until the agent ends: what holds for good stands in `gate.toml`.
async fn persons(State(screen): State<Arc<Screen>>, Json(LetThrough { lane, persons }): Json<LetThrough>) -> Response {
    if !screen.lanes.contains(&lane) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match screen.ask(|reply| Work::LetThrough { lane, persons, reply }).await {
        Some(()) => Json(Sentence::of_persons(lane, persons)).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn find(State(screen): State<Arc<Screen>>, Json(Looked { lane, code }): Json<Looked>) -> Response {
    let code = match code.parse().map_err(ActError::from) {
        Ok(code) => code,
        Err(error) => return refused(&error),
    };
    match screen.ask(|reply| Work::Find { lane, code, reply }).await {
        Some(Ok(found)) => {
            let seen = found.iter().map(|found| Seen { found, holder: found.holder.as_ref().map(HeardHolder::of) });
            // Names stay on the page.
            ([(CACHE_CONTROL, "no-store")], Json(seen.collect::<Vec<_>>())).into_response()
        }
        Some(Err(error)) => refused(&error),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn choose(State(screen): State<Arc<Screen>>, Json(Chosen { lane, code, slot }): Json<Chosen>) -> Response {
    match code.parse().map_err(ActError::from) {
        Ok(code) => screen.act(|reply| Work::Choose { lane, code, slot, reply }).await,
        Err(error) => refused(&error),
    }
}

fn refused(error: &ActError) -> Response {
    let sentence: Sentence = error.sentence();
    (StatusCode::CONFLICT, Json(sentence)).into_response()
}

/// Lets a tablet in.
pub(super) async fn invite(State(screen): State<Arc<Screen>>, Json(Inviting { pin }): Json<Inviting>) -> Response {
    let Some(tablets) = &screen.tablets else { return StatusCode::NOT_FOUND.into_response() };
    match screen.ask(|reply| Work::Permit { pin: pin.map(|pin| typed(pin, None)), reply }).await {
        Some(Ok(())) => {}
        Some(Err(error)) => return refused(&error),
        None => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
    match tablets.invite() {
        Ok(invitation) => Json(invitation).into_response(),
        Err(TabletError::NoLease(why)) => (StatusCode::CONFLICT, Json(why.sentence())).into_response(),
        Err(error) => {
            tracing::error!(%error, "no tablet was invited");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Screen {
    async fn by_staff(&self, act: StaffAct, from: Whence, Named { sequence, pin }: Named) -> Response {
        let pin = pin.map(|pin| typed(pin, from));
        self.act(|reply| Work::ByStaff { act, sequence, pin, reply }).await
    }

    /// Has something done, and says in both languages why it was not.
    async fn act<A: Serialize>(&self, work: impl FnOnce(oneshot::Sender<Result<A, ActError>>) -> Work) -> Response {
        match self.ask(work).await {
            Some(Ok(done)) => Json(done).into_response(),
            Some(Err(error)) => refused(&error),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }

    /// None when there is no ledger any more.
    async fn ask<A>(&self, work: impl FnOnce(oneshot::Sender<A>) -> Work) -> Option<A> {
        let (reply, answer) = oneshot::channel();
        self.ledger.send(work(reply)).await.ok()?;
        answer.await.ok()
    }
}
