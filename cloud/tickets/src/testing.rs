//! A ticket service on a real database, with auth, validation and the provider as small real servers beside it.

mod auth;
mod event;
mod one_ticket;

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
    AdminClient, AuthClient, Decision, Grant, GrantStanding, Page, PublishOffer, PushEventDocument, ReportSlot, Terms,
    ValidationClient, paths,
};
use countermark_service::database;
use countermark_service::extract::Json;
use countermark_service::keystore::Keystore;
use countermark_service::master_key::MasterKey;
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{Shutdown, ShutdownSwitch};
use countermark_service::service_call::{ServiceCalls, ServiceClient, ServiceIdentity, http_client};
use countermark_service::service_name::ServiceName;
use countermark_service::webhook::{self, Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::documents::{EventDocument, Signed, TicketForm};
use countermark_shared::id::{AccountId, OrderId};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::money::Money;
use countermark_shared::wire::Base64;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::Url;
use zeroize::Zeroizing;

pub(crate) use self::auth::{Accepted, Auth, secret_of};
pub(crate) use self::event::{BUYER, EVENT, NOW, STRANGER, authority, euros, event, key, offer, revoked};
use self::event::{bundle, issuing, organiser, provider, service_key, session};
use crate::payment::{HttpProvider, OpenPayment, OpenedPayment, PAYMENTS_PATH};
use crate::start::worker;
use crate::state::State;
use crate::{MIGRATOR, api};

/// What the servers beside the ticket service do and saw.
#[derive(Default)]
pub(crate) struct Peers {
    pub(crate) auth: Auth,
    pub(crate) reports: Vec<ReportSlot>,
    /// What administrators decided, as admin's record has it.
    pub(crate) decisions: Vec<Decision>,
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) peers: Arc<Mutex<Peers>>,
    router: Router,
    address: Url,
    beside: Url,
    admin: ServiceClient,
    _stop: ShutdownSwitch,
    _database: TestDatabase,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::selling(TicketForm::default()).await
    }

    /// A world whose event sells tickets of this form.
    pub(crate) async fn selling(form: TicketForm) -> Self {
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
            keystore: Keystore::new(ServiceName::Tickets, MasterKey::new(Zeroizing::new([9; 32]))),
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
        let address = listen(router.clone()).await;
        let admin = identity(ServiceName::Admin).client(ServiceName::Tickets, address.clone());
        let (stop, shutdown) = Shutdown::by_hand();
        tokio::spawn(worker(state.clone(), outbox).run(shutdown));
        let world = Self { state, clock, peers, router, address, beside, admin, _stop: stop, _database: database };
        world.push(&event(form)).await;
        world
    }

    /// The organiser's word, by way of admin.
    pub(crate) async fn push(&self, document: &EventDocument) {
        let document = Base64(Signed::seal(document, &[&organiser()]).unwrap());
        let _: Value = self.admin.post(paths::EVENT_DOCUMENTS, &PushEventDocument { document }).await.unwrap();
    }

    /// Admin, as the ticket service asks it when it was restored from a backup.
    pub(crate) fn asked_admin(&self) -> AdminClient {
        self.admin_at(self.beside.clone())
    }

    /// An admin that answers otherwise.
    pub(crate) async fn other_admin(&self, router: Router) -> AdminClient {
        self.admin_at(listen(router).await)
    }

    fn admin_at(&self, address: Url) -> AdminClient {
        let name = ServiceName::Tickets;
        let identity = ServiceIdentity::new(name, service_key(name), self.clock.clone(), Randomness::system()).unwrap();
        AdminClient(identity.client(ServiceName::Admin, address))
    }

    /// A client of the ticket service that another service is.
    pub(crate) fn as_service(&self, name: ServiceName) -> ServiceClient {
        let identity = ServiceIdentity::new(name, service_key(name), self.clock.clone(), Randomness::system()).unwrap();
        identity.client(ServiceName::Tickets, self.address.clone())
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
        self.order_for(who, offer, quantity, idempotency_key, Value::Null).await
    }

    /// With names, or null for none.
    pub(crate) async fn order_for(
        &self,
        who: AccountId,
        offer: &PublishOffer,
        quantity: u8,
        idempotency_key: &str,
        names: Value,
    ) -> (StatusCode, Value) {
        let body = json!({ "offer": offer.offer, "quantity": quantity, "names": names });
        let (status, bytes) = self.call_raw(who, "POST", "/v1/orders", body, idempotency_key).await;
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// What auth knows once the buyer has granted the order's terms.
    pub(crate) fn grant(&self, order: &Value, standing: GrantStanding) -> OrderId {
        let id: OrderId = serde_json::from_value(order["order"].clone()).unwrap();
        let terms: Terms = serde_json::from_value(order["terms"].clone()).unwrap();
        let grant = Grant { order: id, account: BUYER, terms, standing };
        self.peers.lock().unwrap().auth.grants.insert(id, grant);
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
            self.is_seen(Duration::from_secs(1), async || self.peers.lock().unwrap().auth.refusals.is_empty()).await;
        assert!(is_refused, "auth was never asked for {:?}", self.peers.lock().unwrap().auth.refusals);
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

pub(crate) type Shared = Arc<Mutex<Peers>>;

fn peers_router(peers: Shared) -> Router {
    Router::new()
        .merge(auth::router())
        .route(paths::SLOTS, post(validation_slots))
        .route(paths::DECISIONS, post(admin_decisions))
        .route(PAYMENTS_PATH, post(provider_open))
        .with_state(peers)
}

async fn validation_slots(From(peers): From<Shared>, Json(report): Json<ReportSlot>) -> StatusCode {
    peers.lock().unwrap().reports.push(report);
    StatusCode::NO_CONTENT
}

async fn admin_decisions(From(peers): From<Shared>) -> Json<Page<Decision, i64>> {
    Json(Page { items: peers.lock().unwrap().decisions.clone(), next: None })
}

async fn provider_open(Json(request): Json<OpenPayment>) -> (StatusCode, Json<OpenedPayment>) {
    let payment = format!("p-{}", request.reference);
    let page = format!("https://pay.example/{payment}");
    (StatusCode::CREATED, Json(OpenedPayment { payment, page }))
}
