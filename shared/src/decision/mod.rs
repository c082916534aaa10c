//! The decision: pure, total, the same for gate and cloud.
//!
//! [`examine`] takes text to a [`VerifiedTicket`] or the reason it is none; [`decide`] takes that and the facts that were
//! looked up to a [`Verdict`]. Each rule says by itself whether it holds; of all that hold, the first in the order of
//! [`Reason`] is the answer. Knows nothing of where facts come from.

mod entries;
mod facts;
mod listed;
mod moment;
mod others;
mod outlook;
mod passages;
mod policy;
mod shown;
#[cfg(test)]
mod tests;
mod venue;

use entries::{Entries, Room};
use others::Others;
use shown::Shown;

pub use entries::{Terms, hindrance};
pub use facts::{Claim, Facts, Feed, Listing, SealedPart, Turn, Unfinished, Wanted};
pub use moment::MAX_PROOF_LEAD;
pub use outlook::{Outlook, outlook};
pub use passages::Passages;
pub use policy::Policy;
pub use venue::grant;

use crate::clock::Clock;
use crate::documents::{Alone, Direction, LeaseState, ListAgePolicy};
use crate::id::EventId;
use crate::key_ring::{KeyRing, Unproved};
use crate::ticket::{ParseError, UnverifiedTicket, VerifiedTicket};
use crate::verdict::{Reason, Verdict};

/// Reads and verifies what was scanned: the first part of the order.
pub fn examine(text: &str, event: EventId, keys: &KeyRing) -> Result<VerifiedTicket, Reason> {
    let ticket = UnverifiedTicket::parse(text)?;
    if ticket.body().event != event {
        return Err(Reason::OtherEvent);
    }
    Ok(keys.verify(&ticket)?)
}

/// What a lane says of something that [`examine`] found to be no ticket: the reason on the way in, [`Reason::ExitUnread`] on the way
/// out, where nobody is accused, and staff let out whoever an old bundle or another night's gate does not know.
pub fn turn_away(reason: Reason, direction: Direction) -> Verdict {
    match direction {
        Direction::Entry => Verdict::refusal(reason),
        Direction::Exit => Verdict::refusal(Reason::ExitUnread),
    }
}

/// Decides about a ticket whose signatures hold: the rest of the order.
pub fn decide(ticket: &VerifiedTicket, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Verdict {
    decide_shown(&Shown::of(ticket), facts, policy, clock)
}

fn decide_shown(shown: &Shown<'_>, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Verdict {
    match policy.lane.direction {
        Direction::Entry => enter(shown, facts, policy, clock),
        Direction::Exit => leave(shown, facts, policy, clock),
    }
}

fn enter(shown: &Shown<'_>, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Verdict {
    let others = Others::of(facts, list_age(shown, policy), clock.tells_time());
    let room = Entries::of(shown, policy.event, clock).room(facts, &others);
    let proof = shown.live.and_then(|live| moment::proof(live, clock));
    let reason = least([
        proof,
        room.reason,
        about_ticket(shown, facts, policy, clock),
        about_gate(shown, facts, policy, clock, &others),
    ])
    .unwrap_or(Reason::Admitted);
    let persons = if reason.severity().opens() { persons(facts.wanted, reason, room) } else { 0 };
    Verdict {
        reason,
        persons,
        remaining: if persons > 0 { narrow(room.persons).saturating_sub(persons) } else { 0 },
        earlier: facts.own.and(others.supposed).last_entry,
        proved: proof.is_none(),
    }
}

/// What the ticket says of itself, and the list of it.
fn about_ticket(shown: &Shown<'_>, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Option<Reason> {
    let body = shown.body;
    let product = policy.event.product(body.product);
    let moved = product.and_then(|product| product.moved).and_then(crate::documents::Window::validity);
    least([
        // Examined against another document: between the two the gate was given another event.
        (body.event != policy.event.event).then_some(Reason::OtherEvent),
        listed::generation(shown, facts),
        moment::window(moved.unwrap_or(body.validity), policy.admission(body.product), clock),
        (!body.zones.meets(policy.lane.zones)).then_some(Reason::WrongZone),
        product.is_none().then_some(Reason::ProductUnknown),
        listed::state(shown, facts, list_age(shown, policy), clock.tells_time()),
        (shown.check_id && facts.sealed_part != SealedPart::Opened).then_some(Reason::CheckId),
    ])
}

/// What the gate lacks to decide by.
fn about_gate(shown: &Shown<'_>, facts: &Facts, policy: &Policy<'_>, clock: Clock, others: &Others) -> Option<Reason> {
    least([
        match policy.lease {
            LeaseState::Held | LeaseState::WithoutNames => None,
            LeaseState::Ended => Some(Reason::LeaseEnded),
            LeaseState::Suspended => Some(Reason::Suspended),
        },
        matches!(facts.claim, Claim::Refused(_)).then_some(Reason::UsedElsewhere),
        match policy.admission(shown.body.product).alone {
            Alone::Admit => None,
            Alone::Staff => (!others.heard).then_some(Reason::OthersUnreachable),
        },
        listed::age(facts, list_age(shown, policy)),
        moment::bundle(policy.bundle_not_after, clock),
    ])
}

/// Whoever holds a ticket leaves, whatever list, window, generation, zone or lease says.
fn leave(shown: &Shown<'_>, facts: &Facts, policy: &Policy<'_>, clock: Clock) -> Verdict {
    let others = Others::of(facts, list_age(shown, policy), clock.tells_time());
    let passages = facts.own.and(others.supposed);
    let places = shown.body.places.get().into();
    let (reason, persons_known) = match passages.inside().min(places) {
        0 => (Reason::ExitWithoutEntry, places),
        inside => (Reason::Exit, inside),
    };
    Verdict {
        reason,
        persons: persons(facts.wanted, reason, Room { reason: None, persons: persons_known }),
        remaining: 0,
        earlier: passages.last_entry,
        proved: shown.live.and_then(|live| moment::proof(live, clock)).is_none(),
    }
}

/// A forgiveness lets in whom the admission before it was for; the rest were never kept waiting by it.
fn persons(wanted: Wanted, reason: Reason, room: Room) -> u8 {
    match wanted {
        Wanted::One if reason != Reason::Forgiven => 1,
        Wanted::One | Wanted::AllThatRemain => narrow(room.persons),
    }
}

/// Persons are never more than a ticket's places, which are a byte.
fn narrow(persons: u32) -> u8 {
    u8::try_from(persons).unwrap_or(u8::MAX)
}

fn list_age<'a>(shown: &Shown<'_>, policy: &Policy<'a>) -> &'a ListAgePolicy {
    let admission = policy.admission(shown.body.product);
    if shown.live.is_some() { &admission.list_age_live } else { &admission.list_age_static }
}

fn least<const N: usize>(reasons: [Option<Reason>; N]) -> Option<Reason> {
    reasons.into_iter().flatten().min()
}

impl From<ParseError> for Reason {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NotOurs => Self::NotOurs,
            ParseError::UnknownVersion => Self::UnknownVersion,
            ParseError::Malformed(_) => Self::Malformed,
        }
    }
}

impl From<Unproved> for Reason {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::KeyUnknown => Self::KeyUnknown,
            Unproved::KeyRevoked => Self::KeyRevoked,
            Unproved::IssuerForged => Self::IssuerForged,
            Unproved::AuthorityForged => Self::AuthorityForged,
            Unproved::HolderForged => Self::LiveProofForged,
        }
    }
}
