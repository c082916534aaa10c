//! The account service as tickets meets it: it answers, signs and refuses by the contract, and remembers what it signed.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State as From;
use axum::http::StatusCode;
use axum::routing::post;
use countermark_service::contract::{
    After, AskHolderKey, Authorise, Authorised, ConfirmGrant, ConfirmTransfer, ConfirmedTransfer, Grant, HolderKey,
    Page, PaidOrder, SeatIssue, SignedIssue, Warrant, paths,
};
use countermark_service::extract::Json;
use countermark_service::problem::Problem;
use countermark_shared::holder::AccountSecret;
use countermark_shared::id::{AccountId, EventId, Generation, OrderId, Slot, TransferId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::{Live, TicketBody};
use countermark_shared::wire::Base64;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::Shared;
use super::event::{authority, revoked};

/// What auth knows, does and did.
#[derive(Default)]
pub(crate) struct Auth {
    pub(crate) grants: HashMap<OrderId, Grant>,
    pub(crate) transfers: HashMap<TransferId, Accepted>,
    /// Whether it finds the capacity reached.
    pub(crate) is_full: bool,
    /// Answers that come before its signature, the first first: a status and a slug.
    pub(crate) refusals: Vec<(StatusCode, &'static str)>,
    /// Answers that come before a grant.
    pub(crate) grant_refusals: Vec<(StatusCode, &'static str)>,
    /// Answers that come before a holder key.
    pub(crate) holder_refusals: Vec<(StatusCode, &'static str)>,
    /// How many of its signatures are made and lost on their way.
    pub(crate) lost: u32,
    /// Whether a thief has it: then it signs and confirms whatever is asked.
    pub(crate) is_stolen: bool,
    /// What happens elsewhere while it signs next.
    pub(crate) meanwhile: Option<BoxFuture<'static, ()>>,
    /// What it signed, each once.
    pub(crate) authorised: Vec<TicketBody>,
    /// What it tells a ticket service that has lost it.
    pub(crate) issues: Vec<SignedIssue>,
    /// And who paid.
    pub(crate) paid: Vec<PaidOrder>,
}

/// A transfer that its recipient accepted.
#[derive(Clone, Copy)]
pub(crate) struct Accepted {
    pub(crate) account: AccountId,
    pub(crate) event: EventId,
    pub(crate) slot: Slot,
    pub(crate) replaces: Generation,
}

/// The account's secret, from which its holder keys follow.
pub(crate) fn secret_of(account: AccountId) -> AccountSecret {
    AccountSecret::new(Zeroizing::new([account.0.as_bytes()[15]; 32]))
}

/// Whether auth is told by its bundle that the body's issuing key is revoked.
fn is_gone(body: &TicketBody) -> bool {
    body.issuing_key == revoked().verifying_key().id()
}

impl Auth {
    fn holder(&self, ask: AskHolderKey) -> Option<VerifyingKey> {
        let account = match ask.warrant {
            Warrant::Order(order) => self.grants.get(&order)?.account,
            Warrant::Transfer(transfer) => self.transfers.get(&transfer)?.account,
        };
        Some(secret_of(account).holder_key(ask.event, ask.slot, ask.generation).verifying_key())
    }

    fn expect_allowed(&self, warrant: Warrant, body: &TicketBody) -> Result<(), &'static str> {
        let issue = (body.event, body.slot, body.generation);
        if let Some(known) = self.authorised.iter().find(|known| (known.event, known.slot, known.generation) == issue) {
            return match known {
                known if known == body && is_gone(known) => Err("written-down-key-gone"),
                known if known == body => Ok(()),
                known if is_gone(known) && !is_gone(body) => Ok(()),
                _ => Err("slot-taken"),
            };
        }
        if self.is_stolen {
            return Ok(());
        }
        let ask = AskHolderKey { warrant, event: body.event, slot: body.slot, generation: body.generation };
        if let Some(Live { holder, .. }) = body.live
            && Some(holder) != self.holder(ask)
        {
            return Err("not-granted");
        }
        match warrant {
            Warrant::Order(order) => {
                let Grant { terms, .. } = self.grants.get(&order).ok_or("grant-unknown")?;
                let matches = (body.event, body.product, body.places, body.generation)
                    == (terms.event, terms.product, terms.places, Generation(1));
                if matches { Ok(()) } else { Err("not-granted") }
            }
            Warrant::Transfer(transfer) => {
                let Accepted { replaces, .. } = *self.transfers.get(&transfer).ok_or("transfer-unknown")?;
                let seat = |known: &&TicketBody| (known.event, known.slot) == (body.event, body.slot);
                let last = self.authorised.iter().rfind(seat).ok_or("not-granted")?;
                let expected = TicketBody {
                    issuing_key: body.issuing_key,
                    authority_key: body.authority_key,
                    generation: Generation(replaces.0 + 1),
                    live: last.live.map(|live| Live { holder: body.live.unwrap().holder, ..live }),
                    sealed: body.sealed,
                    ..last.clone()
                };
                let check = |body: &TicketBody| body.sealed.map(|sealed| sealed.check_id);
                if *body == expected && check(body) == check(last) { Ok(()) } else { Err("not-granted") }
            }
        }
    }
}

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route(paths::CONFIRM_GRANT, post(confirm_grant))
        .route(paths::HOLDER_KEYS, post(holder_key))
        .route(paths::AUTHORISE, post(authorise))
        .route(paths::CONFIRM_TRANSFER, post(confirm_transfer))
        .route(paths::CLOSE_GRANT, post(async || StatusCode::NO_CONTENT))
        .route(paths::ISSUES, post(issues))
        .route(paths::PAID_ORDERS, post(paid_orders))
}

/// One on a page.
async fn issues(
    From(peers): From<Shared>,
    Json(After { after }): Json<After<SeatIssue>>,
) -> Json<Page<SignedIssue, SeatIssue>> {
    let of = |signed: &SignedIssue| {
        let TicketBody { event, slot, generation, .. } = TicketBody::from_bytes(&signed.body.0).unwrap();
        SeatIssue { event, slot, generation }
    };
    let mut issues = peers.lock().unwrap().auth.issues.clone();
    issues.sort_by_key(of);
    let mut rest = issues.into_iter().filter(|signed| after.is_none_or(|after| of(signed) > after));
    let items: Vec<_> = rest.next().into_iter().collect();
    let next = items.first().map(of).filter(|_| rest.next().is_some());
    Json(Page { items, next })
}

async fn paid_orders(From(peers): From<Shared>) -> Json<Page<PaidOrder, OrderId>> {
    Json(Page { items: peers.lock().unwrap().auth.paid.clone(), next: None })
}

fn refusal((status, slug): (StatusCode, &'static str)) -> Problem {
    Problem::new(status, slug, "As the test says")
}

async fn confirm_grant(
    From(peers): From<Shared>,
    Json(ConfirmGrant { order, .. }): Json<ConfirmGrant>,
) -> Result<Json<Grant>, Problem> {
    let auth = &mut peers.lock().unwrap().auth;
    if !auth.grant_refusals.is_empty() {
        return Err(refusal(auth.grant_refusals.remove(0)));
    }
    if auth.is_full {
        return Err(refusal((StatusCode::CONFLICT, "capacity-reached")));
    }
    auth.grants.get(&order).cloned().map(Json).ok_or_else(|| refusal((StatusCode::NOT_FOUND, "grant-unknown")))
}

async fn holder_key(From(peers): From<Shared>, Json(ask): Json<AskHolderKey>) -> Result<Json<HolderKey>, Problem> {
    let auth = &mut peers.lock().unwrap().auth;
    if !auth.holder_refusals.is_empty() {
        return Err(refusal(auth.holder_refusals.remove(0)));
    }
    let slug = match ask.warrant {
        Warrant::Order(_) => "grant-unknown",
        Warrant::Transfer(_) => "transfer-unknown",
    };
    let holder = auth.holder(ask).ok_or_else(|| refusal((StatusCode::NOT_FOUND, slug)))?;
    Ok(Json(HolderKey { holder }))
}

async fn authorise(
    From(peers): From<Shared>,
    Json(Authorise { warrant, body }): Json<Authorise>,
) -> Result<Json<Authorised>, Problem> {
    let meanwhile = peers.lock().unwrap().auth.meanwhile.take();
    if let Some(meanwhile) = meanwhile {
        meanwhile.await;
    }
    let auth = &mut peers.lock().unwrap().auth;
    if !auth.refusals.is_empty() {
        return Err(refusal(auth.refusals.remove(0)));
    }
    let body = TicketBody::from_bytes(&body.0).unwrap();
    auth.expect_allowed(warrant, &body).map_err(|slug| refusal((StatusCode::CONFLICT, slug)))?;
    let signature = Base64(body.authorise(&authority()).to_bytes());
    if !auth.authorised.contains(&body) {
        let issue = |known: &TicketBody| (known.event, known.slot, known.generation);
        auth.authorised.retain(|known| issue(known) != issue(&body));
        auth.authorised.push(body);
    }
    if auth.lost > 0 {
        auth.lost -= 1;
        return Err(refusal((StatusCode::SERVICE_UNAVAILABLE, "unavailable")));
    }
    Ok(Json(Authorised { signature }))
}

async fn confirm_transfer(
    From(peers): From<Shared>,
    Json(ConfirmTransfer { transfer, account }): Json<ConfirmTransfer>,
) -> Result<Json<ConfirmedTransfer>, Problem> {
    let auth = &peers.lock().unwrap().auth;
    match auth.transfers.get(&transfer) {
        Some(Accepted { account: recipient, event, slot, replaces }) if *recipient == account || auth.is_stolen => {
            Ok(Json(ConfirmedTransfer { event: *event, slot: *slot, replaces: *replaces }))
        }
        Some(_) | None => Err(refusal((StatusCode::NOT_FOUND, "transfer-unknown"))),
    }
}
