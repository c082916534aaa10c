//! An administrator: events, offers, gates, revocations, blocks, figures. Knows admin's public interface.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use countermark_shared::documents::EventDocument;
use countermark_shared::id::EventId;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::Base64;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Api, CallError};
use crate::buyer::{enter, log_in};
use crate::clock;
use crate::cloud::{ADMINISTRATOR, Cloud, Part};
use crate::season::{GROUNDS, Offer, text};
use crate::wait::{PATIENCE, until};

/// Somebody who runs the event, logged in.
pub struct Administrator<'a> {
    admin: Api,
    cloud: &'a Cloud,
}

#[derive(Deserialize)]
struct Published {
    offer: String,
}

#[derive(Deserialize)]
struct PublishedEvent {
    reach: Vec<Reach>,
}

#[derive(Deserialize)]
struct Reach {
    reached: bool,
}

#[derive(Deserialize)]
struct Found {
    findings: Vec<Value>,
}

/// A gate that waits for its enrolment.
#[derive(Deserialize)]
pub struct NewGate {
    /// For whoever types.
    pub code: String,
    /// The text of a QR code for the gate's own eyes.
    pub invitation: String,
}

impl<'a> Administrator<'a> {
    /// Logs in.
    pub async fn log_in(cloud: &'a Cloud) -> Result<Self> {
        let anonymous = Api::anonymous(cloud.line(Part::Auth).url())?;
        let auth = log_in(cloud, &anonymous, ADMINISTRATOR, &cloud.administrator_password()?).await?;
        Ok(Self { admin: enter(cloud, &auth, Part::Admin).await?, cloud })
    }

    /// Has the organiser sign an event document, and waits until auth, tickets and validation have it.
    pub async fn publish(&self, document: &EventDocument) -> Result<()> {
        let signed = Base64(self.cloud.ceremony().event(document).await?);
        self.admin.post::<Value>("/v1/event-documents", &json!({ "document": signed })).await?;
        let path = format!("/v1/events/{}", document.event);
        until(format_args!("all services had event {}", document.event), PATIENCE, async || {
            let event: PublishedEvent = self.admin.get(&path).await?;
            Ok((event.reach.len() == 3 && event.reach.iter().all(|reach| reach.reached)).then_some(()))
        })
        .await
    }

    /// Puts an offer on sale; the answer is its identity.
    pub async fn offer(&self, offer: &Offer) -> Result<String, CallError> {
        static PUBLISHED: AtomicU32 = AtomicU32::new(1);
        let key = format!("offer-{}", PUBLISHED.fetch_add(1, Ordering::Relaxed));
        let now = clock::now();
        let hour = Duration::from_hours(1);
        let body = json!({
            "event": offer.event,
            "product": offer.product,
            "name": text(offer.name.0, offer.name.1),
            "price": { "minor": offer.price, "currency": "EUR" },
            "persons": offer.persons,
            "one_code": offer.one_code,
            "stock": offer.stock,
            "sales": { "from": now - hour, "until": now + hour },
        });
        let published: Published = self.admin.post_once("/v1/offers", &key, &body).await?;
        Ok(published.offer)
    }

    /// Makes a gate with one lane into the grounds.
    pub async fn gate(&self, name: &str, event: EventId) -> Result<NewGate, CallError> {
        self.gate_with_lanes(name, event, &[1]).await
    }

    /// The same with several.
    pub async fn gate_with_lanes(&self, name: &str, event: EventId, lanes: &[u16]) -> Result<NewGate, CallError> {
        let lane = |lane: &u16| json!({ "lane": lane, "direction": "entry", "zones": GROUNDS });
        let lanes: Vec<_> = lanes.iter().map(lane).collect();
        let body = json!({ "name": name, "event": event, "lanes": lanes });
        self.admin.post("/v1/gates", &body).await
    }

    /// Has a gate serve another event, at one lane into the grounds.
    pub async fn move_gate(&self, gate: u32, event: EventId) -> Result<(), CallError> {
        let lanes = json!([{ "lane": 1, "direction": "entry", "zones": GROUNDS }]);
        let body = json!({ "gate": gate, "event": event, "lanes": lanes });
        self.admin.post::<Value>("/v1/gates/assign", &body).await.map(drop)
    }

    /// Withdraws the ticket of a seat.
    pub async fn revoke(&self, event: EventId, slot: u32, reason: &str) -> Result<(), CallError> {
        let body = json!({ "event": event, "slot": slot, "reason": reason });
        self.admin.post::<Value>("/v1/tickets/revoke", &body).await.map(drop)
    }

