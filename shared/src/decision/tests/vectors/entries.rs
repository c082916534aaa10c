//! Counting by one's own ledger: places, entries, resets, exits, pass-back.

use super::case::{Case, DAY, HOUR, MINUTE, SECOND, after, at_gate, case, entered, left};
use crate::decision::{Passages, Wanted};
use crate::verdict::Reason::{
    AlreadyInside, AlreadyUsed, EntriesTodayUsedUp, EntriesUsedUp, ExitMissing, PassBack, PlacesUsedUp,
};
use crate::verdict::{Admission, Reason};

pub(super) fn cases() -> Vec<Case> {
    [once(), often(), inside(), daily(), several(), several_often(), pass_back()].concat()
}

fn in_at() -> Admission {
    at_gate(1, 50 * MINUTE)
}

/// Persons who entered, the last at 50 minutes, and of whom some left at 55.
fn passed(admitted: u32, out: u32) -> Passages {
    let left = if out == 0 { Passages::NONE } else { left(out, after(55 * MINUTE)) };
    Passages { left: left.left, last_exit: left.last_exit, ..entered(admitted, in_at()) }
}

fn after_passages(name: &str, admitted: u32, out: u32) -> Case {
    let case = case(name).own(passed(admitted, out));
    if admitted == 0 { case.own(Passages::NONE) } else { case.earlier(in_at()) }
}

fn once() -> Vec<Case> {
    vec![
        after_passages("a copy, or the ticket again", 1, 0).refused(AlreadyUsed),
        after_passages("one entry, and left", 1, 1).refused(AlreadyUsed),
        after_passages("one entry, admitted twice by mistake", 2, 0).refused(AlreadyUsed),
        after_passages("one entry by the ticket, though the policy has more", 1, 1)
            .ticket(|ticket| ticket.entries = 1)
            .policy(|policy| policy.entries = 5)
            .refused(AlreadyUsed),
        after_passages("one entry by the product's own policy", 1, 1)
            .policy(|policy| policy.entries = 5)
            .own_policy(|_| ())
            .refused(AlreadyUsed),
    ]
}

fn often() -> Vec<Case> {
    let ticket =
        |name, entries, admitted, out| after_passages(name, admitted, out).ticket(|ticket| ticket.entries = entries);
    let policy =
        |name, entries, admitted, out| after_passages(name, admitted, out).policy(|policy| policy.entries = entries);
    vec![
        ticket("two entries by the ticket: the second", 2, 1, 1),
        ticket("two entries by the ticket: a third", 2, 2, 2).refused(EntriesUsedUp),
        ticket("255 entries: the last", 255, 254, 254),
        ticket("255 entries: one more", 255, 255, 255).refused(EntriesUsedUp),
        policy("three entries by the policy: the third", 3, 2, 2),
        policy("three entries by the policy: a fourth", 3, 3, 3).refused(EntriesUsedUp),
        policy("as often as one likes", 0, 1000, 1000),
        after_passages("two entries by the product's own policy", 1, 1).own_policy(|policy| policy.entries = 2),
    ]
}

