//! What the gate lacks: its lease, a trust bundle that has not ended.

use super::case::{BUNDLE_END, Case, DAY, HOUR, after, at_gate, case, entered};
use crate::documents::LeaseState;
use crate::documents::SlotState;
use crate::verdict::Reason::{AlreadyUsed, BundleExpired, BundleTooOld, LeaseEnded, NoLongerValid, Revoked, Suspended};

pub(super) fn cases() -> Vec<Case> {
    let used = |name| case(name).own(entered(1, at_gate(1, 0))).earlier(at_gate(1, 0));
    let long = |name, now| case(name).ticket(|ticket| ticket.valid_until = after(1000 * HOUR)).at(now);
    vec![
        case("the lease has ended").lease(LeaseState::Ended).refused(LeaseEnded),
        case("the gate is suspended").lease(LeaseState::Suspended).refused(Suspended),
        used("the lease has ended, a used ticket").lease(LeaseState::Ended).refused(AlreadyUsed),
        used("the gate is suspended, a used ticket").lease(LeaseState::Suspended).refused(AlreadyUsed),
        case("the gate is suspended, a cancelled ticket")
            .lease(LeaseState::Suspended)
            .list(SlotState::Revoked, 0)
            .refused(Revoked),
        case("the gate is suspended, a ticket on hold")
            .lease(LeaseState::Suspended)
            .list(SlotState::Blocked, 0)
            .refused(Suspended),
        case("the lease is held, without names").lease(LeaseState::WithoutNames),
        long("a millisecond before the bundle's end", BUNDLE_END - 1),
        long("at the bundle's end", BUNDLE_END).opens(BundleExpired, 1),
        long("a millisecond before seven days after", BUNDLE_END + 7 * DAY - 1).opens(BundleExpired, 1),
        long("seven days after the bundle's end", BUNDLE_END + 7 * DAY).refused(BundleTooOld),
        case("a bundle long over refuses no ticket that is not over").at(BUNDLE_END + 8 * DAY).refused(NoLongerValid),
    ]
}
