//! Event documents: each rule between their fields, on both sides of its boundary.

use std::time::Duration;

use countermark_shared::documents::{
    AdmissionPolicy, EventDocument, HolderName, ListAgePolicy, Product, TicketForm, Window,
};
use countermark_shared::id::{ProductId, Zones};
use countermark_shared::label::Label;
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;

use super::events::take;
use crate::file::Case;
use crate::world::{
    HOUR, INSTANT, NOW, ORGANISER, case, envelope, event_document, hash, payload, refused, replaced, sealed, taken,
    trust,
};

/// A name, what is changed, and whether it still is an event document.
type Rule = (&'static str, bool, fn(&mut EventDocument));
const SECOND: Duration = Duration::from_secs(1);
/// The last second that a ticket can name.
const LAST: Timestamp = Timestamp::from_unix_seconds(u32::MAX as i64);

pub(super) fn cases() -> Vec<Case> {
    let rules =
        products().into_iter().chain(windows()).chain(names()).chain(policies()).chain(list_ages()).chain(resets());
    let mut cases: Vec<_> = rules.map(|(name, holds, change)| judged(name, holds, change)).collect();
    cases.extend(encoded());
    cases
}

fn judged(name: &str, holds: bool, change: fn(&mut EventDocument)) -> Case {
    let mut document = event_document();
    change(&mut document);
    let (why, step) = if holds {
        ("within the rules", take(&document))
    } else {
        ("against the rules", refused("event-document", &sealed(&document, &[ORGANISER]), "malformed"))
    };
    case(name, why, [trust(), step])
}

fn product(number: u16) -> Product {
    Product { product: ProductId(number), ..event_document().products.remove(0) }
}

fn products() -> Vec<Rule> {
    vec![
        ("no product", false, |event| event.products.clear()),
        ("256 products", true, |event| event.products = (0..256).map(product).collect()),
        ("257 products", false, |event| event.products = (0..257).map(product).collect()),
        ("products unsorted", false, |event| event.products = vec![product(2), product(1)]),
        ("a product twice", false, |event| event.products = vec![product(1), product(1)]),
        ("capacity 0", false, |event| (event.capacity, event.products[0].capacity) = (0, 0)),
        ("capacity 1", true, |event| (event.capacity, event.products[0].capacity) = (1, 1)),
        ("capacity 16,000,000", true, |event| event.capacity = 16_000_000),
        ("capacity 16,000,001", false, |event| event.capacity = 16_000_001),
        ("a product of the event's capacity", true, |event| event.products[0].capacity = event.capacity),
        ("a product larger than the event", false, |event| event.products[0].capacity = event.capacity + 1),
        ("products that together are larger", true, |event| event.products = vec![product(1), product(2)]),
        ("a product of nobody", true, |event| event.products[0].capacity = 0),
        ("no zone", false, |event| event.products[0].zones = Zones(0)),
        ("two currencies", false, |event| {
            let mut other = product(2);
            other.least_price = Money { currency: Currency::parse("CHF").unwrap(), ..other.least_price };
            event.products.push(other);
        }),
        ("two prices", true, |event| {
            let mut other = product(2);
            other.least_price.minor = u64::MAX;
            event.products.push(other);
        }),
        ("names that are checked and given to gates", true, |event| {
            event.products[0].form = TicketForm { live_window_seconds: 0, holder: HolderName::Checked };
            event.names_at_gates = true;
        }),
        ("names that are checked and not given to gates", false, |event| {
            event.products[0].form = TicketForm { live_window_seconds: 0, holder: HolderName::Checked };
        }),
        ("found by an order where gates are given names", true, |event| {
            (event.names_at_gates, event.find_by_order) = (true, true);
        }),
        ("found by an order where gates are given no names", false, |event| event.find_by_order = true),
        ("names that are sealed and not given to gates", true, |event| {
            event.products[0].form = TicketForm { live_window_seconds: 255, holder: HolderName::Sealed };
        }),
    ]
}

fn windows() -> Vec<Rule> {
    fn window(event: &mut EventDocument, from: Timestamp, until: Timestamp) {
        (event.products[0].from, event.products[0].until) = (from, until);
    }
    fn moved(event: &mut EventDocument, from: Timestamp, until: Timestamp) {
        event.products[0].moved = Some(Window { from, until });
    }
    vec![
        ("a window of a second", true, |event| window(event, NOW, NOW + SECOND)),
        ("a window within a second", false, |event| window(event, NOW, NOW + SECOND - INSTANT)),
        ("a window of a millisecond in two seconds", true, |event| window(event, NOW + SECOND - INSTANT, NOW + SECOND)),
        ("an empty window", false, |event| window(event, NOW, NOW)),
        ("a window that ends before it begins", false, |event| window(event, NOW, NOW - SECOND)),
        ("a window from 1970 to 2106", true, |event| {
            window(event, Timestamp::from_unix_millis(0), LAST + SECOND - INSTANT);
        }),
        ("a window beyond 2106", false, |event| window(event, NOW, LAST + SECOND)),
        ("moved to a second", true, |event| moved(event, NOW, NOW + SECOND)),
        ("moved to within a second", false, |event| moved(event, NOW, NOW + SECOND - INSTANT)),
        ("moved to 2106", true, |event| moved(event, NOW, LAST + SECOND - INSTANT)),
        ("moved beyond 2106", false, |event| moved(event, NOW, LAST + SECOND)),
    ]
}

fn names() -> Vec<Rule> {
    vec![
        ("no English name", false, |event| event.name.en.clear()),
        ("no French name", false, |event| event.name.fr.clear()),
        ("an English name of 200 bytes", true, |event| event.name.en = "n".repeat(200)),
        ("an English name of 201 bytes", false, |event| event.name.en = "n".repeat(201)),
        ("a French name of 200 bytes", true, |event| event.name.fr = "é".repeat(100)),
        ("a French name of 202 bytes and 101 letters", false, |event| event.name.fr = "é".repeat(101)),
        ("a product without an English name", false, |event| event.products[0].name.en.clear()),
        ("a product without a French name", false, |event| event.products[0].name.fr.clear()),
        ("a product's name of 200 bytes", true, |event| event.products[0].name.en = "n".repeat(200)),
        ("a product's name of 201 bytes", false, |event| event.products[0].name.en = "n".repeat(201)),
    ]
}

fn policies() -> Vec<Rule> {
    vec![
        ("entries 255", true, |event| event.policy.entries = 255),
        ("pass-back of a day", true, |event| event.policy.pass_back_seconds = 86_400),
        ("pass-back of more than a day", false, |event| event.policy.pass_back_seconds = 86_401),
        ("tolerance before of a day", true, |event| event.policy.tolerance_before_seconds = 86_400),
        ("tolerance before of more than a day", false, |event| event.policy.tolerance_before_seconds = 86_401),
        ("tolerance after of a day", true, |event| event.policy.tolerance_after_seconds = 86_400),
        ("tolerance after of more than a day", false, |event| event.policy.tolerance_after_seconds = 86_401),
        ("a product's pass-back of a day", true, |event| {
            event.products[0].policy = Some(AdmissionPolicy { pass_back_seconds: 86_400, ..event.policy });
        }),
        ("a product's pass-back of more than a day", false, |event| {
            event.products[0].policy = Some(AdmissionPolicy { pass_back_seconds: 86_401, ..event.policy });
        }),
    ]
}

fn list_ages() -> Vec<Rule> {
    const MONTH: u32 = 2_592_000;
    const fn ages(warn: u32, attention: u32, staff: Option<u32>) -> ListAgePolicy {
        ListAgePolicy { warn_after_seconds: warn, attention_after_seconds: attention, staff_after_seconds: staff }
    }
    vec![
        ("ages of nothing", true, |event| event.policy.list_age_static = ages(0, 0, Some(0))),
        ("ages of thirty days", true, |event| event.policy.list_age_static = ages(MONTH, MONTH, Some(MONTH))),
        ("staff after thirty days", false, |event| event.policy.list_age_static = ages(0, 0, Some(MONTH + 1))),
        ("attention at thirty days, never staff", true, |event| event.policy.list_age_static = ages(0, MONTH, None)),
        ("attention after thirty days", false, |event| event.policy.list_age_static = ages(0, MONTH + 1, None)),
        ("attention before the warning", false, |event| event.policy.list_age_static = ages(2, 1, None)),
        ("staff before attention", false, |event| event.policy.list_age_static = ages(0, 2, Some(1))),
        ("live: all at once", true, |event| event.policy.list_age_live = ages(1, 1, Some(1))),
        ("live: attention before the warning", false, |event| event.policy.list_age_live = ages(2, 1, None)),
        ("live: staff before attention", false, |event| event.policy.list_age_live = ages(0, 2, Some(1))),
        ("live: staff after thirty days", false, |event| event.policy.list_age_live = ages(0, 0, Some(MONTH + 1))),
        ("a product's staff before attention", false, |event| {
            event.products[0].policy = Some(AdmissionPolicy { list_age_static: ages(0, 2, Some(1)), ..event.policy });
        }),
    ]
}

fn resets() -> Vec<Rule> {
    fn nights(count: u32) -> Vec<Timestamp> {
        (0..count).map(|night| NOW + HOUR * night).collect()
    }
    vec![
        ("400 resets", true, |event| event.resets = nights(400)),
        ("401 resets", false, |event| event.resets = nights(401)),
        ("resets a millisecond apart", true, |event| event.resets = vec![NOW, NOW + INSTANT]),
        ("a reset twice", false, |event| event.resets = vec![NOW, NOW]),
        ("resets unsorted", false, |event| event.resets = vec![NOW + INSTANT, NOW]),
        ("entries between resets", true, |event| {
            event.policy.entries_between_resets = 255;
            event.resets = nights(1);
        }),
        ("entries between resets that there are not", false, |event| event.policy.entries_between_resets = 1),
        ("a product's entries between resets", true, |event| {
            event.products[0].policy = Some(AdmissionPolicy { entries_between_resets: 1, ..event.policy });
            event.resets = nights(1);
        }),
        ("a product's entries between resets that there are not", false, |event| {
            event.products[0].policy = Some(AdmissionPolicy { entries_between_resets: 1, ..event.policy });
        }),
    ]
}

/// What this crate's own types cannot say.
fn encoded() -> Vec<Case> {
    let mut document = event_document();
    document.resets = vec![NOW];
    (document.policy.entries, document.policy.entries_between_resets) = (201, 202);
    document.products[0].form.live_window_seconds = 203;
    let usual = payload(&document);
    let sign = |payload: &[u8]| envelope(Label::EventDocument, payload, &[ORGANISER]);
    let stands = ((0, document.version.into()), hash(&document).0);
    let mut cases = vec![case(
        "numbers of a byte",
        "201, 202 and 203",
        [trust(), taken("event-document", &sign(&usual), stands.0, stands.1)],
    )];
    let changes: [(&str, &str, &[u8], &[u8]); 10] = [
        ("a currency in small letters", "eur", b"\x63EUR", b"\x63eur"),
        ("a currency of two letters", "EU", b"\x63EUR", b"\x62EU"),
        ("a currency of four letters", "EURO", b"\x63EUR", b"\x64EURO"),
        ("a currency with a digit", "EU1", b"\x63EUR", b"\x63EU1"),
        ("entries of two bytes", "256", &[0, 0x18, 201], &[0, 0x19, 1, 0]),
        ("entries between resets of two bytes", "256", &[1, 0x18, 202], &[1, 0x19, 1, 0]),
        ("a live window of two bytes", "256", &[0, 0x18, 203], &[0, 0x19, 1, 0]),
        ("an unknown holder", "3", &[0, 0x18, 203, 1, 0], &[0, 0x18, 203, 1, 3]),
        ("no event secrets but 0", "a truth is no number", &[0x08, 0xf4], &[0x08, 0x00]),
        ("no guest list but 0", "a truth is no number", &[0x09, 0xf4], &[0x09, 0x00]),
    ];
    cases.extend(changes.into_iter().map(|(name, why, from, to)| {
        case(name, why, [trust(), refused("event-document", &sign(&replaced(&usual, from, to)), "malformed")])
    }));
    cases
}