fn inside() -> Vec<Case> {
    let again = |name, admitted, out| after_passages(name, admitted, out).policy(|policy| policy.entries = 0);
    let scanned_out = |name, at| again(name, 1, 0).facts(|facts| facts.own.last_exit = Some(after(at)));
    let reset = |name, at, since| {
        let own = Passages { admitted_since_reset: since, ..entered(1, in_at()) };
        again(name, 1, 0).event(|event| event.resets = vec![after(at)]).own(own)
    };
    vec![
        again("inside already", 1, 0).refused(AlreadyInside),
        again("left, and comes again", 1, 1),
        again("entered twice for one place, left once since", 2, 1).refused(ExitMissing),
        again("more left than entered", 1, 2),
        again("inside, where no exit is asked for", 1, 0).policy(|policy| policy.exit_before_reentry = false),
        again("inside, and its entries used up", 2, 0).ticket(|ticket| ticket.entries = 2).refused(AlreadyInside),
        again("all entries used, none inside", 2, 2).ticket(|ticket| ticket.entries = 2).refused(EntriesUsedUp),
        scanned_out("an exit that fits no entry, after the entry", 50 * MINUTE + 1).refused(ExitMissing),
        scanned_out("an exit that fits no entry, with the entry", 50 * MINUTE).refused(AlreadyInside),
        scanned_out("an exit that fits no entry, before the entry", 50 * MINUTE - 1).refused(AlreadyInside),
        reset("a reset with the entry", 50 * MINUTE, 1).refused(AlreadyInside),
        reset("a reset just after the entry: nobody is inside", 50 * MINUTE + 1, 0),
        reset("a reset now: nobody is inside", HOUR, 0),
        reset("a reset to come", HOUR + 1, 1).refused(AlreadyInside),
        reset("a reset between the entries of a pair: one is inside", 49 * MINUTE, 1)
            .places(2)
            .own(Passages { admitted_since_reset: 1, ..entered(2, in_at()) }),
    ]
}

fn daily() -> Vec<Case> {
    let counted = |name, limit, in_all, today| {
        let own = Passages { admitted_since_reset: today, ..entered(in_all, in_at()) };
        case(name)
            .policy(|policy| (policy.entries, policy.exit_before_reentry) = (0, false))
            .policy(|policy| policy.entries_between_resets = limit)
            .event(|event| event.resets = vec![after(0), after(DAY)])
            .own(own)
            .earlier(in_at())
    };
    vec![
        counted("once a day: yesterday's entry", 1, 1, 0),
        counted("once a day: again today", 1, 1, 1).refused(EntriesTodayUsedUp),
        counted("twice a day: the second", 2, 5, 1),
        counted("twice a day: a third", 2, 5, 2).refused(EntriesTodayUsedUp),
        counted("no daily limit", 0, 9, 9),
        counted("once a day, three in all: used up in all", 1, 3, 1)
            .policy(|policy| policy.entries = 3)
            .refused(EntriesUsedUp),
        counted("once a day, three in all: the third", 1, 2, 0).policy(|policy| policy.entries = 3),
        counted("once a day for each of three places", 1, 5, 2).places(3),
        counted("once a day for each of three places: all were", 1, 5, 3).places(3).refused(EntriesTodayUsedUp),
    ]
}

fn several() -> Vec<Case> {
    let group = |name, places, admitted| after_passages(name, admitted, 0).places(places);
    let one = |name, places, admitted| group(name, places, admitted).facts(|facts| facts.wanted = Wanted::One);
    vec![
        group("four places: all", 4, 0).opens(Reason::Admitted, 4),
        one("four places: one", 4, 0).remaining(3),
        group("four places: all that remain", 4, 1).opens(Reason::Admitted, 3),
        one("four places: the second", 4, 1).remaining(2),
        group("four places: the last", 4, 3),
        one("four places: the last, one by one", 4, 3),
        group("four places: all in", 4, 4).refused(PlacesUsedUp),
        one("four places: a fifth", 4, 4).refused(PlacesUsedUp),
        group("four places: more in than places", 4, 5).refused(PlacesUsedUp),
        after_passages("four places: all in, and left again", 4, 4).places(4).refused(PlacesUsedUp),
        group("255 places: all", 255, 0).opens(Reason::Admitted, 255),
        one("255 places: one", 255, 0).remaining(254),
        group("255 places: the last", 255, 254),
        group("255 places: all in", 255, 255).refused(PlacesUsedUp),
        group("a count beyond every ticket", 255, u32::MAX).refused(PlacesUsedUp),
    ]
}

