//! The service as the tests of its routes meet it: its router on a real database, a clock that they move, and three neighbours that
//! check who calls them and answer what a test has them say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::OriginalUri;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::IntoResponse;
use countermark_postgres::{Schema, TestDatabase};
use countermark_service::api::Front;
use countermark_service::caller::{Access, AccessTokens, Caller, Role, mint};
use countermark_service::clock::Clock;
use countermark_service::contract::{TicketsClient, ValidationClient};
use countermark_service::outbox::{self, Outbox, PendingEntry};
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{Shutdown, ShutdownSwitch};
use countermark_service::service_call::{ServiceCalls, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, KeyRole, KeyStatus, Product, Signed, Text, TicketForm, TrustBundle, TrustedKey,
    accept_bundle,
};
use countermark_shared::id::{AccountId, EventId, ProductId, Zones};
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::state::State;
use crate::store::audit::{self, AuditEntry};
use crate::{api, distribution};

pub(crate) const EVENT: EventId = EventId(7);
const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const SESSION_KEY: u8 = 10;
const SERVICE_KEY: u8 = 20;

/// One service, with its neighbours.
pub(crate) struct Bench {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) auth: Neighbour,
    pub(crate) tickets: Neighbour,
    pub(crate) validation: Neighbour,
    router: Router,
    _database: TestDatabase,
}

/// What a route answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// Another service: a server that takes calls which admin signed for it, and nothing else.
pub(crate) struct Neighbour {
    address: String,
    answers: Arc<Mutex<HashMap<String, (StatusCode, Value)>>>,
    calls: mpsc::UnboundedReceiver<(String, Value)>,
    server: JoinHandle<()>,
}

/// The outbox's worker at work.
pub(crate) struct Work {
    switch: ShutdownSwitch,
    worker: JoinHandle<()>,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn problem(status: u16, slug: &str) -> Value {
    json!({ "type": format!("urn:countermark:problem:{slug}"), "title": slug, "status": status })
}

fn bundle() -> TrustBundle {
    TrustBundle {
        version: 1,
        issued: DOORS - Duration::from_hours(240),
        not_after: DOORS + Duration::from_hours(240),
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![TrustedKey {
            key: key(4).verifying_key(),
            role: KeyRole::Organiser,
            status: KeyStatus::Active,
            events: vec![EVENT, EventId(8), EventId(9)],
        }],
    }
}

pub(crate) fn event_document(version: u32, organiser: &SigningKey) -> Vec<u8> {
    document_of(EVENT, version, organiser)
}

pub(crate) fn document_of(event: EventId, version: u32, organiser: &SigningKey) -> Vec<u8> {
    let text = |text: &str| Text { en: text.to_owned(), fr: text.to_owned() };
    let document = EventDocument {
        event,
        version,
        issued: DOORS - Duration::from_hours(200),
        name: text("Summer Night"),
        capacity: 100,
        products: vec![Product {
            product: ProductId(1),
            name: text("Standing"),
            zones: Zones(1),
            from: DOORS,
            until: DOORS + Duration::from_hours(10),
            capacity: 100,
            least_price: Money { minor: 2000, currency: Currency::parse("EUR").unwrap() },
            moved: None,
            form: TicketForm::default(),
            policy: None,
        }],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: false,
        find_by_order: false,
    };
    Signed::seal(&document, &[organiser]).unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new(Schema::Admin);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let clock = Clock::fixed(DOORS);
        let randomness = Randomness::seeded([8; 32]);
        let signed = Signed::seal(&bundle(), &[&key(1)]).unwrap();
        let trusted = accept_bundle(&signed, bundle().root_fingerprint(), None, DOORS).unwrap();
        let auth = Neighbour::new(ServiceName::Auth, &clock).await;
        let tickets = Neighbour::new(ServiceName::Tickets, &clock).await;
        let validation = Neighbour::new(ServiceName::Validation, &clock).await;
        let identity =
            ServiceIdentity::new(ServiceName::Admin, key(SERVICE_KEY), clock.clone(), randomness.clone()).unwrap();
        let client = |name, neighbour: &Neighbour| identity.client(name, neighbour.address.parse().unwrap());
        let state = State {
            pool: pool.clone(),
            clock: clock.clone(),
            randomness: randomness.clone(),
            bundle: Arc::new(trusted),
            outbox: Outbox::new(),
            auth: client(ServiceName::Auth, &auth),
            tickets: TicketsClient(client(ServiceName::Tickets, &tickets)),
            validation: ValidationClient(client(ServiceName::Validation, &validation)),
            gates_url: "https://gates.example.org".parse().unwrap(),
        };
        let front = Front {
            access_tokens: AccessTokens::local(ServiceName::Admin, &[key(SESSION_KEY).verifying_key()], clock.clone()),
            service_calls: ServiceCalls::new(ServiceName::Admin, [], clock.clone()),
            pool,
            randomness,
        };
        let (router, _) = api().finish(&front, state.clone());
        Self { state, clock, auth, tickets, validation, router, _database: database }
    }

