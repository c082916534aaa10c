//! One scan: the facts this gate knows, and the shared decision over them. Reads the ledger, writes nothing.

use std::time::Duration;

use countermark_shared::clock::Clock;
use countermark_shared::decision::{self, Claim, Facts, Feed, Listing, Passages, Policy, SealedPart};
use countermark_shared::documents::{Alone, Direction, FeedState, SlotState};
use countermark_shared::id::{Generation, LaneId, Slot};
use countermark_shared::journal::Subject;
use countermark_shared::ticket::{TicketBody, VerifiedTicket};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Admission, Reason, Verdict};
use rusqlite::Connection;

use super::lanes::Lanes;
use super::{LedgerError, store};
use crate::devices::DeviceKind;
use crate::documents::{Basis, Documents};
use crate::input::{RawScan, ScannedText, Source};
use crate::names::{Holder, Names};

/// After this long in a queue, whoever showed the code may have walked on.
pub(super) const MAX_AGE: Duration = Duration::from_millis(1500);

/// A verdict, and what the journal keeps beside it.
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) subject: Subject,
    /// The ticket's text as it was sold, where the journal does not have it yet.
    pub(super) proof: Option<String>,
    /// For the screen alone: no journal has it.
    pub(super) holder: Option<Holder>,
    /// What the others are asked before anybody passes by the verdict; nothing where it stands.
    pub(super) asks: Option<Asks>,
}

/// A question to the others.
pub(super) struct Asks {
    /// The ticket's text as it was sold.
    pub(super) ticket: String,
    /// What passed with the seat at this gate.
    pub(super) own: Passages,
}

/// Whether the others have a word in a verdict.
#[derive(Clone, Copy)]
pub(super) enum Others {
    /// They are asked before anybody enters: always, or where the policy is strict.
    Ask { always: bool },
    /// They were, by that row, and this came of it.
    Asked { of: u64, claim: Claim },
    /// It is said without them.
    Silent,
}

/// What a scan is judged by.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub(super) connection: &'a Connection,
    pub(super) documents: &'a Documents,
    pub(super) names: &'a Names,
    pub(super) lanes: &'a Lanes,
    pub(super) clock: Clock,
}

/// Judges a scan when its turn has come, at `uptime`.
pub(super) fn judge(
    grounds: Grounds<'_>,
    scan: &RawScan,
    uptime: Duration,
    others: Others,
) -> Result<Judgement, LedgerError> {
    let (ScannedText::Whole(text) | ScannedText::Damaged(text)) = &scan.text;
    if uptime.saturating_sub(scan.at) > MAX_AGE {
        return Ok(refusal(Reason::ScanAgain, text));
    }
    match &scan.text {
        ScannedText::Whole(text) => examine(grounds, scan.lane, text, others),
        ScannedText::Damaged(text) => Ok(turned_away(grounds.documents, scan.lane, Reason::Malformed, text)),
    }
}

/// Whether it is a sighting that waited too long: there are newer ones of what is still held, and nobody asks about the rest.
pub(super) fn is_overtaken(scan: &RawScan, uptime: Duration) -> bool {
    let sighted = matches!(&scan.source, Source::Device(device) if device.kind == DeviceKind::Camera);
    sighted && uptime.saturating_sub(scan.at) > MAX_AGE
}

/// Judges a text as if it were shown at a lane now.
pub(super) fn examine(
    grounds: Grounds<'_>,
    lane: LaneId,
    text: &str,
    others: Others,
) -> Result<Judgement, LedgerError> {
    let Grounds { connection, documents, names, lanes, clock } = grounds;
    let Some(basis) = documents.basis(lane, clock.now) else { return Ok(refusal(Reason::CannotDecide, text)) };
    match decision::examine(text, basis.event.event, basis.keys) {
        Ok(ticket) => {
            // On the way out nobody is asked who they are.
            let (sealed_part, holder) = match basis.lane.direction {
                Direction::Entry => names.read(&ticket),
                Direction::Exit => (SealedPart::None, None),
            };
            let wanted = lanes.wanted(lane);
            let facts = Facts { sealed_part, wanted, ..facts(connection, &basis, ticket.body(), others, clock)? };
            let policy = basis.policy();
            let body = ticket.body();
            let kept = store::is_kept(connection, body.event, body.slot, body.generation)?;
            let decide = |claim| decision::decide(&ticket, &Facts { claim, ..facts }, &policy, clock);
            let granted = asks(others, &policy, &ticket).then(|| decide(granted_as_told(&facts)));
            let granted = granted.filter(Verdict::opens);
            // Who is forgiven was granted when they were let in, and has not passed since.
            let asks = granted.filter(|granted| granted.reason != Reason::Forgiven);
            Ok(Judgement {
                verdict: granted.unwrap_or_else(|| decide(facts.claim)),
                subject: Subject::of(&ticket),
                proof: (!kept).then(|| ticket.to_text()),
                holder,
                asks: asks.map(|_| Asks { ticket: ticket.to_text(), own: facts.own }),
            })
        }
        Err(reason) => Ok(turned_away(documents, lane, reason, text)),
    }
}

