//! Live proofs: −window ≤ proof − now ≤ 5 s, both ends included.

use super::case::{Case, END, HOUR, MINUTE, SECOND, after, case};
use crate::documents::SlotState;
use crate::journal::ClockState::{Ahead, Battery, RolledBack, Unknown};
use crate::verdict::Reason::{
    ClockUnsure, ListOld, ListTooOld, LiveProofFromTheFuture, LiveProofMissing, LiveProofStale, NewerThanList,
    NoLongerValid, Revoked,
};

/// A live ticket whose holder signed at the hour, shown some milliseconds later.
fn shown(name: &str, window: u8, later: i64) -> Case {
    case(name).live(window, Some(after(HOUR))).at(HOUR + later)
}

pub(super) fn cases() -> Vec<Case> {
    [boundaries(), missing(), clocks(), lists()].concat()
}

fn boundaries() -> Vec<Case> {
    vec![
        shown("shown as it is signed", 30, 0),
        shown("30 seconds old", 30, 30 * SECOND),
        shown("a millisecond older than its window", 30, 30 * SECOND + 1).refused(LiveProofStale).forgets(),
        shown("a screenshot of an hour ago", 30, HOUR).refused(LiveProofStale).forgets(),
        shown("window 1: a second old", 1, SECOND),
        shown("window 1: a millisecond older", 1, SECOND + 1).refused(LiveProofStale).forgets(),
        shown("window 255: 255 seconds old", 255, 255 * SECOND),
        shown("window 255: a millisecond older", 255, 255 * SECOND + 1).refused(LiveProofStale).forgets(),
        shown("5 seconds ahead", 30, -5 * SECOND),
        shown("a millisecond further ahead", 30, -5 * SECOND - 1).refused(LiveProofFromTheFuture).forgets(),
        shown("window 1: 5 seconds ahead", 1, -5 * SECOND),
        shown("window 1: a millisecond further ahead", 1, -5 * SECOND - 1).refused(LiveProofFromTheFuture).forgets(),
        case("signed in 1970")
            .live(255, Some(crate::time::Timestamp::from_unix_seconds(0)))
            .refused(LiveProofStale)
            .forgets(),
        case("signed in 2106")
            .live(255, Some(crate::time::Timestamp::from_unix_seconds(u32::MAX.into())))
            .refused(LiveProofFromTheFuture)
            .forgets(),
        shown("fresh, but cancelled: the generation is remembered", 30, 0).list(SlotState::Revoked, 0).refused(Revoked),
        case("fresh, but over: the generation is remembered").live(30, Some(after(END))).at(END).refused(NoLongerValid),
        shown("older than its window, as far as the clock knows", 30, 90 * SECOND)
            .off_by(60_000)
            .refused(ClockUnsure)
            .forgets(),
        shown("a millisecond older than that", 30, 90 * SECOND + 1).off_by(60_000).refused(LiveProofStale).forgets(),
        shown("ahead, as far as the clock knows", 30, -65 * SECOND).off_by(60_000).refused(ClockUnsure).forgets(),
        shown("a millisecond further ahead than that", 30, -65 * SECOND - 1)
            .off_by(60_000)
            .refused(LiveProofFromTheFuture)
            .forgets(),
        shown("fresh by a clock that may be wrong", 30, 30 * SECOND).off_by(60_000),
        shown("stale and cancelled", 30, HOUR).list(SlotState::Revoked, 0).refused(LiveProofStale).forgets(),
    ]
}

fn missing() -> Vec<Case> {
    vec![
        case("a printout of a live ticket").live(30, None).refused(LiveProofMissing).forgets(),
        case("a printout of a cancelled live ticket")
            .live(30, None)
            .list(SlotState::Revoked, 0)
            .refused(Revoked)
            .forgets(),
        case("a printout of a live ticket that is over").live(30, None).at(END).refused(NoLongerValid).forgets(),
        case("a printout, by a clock that tells no time")
            .live(30, None)
            .clock(Unknown)
            .refused(LiveProofMissing)
            .forgets(),
    ]
}

fn clocks() -> Vec<Case> {
    let mut cases = vec![
        shown("battery: fresh", 30, 30 * SECOND).clock(Battery),
        shown("battery: stale", 30, 30 * SECOND + 1).clock(Battery).refused(LiveProofStale).forgets(),
        shown("battery: ahead", 30, -5 * SECOND - 1).clock(Battery).refused(LiveProofFromTheFuture).forgets(),
    ];
    for (named, state) in [("rolled back", RolledBack), ("ahead", Ahead), ("unknown", Unknown)] {
        let floor = |name: &str, later| shown(&format!("{named}: {name}"), 30, later).clock(state).forgets();
        cases.extend([
            floor("as old as the floor", 0).refused(ClockUnsure),
            floor("as old as its window below the floor", 30 * SECOND).refused(ClockUnsure),
            floor("stale by the floor already", 30 * SECOND + 1).refused(LiveProofStale),
            floor("above the floor, which says nothing", -HOUR).refused(ClockUnsure),
        ]);
    }
    cases
}

fn lists() -> Vec<Case> {
    let strict = |name| {
        shown(name, 30, 0)
            .policy(|policy| policy.list_age_live.warn_after_seconds = 60)
            .policy(|policy| policy.list_age_live.attention_after_seconds = 120)
            .policy(|policy| policy.list_age_live.staff_after_seconds = Some(180))
    };
    vec![
        strict("live lists: fresh to the minute").list(SlotState::Good, MINUTE),
        strict("live lists: attention at its age").list(SlotState::Good, 2 * MINUTE),
        strict("live lists: attention beyond its age").list(SlotState::Good, 2 * MINUTE + 1).opens(ListOld, 1),
        strict("live lists: staff at its age").list(SlotState::Good, 3 * MINUTE).opens(ListOld, 1),
        strict("live lists: staff beyond its age").list(SlotState::Good, 3 * MINUTE + 1).refused(ListTooOld),
        strict("live lists: unlisted, not fresh").list(SlotState::NotIssued, MINUTE + 1).opens(NewerThanList, 1),
        strict("live lists say nothing of static tickets")
            .ticket(|ticket| ticket.live = None)
            .list(SlotState::Good, 3 * MINUTE + 1),
        shown("static lists say nothing of live tickets", 30, 0)
            .policy(|policy| policy.list_age_static.staff_after_seconds = Some(14_400))
            .list(SlotState::Good, 5 * HOUR)
            .opens(ListOld, 1),
    ]
}
