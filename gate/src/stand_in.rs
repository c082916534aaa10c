//! Validation's gate interface over real HTTP, as far as a gate can tell, for the tests of this crate.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use countermark_shared::clock::{TimeQuestion, answer_time};
use countermark_shared::documents::{DocumentHash, Revision};
use countermark_shared::enrolment::{EnrolmentCode, enrolment_is_proved, login_is_answered};
use countermark_shared::id::EventId;
use countermark_shared::journal::{ChainHash, Checkpoint};
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::sealing::WrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{
    AskClaim, AskTime, Base64, ClaimAnswered, Enrol, Enrolled, Guest, GuestCursor, LoggedIn, Login, Nonce,
    RequestNonce, RowOutcome, RowResult, TimeAnswer, Upload, Uploaded, paths,
};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::cloud::{CloudAddress, Wanted};
use crate::publisher::Publisher;
use crate::samples::{self, DOORS, EVENT, GATE};

const NONCE: [u8; 32] = [5; 32];

/// A running one. It ends with the test's runtime.
pub(crate) struct StandIn {
    pub(crate) address: CloudAddress,
    books: Arc<Mutex<Books>>,
}

/// What it knows, for tests to look into and to change.
pub(crate) struct Books {
    pub(crate) key: Option<VerifyingKey>,
    pub(crate) wrapping_key: Option<WrappingKey>,
    pub(crate) publisher: Publisher,
    pub(crate) rows: Vec<Vec<u8>>,
    /// What gates asked, in order.
    pub(crate) claims: Vec<AskClaim>,
    /// What they are answered next; 503 where there is nothing.
    pub(crate) answers: VecDeque<Option<ClaimAnswered>>,
    /// Which session is good; raised, the gate must log in again.
    pub(crate) session: u32,
    pub(crate) log_ins: u32,
    /// How far each of them said that the journal goes.
    pub(crate) written_up_to: Vec<Option<u64>>,
    /// Says that a nonce was asked for, which it gives then.
    pub(crate) nonce_waits: Option<(oneshot::Sender<()>, oneshot::Receiver<()>)>,
    pub(crate) not_modified: u32,
    /// Answers for rows that were not sent, and stores none.
    pub(crate) answers_for_others: bool,
    /// By how much its time is later than this machine's.
    pub(crate) ahead: Duration,
    /// Who is on the guest list.
    pub(crate) guests: BTreeMap<GuestCursor, Guest>,
    /// Answers 503, as a gateway without a service behind it.
    pub(crate) unavailable: bool,
    /// Why no log-in is accepted, if none is: the type of the problem.
    pub(crate) log_in_refused: Option<&'static str>,
}

type Shared = State<Arc<Mutex<Books>>>;

impl StandIn {
    /// The only code it takes.
    pub(crate) fn code() -> EnrolmentCode {
        EnrolmentCode::new([7; 16], samples::bundle().root_fingerprint())
    }

