//! Tickets that buyers have, and how they pass them on, for the tests of this crate.

use countermark_service::contract::{AskHolderKey, Authorise, ConfirmTransfer, Warrant};
use countermark_shared::documents::EventDocument;
use countermark_shared::holder::prove_holder;
use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot, TransferId};
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::ticket::{Live, TicketBody};
use countermark_shared::wire::Base64;
use serde_json::json;

use super::{Answer, Auth, formed, key, order, other_authority, terms_of};

/// An account and its access token.
pub(crate) type Buyer = (AccountId, String);

pub(crate) const EVENT: EventId = EventId(7);

impl Auth {
    /// The body that a ticket of that event's first product must have, for whoever the warrant says.
    pub(crate) async fn body_for(&self, warrant: Warrant, event: &EventDocument, issue: (u32, u8)) -> TicketBody {
        let (slot, generation) = (Slot(issue.0), Generation(issue.1));
        let form = event.products[0].form;
        let holder = if form.is_live() {
            let ask = AskHolderKey { warrant, event: EVENT, slot, generation };
            self.tickets().await.holder_key(&ask).await.unwrap().holder
        } else {
            other_authority()
        };
        TicketBody { generation, ..formed(&self.body(slot.0), form, holder) }
    }

    /// A paid order of that buyer for one ticket, with the number of its seat.
    pub(crate) async fn bought(&self, buyer: &Buyer, event: &EventDocument, slot: u32) -> OrderId {
        let terms = terms_of(event, 1);
        self.confirmed_order(buyer, slot.into(), &terms).await;
        self.pay(order(slot.into()), &terms).await;
        order(slot.into())
    }

    /// That buyer's ticket of that seat, signed.
    pub(crate) async fn ticket(&self, buyer: &Buyer, event: &EventDocument, slot: u32) -> TicketBody {
        let warrant = Warrant::Order(self.bought(buyer, event, slot).await);
        let body = self.body_for(warrant, event, (slot, 1)).await;
        self.tickets().await.authorise(&signed_for(warrant, &body)).await.unwrap();
        body
    }

    pub(crate) async fn offer(&self, (_, token): &Buyer, slot: u32) -> Answer {
        self.post("/v1/transfers", Some(token), json!({ "event": EVENT, "slot": slot })).await
    }

    /// The code of an offer that is made now.
    pub(crate) async fn code(&self, owner: &Buyer, slot: u32) -> String {
        let offered = self.offer(owner, slot).await;
        assert_eq!(offered.outcome(), (201, None), "{offered:?}");
        offered.body["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn accept(&self, (_, token): &Buyer, code: &str, holder: Option<VerifyingKey>) -> Answer {
        self.post("/v1/transfers/accept", Some(token), json!({ "code": code, "holder": holder })).await
    }

    /// A transfer that the recipient accepted for their account itself.
    pub(crate) async fn passed_on(&self, owner: &Buyer, recipient: &Buyer, slot: u32) -> TransferId {
        let accepted = self.accept(recipient, &self.code(owner, slot).await, None).await;
        assert_eq!(accepted.outcome(), (200, None), "{accepted:?}");
        accepted.body["transfer"].as_str().unwrap().parse().unwrap()
    }

    /// The next issue of a live ticket, signed for the transfer's recipient.
    pub(crate) async fn reissued(
        &self,
        transfer: TransferId,
        recipient: &Buyer,
        event: &EventDocument,
        slot: u32,
    ) -> TicketBody {
        let tickets = self.tickets().await;
        let confirmed = tickets.confirm_transfer(&ConfirmTransfer { transfer, account: recipient.0 }).await.unwrap();
        let warrant = Warrant::Transfer(transfer);
        let body = self.body_for(warrant, event, (slot, confirmed.replaces.0 + 1)).await;
        tickets.authorise(&signed_for(warrant, &body)).await.unwrap();
        body
    }

    /// A device key that the buyer has registered.
    pub(crate) async fn device(&self, (account, token): &Buyer, number: u8) -> SigningKey {
        let device = key(number);
        let registered = self.register(token, &device, *account).await;
        assert_eq!(registered.outcome(), (201, None), "{registered:?}");
        device
    }

    /// Whoever has the token registers a device, with a proof for that account.
    pub(crate) async fn register(&self, token: &str, device: &SigningKey, proved_for: AccountId) -> Answer {
        let proof = Base64(prove_holder(proved_for, device).to_bytes());
        self.post("/v1/holder-keys", Some(token), json!({ "key": device.verifying_key(), "proof": proof })).await
    }

    pub(crate) async fn present(&self, (_, token): &Buyer, slot: u32) -> Answer {
        self.post("/v1/presentations", Some(token), json!({ "event": EVENT, "slot": slot })).await
    }
}

pub(crate) fn signed_for(warrant: Warrant, body: &TicketBody) -> Authorise {
    Authorise { warrant, body: Base64(body.to_bytes()) }
}

/// The live body, held by somebody else.
pub(crate) fn held_by(body: &TicketBody, holder: VerifyingKey) -> TicketBody {
    TicketBody { live: body.live.map(|live| Live { holder, ..live }), ..body.clone() }
}
