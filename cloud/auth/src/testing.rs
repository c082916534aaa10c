//! Auth on a database of its own, with a clock that stands still, for the tests of this crate.

mod event;
mod seats;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use countermark_postgres::{Schema, TestDatabase};
use countermark_service::api::Front;
use countermark_service::caller::{Access, AccessTokens, Caller, Role, mint};
use countermark_service::clock::Clock;
use countermark_service::contract::{AuthClient, Authorise, ConfirmGrant, GrantStanding, Terms, Warrant};
use countermark_service::database::connect;
use countermark_service::event_documents;
use countermark_service::keystore::{Keystore, Wanted};
use countermark_service::master_key::MasterKey;
use countermark_service::randomness::Randomness;
use countermark_service::service_call::{ServiceCalls, ServiceClient, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_service::webhook::{self, Payment, PaymentEvent, PaymentEventKind};
use countermark_shared::documents::{EventDocument, KeyRole, KeyStatus, TrustedKey};
use countermark_shared::id::{AccountId, OrderId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::TicketBody;
use countermark_shared::wire::Base64;
use futures_util::future::{Either, select};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tower::ServiceExt;
use uuid::Uuid;
use zeroize::Zeroizing;

use self::event::service_key;
pub(crate) use self::event::{
    LIVE, NOW, body, bundle, event, event_of, formed, key, other_authority, other_device, other_issuing_key,
    retired_issuing_key, sealed, terms, terms_of, tickets,
};
pub(crate) use self::seats::{Buyer, EVENT, held_by, signed_for};
use crate::account_secrets::AccountSecrets;
use crate::email::EmailAddress;
use crate::keys::{Keys, create_keys};
use crate::password::{PasswordHash, Passwords};
use crate::routes::api;
use crate::state::State;
use crate::store::accounts::{self, NewAccount};

pub(crate) fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

/// Auth, as its router and its parts.
pub(crate) struct Auth {
    pub(crate) state: State,
    pub(crate) authority: VerifyingKey,
    router: Router,
    _database: TestDatabase,
}

/// What auth answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The last part of the problem's type.
    pub(crate) fn slug(&self) -> Option<&str> {
        self.body["type"].as_str()?.strip_prefix("urn:countermark:problem:")
    }

    /// The status and, of a problem, what kind it is.
    pub(crate) fn outcome(&self) -> (u16, Option<&str>) {
        (self.status.as_u16(), self.slug())
    }
}

impl Auth {
    /// With the document of [`event`] in force.
    pub(crate) async fn start() -> Self {
        Self::with(&event()).await
    }

    /// With that document in force.
    pub(crate) async fn with(event: &EventDocument) -> Self {
        let auth = Self::without_event().await;
        auth.publish(event).await;
        auth
    }

    pub(crate) async fn without_event() -> Self {
        let database = TestDatabase::new(Schema::Auth);
        let pool = connect(database.url.parse().unwrap()).await.unwrap();
        let (clock, randomness) = (Clock::fixed(NOW), Randomness::seeded([1; 32]));
        let master_key = master_key();
        let authority = create_keys(&pool, master_key.clone(), Wanted::Newest, NOW, &randomness).await.unwrap();
        let bundle = bundle(authority);
        let keys = Keys::load(&mut pool.acquire().await.unwrap(), master_key.clone(), &bundle).await.unwrap();
        let service_keys = ServiceName::ALL.map(|name| (name, service_key(name).verifying_key()));
        let front = Front {
            access_tokens: AccessTokens::local(ServiceName::Auth, &keys.session_public, clock.clone()),
            service_calls: ServiceCalls::new(ServiceName::Auth, service_keys, clock.clone()),
            pool: pool.clone(),
            randomness: randomness.clone(),
        };
        let state = State {
            pool,
            clock,
            account_secrets: AccountSecrets::new(master_key, randomness.clone()),
            randomness,
            bundle: Arc::new(bundle),
            keys: Arc::new(keys),
            passwords: Passwords::new(),
            payment_provider: key(8).verifying_key(),
        };
        let (router, _) = api().finish(&front, state.clone());
        Self { state, authority, router, _database: database }
    }

    /// The same auth after a rotation: the keys that signed so far are verify-only, others active.
    pub(crate) async fn rotated(&self) -> State {
        let master_key = master_key();
        let mut connection = self.state.pool.acquire().await.unwrap();
        let keystore = Keystore::new(ServiceName::Auth, master_key.clone());
        let later = NOW + Duration::from_secs(1);
        let new = keystore.create(&mut connection, "authority", later, &self.state.randomness).await.unwrap();
        let mut bundle = (*self.state.bundle).clone();
        for trusted in &mut bundle.keys {
            if trusted.key == self.authority || trusted.key == key(2).verifying_key() {
                trusted.status = KeyStatus::VerifyOnly;
            }
        }
        bundle.keys.push(TrustedKey { key: new, role: KeyRole::Authority, status: KeyStatus::Active, events: vec![] });
        let keys = Arc::new(Keys::load(&mut connection, master_key, &bundle).await.unwrap());
        State { keys, bundle: Arc::new(bundle), ..self.state.clone() }
    }

    pub(crate) async fn publish(&self, event: &EventDocument) {
        let mut transaction = self.state.pool.begin().await.unwrap();
        let now = self.state.clock.now();
        event_documents::accept(&mut transaction, &sealed(event), &self.state.bundle, now).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// A new buyer's account, and their access token. They could not log in: hashing is slow.
    pub(crate) async fn buyer(&self) -> (AccountId, String) {
        let account = AccountId(self.state.randomness.uuid());
        let email = EmailAddress::parse(&format!("{account}@example.org")).unwrap();
        let password = PasswordHash("$argon2id$none".to_owned());
        let new = NewAccount { account, email: &email, role: Role::Buyer, password: &password };
        assert!(accounts::insert(&mut self.state.pool.acquire().await.unwrap(), &new, NOW).await.unwrap());
        (account, self.token(account))
    }

    pub(crate) fn token(&self, account: AccountId) -> String {
        self.token_for(ServiceName::Auth, account)
    }

    /// A buyer's access token as auth makes them for that service, but good for long.
    pub(crate) fn token_for(&self, audience: ServiceName, account: AccountId) -> String {
        let access = Access { caller: Caller { account, role: Role::Buyer }, until: NOW + Duration::from_hours(1000) };
        let token = mint(&self.state.keys.session, access, audience, NOW, &self.state.randomness).unwrap();
        token.expose_secret().to_owned()
    }

    /// What `work` gives once `holder` is committed, on whose locks it must wait.
    pub(crate) async fn after<T>(&self, holder: Transaction<'_, Postgres>, work: impl Future<Output = T>) -> T {
        self.after_a_while(holder, Duration::ZERO, work).await
    }

    /// Likewise, when so long has passed while it waited.
    pub(crate) async fn after_a_while<T>(
        &self,
        holder: Transaction<'_, Postgres>,
        while_it_waits: Duration,
        work: impl Future<Output = T>,
    ) -> T {
        let waits = async {
            let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock')";
            while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&self.state.pool).await.unwrap() {}
        };
        // Far longer than it takes to come to the lock.
        let waits = tokio::time::timeout(Duration::from_secs(30), waits);
        match select(pin!(work), pin!(waits)).await {
            Either::Left(_) => panic!("it did not wait"),
            Either::Right((Err(_), _)) => panic!("it neither ended nor came to the lock"),
            Either::Right((Ok(()), work)) => {
                self.state.clock.advance(while_it_waits);
                holder.commit().await.unwrap();
                work.await
            }
        }
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.ask(Method::GET, path, token, Value::Null).await
    }

    pub(crate) async fn delete(&self, path: &str, token: Option<&str>) -> Answer {
        self.ask(Method::DELETE, path, token, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        self.ask(Method::POST, path, token, body).await
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn grant(&self, token: &str, order: OrderId, terms: &Terms) -> Answer {
        self.post("/v1/grants", Some(token), json!({ "order": order, "terms": terms })).await
    }

    /// The provider's word, signed now with the key of that number (the provider's own is 8).
    pub(crate) async fn webhook(&self, signer: u8, payment: &Payment) -> Answer {
        let now = self.state.clock.now();
        let event = PaymentEvent { kind: PaymentEventKind::Succeeded, timestamp: now, data: payment.clone() };
        let body = serde_json::to_vec(&event).unwrap();
        let request = Request::post("/v1/payment-events")
            .header(webhook::ID, &payment.payment)
            .header(webhook::TIMESTAMP, now.unix_seconds())
            .header(webhook::SIGNATURE, webhook::sign(&key(signer), &payment.payment, now, &body));
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// An order of that account, granted and confirmed.
    pub(crate) async fn confirmed_order(&self, (account, token): &(AccountId, String), number: u128, terms: &Terms) {
        assert_eq!(self.grant(token, order(number), terms).await.status, StatusCode::CREATED);
        let confirmed = self.tickets().await.confirm_grant(&confirmation(*account, order(number), terms)).await;
        assert_eq!(confirmed.unwrap().standing, GrantStanding::Open);
    }

    /// A payment of exactly what was granted.
    pub(crate) async fn pay(&self, order: OrderId, terms: &Terms) {
        let payment = Payment { payment: format!("for {order}"), reference: order, amount: terms.amount };
        assert_eq!(self.webhook(8, &payment).await.status, StatusCode::NO_CONTENT);
    }

    /// An order of a new buyer, granted, confirmed and paid.
    pub(crate) async fn paid_order(&self, number: u128, terms: &Terms) -> OrderId {
        self.confirmed_order(&self.buyer().await, number, terms).await;
        self.pay(order(number), terms).await;
        order(number)
    }

    /// Another service, as auth meets it: over the network.
    pub(crate) async fn client(&self, name: ServiceName) -> ServiceClient {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (clock, randomness) = (self.state.clock.clone(), self.state.randomness.clone());
        ServiceIdentity::new(name, service_key(name), clock, randomness).unwrap().client(ServiceName::Auth, base)
    }

    pub(crate) async fn tickets(&self) -> AuthClient {
        AuthClient(self.client(ServiceName::Tickets).await)
    }

    /// A body that [`terms`] cover, for auth's own authority key.
    pub(crate) fn body(&self, slot: u32) -> TicketBody {
        TicketBody { authority_key: self.authority.id(), ..body(slot) }
    }
}

/// A service that calls others, by the clock of the tests.
pub(crate) fn identity(name: ServiceName) -> ServiceIdentity {
    ServiceIdentity::new(name, service_key(name), Clock::fixed(NOW), Randomness::seeded([3; 32])).unwrap()
}

/// What auth's secrets are sealed under.
pub(crate) fn master_key() -> MasterKey {
    MasterKey::new(Zeroizing::new([9; 32]))
}

pub(crate) fn confirmation(account: AccountId, order: OrderId, terms: &Terms) -> ConfirmGrant {
    ConfirmGrant { order, account, terms: terms.clone() }
}

pub(crate) fn request(order: OrderId, body: &TicketBody) -> Authorise {
    Authorise { warrant: Warrant::Order(order), body: Base64(body.to_bytes()) }
}
