//! How many persons of a code may enter now: places, entries, resets, exits and pass-back. Pure counting; whose counts is
//! `others`' to say.

use core::num::NonZeroU8;
use core::time::Duration;

use super::facts::{Facts, Turn};
use super::others::Others;
use super::passages::Passages;
use super::shown::Shown;
use crate::clock::{Clock, ClockState};
use crate::documents::{AdmissionPolicy, EventDocument};
use crate::id::ProductId;
use crate::ticket::TicketBody;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// How many may enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// What stands in the way, or is to be told.
    pub(super) reason: Option<Reason>,
    /// Persons; at least one where no reason keeps them out, at most the places.
    pub(super) persons: u32,
}

/// What a ticket says of how often it is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Persons whom it admits.
    pub places: NonZeroU8,
    /// Admissions in all for each of them; 0: as the policy says.
    pub entries: u8,
    /// Of which the policy is.
    pub product: ProductId,
}

impl Terms {
    /// Those of a ticket.
    pub fn of(body: &TicketBody) -> Self {
        Self { places: body.places, entries: body.entries, product: body.product }
    }
}

/// What would have kept `persons` from entering at an instant, had the gate known of all `passages` before: the same counting as a
/// gate's, for whoever looks back. Nothing where there was room.
pub fn hindrance(
    terms: Terms,
    event: &EventDocument,
    passages: Passages,
    persons: u8,
    at: Timestamp,
) -> Option<Reason> {
    let clock = Clock { state: ClockState::Signed, now: at, error: Duration::ZERO };
    let entries = Entries::new(terms, event.policy_of(terms.product), event, clock);
    let limits = entries.limits(passages).into_iter().flatten();
    limits.filter(|limit| limit.room < persons.into()).map(|limit| limit.reason).min()
}

/// What a code may do, whoever counted what it did.
pub(super) struct Entries<'a> {
    places: u32,
    /// Admissions in all for each place; 0: as often as one likes.
    each: u32,
    policy: &'a AdmissionPolicy,
    resets: &'a [Timestamp],
    last_reset: Option<Timestamp>,
    clock: Clock,
}

/// One bound on the persons who may enter, and what is said when nobody may.
struct Limit {
    reason: Reason,
    room: u32,
}

impl<'a> Entries<'a> {
    pub(super) fn of(shown: &Shown<'_>, event: &'a EventDocument, clock: Clock) -> Self {
        Self::new(Terms::of(shown.body), event.policy_of(shown.body.product), event, clock)
    }

    fn new(terms: Terms, admission: &'a AdmissionPolicy, event: &'a EventDocument, clock: Clock) -> Self {
        let each = if terms.entries == 0 { admission.entries } else { terms.entries };
        Self {
            places: terms.places.get().into(),
            each: each.into(),
            policy: admission,
            resets: &event.resets,
            last_reset: event.last_reset(clock.now),
            clock,
        }
    }

    /// How many may enter by all counts together, and by whose word they may not.
    pub(super) fn room(&self, facts: &Facts, others: &Others) -> Room {
        let counted = self.room_by(facts.own, others);
        let (Some(_), Some(unfinished)) = (counted.reason, &facts.unfinished) else { return counted };
        let otherwise = self.room_by(facts.own.without(unfinished, self.last_reset), others);
        if otherwise.reason.is_some() {
            return counted;
        }
        match unfinished.turn {
            Turn::NotTurned => {
                Room { reason: Some(Reason::Forgiven), persons: otherwise.persons.min(unfinished.persons.get().into()) }
            }
            Turn::Unknown => Room { reason: Some(Reason::Interrupted), persons: 0 },
        }
    }

    fn room_by(&self, own: Passages, others: &Others) -> Room {
        let certain = self.count(own.and(others.certain));
        let supposed = self.count(own.and(others.supposed));
        let reason = match (certain.reason, supposed.reason) {
            (None, None) => None,
            (None, Some(_)) => Some(Reason::UsedElsewhere),
            (Some(Reason::AlreadyInside), None) => Some(Reason::ExitMissing),
            (Some(reason), _) => Some(reason),
        };
        Room { reason, persons: certain.persons.min(supposed.persons) }
    }

    /// How many may enter by one count.
    pub(super) fn count(&self, count: Passages) -> Room {
        let limits = self.limits(count);
        let limits = || limits.iter().flatten();
        Room {
            reason: limits().filter(|limit| limit.room == 0).map(|limit| limit.reason).min(),
            persons: limits().map(|limit| limit.room).min().unwrap_or(self.places).min(self.places),
        }
    }

    fn limits(&self, count: Passages) -> [Option<Limit>; 4] {
        [self.in_all(count), self.until_reset(count), self.outside(count), self.pass_back(count)]
    }

    fn in_all(&self, count: Passages) -> Option<Limit> {
        let reason = match (self.each, self.places) {
            (0, _) => return None,
            (1, 1) => Reason::AlreadyUsed,
            (1, _) => Reason::PlacesUsedUp,
            _ => Reason::EntriesUsedUp,
        };
        Some(Limit { reason, room: (self.places * self.each).saturating_sub(count.admitted) })
    }

    fn until_reset(&self, count: Passages) -> Option<Limit> {
        let each = u32::from(self.policy.entries_between_resets);
        // A clock that does not tell the time may not know of the last reset.
        let resets_known = self.clock.tells_time() || self.resets.last().is_none_or(|last| *last <= self.clock.now);
        let reason = if resets_known { Reason::EntriesTodayUsedUp } else { Reason::ClockUnsure };
        let room = (self.places * each).saturating_sub(count.admitted_since_reset);
        (each > 0).then_some(Limit { reason, room })
    }

    /// A reset finds the house empty: of those who entered before it nobody is inside.
    fn outside(&self, count: Passages) -> Option<Limit> {
        let doubtful = self.reset_since_entry(count) || left_after_entry(count);
        let reason = if doubtful { Reason::ExitMissing } else { Reason::AlreadyInside };
        let inside = match self.last_reset {
            Some(_) => count.inside().min(count.admitted_since_reset),
            None => count.inside(),
        };
        let room = self.places.saturating_sub(inside);
        // Of what enters once, that it was used says more than that it is inside.
        (self.policy.exit_before_reentry && self.each != 1).then_some(Limit { reason, room })
    }

    /// Which of several places passed is not known: as long as one was never admitted, or left before the last entry, it is that one.
    fn pass_back(&self, count: Passages) -> Option<Limit> {
        let least = Duration::from_secs(self.policy.pass_back_seconds.into());
        let entry = count.last_entry?;
        let reason = if self.clock.tells_time() { Reason::PassBack } else { Reason::ClockUnsure };
        let passed = if left_after_entry(count) { count.admitted } else { count.inside() };
        let room = self.places.saturating_sub(passed);
        (self.clock.now.since(entry.at) < least).then_some(Limit { reason, room })
    }

    /// Whether a reset came, or by a clock that does not tell the time may have come, after the last entry.
    fn reset_since_entry(&self, count: Passages) -> bool {
        let passed = |reset: Timestamp| reset <= self.clock.now || !self.clock.tells_time();
        count.last_entry.is_some_and(|entry| self.resets.iter().any(|reset| *reset > entry.at && passed(*reset)))
    }
}

/// Whether somebody left after the last entry, though the count has them all inside: a gate that did not know of the entry said so.
fn left_after_entry(count: Passages) -> bool {
    count.last_exit.zip(count.last_entry).is_some_and(|(exit, entry)| exit > entry.at)
}