/// Whether the others are to be asked before the ticket opens. Nobody waits for them on the way out.
fn asks(others: Others, policy: &Policy<'_>, ticket: &VerifiedTicket) -> bool {
    match (others, policy.lane.direction) {
        (Others::Ask { always }, Direction::Entry) => {
            always || policy.event.policy_of(ticket.body().product).alone == Alone::Staff
        }
        (Others::Ask { .. }, Direction::Exit) | (Others::Asked { .. } | Others::Silent, _) => false,
    }
}

/// The best that the others can answer, as far as the feed says: who would not pass by that is not asked about.
fn granted_as_told(facts: &Facts) -> Claim {
    Claim::Granted(facts.feed.filter(|feed| !feed.contested).map_or(Passages::NONE, |feed| feed.passages))
}

/// What the ledger, the list and the feed say of a ticket's seat. Who is asked about counts as having passed, but for who was by that answer.
pub(super) fn facts(
    connection: &Connection,
    basis: &Basis<'_>,
    body: &TicketBody,
    others: Others,
    clock: Clock,
) -> Result<Facts, LedgerError> {
    let last_reset = basis.event.last_reset(clock.now);
    let history = store::history(connection, body.event, body.slot)?;
    let listing = basis.slots.map(|slots| Listing {
        state: slots.state(body.slot),
        least_generation: slots.least_generation(body.slot),
        age: slots.age(clock.now),
    });
    let (answered, claim) = match others {
        Others::Asked { of, claim } => (Some(of), claim),
        Others::Ask { .. } | Others::Silent => (None, Claim::NotAsked),
    };
    Ok(Facts {
        claim,
        listing: if history.hold().is_some() { Some(held_back(listing)) } else { listing },
        highest_proved: store::highest_proved(connection, body.event, body.slot)?,
        feed: basis.feed.map(|feed| told(feed, basis, body.slot, last_reset, clock)),
        own: history.passages_at(basis.lane.direction, last_reset).and(history.asked_about(answered, last_reset)),
        unfinished: history.unfinished(clock.now),
        ..Facts::default()
    })
}

/// What the feed says passed with the seat at the other gates.
fn told(feed: &FeedState, basis: &Basis<'_>, slot: Slot, last_reset: Option<Timestamp>, clock: Clock) -> Feed {
    let told = feed.passages(slot, Some(basis.gate), last_reset);
    let passages = Passages {
        admitted: told.admitted,
        admitted_since_reset: told.admitted_since_reset,
        left: told.left,
        last_entry: told.last_entry.map(|last| Admission { at: last.at, gate: Some(last.gate) }),
        last_exit: told.last_exit,
    };
    Feed { passages, age: feed.age(clock.now), contested: told.contested }
}

/// The list's word on a seat that staff hold back. What the cloud withdrew stays withdrawn.
fn held_back(listing: Option<Listing>) -> Listing {
    let unlisted = Listing { state: SlotState::NotIssued, least_generation: Generation(0), age: Duration::MAX };
    let listing = listing.unwrap_or(unlisted);
    let state = match listing.state {
        SlotState::Revoked => SlotState::Revoked,
        SlotState::NotIssued | SlotState::Good | SlotState::Blocked => SlotState::Blocked,
    };
    Listing { state, ..listing }
}

/// What the lane says of no ticket: on the way out nobody is accused.
fn turned_away(documents: &Documents, lane: LaneId, reason: Reason, text: &str) -> Judgement {
    let direction = documents.direction(lane).unwrap_or(Direction::Entry);
    Judgement { verdict: decision::turn_away(reason, direction), ..refusal(reason, text) }
}

fn refusal(reason: Reason, text: &str) -> Judgement {
    Judgement {
        verdict: Verdict::refusal(reason),
        subject: Subject::unverified(text),
        proof: None,
        holder: None,
        asks: None,
    }
}
