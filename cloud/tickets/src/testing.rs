//! A ticket service on a real database, with auth, validation and the provider as small real servers beside it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State as From;
use axum::http::{Request, StatusCode};
use axum::routing::post;
use countermark_postgres::{Schema, TestDatabase};
use countermark_service::api::Front;
use countermark_service::caller::{Access, AccessTokens, Caller, Role, mint};
use countermark_service::clock::Clock;
use countermark_service::contract::{
    AuthClient, Authorise, Authorised, ConfirmGrant, Grant, GrantStanding, PublishOffer, PushEventDocument, ReportSlot,
    SalesWindow, Terms, ValidationClient, paths,
};
use countermark_service::database;
use countermark_service::extract::Json;
use countermark_service::outbox::Outbox;
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{Shutdown, ShutdownSwitch};
use countermark_service::service_call::{ServiceCalls, ServiceClient, ServiceIdentity, http_client};
use countermark_service::service_name::ServiceName;
use countermark_service::webhook::{self, Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, KeyRole, KeyStatus, Product, Signed, Text, TicketForm, TrustBundle, TrustedKey,
};
use countermark_shared::id::{AccountId, EventId, OfferId, OrderId, ProductId, Zones};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::payment::{HttpProvider, OpenPayment, OpenedPayment, PAYMENTS_PATH};
use crate::start::worker;
use crate::state::State;
use crate::{MIGRATOR, api};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
pub(crate) const EVENT: EventId = EventId(7);
pub(crate) const BUYER: AccountId = AccountId(Uuid::from_u128(1));
pub(crate) const STRANGER: AccountId = AccountId(Uuid::from_u128(2));

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn issuing() -> SigningKey {
    key(2)
}

fn authority() -> SigningKey {
    key(3)
}

fn organiser() -> SigningKey {
    key(4)
}

fn provider() -> SigningKey {
    key(6)
}

fn session() -> SigningKey {
    key(7)
}

fn service_key(service: ServiceName) -> SigningKey {
    key(10 + service as u8)
}

pub(crate) fn euros(minor: u64) -> Money {
    Money { minor, currency: Currency::parse("EUR").unwrap() }
}

fn bundle() -> TrustBundle {
    let trusted = |key: SigningKey, role, events| TrustedKey {
        key: key.verifying_key(),
        role,
        status: KeyStatus::Active,
        events,
    };
    TrustBundle {
        version: 1,
        issued: NOW,
        not_after: NOW + Duration::from_hours(24),
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(issuing(), KeyRole::Issuing, vec![]),
            trusted(authority(), KeyRole::Authority, vec![]),
            trusted(organiser(), KeyRole::Organiser, vec![EVENT]),
        ],
    }
}

pub(crate) fn event() -> EventDocument {
    EventDocument {
        event: EVENT,
        version: 1,
        issued: NOW,
        name: Text { en: "Summer Night".into(), fr: "Nuit d'été".into() },
        capacity: 1000,
        products: vec![Product {
            product: ProductId(1),
            name: Text { en: "Standing".into(), fr: "Debout".into() },
            zones: Zones(1),
            from: NOW + Duration::from_hours(1),
            until: NOW + Duration::from_hours(9),
            capacity: 1000,
            least_price: euros(1000),
            moved: None,
            form: TicketForm::default(),
            policy: None,
        }],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: false,
    }
}

pub(crate) fn offer(id: u128, persons: u8, one_code: bool, stock: u32) -> PublishOffer {
    PublishOffer {
        offer: OfferId(Uuid::from_u128(id)),
        event: EVENT,
        product: ProductId(1),
        name: Text { en: "Family".into(), fr: "Famille".into() },
        price: euros(1000 * u64::from(persons)),
        persons: persons.try_into().unwrap(),
        one_code,
        stock,
        sales: SalesWindow { from: NOW, until: NOW + Duration::from_hours(8) },
    }
}