    /// Serves the samples' documents on a port of its own.
    pub(crate) async fn start() -> Self {
        let books = Arc::new(Mutex::new(Books {
            key: None,
            wrapping_key: None,
            publisher: Publisher::new(),
            rows: Vec::new(),
            claims: Vec::new(),
            answers: VecDeque::new(),
            session: 0,
            log_ins: 0,
            written_up_to: Vec::new(),
            nonce_waits: None,
            not_modified: 0,
            answers_for_others: false,
            ahead: Duration::ZERO,
            guests: BTreeMap::new(),
            unavailable: false,
            log_in_refused: None,
        }));
        let router = Router::new()
            .route(paths::ENROL, post(enrol))
            .route(paths::NONCE, post(nonce))
            .route(paths::LOGIN, post(log_in))
            .route(paths::JOURNAL, post(journal))
            .route(paths::CLAIMS, post(claim))
            .route(paths::TIME, post(time))
            .route(paths::HEAD, get(head))
            .route(paths::GUESTS, get(guests))
            .route(
                paths::BUNDLE,
                get(async |books: Shared, headers: HeaderMap| document(&books, &headers, Wanted::NewestBundle)),
            )
            .route(
                paths::ASSIGNMENT,
                get(async |books: Shared, headers: HeaderMap| document(&books, &headers, Wanted::Assignment)),
            )
            .route(
                paths::BUNDLES,
                get(async |books: Shared, Path(version): Path<u32>, headers: HeaderMap| {
                    document(&books, &headers, Wanted::BundlesAfter(Revision::version(version)))
                }),
            )
            .route(paths::DOCUMENT, get(named))
            .route(
                paths::SLOT_DELTA,
                get(async |books: Shared, Path(to): Path<(u32, u32, u64)>, headers: HeaderMap| {
                    let (event, to) = revision(to);
                    document(&books, &headers, Wanted::SlotDelta { event, to })
                }),
            )
            .route(
                paths::SLOT_SNAPSHOT,
                get(async |books: Shared, Path(to): Path<(u32, u32, u64)>, headers: HeaderMap| {
                    let (event, up_to) = revision(to);
                    document(&books, &headers, Wanted::SlotSnapshot { event, up_to })
                }),
            )
            .route(
                paths::FEED_BATCH,
                get(async |books: Shared, Path(to): Path<(u32, u32, u64)>, headers: HeaderMap| {
                    let (event, to) = revision(to);
                    document(&books, &headers, Wanted::FeedBatch { event, to })
                }),
            )
            .route(
                paths::FEED_SNAPSHOT,
                get(async |books: Shared, Path(to): Path<(u32, u32, u64)>, headers: HeaderMap| {
                    let (event, up_to) = revision(to);
                    document(&books, &headers, Wanted::FeedSnapshot { event, up_to })
                }),
            )
            .with_state(Arc::clone(&books));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { address, books }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}

fn problem(status: StatusCode, title: &str) -> Response {
    (status, Json(json!({ "title": title }))).into_response()
}

async fn enrol(State(books): Shared, Json(enrol): Json<Enrol>) -> Response {
    let mut books = books.lock().unwrap();
    assert_eq!(enrol.secret, StandIn::code().secret_text());
    let proof = Signature::from_bytes(&enrol.proof.0);
    assert!(enrolment_is_proved(&StandIn::code().secret_hash(), enrol.key, enrol.wrapping_key, &proof));
    let wrapping_key = *books.wrapping_key.get_or_insert(enrol.wrapping_key);
    if (*books.key.get_or_insert(enrol.key), wrapping_key) != (enrol.key, enrol.wrapping_key) {
        return problem(StatusCode::CONFLICT, "The code is spent");
    }
    Json(Enrolled { gate: GATE, event: EVENT, name: "North".into() }).into_response()
}

async fn nonce(State(books): Shared, Json(_): Json<RequestNonce>) -> Json<Nonce> {
    let waits = books.lock().unwrap().nonce_waits.take();
    if let Some((asked, given)) = waits {
        asked.send(()).unwrap();
        given.await.unwrap();
    }
    Json(Nonce { nonce: Base64(NONCE) })
}

async fn log_in(State(books): Shared, Json(login): Json<Login>) -> Response {
    let mut books = books.lock().unwrap();
    if let Some(kind) = books.log_in_refused {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "type": kind, "title": "No" }))).into_response();
    }
    let answer = Signature::from_bytes(&login.answer.0);
    assert!(login_is_answered(GATE, &NONCE, books.key.unwrap(), &answer));
    books.log_ins += 1;
    books.written_up_to.push(login.written_up_to);
    let known_up_to = Some(u64::try_from(books.rows.len()).unwrap());
    Json(LoggedIn { token: books.session.to_string(), until: DOORS, known_up_to }).into_response()
}

fn revision((event, epoch, sequence): (u32, u32, u64)) -> (EventId, Revision) {
    (EventId(event), Revision { epoch, sequence })
}

fn document(books: &Shared, headers: &HeaderMap, wanted: Wanted) -> Response {
    let mut books = books.lock().unwrap();
    if let Some(refusal) = books.refuses(headers) {
        return refusal;
    }
    let answer = books.publisher.answer(wanted, wall_clock());
    answer.map_or_else(|| problem(StatusCode::NOT_FOUND, "None yet"), IntoResponse::into_response)
}

