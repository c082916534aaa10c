//! What depends on the time: windows, a holder's proof, the bundle's end. Owns what an unsure clock may still say.

use core::time::Duration;

use super::shown::LiveShown;
use crate::clock::Clock;
use crate::documents::{AdmissionPolicy, Expiry};
use crate::ticket::Validity;
use crate::time::Timestamp;
use crate::verdict::Reason;

/// How far ahead of the gate a holder's clock may be: what phones go wrong by while the network sets them.
pub const MAX_PROOF_LEAD: Duration = Duration::from_secs(5);

/// Whether the ticket's time has come and is not over.
pub(super) fn window(validity: Validity, policy: &AdmissionPolicy, clock: Clock) -> Option<Reason> {
    let from = validity.from() - Duration::from_secs(policy.tolerance_before_seconds.into());
    let until = validity.until() + Duration::from_secs(policy.tolerance_after_seconds.into());
    match (clock.now < from, clock.now >= until, clock.tells_time()) {
        (_, true, _) => Some(Reason::NoLongerValid),
        (true, false, true) => Some(Reason::NotYetValid),
        (true, false, false) => Some(Reason::ClockUnsure),
        (false, false, true) => None,
        (false, false, false) => Some(Reason::ClockUnset),
    }
}

/// What is wrong with a live ticket's proof; nothing where it is fresh.
pub(super) fn proof(live: LiveShown, clock: Clock) -> Option<Reason> {
    let Some(at) = live.proof else { return Some(Reason::LiveProofMissing) };
    let (age, lead) = (clock.now.since(at), at.since(clock.now));
    let window = Duration::from_secs(live.window.get().into());
    // The time is never before the floor: what is stale by an unsure clock is stale.
    let error = if clock.tells_time() { clock.error } else { Duration::ZERO };
    if age > window.saturating_add(error) {
        Some(Reason::LiveProofStale)
    } else if lead > MAX_PROOF_LEAD.saturating_add(error) && clock.tells_time() {
        Some(Reason::LiveProofFromTheFuture)
    } else if !clock.tells_time() || age > window || lead > MAX_PROOF_LEAD {
        Some(Reason::ClockUnsure)
    } else {
        None
    }
}

/// What the trust bundle's end means.
pub(super) fn bundle(not_after: Timestamp, clock: Clock) -> Option<Reason> {
    match Expiry::of(not_after, clock.now) {
        Expiry::Good | Expiry::EndsSoon => None,
        Expiry::Ended => Some(Reason::BundleExpired),
        Expiry::Overdue => Some(Reason::BundleTooOld),
    }
}