/// What the servers beside the ticket service do and saw.
#[derive(Default)]
pub(crate) struct Peers {
    pub(crate) grants: HashMap<OrderId, Grant>,
    /// Whether auth finds the capacity reached.
    pub(crate) is_full: bool,
    /// Answers of auth that come before its signature, the first first: a status and a slug.
    pub(crate) refusals: Vec<(StatusCode, &'static str)>,
    pub(crate) authorised: Vec<TicketBody>,
    pub(crate) reports: Vec<ReportSlot>,
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) peers: Arc<Mutex<Peers>>,
    router: Router,
    admin: ServiceClient,
    _stop: ShutdownSwitch,
    _database: TestDatabase,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new(Schema::Tickets);
        let pool = database::connect(database.url.parse().unwrap()).await.unwrap();
        database::expect_migrated(&pool, &MIGRATOR).await.unwrap();
        let (clock, randomness) = (Clock::fixed(NOW), Randomness::seeded([42; 32]));
        let peers = Arc::new(Mutex::new(Peers::default()));
        let beside = listen(peers_router(Arc::clone(&peers))).await;
        let identity =
            |name| ServiceIdentity::new(name, service_key(name), clock.clone(), Randomness::system()).unwrap();
        let client = |audience| identity(ServiceName::Tickets).client(audience, beside.clone());
        let outbox = Outbox::new();
        let state = State {
            pool: pool.clone(),
            clock: clock.clone(),
            randomness: randomness.clone(),
            key_ring: Arc::new(KeyRing::of(&bundle())),
            bundle: Arc::new(bundle()),
            issuing_key: Arc::new(issuing()),
            authority_key: authority().verifying_key().id(),
            auth: AuthClient(client(ServiceName::Auth)),
            validation: ValidationClient(client(ServiceName::Validation)),
            payments: Arc::new(HttpProvider::new(
                http_client().unwrap(),
                beside.clone(),
                SecretString::from("merchant's secret"),
            )),
            provider_key: provider().verifying_key(),
            outbox: outbox.clone(),
            reservation: Duration::from_mins(10),
        };
        let keys = ServiceName::ALL.map(|name| (name, service_key(name).verifying_key()));
        let front = Front {
            access_tokens: AccessTokens::local(ServiceName::Tickets, &[session().verifying_key()], clock.clone()),
            service_calls: ServiceCalls::new(ServiceName::Tickets, keys, clock.clone()),
            pool,
            randomness,
        };
        let (router, _) = api().finish(&front, state.clone());
        let admin = identity(ServiceName::Admin).client(ServiceName::Tickets, listen(router.clone()).await);
        let (stop, shutdown) = Shutdown::by_hand();
        tokio::spawn(worker(state.clone(), outbox).run(shutdown));
        let world = Self { state, clock, peers, router, admin, _stop: stop, _database: database };
        let document = Base64(Signed::seal(&event(), &[&organiser()]).unwrap());
        let () = world
            .admin
            .post::<_, Value>(paths::EVENT_DOCUMENTS, &PushEventDocument { document })
            .await
            .map(|_| ())
            .unwrap();
        world
    }

    /// As admin, over HTTP and a signed call.
    pub(crate) fn admin(&self) -> &ServiceClient {
        &self.admin
    }

    pub(crate) async fn publish(&self, offer: &PublishOffer) {
        let () = self.admin.post(paths::OFFERS, offer).await.unwrap();
    }

    /// As a person; the body is JSON, or null for none.
    pub(crate) async fn call(&self, who: AccountId, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let (status, bytes) = self.call_raw(who, method, path, body, "k").await;
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub(crate) async fn call_raw(
        &self,
        who: AccountId,
        method: &str,
        path: &str,
        body: Value,
        idempotency_key: &str,
    ) -> (StatusCode, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token_for(ServiceName::Tickets, who)))
            .header("idempotency-key", idempotency_key);
        let request = if body.is_null() {
            request.body(Body::empty())
        } else {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        };
        self.send(request.unwrap()).await
    }

    /// A buyer's access token as auth makes them for that service.
    pub(crate) fn token_for(&self, audience: ServiceName, who: AccountId) -> String {
        let now = self.clock.now();
        let caller = Caller { account: who, role: Role::Buyer };
        let access = Access { caller, until: now + Duration::from_mins(1) };
        let token = mint(&session(), access, audience, now, &Randomness::system()).unwrap();
        token.expose_secret().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    pub(crate) async fn order(&self, offer: &PublishOffer, quantity: u8, idempotency_key: &str) -> (StatusCode, Value) {
        self.order_by(BUYER, offer, quantity, idempotency_key).await
    }

    pub(crate) async fn order_by(
        &self,
        who: AccountId,
        offer: &PublishOffer,
        quantity: u8,
        idempotency_key: &str,
    ) -> (StatusCode, Value) {
        let body = json!({ "offer": offer.offer, "quantity": quantity });
        let (status, bytes) = self.call_raw(who, "POST", "/v1/orders", body, idempotency_key).await;
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// What auth knows once the buyer has granted the order's terms.
    pub(crate) fn grant(&self, order: &Value, standing: GrantStanding) -> OrderId {
        let id: OrderId = serde_json::from_value(order["order"].clone()).unwrap();
        let terms: Terms = serde_json::from_value(order["terms"].clone()).unwrap();
        let grant = Grant { order: id, account: BUYER, terms, standing };
        self.peers.lock().unwrap().grants.insert(id, grant);
        id
    }

    /// The provider's signed word.
    pub(crate) async fn pay(&self, payment: &str, order: OrderId, amount: Money) -> StatusCode {
        let data = Payment { payment: payment.into(), reference: order, amount };
        let event = PaymentEvent { kind: PaymentEventKind::Succeeded, timestamp: self.clock.now(), data };
        let body = serde_json::to_vec(&event).unwrap();
        let now = self.clock.now();
        let request = Request::post("/v1/payment-events")
            .header(webhook::ID, payment)
            .header(webhook::TIMESTAMP, now.unix_seconds())
            .header(webhook::SIGNATURE, webhook::sign(&provider(), payment, now, &body))
            .body(Body::from(body));
        self.send(request.unwrap()).await.0
    }

    pub(crate) async fn read_order(&self, order: OrderId) -> Value {
        let (status, body) = self.call(BUYER, "GET", &format!("/v1/orders/{order}"), Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// Waits until the order is in that state; the deadline is for a broken service only.
    pub(crate) async fn until(&self, order: OrderId, state: &str) -> Value {
        self.wait(order, state, Duration::ZERO).await
    }

    /// The same for what is tried again later: time passes at every look, however late the failure is noted.
    pub(crate) async fn until_retried(&self, order: OrderId, state: &str) -> Value {
        self.wait(order, state, Duration::from_secs(1)).await
    }

    async fn wait(&self, order: OrderId, state: &str, passes: Duration) -> Value {
        let mut last = Value::Null;
        let look = async || {
            last = self.read_order(order).await;
            last["state"] == state
        };
        if self.is_seen(passes, look).await {
            return last;
        }
        panic!("the order never became {state}: {last}")
    }

    /// Waits until the peers have seen what the test waits for; fails with `never`.
    pub(crate) async fn until_peers(&self, never: &str, look: impl Fn(&Peers) -> bool) {
        let is_seen = self.is_seen(Duration::ZERO, async || look(&self.peers.lock().unwrap())).await;
        assert!(is_seen, "{never}");
    }

    /// Moves the clock, which makes retries due, until auth has given the answers that the test laid out.
    pub(crate) async fn until_refused(&self) {
        let is_refused =
            self.is_seen(Duration::from_secs(1), async || self.peers.lock().unwrap().refusals.is_empty()).await;
        assert!(is_refused, "auth was never asked for {:?}", self.peers.lock().unwrap().refusals);
    }

    /// Looks for half a minute, far longer than anything takes that comes at all; lets so much time pass after each look in vain.
    async fn is_seen(&self, passes: Duration, mut look: impl AsyncFnMut() -> bool) -> bool {
        for _ in 0..3000 {
            if look().await {
                return true;
            }
            self.clock.advance(passes);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

async fn listen(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Url::parse(&format!("http://{address}/")).unwrap()
}

type Shared = Arc<Mutex<Peers>>;

fn peers_router(peers: Shared) -> Router {
    Router::new()
        .route(paths::CONFIRM_GRANT, post(auth_confirm))
        .route(paths::AUTHORISE, post(auth_authorise))
        .route(paths::CLOSE_GRANT, post(async || StatusCode::NO_CONTENT))
        .route(paths::SLOTS, post(validation_slots))
        .route(PAYMENTS_PATH, post(provider_open))
        .with_state(peers)
}

async fn auth_confirm(
    From(peers): From<Shared>,
    Json(ConfirmGrant { order, .. }): Json<ConfirmGrant>,
) -> Result<Json<Grant>, Problem> {
    let peers = peers.lock().unwrap();
    if peers.is_full {
        return Err(Problem::new(StatusCode::CONFLICT, "capacity-reached", "Full"));
    }
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "grant-unknown", "No grant");
    peers.grants.get(&order).cloned().map(Json).ok_or_else(unknown)
}

async fn auth_authorise(
    From(peers): From<Shared>,
    Json(request): Json<Authorise>,
) -> Result<Json<Authorised>, Problem> {
    let mut peers = peers.lock().unwrap();
    if !peers.refusals.is_empty() {
        let (status, slug) = peers.refusals.remove(0);
        return Err(Problem::new(status, slug, "As the test says"));
    }
    let body = TicketBody::from_bytes(&request.body.0).unwrap();
    let signature = Base64(body.authorise(&authority()).to_bytes());
    peers.authorised.push(body);
    Ok(Json(Authorised { signature }))
}

async fn validation_slots(From(peers): From<Shared>, Json(report): Json<ReportSlot>) -> StatusCode {
    peers.lock().unwrap().reports.push(report);
    StatusCode::NO_CONTENT
}

async fn provider_open(Json(request): Json<OpenPayment>) -> (StatusCode, Json<OpenedPayment>) {
    let payment = format!("p-{}", request.reference);
    let page = format!("https://pay.example/{payment}");
    (StatusCode::CREATED, Json(OpenedPayment { payment, page }))
}