fn several_often() -> Vec<Case> {
    let pair = |name, admitted, out| after_passages(name, admitted, out).places(2).ticket(|ticket| ticket.entries = 2);
    let free = |name, admitted| pair(name, admitted, 0).policy(|policy| policy.exit_before_reentry = false);
    vec![
        pair("a pair, twice each: both", 0, 0).opens(Reason::Admitted, 2),
        pair("a pair, twice each: the other", 1, 0),
        pair("a pair, twice each: both inside", 2, 0).refused(AlreadyInside),
        pair("a pair, twice each: one left", 2, 1),
        pair("a pair, twice each: both left", 2, 2).opens(Reason::Admitted, 2),
        pair("a pair, twice each: both left, one entry remains", 3, 3),
        pair("a pair, twice each: used up", 4, 4).refused(EntriesUsedUp),
        free("a pair, no exits asked for: both", 0).opens(Reason::Admitted, 2),
        free("a pair, no exits asked for: one", 0).facts(|facts| facts.wanted = Wanted::One).remaining(1),
        free("a pair, no exits asked for: both again", 2).opens(Reason::Admitted, 2),
        free("a pair, no exits asked for: one entry remains", 3),
        free("a pair, no exits asked for: used up", 4).refused(EntriesUsedUp),
    ]
}

fn pass_back() -> Vec<Case> {
    let least = |name, seconds, admitted| {
        after_passages(name, admitted, 0)
            .policy(|policy| (policy.entries, policy.exit_before_reentry) = (0, false))
            .policy(|policy| policy.pass_back_seconds = seconds)
    };
    vec![
        least("pass-back: a millisecond too soon", 300, 1).at(55 * MINUTE - 1).refused(PassBack),
        least("pass-back: time enough", 300, 1).at(55 * MINUTE),
        least("pass-back: none asked for", 0, 1).at(50 * MINUTE),
        least("pass-back: a day, a millisecond too soon", 86_400, 1)
            .ticket(|ticket| ticket.valid_until = after(2 * DAY))
            .at(DAY + 50 * MINUTE - 1)
            .refused(PassBack),
        least("pass-back: a day", 86_400, 1).ticket(|ticket| ticket.valid_until = after(2 * DAY)).at(DAY + 50 * MINUTE),
        least("pass-back: an entry ahead of this clock is now", 300, 1).at(50 * MINUTE - SECOND).refused(PassBack),
        least("pass-back: an exit does not shorten it", 300, 1)
            .policy(|policy| policy.exit_before_reentry = true)
            .own(Passages { left: 1, last_exit: Some(after(51 * MINUTE)), ..entered(1, in_at()) })
            .at(52 * MINUTE)
            .refused(PassBack),
        least("pass-back: the second of a pair that left comes back, too", 300, 3)
            .policy(|policy| policy.exit_before_reentry = true)
            .own(Passages { left: 2, last_exit: Some(after(40 * MINUTE)), ..entered(3, in_at()) })
            .at(51 * MINUTE)
            .places(2),
        least("pass-back: one of a pair left since", 300, 3)
            .policy(|policy| policy.exit_before_reentry = true)
            .own(Passages { left: 2, last_exit: Some(after(50 * MINUTE + 1)), ..entered(3, in_at()) })
            .at(51 * MINUTE)
            .places(2)
            .refused(PassBack),
        least("pass-back: the others of a group", 300, 1).at(51 * MINUTE).places(3).opens(Reason::Admitted, 2),
        least("pass-back: the next of a group", 300, 1)
            .at(51 * MINUTE)
            .places(3)
            .facts(|facts| facts.wanted = Wanted::One)
            .remaining(1),
        least("pass-back: nobody of a group is left", 300, 3).at(51 * MINUTE).places(3).refused(PassBack),
        least("pass-back: a group that enters again", 300, 5).at(51 * MINUTE).places(3).refused(PassBack),
        least("pass-back: a used ticket is used", 300, 1)
            .at(51 * MINUTE)
            .ticket(|ticket| ticket.entries = 1)
            .refused(AlreadyUsed),
        after_passages("pass-back by the product's own policy", 1, 0)
            .own_policy(|policy| (policy.entries, policy.exit_before_reentry) = (0, false))
            .event(|event| event.products[0].policy.as_mut().unwrap().pass_back_seconds = 601)
            .refused(PassBack),
    ]
}