    /// Holds a seat back. `reason` is one that admin knows, such as `misconduct`.
    pub async fn block(&self, event: EventId, slot: u32, reason: &str) -> Result<(), CallError> {
        let body = json!({ "event": event, "slot": slot, "reason": reason });
        self.admin.post::<Value>("/v1/seats/block", &body).await.map(drop)
    }

    /// Lets a seat in again.
    pub async fn unblock(&self, event: EventId, slot: u32, reason: &str) -> Result<(), CallError> {
        let body = json!({ "event": event, "slot": slot, "reason": reason });
        self.admin.post::<Value>("/v1/seats/unblock", &body).await.map(drop)
    }

    /// Stops a gate that was in known hands.
    pub async fn suspend(&self, gate: u32, reason: &str) -> Result<(), CallError> {
        let body = json!({ "gate": gate, "reason": reason, "believed": "everything-so-far" });
        self.admin.post::<Value>("/v1/gates/suspend", &body).await.map(drop)
    }

    /// Stops a gate that was in known hands until then, and takes back what came from it since.
    pub async fn report_stolen(&self, gate: u32, reason: &str, believed_until: Timestamp) -> Result<(), CallError> {
        let body = json!({ "gate": gate, "reason": reason, "believed": { "until": believed_until } });
        self.admin.post::<Value>("/v1/gates/suspend", &body).await.map(drop)
    }

    /// Lets a gate go on.
    pub async fn resume(&self, gate: u32, reason: &str) -> Result<(), CallError> {
        self.admin.post::<Value>("/v1/gates/resume", &json!({ "gate": gate, "reason": reason })).await.map(drop)
    }

    /// What was found at an event by a rule, such as `double-admission`; the newest first.
    pub async fn findings(&self, event: EventId, rule: &str) -> Result<Vec<Value>, CallError> {
        let page: Found = self.admin.get(&format!("/v1/events/{event}/findings?rule={rule}")).await?;
        Ok(page.findings)
    }

    /// Looks after a finding, as it was read.
    pub async fn acknowledge(&self, finding: &Value, reason: &str) -> Result<Value, CallError> {
        let body = json!({ "finding": finding["finding"], "revision": finding["revision"], "reason": reason });
        self.admin.post("/v1/findings/acknowledge", &body).await
    }

    /// What the page of an event's findings shows.
    pub async fn findings_page(&self, event: EventId, language: &str) -> Result<String> {
        let path = format!("/v1/events/{event}/findings/page?language={language}");
        Ok(String::from_utf8(self.admin.bytes(&path).await?)?)
    }

    /// What was sold, and who came in.
    pub async fn figures(&self, event: EventId) -> Result<Figures, CallError> {
        self.admin.get(&format!("/v1/events/{event}/figures")).await
    }
}

/// An event in numbers. A service that cannot answer leaves its part out.
#[derive(Clone, Debug, Deserialize)]
pub struct Figures {
    /// Tickets' part.
    pub sales: Option<Sales>,
    /// Validation's part.
    pub admissions: Option<Admissions>,
}

/// What was sold, over all offers and by offer.
#[derive(Clone, Debug, Deserialize)]
pub struct Sales {
    /// Persons in paid orders.
    pub sold: u64,
    /// Tickets issued and not revoked.
    pub issued: u64,
    /// Orders whose money is to be given back.
    pub refunds_due: u64,
    /// Tickets' own words.
    pub figures: SalesFigures,
}

/// What was sold by offer.
#[derive(Clone, Debug, Deserialize)]
pub struct SalesFigures {
    /// Each offer.
    pub offers: Vec<OfferFigures>,
    /// Reports of seats that validation has not heard yet.
    pub reports_under_way: u64,
}

/// What was sold of an offer.
#[derive(Clone, Debug, Deserialize)]
pub struct OfferFigures {
    /// The offer.
    pub offer: String,
    /// Persons in reservations that may still be paid.
    pub reserved: u32,
    /// Persons in paid orders.
    pub sold: u32,
    /// Tickets issued and not revoked.
    pub issued: u32,
    /// Orders whose money is to be given back.
    pub refunds_due: u32,
}

/// Who came in.
#[derive(Clone, Debug, Deserialize)]
pub struct Admissions {
    /// Persons, each seat counted once.
    pub admitted: u64,
    /// By gate.
    pub gates: Vec<GateFigures>,
}

/// One gate in numbers.
#[derive(Clone, Debug, Deserialize)]
pub struct GateFigures {
    /// The gate.
    pub gate: u32,
    /// The entrance's name.
    pub name: String,
    /// Its public key, once it has enrolled.
    pub key: Option<VerifyingKey>,
    /// Rows of its journal.
    pub scans: u64,
    /// Persons that its believed rows admitted.
    pub admitted: u64,
    /// Rows put aside.
    pub doubtful: u64,
    /// Whether it has to tell again, since validation was restored.
    pub owes: bool,
}
