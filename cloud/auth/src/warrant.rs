//! What a warrant allows: an order's grant the first issue of each of its seats, a transfer the next issue of one. Owns the way from the
//! first to the terms and the form that its tickets have, and from the second to the body that it replaces; refuses to know what is asked for.

use countermark_service::contract::{GrantStanding, Terms, Warrant};
use countermark_service::event_documents::{self, EventDocumentError};
use countermark_service::transaction::Transaction;
use countermark_shared::documents::{TicketForm, TrustBundle};
use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot, TransferId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::TicketBody;
use countermark_shared::time::Timestamp;

use crate::account_secrets::AccountSecrets;
use crate::error::Error;
use crate::store::transfers::{self, Transfer};
use crate::store::{authorisations, grants, locks};
use crate::terms::{self, Mismatch};

const FIRST_GENERATION: Generation = Generation(1);

/// What may be signed.
pub(crate) struct Warranted {
    granted: Granted,
    account: AccountId,
    /// The device that is to hold it; none: the account itself.
    device: Option<VerifyingKey>,
    /// The seat; none: any.
    slot: Option<Slot>,
    generation: Generation,
}

/// What a body is held against.
enum Granted {
    /// What an account granted, and what the product's tickets are like.
    Terms(Terms, TicketForm),
    /// What auth signed for the issue that is replaced.
    Replaces(Box<TicketBody>),
}

/// Which issue of which seat.
#[derive(Clone, Copy)]
pub(crate) struct Issue {
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
}

