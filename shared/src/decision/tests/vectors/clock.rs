//! Clocks that do not tell the time: `now` is the floor, an instant that has passed.

use super::case::{Case, DAY, END, HOUR, MINUTE, after, at_gate, case, entered};
use crate::documents::{SlotState, Window};
use crate::journal::ClockState::{self, Ahead, RolledBack, Unknown};
use crate::verdict::Reason::{
    AlreadyUsed, BundleExpired, ClockUnset, ClockUnsure, EntriesTodayUsedUp, ExitMissing, NewerThanList, NoLongerValid,
    NotIssued, PassBack,
};

pub(super) fn cases() -> Vec<Case> {
    [windows("rolled back", RolledBack), windows("ahead", Ahead), windows("unknown", Unknown), counting()].concat()
}

fn windows(named: &str, state: ClockState) -> Vec<Case> {
    let floor = |name: &str| case(&format!("{named}: {name}")).clock(state);
    vec![
        floor("whether the window has begun is not known").at(-1).refused(ClockUnsure),
        floor("the window has begun, at least").at(0).opens(ClockUnset, 1),
        floor("the window may be over").at(END - 1).opens(ClockUnset, 1),
        floor("the window is over for certain").at(END).refused(NoLongerValid),
        floor("tolerance before counts")
            .policy(|policy| policy.tolerance_before_seconds = 600)
            .at(-10 * MINUTE)
            .opens(ClockUnset, 1),
        floor("tolerance after counts")
            .policy(|policy| policy.tolerance_after_seconds = 600)
            .at(END)
            .opens(ClockUnset, 1),
        floor("a moved window counts")
            .event(|event| event.products[0].moved = Some(Window { from: after(DAY), until: after(2 * DAY) }))
            .at(HOUR)
            .refused(ClockUnsure),
    ]
}

fn counting() -> Vec<Case> {
    let floor = |name| case(name).clock(Unknown).at(HOUR);
    let entry = at_gate(1, 50 * MINUTE);
    let daily = |name| {
        floor(name)
            .policy(|policy| (policy.entries, policy.entries_between_resets) = (0, 1))
            .policy(|policy| policy.exit_before_reentry = false)
            .own(entered(1, entry))
            .earlier(entry)
    };
    let pass_back = |name, seconds| {
        floor(name)
            .policy(|policy| (policy.entries, policy.exit_before_reentry) = (0, false))
            .policy(|policy| policy.pass_back_seconds = seconds)
            .own(entered(1, entry))
            .earlier(entry)
    };
    let inside = |name| floor(name).policy(|policy| policy.entries = 0).own(entered(1, entry)).earlier(entry);
    vec![
        floor("unset: a used ticket is used whatever the time")
            .own(entered(1, entry))
            .refused(AlreadyUsed)
            .earlier(entry),
        daily("unset: a reset to come may have come")
            .event(|event| event.resets = vec![after(DAY)])
            .refused(ClockUnsure),
        daily("unset: all resets have come")
            .event(|event| event.resets = vec![after(HOUR)])
            .refused(EntriesTodayUsedUp),
        daily("unset: a reset a millisecond above the floor may have come")
            .event(|event| event.resets = vec![after(HOUR + 1)])
            .refused(ClockUnsure),
        pass_back("unset: pass-back cannot be told", 601).refused(ClockUnsure),
        pass_back("unset: pass-back is over for certain", 600).opens(ClockUnset, 1),
        pass_back("set: pass-back by the same times", 601).clock(ClockState::Signed).refused(PassBack),
        inside("unset: a reset may have come since the entry")
            .event(|event| event.resets = vec![after(DAY)])
            .refused(ExitMissing),
        floor("unset: the floor is the bundle's end")
            .ticket(|ticket| ticket.valid_until = after(1000 * HOUR))
            .at(super::case::BUNDLE_END)
            .opens(ClockUnset, 1),
        case("set: the same bundle")
            .ticket(|ticket| ticket.valid_until = after(1000 * HOUR))
            .at(super::case::BUNDLE_END)
            .opens(BundleExpired, 1),
        floor("unset: the list is at least this old, and none is fresh")
            .list(SlotState::NotIssued, 0)
            .opens(NewerThanList, 1),
        floor("unset: what must be listed must be listed")
            .ticket(|ticket| ticket.must_be_listed = true)
            .list(SlotState::NotIssued, 0)
            .refused(NotIssued),
    ]
}
