//! The service as the tests of its routes meet it: its router and a server on a real database, a clock that they move, keys, gates.

mod gate;
mod tickets;

use std::num::NonZeroU8;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use countermark_postgres::{Schema, TestDatabase};
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::{
    CreateGate, PushEventDocument, ReportSlot, ReportedState, TicketsClient, ValidationClient, push_event_document,
};
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::service_call::{ServiceCalls, ServiceClient, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{
    AdmissionPolicy, Assignment, Authentic, Direction, EventDocument, FeedState, HolderName, KeyRole, KeyStatus, Lane,
    Product, Signed, Slots, Text, TicketForm, TrustBundle, TrustedKey, accept_bundle,
};
use countermark_shared::enrolment::{EnrolmentCode, answer_login, prove_enrolment};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::journal::ChainHash;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::sealing::{UnwrappingKey, WrappingKey};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{
    Base64, Enrol, Enrolled, LoggedIn, Login, Nonce, RequestNonce, RowOutcome, Upload, Uploaded, paths,
};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgPool;
use tower::ServiceExt;
use zeroize::Zeroizing;

use crate::api;
use crate::state::{State, Trusted};
use crate::store::bundles;
use crate::store::{feed, publications};

pub(crate) use self::gate::TestGate;
use self::tickets::GuestList;

pub(crate) const EVENT: EventId = EventId(7);
/// The organiser's next one.
pub(crate) const NEXT_EVENT: EventId = EventId(9);
pub(crate) const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// One service with nothing in it but the event's document.
pub(crate) struct Bench {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    /// What tickets would wrap for a gate: none answers that it does not know the event.
    pub(crate) sealing: Arc<Mutex<Option<Vec<u8>>>>,
    /// The guest list that tickets would tell.
    pub(crate) guests: Arc<Mutex<GuestList>>,
    router: Router,
    address: String,
    _database: TestDatabase,
}

/// What a route answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

pub(crate) fn bundle() -> TrustBundle {
    let trusted =
        |seed, role, events| TrustedKey { key: key(seed).verifying_key(), role, status: KeyStatus::Active, events };
    TrustBundle {
        version: 1,
        issued: DOORS - Duration::from_hours(240),
        not_after: DOORS + Duration::from_hours(240),
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(2, KeyRole::Issuing, vec![]),
            trusted(3, KeyRole::Authority, vec![]),
            trusted(4, KeyRole::Organiser, vec![EVENT, NEXT_EVENT]),
            trusted(5, KeyRole::List, vec![]),
        ],
    }
}

/// The bundle with another list key.
pub(crate) fn with_list_key(bundle: TrustBundle, seed: u8) -> TrustBundle {
    let listed =
        TrustedKey { key: key(seed).verifying_key(), role: KeyRole::List, status: KeyStatus::Active, events: vec![] };
    TrustBundle { keys: [bundle.keys, vec![listed]].concat(), ..bundle }
}

/// The bundle as the root signs it.
pub(crate) fn authentic(bundle: &TrustBundle) -> Authentic<TrustBundle> {
    let signed = Signed::seal(bundle, &[&key(1)]).unwrap();
    accept_bundle(&signed, bundle.root_fingerprint(), None, DOORS).unwrap()
}

pub(crate) fn event_document(version: u32, organiser: &SigningKey) -> Vec<u8> {
    Signed::seal(&event(version), &[organiser]).unwrap()
}

/// The event, with one product of static tickets without names.
pub(crate) fn event(version: u32) -> EventDocument {
    let text = |text: &str| Text { en: text.to_owned(), fr: text.to_owned() };
    EventDocument {
        event: EVENT,
        version,
        issued: DOORS - Duration::from_hours(200),
        name: text("Summer Night"),
        capacity: 5000,
        products: vec![Product {
            product: ProductId(1),
            name: text("Standing"),
            zones: Zones(1),
            from: DOORS,
            until: DOORS + Duration::from_hours(10),
            capacity: 5000,
            least_price: Money { minor: 2000, currency: Currency::parse("EUR").unwrap() },
            moved: None,
            form: TicketForm::default(),
            policy: None,
        }],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: false,
        find_by_order: false,
    }
}

