//! What is known of the seat: generation, the slot list's word and its age, product, zone, the sealed name.

use super::case::{Case, HOUR, MINUTE, after, case};
use crate::decision::SealedPart::{Opened, Unreadable};
use crate::documents::SlotState::{Blocked, Good, NotIssued, Revoked};
use crate::id::{EventId, Generation, ProductId, Zones};
use crate::verdict::Reason::{
    self, CheckId, ListOld, ListTooOld, NewerThanList, NoList, OtherEvent, OutdatedGeneration,
};
use crate::verdict::Reason::{ProductUnknown, WrongZone};

pub(super) fn cases() -> Vec<Case> {
    [generations(), states(), no_list(), ages(), zones(), products(), names()].concat()
}

fn generations() -> Vec<Case> {
    let shown = |name, generation| case(name).ticket(|ticket| ticket.generation = Generation(generation));
    let listed = |name, generation, least| {
        shown(name, generation).listing(|listing| listing.least_generation = Generation(least))
    };
    let seen = |name, generation, highest| {
        shown(name, generation).facts(|facts| facts.highest_proved = Some(Generation(highest)))
    };
    vec![
        listed("the least generation", 2, 2),
        listed("above the least generation", 3, 2),
        listed("below the least generation", 1, 2).refused(OutdatedGeneration),
        seen("the highest generation seen", 2, 2),
        seen("above the highest generation seen", 3, 2),
        seen("below the highest generation seen", 1, 2).refused(OutdatedGeneration),
        seen("below the highest seen, though the list leaves it good", 2, 3)
            .listing(|listing| listing.least_generation = Generation(1))
            .refused(OutdatedGeneration),
        listed("below the list's least, though nothing higher was seen", 2, 3)
            .facts(|facts| facts.highest_proved = Some(Generation(2)))
            .refused(OutdatedGeneration),
        seen("below the highest seen, without a list", 1, 2)
            .facts(|facts| facts.listing = None)
            .refused(OutdatedGeneration),
        shown("generation 0", 0),
        seen("generation 0 after 1", 0, 1).refused(OutdatedGeneration),
        seen("generation 255 after 254", 255, 254),
        seen("generation 254 after 255", 254, 255).refused(OutdatedGeneration),
    ]
}

fn states() -> Vec<Case> {
    let listed_only = |name| case(name).ticket(|ticket| ticket.must_be_listed = true);
    vec![
        case("blocked").list(Blocked, 0).refused(Reason::Blocked),
        case("blocked by an old list").list(Blocked, 5 * HOUR).refused(Reason::Blocked),
        case("cancelled").list(Revoked, 0).refused(Reason::Revoked),
        case("cancelled by an old list").list(Revoked, 5 * HOUR).refused(Reason::Revoked),
        case("not issued by a new list").list(NotIssued, 0).refused(Reason::NotIssued),
        case("not issued by a list just fresh").list(NotIssued, 15 * MINUTE).refused(Reason::NotIssued),
        case("not issued by a list no longer fresh").list(NotIssued, 15 * MINUTE + 1).opens(NewerThanList, 1),
        case("not issued by an old list").list(NotIssued, 5 * HOUR).opens(NewerThanList, 1),
        listed_only("listed-only and listed").list(Good, 0),
        listed_only("listed-only and listed by an old list").list(Good, 5 * HOUR).opens(ListOld, 1),
        listed_only("listed-only, unknown to an old list").list(NotIssued, 5 * HOUR).refused(Reason::NotIssued),
        listed_only("listed-only, without a list").facts(|facts| facts.listing = None).refused(Reason::NotIssued),
    ]
}

fn no_list() -> Vec<Case> {
    let without = |name| case(name).facts(|facts| facts.listing = None);
    vec![
        without("without a list").opens(NoList, 1),
        without("without a list, where the policy trusts no list for ever")
            .policy(|policy| policy.list_age_static.staff_after_seconds = Some(14_400))
            .refused(ListTooOld),
    ]
}

fn ages() -> Vec<Case> {
    let staff = |name| case(name).policy(|policy| policy.list_age_static.staff_after_seconds = Some(21_600));
    vec![
        case("a list as old as warns").list(Good, 15 * MINUTE),
        case("a list older than warns").list(Good, 15 * MINUTE + 1),
        case("a list as old as wants attention").list(Good, 4 * HOUR),
        case("a list older than wants attention").list(Good, 4 * HOUR + 1).opens(ListOld, 1),
        case("no age calls staff by default").list(Good, 1_000_000 * HOUR).opens(ListOld, 1),
        staff("a list as old as calls staff").list(Good, 6 * HOUR).opens(ListOld, 1),
        staff("a list older than calls staff").list(Good, 6 * HOUR + 1).refused(ListTooOld),
        staff("unknown to a list as old as calls staff").list(NotIssued, 6 * HOUR).opens(NewerThanList, 1),
        staff("unknown to a list older than calls staff").list(NotIssued, 6 * HOUR + 1).refused(ListTooOld),
        case("a product's own list ages")
            .own_policy(|policy| policy.list_age_static.attention_after_seconds = 900)
            .list(Good, 15 * MINUTE + 1)
            .opens(ListOld, 1),
    ]
}

fn zones() -> Vec<Case> {
    let zones =
        |name, ticket, lane| case(name).ticket(|shown| shown.zones = Zones(ticket)).lane(|at| at.zones = Zones(lane));
    vec![
        zones("the lane's zone", 0b10, 0b10),
        zones("one zone in common", 0b110, 0b011),
        zones("no zone in common", 0b100, 0b011).refused(WrongZone),
        zones("the last zone", 1 << 31, 1 << 31),
        zones("a ticket without zones", 0, u32::MAX).refused(WrongZone),
    ]
}

fn products() -> Vec<Case> {
    let unknown = |name| case(name).ticket(|ticket| ticket.product = ProductId(2));
    vec![
        unknown("a product the document does not name").refused(ProductUnknown),
        unknown("a product the document does not name, cancelled").list(Revoked, 0).refused(Reason::Revoked),
        unknown("a product the document does not name goes by the event's policy")
            .policy(|policy| policy.tolerance_after_seconds = 600)
            .at(super::case::END)
            .refused(ProductUnknown),
        case("another event's document").ticket(|ticket| ticket.event = EventId(8)).refused(OtherEvent),
        case("another event's document, a used ticket")
            .ticket(|ticket| ticket.event = EventId(8))
            .own(super::case::entered(1, super::case::at_gate(1, 0)))
            .earlier(super::case::at_gate(1, 0))
            .refused(OtherEvent),
        case("valid from before its product, as its own window says")
            .ticket(|ticket| ticket.valid_from = after(-HOUR))
            .at(-HOUR),
    ]
}

fn names() -> Vec<Case> {
    let check = |name| case(name).ticket(|ticket| ticket.check_id = true);
    vec![
        check("holder to be checked, name opened").facts(|facts| facts.sealed_part = Opened),
        check("holder to be checked, name unreadable").facts(|facts| facts.sealed_part = Unreadable).refused(CheckId),
        check("holder to be checked, nobody tried the name").refused(CheckId),
        case("sealed name unreadable, holder not to be checked").facts(|facts| facts.sealed_part = Unreadable),
        case("sealed name opened, holder not to be checked").facts(|facts| facts.sealed_part = Opened),
    ]
}
