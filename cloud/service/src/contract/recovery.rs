//! What a service that was restored from a backup asks the others for, to know again what it knew: what administrators decided, which
//! seats were reported, what auth signed, who paid and which orders ended. Read in pages, each from where the one before ended; whoever asks holds what it is
//! told against its own trust.

use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot};
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    AssignGate, AuthClient, BlockSeat, CloseOffer, PublishOffer, PushEventDocument, ReportSlot, ResumeGate,
    RevokeTicket, SuspendGate, TicketsClient, UnblockSeat, Warrant, paths,
};
use crate::service_call::{CallError, ServiceClient};

/// Where a page begins: after that one; none: at the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct After<P> {
    /// What the page before ended with.
    pub after: Option<P>,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Page<T, P> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next begins; none after the last.
    pub next: Option<P>,
}

impl<T, P> Page<T, P> {
    /// What was read, at most `limit` of them: where it is as many there may be more after the last, which `place` names.
    pub fn of(items: Vec<T>, limit: u16, place: impl FnOnce(&T) -> P) -> Self {
        let next = items.last().filter(|_| items.len() >= usize::from(limit)).map(place);
        Self { items, next }
    }

    /// Each of them as something else.
    pub fn map<U>(self, become_of: impl FnMut(T) -> U) -> Page<U, P> {
        Page { items: self.items.into_iter().map(become_of).collect(), next: self.next }
    }
}

/// Reads one page after the other and takes what is on each, until there is none.
pub async fn read_all<T, P, E: From<CallError>>(
    read: impl AsyncFn(Option<P>) -> Result<Page<T, P>, CallError>,
    mut take: impl AsyncFnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    let mut after = None;
    loop {
        let Page { items, next } = read(after).await?;
        take(items).await?;
        if next.is_none() {
            return Ok(());
        }
        after = next;
    }
}

/// One issue of one seat: in their order tickets and auth tell of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeatIssue {
    /// The event.
    pub event: EventId,
    /// The seat.
    pub slot: Slot,
    /// Which issue of it.
    pub generation: Generation,
}

/// What an administrator decided, as the service concerned was told, or was to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// A document is in force.
    Document(PushEventDocument),
    /// An offer is sold.
    Offer(PublishOffer),
    /// An offer is sold no more.
    Close(CloseOffer),
    /// A ticket is withdrawn.
    Revoke(RevokeTicket),
    /// A seat is held back.
    Block(BlockSeat),
    /// A seat is let in again.
    Unblock(UnblockSeat),
    /// A gate serves another event.
    Assign(AssignGate),
    /// A gate is out of service.
    Suspend(SuspendGate),
    /// A gate is back in service.
    Resume(ResumeGate),
}

/// What auth signed for a seat's issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedIssue {
    /// What it was signed for.
    pub warrant: Warrant,
    /// Whose it is: who granted the order, or accepted the transfer.
    pub account: AccountId,
    /// The ticket's body.
    #[schema(value_type = String, format = Byte)]
    pub body: Base64<Vec<u8>>,
    /// Auth's signature; none where the key it is by is revoked.
    #[schema(value_type = Option<String>, format = Byte)]
    pub signature: Option<Base64<[u8; 64]>>,
}

/// A payment that the provider told auth of, and that pays for a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaidOrder {
    /// The order.
    pub order: OrderId,
    /// Who granted it.
    pub account: AccountId,
    /// The provider's name for the payment.
    pub payment: String,
}

/// Calls of admin.
#[derive(Clone)]
pub struct AdminClient(pub ServiceClient);

impl AdminClient {
    /// What administrators decided, in order.
    pub async fn decisions(&self, after: Option<i64>) -> Result<Page<Decision, i64>, CallError> {
        self.0.post(paths::DECISIONS, &After { after }).await
    }
}

impl TicketsClient {
    /// What there is to say of each seat, every issue of it.
    pub async fn reports(&self, after: Option<SeatIssue>) -> Result<Page<ReportSlot, SeatIssue>, CallError> {
        self.0.post(paths::REPORTS, &After { after }).await
    }

    /// Every ticket that has auth's signature.
    pub async fn issues(&self, after: Option<SeatIssue>) -> Result<Page<SignedIssue, SeatIssue>, CallError> {
        self.0.post(paths::ISSUES, &After { after }).await
    }

    /// Every order for which nothing is to be signed any more.
    pub async fn ended_orders(&self, after: Option<OrderId>) -> Result<Page<OrderId, OrderId>, CallError> {
        self.0.post(paths::ENDED_ORDERS, &After { after }).await
    }
}

impl AuthClient {
    /// Everything that auth wrote down, and the signature again.
    pub async fn issues(&self, after: Option<SeatIssue>) -> Result<Page<SignedIssue, SeatIssue>, CallError> {
        self.0.post(paths::ISSUES, &After { after }).await
    }

    /// Every order whose grant is paid for.
    pub async fn paid_orders(&self, after: Option<OrderId>) -> Result<Page<PaidOrder, OrderId>, CallError> {
        self.0.post(paths::PAID_ORDERS, &After { after }).await
    }
}
