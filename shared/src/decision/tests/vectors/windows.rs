//! Windows by a clock that tells the time: the first millisecond of a window is within it, the last is before its end.

use super::case::{Case, DAY, END, HOUR, MINUTE, SECOND, after, case};
use crate::documents::Window;
use crate::id::ProductId;
use crate::journal::ClockState;
use crate::verdict::Reason::{NoLongerValid, NotYetValid, ProductUnknown};

pub(super) fn cases() -> Vec<Case> {
    [own(), tolerance(), moved(), battery()].concat()
}

fn own() -> Vec<Case> {
    vec![
        case("an hour after the doors").at(HOUR),
        case("a millisecond before valid-from").at(-1).refused(NotYetValid),
        case("at valid-from").at(0),
        case("a millisecond before valid-until").at(END - 1),
        case("at valid-until").at(END).refused(NoLongerValid),
        case("in 1970").at(-1_800_000_000 * SECOND).refused(NotYetValid),
        case("a year late").at(365 * DAY).refused(NoLongerValid),
    ]
}

fn tolerance() -> Vec<Case> {
    let before = |name| case(name).policy(|policy| policy.tolerance_before_seconds = 600);
    let behind = |name| case(name).policy(|policy| policy.tolerance_after_seconds = 600);
    let day = |name| {
        case(name).policy(|policy| (policy.tolerance_before_seconds, policy.tolerance_after_seconds) = (86_400, 86_400))
    };
    vec![
        before("tolerance before: its first millisecond").at(-10 * MINUTE),
        before("tolerance before: a millisecond too early").at(-10 * MINUTE - 1).refused(NotYetValid),
        before("tolerance before says nothing of the end").at(END).refused(NoLongerValid),
        behind("tolerance after: its last millisecond").at(END + 10 * MINUTE - 1),
        behind("tolerance after: over").at(END + 10 * MINUTE).refused(NoLongerValid),
        behind("tolerance after says nothing of the beginning").at(-1).refused(NotYetValid),
        day("a day's tolerance before").at(-DAY),
        day("a day's tolerance before: a millisecond too early").at(-DAY - 1).refused(NotYetValid),
        day("a day's tolerance after").at(END + DAY - 1),
        day("a day's tolerance after: over").at(END + DAY).refused(NoLongerValid),
        before("a product's own policy replaces the event's tolerance").own_policy(|_| ()).at(-1).refused(NotYetValid),
        case("a product's own tolerance").own_policy(|policy| policy.tolerance_before_seconds = 60).at(-MINUTE),
        case("a product's own tolerance: a millisecond too early")
            .own_policy(|policy| policy.tolerance_before_seconds = 60)
            .at(-MINUTE - 1)
            .refused(NotYetValid),
    ]
}

fn moved() -> Vec<Case> {
    let to = |name, from, until| {
        case(name).event(|event| event.products[0].moved = Some(Window { from: after(from), until: after(until) }))
    };
    let postponed = |name| to(name, DAY, DAY + END);
    vec![
        postponed("postponed: on the old day").at(HOUR).refused(NotYetValid),
        postponed("postponed: a millisecond before the new window").at(DAY - 1).refused(NotYetValid),
        postponed("postponed: the new window's first millisecond").at(DAY),
        postponed("postponed: the new window's last millisecond").at(DAY + END - 1),
        postponed("postponed: the new window is over").at(DAY + END).refused(NoLongerValid),
        postponed("postponed, with tolerance before")
            .policy(|policy| policy.tolerance_before_seconds = 600)
            .at(DAY - 10 * MINUTE),
        postponed("postponed, with tolerance before: a millisecond too early")
            .policy(|policy| policy.tolerance_before_seconds = 600)
            .at(DAY - 10 * MINUTE - 1)
            .refused(NotYetValid),
        to("brought forward: within the new window", -DAY, -DAY + END).at(-DAY),
        to("brought forward: the old window no longer counts", -DAY, -DAY + END).at(HOUR).refused(NoLongerValid),
        to("a moved window begins with its second", HOUR + 999, END).at(HOUR),
        to("a moved window ends with its second", 0, HOUR + 999).at(HOUR).refused(NoLongerValid),
        postponed("another product was moved")
            .event(|event| {
                let moved = event.products[0].clone();
                event.products[0].moved = None;
                event.products.push(super::case::ProductRules { product: ProductId(2), ..moved });
            })
            .at(HOUR),
        postponed("a product that was not named was not moved")
            .ticket(|ticket| ticket.product = ProductId(9))
            .at(HOUR)
            .refused(ProductUnknown),
    ]
}

fn battery() -> Vec<Case> {
    let battery = |name| case(name).clock(ClockState::Battery);
    vec![
        battery("a battery clock tells the time: too early").at(-1).refused(NotYetValid),
        battery("a battery clock tells the time: begun").at(0),
        battery("a battery clock tells the time: not over").at(END - 1),
        battery("a battery clock tells the time: over").at(END).refused(NoLongerValid),
    ]
}
