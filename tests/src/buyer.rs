//! A buyer: registers, orders, grants, pays, shows codes. Knows the public interfaces of auth and tickets, and a payment
//! page's address.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, CallError};
use crate::cloud::{Cloud, Part};
use crate::wait::{PATIENCE, until};

const PASSWORD: &str = "correct horse battery staple";

/// Somebody who has an account and has logged in.
pub struct Buyer {
    auth: Api,
    tickets: Api,
    orders: AtomicU32,
}

/// An order, as its buyer sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Its identity.
    pub order: String,
    /// Where it stands: `reserved`, `paid`, `issued`, `expired`, `refund-due`.
    pub state: String,
    /// What the buyer grants, to the letter.
    pub terms: Value,
    /// Its tickets, once it is issued.
    #[serde(default)]
    pub tickets: Vec<Ticket>,
}

/// A ticket with both signatures.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    /// Its identity.
    pub ticket: String,
    /// Its event.
    pub event: u32,
    /// Its seat.
    pub slot: u32,
    /// Persons it admits.
    pub places: u8,
    /// What its code says.
    pub text: String,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

#[derive(Deserialize)]
struct PaymentPage {
    page: String,
}

/// Logs somebody in with auth; the answer is auth, as they call it.
pub(crate) async fn log_in(cloud: &Cloud, auth: &Api, email: &str, password: &str) -> Result<Api, CallError> {
    let body = json!({ "email": email, "password": password });
    let Session { access_token } = auth.post("/v1/sessions", &body).await?;
    Ok(auth.signed_in(cloud.line(Part::Auth).url(), &access_token))
}

/// Another service, as somebody calls it who has logged in: with a token for it alone, which auth gives for its own.
pub(crate) async fn enter(cloud: &Cloud, auth: &Api, service: Part) -> Result<Api, CallError> {
    let body = json!({ "audience": service.name() });
    let Session { access_token } = auth.post("/v1/access-tokens", &body).await?;
    Ok(auth.signed_in(cloud.line(service).url(), &access_token))
}

impl Buyer {
    /// Registers a new account and logs in.
    pub async fn arrive(cloud: &Cloud) -> Result<Self> {
        static ARRIVED: AtomicU32 = AtomicU32::new(1);
        let email = format!("buyer-{}@example.org", ARRIVED.fetch_add(1, Ordering::Relaxed));
        let anonymous = Api::anonymous(cloud.line(Part::Auth).url())?;
        anonymous.post::<Value>("/v1/accounts", &json!({ "email": email, "password": PASSWORD })).await?;
        let auth = log_in(cloud, &anonymous, &email, PASSWORD).await?;
        let tickets = enter(cloud, &auth, Part::Tickets).await?;
        Ok(Self { auth, tickets, orders: AtomicU32::new(1) })
    }

    /// Orders an offer, which reserves its places.
    pub async fn order(&self, offer: &str, quantity: u8) -> Result<Order, CallError> {
        let key = format!("order-{}", self.orders.fetch_add(1, Ordering::Relaxed));
        self.tickets.post_once("/v1/orders", &key, &json!({ "offer": offer, "quantity": quantity })).await
    }

    /// Grants the order's terms with auth.
    pub async fn grant(&self, order: &Order) -> Result<(), CallError> {
        let grant = json!({ "order": order.order, "terms": order.terms });
        self.auth.post::<Value>("/v1/grants", &grant).await.map(drop)
    }

    /// Opens the payment; the answer is the page where to pay.
    pub async fn payment_page(&self, order: &Order) -> Result<String, CallError> {
        let opened: PaymentPage =
            self.tickets.post(&format!("/v1/orders/{}/payment", order.order), &Value::Null).await?;
        Ok(opened.page)
    }

    /// Pays on the provider's page.
    pub async fn pay(&self, page: &str) -> Result<(), CallError> {
        self.tickets.press(page).await
    }

    /// Looks how an order stands.
    pub async fn look(&self, order: &Order) -> Result<Order, CallError> {
        self.tickets.get(&format!("/v1/orders/{}", order.order)).await
    }

    /// Waits until a paid order has come to its end: issued or refund due.
    pub async fn settled(&self, order: &Order) -> Result<Order> {
        until(format_args!("order {} was issued or its refund due", order.order), PATIENCE, async || {
            let seen = self.look(order).await?;
            Ok(matches!(&*seen.state, "issued" | "refund-due").then_some(seen))
        })
        .await
    }

    /// From the offer to the tickets.
    pub async fn buy(&self, offer: &str, quantity: u8) -> Result<Vec<Ticket>> {
        let order = self.order(offer, quantity).await?;
        self.grant(&order).await?;
        let page = self.payment_page(&order).await?;
        self.pay(&page).await?;
        let settled = self.settled(&order).await?;
        if settled.state != "issued" {
            bail!("a paid order ended as {}", settled.state);
        }
        Ok(settled.tickets)
    }

    /// The picture of a ticket's code, as PNG.
    pub async fn code(&self, ticket: &Ticket) -> Result<Vec<u8>, CallError> {
        self.tickets.bytes(&format!("/v1/tickets/{}/code.png", ticket.ticket)).await
    }
}
