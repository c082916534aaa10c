//! Validation's gate interface over real HTTP, as far as a gate can tell, for the tests of this crate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use countermark_shared::documents::DocumentHash;
use countermark_shared::enrolment::{EnrolmentCode, enrolment_is_proved, login_is_answered};
use countermark_shared::journal::{ChainHash, Checkpoint};
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::sealing::WrappingKey;
use countermark_shared::wire::{
    Base64, Enrol, Enrolled, LoggedIn, Login, Nonce, RequestNonce, RowOutcome, RowResult, Upload, Uploaded, paths,
};
use serde_json::json;

use crate::cloud::CloudAddress;
use crate::documents::DocumentKind;
use crate::samples::{self, DOORS, EVENT, GATE, SIGNED};

const NONCE: [u8; 32] = [5; 32];

/// A running one. It ends with the test's runtime.
pub(crate) struct StandIn {
    pub(crate) address: CloudAddress,
    books: Arc<Mutex<Books>>,
}

/// What it knows, for tests to look into and to change.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) key: Option<VerifyingKey>,
    pub(crate) wrapping_key: Option<WrappingKey>,
    pub(crate) documents: BTreeMap<DocumentKind, (DocumentHash, Vec<u8>)>,
    pub(crate) rows: Vec<Vec<u8>>,
    /// Which session is good; raised, the gate must log in again.
    pub(crate) session: u32,
    pub(crate) log_ins: u32,
    pub(crate) not_modified: u32,
    /// Answers for rows that were not sent, and stores none.
    pub(crate) answers_for_others: bool,
    /// Answers 503, as a gateway without a service behind it.
    pub(crate) unavailable: bool,
}

type Shared = State<Arc<Mutex<Books>>>;

impl StandIn {
    /// The only code it takes.
    pub(crate) fn code() -> EnrolmentCode {
        EnrolmentCode::new([7; 16], samples::bundle().root_fingerprint())
    }

    /// Serves all four documents on a port of its own.
    pub(crate) async fn start() -> Self {
        let mut documents = samples::no_documents();
        let mut served = BTreeMap::new();
        let list = (DocumentKind::SlotList, samples::slots_bytes(1, SIGNED));
        for (kind, bytes) in samples::documents().into_iter().take(3).chain([list]) {
            documents = documents.with(kind, &bytes, DOORS).unwrap();
            served.insert(kind, (documents.standing(kind).unwrap().hash, bytes));
        }
        let books = Arc::new(Mutex::new(Books { documents: served, ..Books::default() }));
        let router = Router::new()
            .route(paths::ENROL, post(enrol))
            .route(paths::NONCE, post(async |Json(_): Json<RequestNonce>| Json(Nonce { nonce: Base64(NONCE) })))
            .route(paths::LOGIN, post(log_in))
            .route(paths::JOURNAL, post(journal))
            .route("/v1/gate/{document}", get(document))
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

async fn log_in(State(books): Shared, Json(login): Json<Login>) -> Json<LoggedIn> {
    let mut books = books.lock().unwrap();
    let answer = Signature::from_bytes(&login.answer.0);
    assert!(login_is_answered(GATE, &NONCE, books.key.unwrap(), &answer));
    books.log_ins += 1;
    Json(LoggedIn { token: books.session.to_string(), until: DOORS })
}

async fn document(State(books): Shared, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let mut books = books.lock().unwrap();
    if books.unavailable {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "Nobody there");
    }
    if !books.admits(&headers) {
        return problem(StatusCode::UNAUTHORIZED, "Log in again");
    }
    let kind = DocumentKind::of_code(&name).unwrap();
    let Some((hash, bytes)) = books.documents.get(&kind).cloned() else {
        return problem(StatusCode::NOT_FOUND, "None yet");
    };
    let tag = format!("\"{hash}\"");
    if headers.get(IF_NONE_MATCH).is_some_and(|held| held == tag.as_str()) {
        books.not_modified += 1;
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(ETAG, tag)], bytes).into_response()
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
    fn admits(&self, headers: &HeaderMap) -> bool {
        headers.get(AUTHORIZATION).is_some_and(|given| given == format!("Bearer {}", self.session).as_str())
    }
}
