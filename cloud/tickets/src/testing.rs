//! A ticket service on a real database, with auth, validation and the provider as small real servers beside it.

mod auth;

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
    AuthClient, Grant, GrantStanding, PublishOffer, PushEventDocument, ReportSlot, SalesWindow, Terms,
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
use countermark_shared::decision::examine;
use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, KeyRole, KeyStatus, Product, Signed, Text, TicketForm, TrustBundle, TrustedKey,
};
use countermark_shared::id::{AccountId, EventId, OfferId, OrderId, ProductId, TransferId, Zones};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::VerifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tower::ServiceExt;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) use self::auth::{Accepted, Auth, secret_of};
use crate::payment::{HttpProvider, OpenPayment, OpenedPayment, PAYMENTS_PATH};
use crate::start::worker;
use crate::state::State;
use crate::{MIGRATOR, api, event_secrets};

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

pub(crate) fn event(form: TicketForm) -> EventDocument {
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
            form,
            policy: None,
        }],
        policy: AdmissionPolicy::default(),
        resets: Vec::new(),
        names_at_gates: form.is_sealed(),
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
    pub(crate) auth: Auth,
    pub(crate) reports: Vec<ReportSlot>,
}

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) clock: Clock,
    pub(crate) peers: Arc<Mutex<Peers>>,
    router: Router,
    address: Url,
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
        let world = Self { state, clock, peers, router, address, admin, _stop: stop, _database: database };
        world.push(&event(form)).await;
        world
    }

    /// The organiser's word, by way of admin.
    pub(crate) async fn push(&self, document: &EventDocument) {
        let document = Base64(Signed::seal(document, &[&organiser()]).unwrap());
        let _: Value = self.admin.post(paths::EVENT_DOCUMENTS, &PushEventDocument { document }).await.unwrap();
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

    /// An order for one ticket, granted and paid, for Ada Lovelace in row 3 where tickets carry names.
    pub(crate) async fn buy_one(&self, form: TicketForm) -> OrderId {
        let solo = offer(3, 1, false, 10);
        self.publish(&solo).await;
        let names = if form.is_sealed() { json!([{ "name": "Ada Lovelace", "seat": "3" }]) } else { Value::Null };
        let key = self.state.randomness.uuid().to_string();
        let (status, order) = self.order_for(BUYER, &solo, 1, &key, names).await;
        assert_eq!(status, StatusCode::CREATED, "{order}");
        let id = self.grant(&order, GrantStanding::Open);
        assert_eq!(self.pay(&key, id, euros(1000)).await, StatusCode::NO_CONTENT);
        id
    }

    /// Such a ticket, issued.
    pub(crate) async fn one_ticket(&self, form: TicketForm) -> Value {
        let order = self.buy_one(form).await;
        self.until(order, "issued").await["tickets"][0].clone()
    }

    /// From now on, the power fails whenever such a row of the table is to be written.
    pub(crate) async fn break_at(&self, table: &str, when: &str) {
        let broken = format!(
            "CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'power cut'; END $$;
             CREATE TRIGGER power_cut BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when})
             EXECUTE FUNCTION power_cut()"
        );
        sqlx::raw_sql(AssertSqlSafe(broken)).execute(&self.state.pool).await.unwrap();
    }

    /// Until now.
    pub(crate) async fn mend(&self) {
        sqlx::raw_sql("DROP FUNCTION power_cut CASCADE").execute(&self.state.pool).await.unwrap();
    }

    /// Waits until the issue job has failed once.
    pub(crate) async fn until_failed(&self) {
        let failed = async || {
            let failures =
                sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox WHERE kind = 'issue' AND attempts > 0");
            failures.fetch_one(&self.state.pool).await.unwrap() > 0
        };
        assert!(self.is_seen(Duration::ZERO, failed).await, "nothing failed");
    }

    /// The verified ticket of a text.
    pub(crate) fn verified(&self, text: &Value) -> VerifiedTicket {
        examine(text.as_str().unwrap(), EVENT, &self.state.key_ring).unwrap()
    }

    /// Name and seat, as a gate with all of the event's secrets reads them.
    pub(crate) async fn name_on(&self, text: &Value) -> (String, String) {
        let mut connection = self.state.pool.acquire().await.unwrap();
        let secrets = event_secrets::all(&self.state, &mut connection, EVENT).await.unwrap();
        let ticket = self.verified(text);
        let opened = secrets.iter().find_map(|secret| secret.open(&ticket).ok()).unwrap();
        (opened.name().to_owned(), opened.seat().to_owned())
    }

    /// That auth knows the account to have accepted the ticket.
    pub(crate) fn accept(&self, transfer: TransferId, account: AccountId, ticket: &Value) {
        let accepted = Accepted {
            account,
            event: EVENT,
            slot: serde_json::from_value(ticket["slot"].clone()).unwrap(),
            replaces: serde_json::from_value(ticket["generation"].clone()).unwrap(),
        };
        self.peers.lock().unwrap().auth.transfers.insert(transfer, accepted);
    }

    /// A transfer's recipient asks for the ticket; the name is null for none.
    pub(crate) async fn take_over(&self, who: AccountId, transfer: TransferId, name: Value) -> (StatusCode, Value) {
        self.call(who, "POST", "/v1/transfers", json!({ "transfer": transfer, "name": name })).await
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
        .route(PAYMENTS_PATH, post(provider_open))
        .with_state(peers)
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