    pub(crate) fn administrator() -> Caller {
        Caller { account: AccountId(Uuid::from_u128(7)), role: Role::Administrator }
    }

    pub(crate) fn token(&self, role: Role) -> String {
        self.token_for(ServiceName::Admin, role)
    }

    /// An access token as auth makes them for that service.
    pub(crate) fn token_for(&self, audience: ServiceName, role: Role) -> String {
        let (caller, now) = (Caller { role, ..Self::administrator() }, self.clock.now());
        let access = Access { caller, until: now + Duration::from_mins(1) };
        let token = mint(&key(SESSION_KEY), access, audience, now, &self.state.randomness).unwrap();
        token.expose_secret().to_owned()
    }

    /// As an administrator.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, Some(&self.token(Role::Administrator)), &[], Vec::new()).await
    }

    /// As an administrator.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        self.post_with(path, &[], body).await
    }

    /// As an administrator, with further headers.
    pub(crate) async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.ask(Method::POST, path, Some(&self.token(Role::Administrator)), headers, body).await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes().to_vec() }
    }

    /// The whole audit log, the oldest first.
    pub(crate) async fn log(&self) -> Vec<AuditEntry> {
        let mut connection = self.state.pool.acquire().await.unwrap();
        let mut log = audit::page(&mut connection, None, 1000).await.unwrap();
        log.reverse();
        log
    }

    pub(crate) async fn pending(&self) -> Vec<PendingEntry> {
        outbox::pending(&mut self.state.pool.acquire().await.unwrap()).await.unwrap()
    }

    pub(crate) fn neighbours(&mut self) -> [&mut Neighbour; 3] {
        [&mut self.auth, &mut self.tickets, &mut self.validation]
    }

    /// Lets the outbox's worker work.
    pub(crate) fn work(&self) -> Work {
        let (switch, shutdown) = Shutdown::by_hand();
        Work { switch, worker: tokio::spawn(distribution::worker(self.state.clone()).run(shutdown)) }
    }
}

impl Work {
    /// Lets the worker finish what it holds, and take nothing more.
    pub(crate) async fn finish(self) {
        self.switch.request();
        self.worker.await.unwrap();
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    pub(crate) fn is_problem(&self, status: StatusCode, slug: &str) {
        let problem: Value = self.json();
        assert_eq!(
            (self.status, &problem["type"]),
            (status, &format!("urn:countermark:problem:{slug}").into()),
            "{problem}"
        );
    }
}

impl Neighbour {
    async fn new(name: ServiceName, clock: &Clock) -> Self {
        let from_admin = [(ServiceName::Admin, key(SERVICE_KEY).verifying_key())];
        let checks = ServiceCalls::new(name, from_admin, clock.clone());
        let answers = Arc::new(Mutex::new(HashMap::<String, (StatusCode, Value)>::new()));
        let (told, calls) = mpsc::unbounded_channel();
        let told_answers = Arc::clone(&answers);
        let answer = move |method: Method, OriginalUri(uri): OriginalUri, headers: HeaderMap, body: Bytes| async move {
            let path = uri.path().to_owned();
            let asked = uri.path_and_query().unwrap().as_str();
            if let Err(refusal) = checks.verify(bearer(&headers), method.as_str(), asked, &body) {
                return Problem::from(refusal).into_response();
            }
            let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
            told.send((path.clone(), body)).unwrap();
            match told_answers.lock().unwrap().get(&path).cloned() {
                Some((status, Value::Null)) => status.into_response(),
                Some((status, value)) => (status, axum::Json(value)).into_response(),
                None => Problem::not_found().into_response(),
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, answers, calls, server }
    }

    /// What it answers at `path` from now on.
    pub(crate) fn answers(&self, path: &str, status: StatusCode, value: Value) {
        self.answers.lock().unwrap().insert(path.to_owned(), (status, value));
    }

    /// Waits for the next call: its path and body.
    pub(crate) async fn called(&mut self) -> (String, Value) {
        // Far longer than any call takes that comes at all.
        let call = tokio::time::timeout(Duration::from_secs(30), self.calls.recv()).await;
        call.expect("this neighbour was never called").unwrap()
    }

    /// Whether there was no call that the test does not know of.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }

    /// Goes away.
    pub(crate) async fn close(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }
}

fn bearer(headers: &HeaderMap) -> &str {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
}
