//! A buyer: registers, orders, grants, pays, shows codes. Knows the public interfaces of auth and tickets, and a payment
//! page's address.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, bail};
use countermark_shared::holder::prove_holder;
use countermark_shared::id::AccountId;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::wire::Base64;
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
    /// What its buyer says where no ticket can be shown.
    pub code: String,
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
    /// What its code says, without a holder's proof.
    pub text: String,
}

/// Auth's word that a live ticket is shown at a moment by the account that holds it.
#[derive(Clone, Debug, Deserialize)]
pub struct Presentation {
    /// The moment, in Unix seconds.
    pub at: u32,
    /// The holder's signature.
    pub proof: String,
}

#[derive(Deserialize)]
struct Account {
    account: AccountId,
}

#[derive(Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: String,
}

#[derive(Deserialize)]
struct PaymentPage {
    page: String,
}

#[derive(Deserialize)]
struct TransferCode {
    code: String,
}

#[derive(Deserialize)]
struct Accepted {
    transfer: String,
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
        self.place(&json!({ "offer": offer, "quantity": quantity })).await
    }

    /// Orders one ticket of an offer, for a person of that name.
    pub async fn order_for(&self, offer: &str, name: &str) -> Result<Order, CallError> {
        self.place(&json!({ "offer": offer, "quantity": 1, "names": [{ "name": name }] })).await
    }

    async fn place(&self, order: &Value) -> Result<Order, CallError> {
        let key = format!("order-{}", self.orders.fetch_add(1, Ordering::Relaxed));
        self.tickets.post_once("/v1/orders", &key, order).await
    }

    /// Grants the order's terms with auth.
    pub async fn grant(&self, order: &Order) -> Result<(), CallError> {
        let grant = json!({ "order": order.order, "terms": order.terms });
        self.auth.post::<Value>("/v1/grants", &grant).await.map(drop)
    }

    /// Grants the order's terms with auth, for tickets that a registered device holds.
    pub async fn grant_to(&self, order: &Order, device: VerifyingKey) -> Result<(), CallError> {
        let grant = json!({ "order": order.order, "terms": order.terms, "holder": device });
        self.auth.post::<Value>("/v1/grants", &grant).await.map(drop)
    }

    /// Registers a device's key with auth.
    pub async fn register(&self, device: &SigningKey) -> Result<(), CallError> {
        let Account { account } = self.auth.get("/v1/account").await?;
        let proof = Base64(prove_holder(account, device).to_bytes());
        let body = json!({ "key": device.verifying_key(), "proof": proof });
        self.auth.post::<Value>("/v1/holder-keys", &body).await.map(drop)
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
        self.complete(self.order(offer, quantity).await?).await
    }

    /// From an order to its tickets.
    pub async fn complete(&self, order: Order) -> Result<Vec<Ticket>> {
        self.grant(&order).await?;
        self.pay_for(order).await
    }

    /// From a granted order to its tickets.
    pub async fn pay_for(&self, order: Order) -> Result<Vec<Ticket>> {
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

    /// Auth's proof, now, that this account holds a live ticket.
    pub async fn present(&self, ticket: &Ticket) -> Result<Presentation, CallError> {
        self.auth.post("/v1/presentations", &json!({ "event": ticket.event, "slot": ticket.slot })).await
    }

    /// The picture of a live ticket's code with that proof, as PNG.
    pub async fn code_shown(&self, ticket: &Ticket, shown: &Presentation) -> Result<Vec<u8>, CallError> {
        let (at, proof) = (shown.at, shown.proof.replace('+', "%2B"));
        self.tickets.bytes(&format!("/v1/tickets/{}/code.png?at={at}&proof={proof}", ticket.ticket)).await
    }

    /// Offers a ticket to whoever is told the code, which is the answer.
    pub async fn offer_transfer(&self, ticket: &Ticket) -> Result<String, CallError> {
        let body = json!({ "event": ticket.event, "slot": ticket.slot });
        let offered: TransferCode = self.auth.post("/v1/transfers", &body).await?;
        Ok(offered.code)
    }

    /// Accepts a ticket that was offered, and has it made anew.
    pub async fn accept_transfer(&self, code: &str) -> Result<Ticket, CallError> {
        let accepted: Accepted = self.auth.post("/v1/transfers/accept", &json!({ "code": code })).await?;
        self.tickets.post("/v1/transfers", &json!({ "transfer": accepted.transfer })).await
    }
}