/// The event, with names that gates show.
pub(crate) fn named_event(version: u32) -> EventDocument {
    let mut event = event(version);
    event.names_at_gates = true;
    event.products[0].form.holder = HolderName::Sealed;
    event
}

/// What a gate unwraps event secrets with.
pub(crate) fn unwrapping_key() -> UnwrappingKey {
    UnwrappingKey::new(Zeroizing::new([8; 32]))
}

pub(crate) fn wrapping_key() -> WrappingKey {
    unwrapping_key().wrapping_key()
}

pub(crate) fn lanes() -> Vec<Lane> {
    let lane = |lane, direction| Lane { lane: LaneId(lane), direction, zones: Zones(1) };
    vec![lane(1, Direction::Entry), lane(2, Direction::Exit)]
}

/// A ticket for two.
pub(crate) fn ticket(slot: u32, generation: u8) -> String {
    ticket_of(EVENT, slot, generation).to_text()
}

pub(crate) fn ticket_of(event: EventId, slot: u32, generation: u8) -> UnverifiedTicket {
    let body = TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: key(3).verifying_key().id(),
        event,
        slot: Slot(slot),
        generation: Generation(generation),
        places: NonZeroU8::new(2).unwrap(),
        entries: 1,
        product: ProductId(1),
        zones: Zones(1),
        validity: Validity::between(DOORS, DOORS + Duration::from_hours(10)).unwrap(),
        live: None,
        sealed: None,
    };
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    UnverifiedTicket::new(body, issuer, authority)
}

/// What the event's lists say, as a gate has it that starts from the last snapshot and takes every step.
pub(crate) async fn newest_slots(bench: &Bench) -> Slots {
    let mut connection = bench.state.pool.acquire().await.unwrap();
    let epoch = publications::epoch(&mut connection).await.unwrap();
    let last = publications::last(&mut connection, EVENT, epoch).await.unwrap().unwrap();
    let snapshot = publications::snapshot(&mut connection, EVENT, last.standing.revision).await.unwrap().unwrap();
    let (bundle, now) = (bench.state.trust.bundle.document(), bench.clock.now());
    let mut slots = Slots::accept(&snapshot, bundle, EVENT, None, now).unwrap();
    for delta in publications::deltas_after(&mut connection, EVENT, slots.revision()).await.unwrap().unwrap() {
        slots = Slots::step(&delta, bundle, EVENT, Some(&slots), now).unwrap();
    }
    assert_eq!(slots.standing(), last.standing);
    slots
}

