//! What the slot list says of a ticket, and what its age makes of that.

use core::time::Duration;

use super::facts::Facts;
use super::shown::Shown;
use crate::documents::{ListAgePolicy, SlotState};
use crate::verdict::Reason;

/// Whether a newer ticket of the seat is known, from the list or from this gate's own memory.
pub(super) fn generation(shown: &Shown<'_>, facts: &Facts) -> Option<Reason> {
    let listed = facts.listing.map(|listing| listing.least_generation);
    let least = listed.max(facts.highest_proved);
    least.is_some_and(|least| shown.body.generation < least).then_some(Reason::OutdatedGeneration)
}

/// What the list says of the seat. A clock that does not tell the time knows the least age of a list, and none is fresh by it.
pub(super) fn state(shown: &Shown<'_>, facts: &Facts, policy: &ListAgePolicy, tells_time: bool) -> Option<Reason> {
    let Some(listing) = facts.listing else {
        return Some(if shown.must_be_listed { Reason::NotIssued } else { Reason::NoList });
    };
    match listing.state {
        SlotState::Good => None,
        SlotState::Blocked => Some(Reason::Blocked),
        SlotState::Revoked => Some(Reason::Revoked),
        SlotState::NotIssued => {
            let fresh = tells_time && is_fresh(listing.age, policy);
            Some(if shown.must_be_listed || fresh { Reason::NotIssued } else { Reason::NewerThanList })
        }
    }
}

/// What the list's age means by itself. No list is older than every list.
pub(super) fn age(facts: &Facts, policy: &ListAgePolicy) -> Option<Reason> {
    let age = facts.listing.map_or(Duration::MAX, |listing| listing.age);
    let beyond = |seconds: u32| age > Duration::from_secs(seconds.into());
    if policy.staff_after_seconds.is_some_and(beyond) {
        Some(Reason::ListTooOld)
    } else if beyond(policy.attention_after_seconds) {
        Some(Reason::ListOld)
    } else {
        None
    }
}

/// Whether what is this old is as good as new.
pub(super) fn is_fresh(age: Duration, policy: &ListAgePolicy) -> bool {
    age <= Duration::from_secs(policy.warn_after_seconds.into())
}