/// Whoever knows the name may read it.
async fn named(State(books): Shared, Path(hash): Path<String>) -> Response {
    let hash = DocumentHash::try_from(hash).unwrap();
    let publisher = &mut books.lock().unwrap().publisher;
    let wanted = [Wanted::Bundle(hash), Wanted::EventDocument(hash)];
    let answer = wanted.into_iter().find_map(|wanted| publisher.answer(wanted, wall_clock()));
    answer.map_or_else(|| problem(StatusCode::NOT_FOUND, "None of that name"), IntoResponse::into_response)
}

async fn head(State(books): Shared, headers: HeaderMap) -> Response {
    let mut books = books.lock().unwrap();
    if let Some(refusal) = books.refuses(&headers) {
        return refusal;
    }
    let (hash, bytes) = books.publisher.current_head(wall_clock());
    let tag = format!("\"{hash}\"");
    if headers.get(IF_NONE_MATCH).is_some_and(|held| held == tag.as_str()) {
        books.not_modified += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(ETAG, tag)], bytes).into_response()
}

#[derive(Deserialize)]
struct After {
    after: Option<GuestCursor>,
}

async fn guests(State(books): Shared, Query(After { after }): Query<After>, headers: HeaderMap) -> Response {
    let books = books.lock().unwrap();
    if let Some(refusal) = books.refuses(&headers) {
        return refusal;
    }
    Json(samples::guest_page(&books.guests, after)).into_response()
}

async fn time(State(books): Shared, headers: HeaderMap, Json(AskTime { nonce }): Json<AskTime>) -> Response {
    let books = books.lock().unwrap();
    if let Some(refusal) = books.refuses(&headers) {
        return refusal;
    }
    let at = wall_clock() + books.ahead;
    let signature = answer_time(&TimeQuestion { gate: GATE, nonce: nonce.0 }, at, books.publisher.list_key());
    Json(TimeAnswer { at, signature: Base64(signature.to_bytes()) }).into_response()
}

async fn claim(State(books): Shared, headers: HeaderMap, Json(ask): Json<AskClaim>) -> Response {
    let mut books = books.lock().unwrap();
    if let Some(refusal) = books.refuses(&headers) {
        return refusal;
    }
    books.claims.push(ask);
    match books.answers.pop_front().flatten() {
        Some(answer) => Json(answer).into_response(),
        None => problem(StatusCode::SERVICE_UNAVAILABLE, "Nobody there"),
    }
}

fn wall_clock() -> Timestamp {
    Clock::start().now().battery
}

async fn journal(State(books): Shared, headers: HeaderMap, Json(upload): Json<Upload>) -> Response {
    let mut books = books.lock().unwrap();
    if !books.admits(&headers) {
        return problem(StatusCode::UNAUTHORIZED, "Log in again");
    }
    if books.answers_for_others {
        let sequence = upload.checkpoint.sequence + 1;
        return Json(Uploaded { results: vec![RowResult { sequence, outcome: RowOutcome::Stored }] }).into_response();
    }
    let chain = |rows: &[Vec<u8>]| rows.iter().fold(ChainHash::START, |chain, row| chain.next(row));
    assert_eq!(chain(&books.rows), upload.previous);
    books.rows.extend(upload.rows.iter().map(|row| row.row.0.clone()));
    let last = upload.checkpoint.sequence;
    let checkpoint = Checkpoint::new(GATE, last, chain(&books.rows));
    let signature = Signature::from_bytes(&upload.checkpoint.signature.0);
    assert_eq!(u64::try_from(books.rows.len()).unwrap(), last);
    assert!(checkpoint.is_signed_by(books.key.unwrap(), &signature));
    let stored = upload.rows.iter().map(|row| RowResult { sequence: row.sequence, outcome: RowOutcome::Stored });
    Json(Uploaded { results: stored.collect() }).into_response()
}

impl Books {
    fn refuses(&self, headers: &HeaderMap) -> Option<Response> {
        if self.unavailable {
            return Some(problem(StatusCode::SERVICE_UNAVAILABLE, "Nobody there"));
        }
        (!self.admits(headers)).then(|| problem(StatusCode::UNAUTHORIZED, "Log in again"))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION).is_some_and(|given| given == format!("Bearer {}", self.session).as_str())
    }
}
