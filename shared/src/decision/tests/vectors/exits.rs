//! Leaving: nothing but a verified ticket is asked for.

use core::time::Duration;

use super::case::{BUNDLE_END, Case, DAY, END, HOUR, MINUTE, after, at_gate, case, entered, left};
use crate::decision::{Claim, Feed, LeaseState, Passages, SealedPart, Wanted};
use crate::documents::{Alone, SlotState};
use crate::id::{EventId, Generation, ProductId, Zones};
use crate::journal::ClockState;
use crate::verdict::Admission;
use crate::verdict::Reason::{Exit, ExitWithoutEntry};

pub(super) fn cases() -> Vec<Case> {
    [known(), whatever(), live(), several()].concat()
}

fn here() -> Admission {
    at_gate(1, 30 * MINUTE)
}

fn inside(name: &str) -> Case {
    case(name).exit().own(entered(1, here())).earlier(here()).opens(Exit, 1)
}

fn known() -> Vec<Case> {
    let there = at_gate(2, 40 * MINUTE);
    let by_feed = |name, age, contested| {
        let feed = Feed { passages: entered(1, there), age: Duration::from_hours(age), contested };
        case(name).exit().facts(|facts| facts.feed = Some(feed)).earlier(there).opens(Exit, 1)
    };
    let out = left(1, after(45 * MINUTE));
    let passed = Passages { left: 1, last_exit: out.last_exit, ..entered(1, here()) };
    vec![
        inside("leaves, entered here"),
        by_feed("leaves, entered there by a fresh feed", 0, false),
        by_feed("leaves, entered there by an old feed", 9, false),
        by_feed("leaves, entered there by a contested feed", 0, true),
        case("leaves, no entry known").exit().opens(ExitWithoutEntry, 1),
        case("leaves, left before").exit().own(passed).earlier(here()).opens(ExitWithoutEntry, 1),
        case("leaves, by the venue's count")
            .exit()
            .facts(|facts| facts.claim = Claim::Refused(entered(1, there)))
            .earlier(there)
            .opens(Exit, 1),
    ]
}

fn whatever() -> Vec<Case> {
    vec![
        inside("leaves, cancelled").list(SlotState::Revoked, 0),
        inside("leaves, on hold").list(SlotState::Blocked, 0),
        inside("leaves, not issued").list(SlotState::NotIssued, 0),
        inside("leaves, listed-only and unlisted")
            .ticket(|ticket| ticket.must_be_listed = true)
            .list(SlotState::NotIssued, 0),
        inside("leaves, without a list").facts(|facts| facts.listing = None),
        inside("leaves, by a list too old")
            .policy(|policy| policy.list_age_static.staff_after_seconds = Some(14_400))
            .list(SlotState::Good, 5 * HOUR),
        inside("leaves, replaced by a newer ticket").facts(|facts| facts.highest_proved = Some(Generation(9))),
        inside("leaves, before its window").at(-1),
        inside("leaves, after its window").at(END),
        inside("leaves by another zone").lane(|lane| lane.zones = Zones(0b10)),
        inside("leaves, its product unknown").ticket(|ticket| ticket.product = ProductId(9)),
        inside("leaves, another event's document").ticket(|ticket| ticket.event = EventId(8)),
        inside("leaves, the gate suspended").lease(LeaseState::Suspended),
        inside("leaves, the lease ended").lease(LeaseState::Ended),
        inside("leaves, the bundle long over").at(BUNDLE_END + 8 * DAY),
        inside("leaves, strict and alone").policy(|policy| policy.alone = Alone::Staff),
        inside("leaves, name unreadable")
            .ticket(|ticket| ticket.check_id = true)
            .facts(|facts| facts.sealed_part = SealedPart::Unreadable),
        inside("leaves, by a clock that tells no time").clock(ClockState::Unknown),
        inside("leaves a moment after entering").policy(|policy| policy.pass_back_seconds = 86_400),
    ]
}

fn live() -> Vec<Case> {
    vec![
        inside("leaves, live without proof").live(30, None).forgets(),
        inside("leaves, live with a stale proof").live(30, Some(after(0))).forgets(),
        inside("leaves, live with a fresh proof").live(30, Some(after(HOUR))),
        inside("leaves, live, by a clock that tells no time")
            .live(30, Some(after(HOUR)))
            .clock(ClockState::RolledBack)
            .forgets(),
    ]
}

fn several() -> Vec<Case> {
    let group = |name, persons| case(name).exit().places(4).own(entered(persons, here())).earlier(here());
    vec![
        group("three of four inside: all leave", 3).opens(Exit, 3),
        group("three of four inside: one leaves", 3).facts(|facts| facts.wanted = Wanted::One).opens(Exit, 1),
        group("more inside than places: the places leave", 5).opens(Exit, 4),
        case("four places, no entry known: all leave").exit().places(4).opens(ExitWithoutEntry, 4),
        case("four places, no entry known: one leaves")
            .exit()
            .places(4)
            .facts(|facts| facts.wanted = Wanted::One)
            .opens(ExitWithoutEntry, 1),
    ]
}