/// What is allowed now. Of an order under its lock, once it is paid and as long as it is open.
pub(crate) async fn find(
    transaction: &mut Transaction<'_, '_>,
    warrant: Warrant,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Warranted, Error> {
    match warrant {
        Warrant::Order(order) => of_order(transaction, order, bundle, now).await,
        Warrant::Transfer(transfer) => of_transfer(transaction, transfer).await,
    }
}

async fn of_order(
    transaction: &mut Transaction<'_, '_>,
    order: OrderId,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Warranted, Error> {
    locks::order(transaction, order).await?;
    let grant = grants::find(transaction, order, now).await?.ok_or(Error::GrantUnknown)?;
    match grant.standing {
        GrantStanding::Closed => return Err(Error::GrantClosed),
        GrantStanding::Open => return Err(Error::PaymentNotConfirmed),
        GrantStanding::Paid => {}
    }
    Ok(Warranted {
        granted: Granted::Terms(grant.terms.clone(), form(transaction, &grant.terms, bundle, now).await?),
        account: grant.account,
        device: grants::holder(transaction, order).await?,
        slot: None,
        generation: FIRST_GENERATION,
    })
}

/// Needs no lock: what is read here is final, but for the replaced issue's keys, which do not matter. The organiser's document is not
/// asked again: nobody who accepted a ticket loses it because the document was signed anew.
async fn of_transfer(transaction: &mut Transaction<'_, '_>, transfer: TransferId) -> Result<Warranted, Error> {
    let Transfer { event, slot, replaces, recipient, holder, .. } =
        transfers::find(transaction, transfer).await?.ok_or(Error::TransferUnknown)?;
    let replaced = authorisations::find(transaction, event, slot, replaces).await?;
    let replaced = replaced.ok_or(Error::Corrupt { column: "replaces" })?.body;
    let generation = replaces.0.checked_add(1).ok_or(Error::Corrupt { column: "replaces" })?;
    Ok(Warranted {
        granted: Granted::Replaces(Box::new(replaced)),
        account: recipient,
        device: holder,
        slot: Some(slot),
        generation: Generation(generation),
    })
}

/// The product's form, by the organiser's own words, which no row of the database can imitate. The terms are held against them again.
async fn form(
    transaction: &mut Transaction<'_, '_>,
    terms: &Terms,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<TicketForm, Error> {
    let refused = |why: String| Error::NotGranted { why };
    let document = match event_documents::by_hash(transaction, terms.document, bundle, now).await {
        Ok(document) => document.ok_or_else(|| refused("The event document of the grant is gone.".to_owned()))?,
        Err(EventDocumentError::Refused(refusal)) => return Err(refused(format!("No longer believed: {refusal}."))),
        Err(error @ (EventDocumentError::OtherSignatures { .. } | EventDocumentError::Database(_))) => {
            return Err(error.into());
        }
    };
    let product = terms::allowed(terms, document.document()).map_err(|mismatch| refused(mismatch.to_string()))?;
    Ok(product.form)
}

impl Warranted {
    /// Whether this issue of this seat is one of those allowed.
    pub(crate) fn expect(&self, issue: Issue) -> Result<(), Mismatch> {
        if issue.event != self.granted.event() {
            return Err(Mismatch("Another event was granted."));
        }
        if self.slot.is_some_and(|slot| slot != issue.slot) {
            return Err(Mismatch("Another seat was passed on."));
        }
        if issue.generation != self.generation {
            return Err(Mismatch(
                "An order is for the first issue of a seat, a transfer for the one after that it replaces.",
            ));
        }
        Ok(())
    }

    /// Whether the body, with the holder that it must name, is one of those allowed. Its keys are not looked at, nor which issue it is.
    pub(crate) fn covers(&self, holder: Option<VerifyingKey>, body: &TicketBody) -> Result<(), Mismatch> {
        match &self.granted {
            Granted::Terms(terms, form) => terms::covers(terms, *form, holder, body),
            Granted::Replaces(replaced) => terms::follows(replaced, holder, body),
        }
    }

    /// The key that the ticket of this issue must name; none for a static one.
    pub(crate) async fn holder(
        &self,
        transaction: &mut Transaction<'_, '_>,
        secrets: &AccountSecrets,
        Issue { event, slot, generation }: Issue,
        now: Timestamp,
    ) -> Result<Option<VerifyingKey>, Error> {
        match self.device {
            _ if !self.granted.is_live() => Ok(None),
            Some(device) => Ok(Some(device)),
            None => {
                let secret = secrets.of(transaction, self.account, now).await?;
                Ok(Some(secret.holder_key(event, slot, generation).verifying_key()))
            }
        }
    }
}

impl Granted {
    fn event(&self) -> EventId {
        match self {
            Self::Terms(terms, _) => terms.event,
            Self::Replaces(replaced) => replaced.event,
        }
    }

    fn is_live(&self) -> bool {
        match self {
            Self::Terms(_, form) => form.is_live(),
            Self::Replaces(replaced) => replaced.live.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{body, terms};

    const EVENT: EventId = EventId(7);

    fn warranted(slot: Option<Slot>, generation: u8) -> Warranted {
        let account = AccountId(uuid::Uuid::nil());
        let generation = Generation(generation);
        let granted = match slot {
            None => Granted::Terms(terms(), TicketForm::default()),
            Some(slot) => Granted::Replaces(Box::new(body(slot.0))),
        };
        Warranted { granted, account, device: None, slot, generation }
    }

    #[test]
    fn an_order_is_for_any_seat_and_a_transfer_for_one_and_each_for_one_issue() {
        let issue = |event, slot, generation| Issue { event, slot: Slot(slot), generation: Generation(generation) };
        let (order, transfer) = (warranted(None, 1), warranted(Some(Slot(3)), 5));
        for (warranted, issue, expected) in [
            (&order, issue(EVENT, 3, 1), true),
            (&order, issue(EVENT, 4, 1), true),
            (&order, issue(EVENT, 3, 0), false),
            (&order, issue(EVENT, 3, 2), false),
            (&order, issue(EventId(8), 3, 1), false),
            (&transfer, issue(EVENT, 3, 5), true),
            (&transfer, issue(EVENT, 4, 5), false),
            (&transfer, issue(EVENT, 3, 4), false),
            (&transfer, issue(EVENT, 3, 6), false),
            (&transfer, issue(EventId(8), 3, 5), false),
        ] {
            let Issue { slot, generation, .. } = issue;
            assert_eq!(warranted.expect(issue).is_ok(), expected, "{slot} {generation}");
        }
    }
}