/// The event's feed, as a gate has it that starts from the last snapshot and takes every batch.
pub(crate) async fn newest_feed(bench: &Bench) -> FeedState {
    let mut connection = bench.state.pool.acquire().await.unwrap();
    let epoch = publications::epoch(&mut connection).await.unwrap();
    let last = feed::last(&mut connection, EVENT, epoch).await.unwrap().unwrap();
    let snapshot = feed::snapshot(&mut connection, EVENT, last.standing.revision).await.unwrap().unwrap();
    let (bundle, now) = (bench.state.trust.bundle.document(), bench.clock.now());
    let mut state = None;
    FeedState::accept(&mut state, &snapshot, bundle, EVENT, now).unwrap();
    let from = state.as_ref().unwrap().revision();
    for batch in feed::batches_after(&mut connection, EVENT, from).await.unwrap().unwrap() {
        FeedState::accept(&mut state, &batch, bundle, EVENT, now).unwrap();
    }
    let state = state.unwrap();
    assert_eq!(state.standing(), last.standing);
    state
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new(Schema::Validation);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let clock = Clock::fixed(DOORS);
        let randomness = Randomness::seeded([8; 32]);
        let trusted = authentic(&bundle());
        let callers = [ServiceName::Tickets, ServiceName::Admin].map(|name| (name, service_key(name).verifying_key()));
        let front = Front {
            access_tokens: AccessTokens::local(ServiceName::Validation, &[], clock.clone()),
            service_calls: ServiceCalls::new(ServiceName::Validation, callers, clock.clone()),
            pool: pool.clone(),
            randomness: randomness.clone(),
        };
        bundles::keep(&mut pool.acquire().await.unwrap(), &trusted).await.unwrap();
        let (sealing, guests) = (Arc::default(), Arc::default());
        let tickets = listen(tickets::router(Arc::clone(&sealing), Arc::clone(&guests))).await;
        let identity = identity(ServiceName::Validation, &clock);
        let state = State {
            tickets: TicketsClient(identity.client(ServiceName::Tickets, tickets.parse().unwrap())),
            trust: Arc::new(Trusted::new(trusted, key(5), vec![key(5).verifying_key()])),
            outbox: Outbox::new(),
            clock: clock.clone(),
            pool,
            randomness,
        };
        let (router, _) = api().finish(&front, state.clone());
        let address = listen(router.clone()).await;
        let bench = Self { state, clock, sealing, guests, router, address, _database: database };
        bench.push(&event(1)).await;
        bench
    }

    /// Has admin bring a document.
    pub(crate) async fn push(&self, event: &EventDocument) {
        let document = Base64(Signed::seal(event, &[&key(4)]).unwrap());
        push_event_document(&self.client(ServiceName::Admin), &PushEventDocument { document }).await.unwrap();
    }

    /// The same database, served by a copy of the service that trusts and signs otherwise.
    pub(crate) fn state_with(&self, trust: Trusted) -> State {
        State { trust: Arc::new(trust), ..self.state.clone() }
    }

    /// The assignment, as the gate takes it.
    pub(crate) async fn assignment(&self, gate: &TestGate) -> Assignment {
        let answer = self.get(paths::ASSIGNMENT, &gate.token).await;
        assert_eq!(answer.status, StatusCode::OK);
        Assignment::accept(&answer.body, &bundle(), gate.gate, None, self.clock.now()).unwrap().into_document()
    }

    /// A client of another service, which calls over HTTP.
    pub(crate) fn client(&self, name: ServiceName) -> ServiceClient {
        identity(name, &self.clock).client(ServiceName::Validation, self.address.parse().unwrap())
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Self::request(Method::GET, path, Some(token)).body(Body::empty()).unwrap()).await
    }

    /// Without a session.
    pub(crate) async fn get_freely(&self, path: &str, held: Option<&str>) -> Answer {
        let request = Self::request(Method::GET, path, None);
        let request = match held {
            Some(held) => request.header(IF_NONE_MATCH, held),
            None => request,
        };
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get_unless(&self, path: &str, token: &str, held: &str) -> Answer {
        let request = Self::request(Method::GET, path, Some(token)).header(IF_NONE_MATCH, held);
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &impl Serialize) -> Answer {
        let request = Self::request(Method::POST, path, token).header(CONTENT_TYPE, "application/json");
        self.ask(request.body(Body::from(serde_json::to_vec(body).unwrap())).unwrap()).await
    }

    fn request(method: Method, path: &str, token: Option<&str>) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn slot_report(slot: u32, generation: u8, state: ReportedState) -> ReportSlot {
        ReportSlot {
            event: EVENT,
            slot: Slot(slot),
            generation: Generation(generation),
            state,
            issued: None,
            revoked: None,
        }
    }

    pub(crate) async fn report(&self, slot: u32, generation: u8, state: ReportedState) {
        let report = Self::slot_report(slot, generation, state);
        ValidationClient(self.client(ServiceName::Tickets)).report_slot(&report).await.unwrap();
    }

    pub(crate) async fn create_gate(&self) -> (GateId, EnrolmentCode) {
        let request = CreateGate { name: "North".to_owned(), event: EVENT, lanes: lanes() };
        let created = ValidationClient(self.client(ServiceName::Admin)).create_gate(&request).await.unwrap();
        (created.gate, created.code.parse().unwrap())
    }

    /// A gate that has enrolled and logged in.
    pub(crate) async fn gate(&self) -> TestGate {
        self.enrolled(self.create_gate().await).await
    }

    /// The gate of that code, once it has enrolled and logged in.
    pub(crate) async fn enrolled(&self, (gate, code): (GateId, EnrolmentCode)) -> TestGate {
        let key = key(100 + u8::try_from(gate.0).unwrap());
        let proof = Base64(prove_enrolment(&code, &key, wrapping_key()).to_bytes());
        let wrapping_key = wrapping_key();
        let enrol = Enrol { secret: code.secret_text(), key: key.verifying_key(), wrapping_key, proof };
        assert_eq!(self.post(paths::ENROL, None, &enrol).await.json::<Enrolled>().gate, gate);
        let token = String::new();
        let enrolled = TestGate { gate, key, token, rows: Vec::new(), chain: ChainHash::START, sequence: 0 };
        TestGate { token: self.log_in(&enrolled).await, ..enrolled }
    }

    /// A new session of the gate.
    pub(crate) async fn log_in(&self, gate: &TestGate) -> String {
        self.open_session(gate).await.token
    }

    /// What the gate's log-in is answered, which says how far the gate has written.
    pub(crate) async fn open_session(&self, gate: &TestGate) -> LoggedIn {
        self.answer_nonce(gate, Some(gate.sequence)).await
    }

    /// What a log-in is answered that says so much.
    pub(crate) async fn answer_nonce(&self, gate: &TestGate, written_up_to: Option<u64>) -> LoggedIn {
        let (gate, key) = (gate.gate, &gate.key);
        let nonce = self.post(paths::NONCE, None, &RequestNonce { gate }).await.json::<Nonce>().nonce;
        let answer = Base64(answer_login(gate, &nonce.0, key).to_bytes());
        self.post(paths::LOGIN, None, &Login { gate, nonce, answer, written_up_to }).await.json()
    }

    /// Sends what the gate has written.
    pub(crate) async fn upload(&self, gate: &mut TestGate) -> Vec<RowOutcome> {
        let upload = gate.upload();
        gate.chain = upload.checkpoint.hash;
        gate.rows.clear();
        self.send(gate, &upload).await
    }

    pub(crate) async fn send(&self, gate: &TestGate, upload: &Upload) -> Vec<RowOutcome> {
        let answer = self.post(paths::JOURNAL, Some(&gate.token), upload).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
        let uploaded: Uploaded = answer.json();
        let numbers: Vec<_> = uploaded.results.iter().map(|result| result.sequence).collect();
        assert_eq!(numbers, upload.rows.iter().map(|row| row.sequence).collect::<Vec<_>>());
        uploaded.results.into_iter().map(|result| result.outcome).collect()
    }
}

pub(crate) fn identity(name: ServiceName, clock: &Clock) -> ServiceIdentity {
    ServiceIdentity::new(name, service_key(name), clock.clone(), Randomness::system()).unwrap()
}

pub(crate) async fn listen(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn service_key(name: ServiceName) -> SigningKey {
    match name {
        ServiceName::Auth => key(201),
        ServiceName::Tickets => key(202),
        ServiceName::Validation => key(203),
        ServiceName::Admin => key(204),
    }
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn is_problem(&self, status: StatusCode, slug: &str) {
        let problem: Value = self.json();
        assert_eq!((self.status, &problem["type"]), (status, &format!("urn:countermark:problem:{slug}").into()));
    }
}
