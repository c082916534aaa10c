//! Of all that holds, the first in the table is the answer: what refuses for certain before what calls staff, that before what
//! only wants attention.

use super::case::{BUNDLE_END, Case, DAY, END, HOUR, MINUTE, after, at_gate, case, entered};
use crate::decision::{Claim, Passages, SealedPart};
use crate::documents::LeaseState;
use crate::documents::{Alone, SlotState};
use crate::id::{EventId, Generation, ProductId, Zones};
use crate::journal::ClockState;
use crate::verdict::Reason::{self, AlreadyUsed, ClockUnset, LiveProofMissing, LiveProofStale, NewerThanList, NoList};
use crate::verdict::Reason::{BundleExpired, CheckId, ClockUnsure, LeaseEnded, ListOld, ListTooOld, OtherEvent};
use crate::verdict::Reason::{
    NoLongerValid, NotIssued, OthersUnreachable, OutdatedGeneration, ProductUnknown, WrongZone,
};

pub(super) fn cases() -> Vec<Case> {
    [refusals(), staff(), attention()].concat()
}

/// From everything at once, one hindrance after the other is taken away.
fn refusals() -> Vec<Case> {
    let all = |name: &str| {
        case(name)
            .ticket(|ticket| (ticket.event, ticket.generation) = (EventId(8), Generation(1)))
            .live(30, Some(after(0)))
            .at(END)
            .lane(|lane| lane.zones = Zones(0b10))
            .facts(|facts| facts.highest_proved = Some(Generation(2)))
            .list(SlotState::Revoked, 0)
            .own(entered(1, at_gate(1, HOUR)))
            .earlier(at_gate(1, HOUR))
            .lease(LeaseState::Suspended)
    };
    let this_event = |name: &str| all(name).ticket(|ticket| ticket.event = EventId(7));
    let fresh = |name: &str| this_event(name).live(30, Some(after(END)));
    let newest = |name: &str| fresh(name).facts(|facts| facts.highest_proved = None);
    let in_time = |name: &str| newest(name).live(30, Some(after(9 * HOUR))).at(9 * HOUR);
    let here = |name: &str| in_time(name).lane(|lane| lane.zones = Zones(0b01));
    vec![
        all("everything at once: another event").refused(OtherEvent).forgets(),
        this_event("then: stale").refused(LiveProofStale).forgets(),
        fresh("then: replaced").refused(OutdatedGeneration),
        newest("then: over").refused(NoLongerValid),
        in_time("then: wrong zone").refused(WrongZone),
        here("then: cancelled").refused(Reason::Revoked),
        here("then: used").list(SlotState::Good, 0).refused(AlreadyUsed),
        here("then: the gate")
            .list(SlotState::Good, 0)
            .own(Passages::NONE)
            .refused(Reason::Suspended)
            .nothing_earlier(),
    ]
}

/// As above, among what calls staff.
fn staff() -> Vec<Case> {
    let all = |name: &str| {
        case(name)
            .ticket(|ticket| (ticket.product, ticket.check_id) = (ProductId(9), true))
            .live(30, None)
            .lease(LeaseState::Ended)
            .list(SlotState::Blocked, 9 * HOUR)
            .facts(|facts| facts.claim = Claim::Unreachable)
            .policy(|policy| policy.alone = Alone::Staff)
            .policy(|policy| policy.list_age_static.staff_after_seconds = Some(14_400))
            .policy(|policy| policy.list_age_live.staff_after_seconds = Some(14_400))
    };
    let leased = |name: &str| all(name).lease(LeaseState::Held);
    let proved = |name: &str| leased(name).ticket(|ticket| ticket.live = None);
    let named = |name: &str| proved(name).ticket(|ticket| ticket.product = ProductId(1));
    let free = |name: &str| named(name).list(SlotState::Good, 9 * HOUR);
    let asked = |name: &str| free(name).facts(|facts| facts.claim = Claim::Granted(Passages::NONE));
    let read = |name: &str| asked(name).facts(|facts| facts.sealed_part = SealedPart::Opened);
    vec![
        all("staff for everything: lease").refused(LeaseEnded).forgets(),
        leased("staff, then: proof missing").refused(LiveProofMissing).forgets(),
        proved("staff, then: product").refused(ProductUnknown),
        named("staff, then: on hold").refused(Reason::Blocked),
        named("staff, then: not issued, unlisted")
            .ticket(|ticket| ticket.must_be_listed = true)
            .list(SlotState::NotIssued, 9 * HOUR)
            .refused(NotIssued),
        free("staff, then: the others").refused(OthersUnreachable),
        asked("staff, then: the name").refused(CheckId),
        read("staff, then: the list's age").refused(ListTooOld),
        read("staff, then: the clock before the list's age").clock(ClockState::Unknown).at(-1).refused(ClockUnsure),
        all("used comes before all that calls staff")
            .own(entered(1, at_gate(1, 0)))
            .refused(AlreadyUsed)
            .earlier(at_gate(1, 0))
            .forgets(),
    ]
}

fn attention() -> Vec<Case> {
    let long = |name| case(name).ticket(|ticket| ticket.valid_until = after(2000 * HOUR)).at(BUNDLE_END + DAY);
    vec![
        long("attention: newer than the list, list old, clock unset, bundle over")
            .list(SlotState::NotIssued, 5 * HOUR)
            .clock(ClockState::Unknown)
            .opens(NewerThanList, 1),
        long("attention: no list, clock unset, bundle over")
            .facts(|facts| facts.listing = None)
            .clock(ClockState::Unknown)
            .opens(NoList, 1),
        long("attention: list old, clock unset, bundle over")
            .list(SlotState::Good, 5 * HOUR)
            .clock(ClockState::Unknown)
            .opens(ListOld, 1),
        long("attention: clock unset, bundle over").clock(ClockState::Unknown).opens(ClockUnset, 1),
        long("attention: bundle over").opens(BundleExpired, 1),
        long("attention is no reason to let in who is refused")
            .list(SlotState::NotIssued, 5 * HOUR)
            .own(entered(1, at_gate(1, 50 * MINUTE)))
            .refused(AlreadyUsed)
            .earlier(at_gate(1, 50 * MINUTE)),
    ]
}
