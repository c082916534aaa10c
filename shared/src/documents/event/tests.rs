//! Event documents: who signs them, what contradicts itself, what is said by default.

use core::time::Duration;

use super::*;
use crate::documents::{Alone, HolderName, ListAgePolicy, TicketForm, Window, canonical, from_canonical};
use crate::id::Zones;
use crate::money::{Currency, Money};
use crate::samples;

#[test]
fn only_an_organiser_of_this_event_signs_for_it() {
    let bundle = samples::bundle();
    let event = samples::event();
    let bytes = Signed::seal(&event, &[&samples::organiser_key()]).unwrap();
    assert_eq!(EventDocument::accept(&bytes, &bundle, None, samples::DOORS).unwrap().document(), &event);

    let by_list_key = Signed::seal(&event, &[&samples::list_key()]).unwrap();
    assert!(matches!(
        EventDocument::accept(&by_list_key, &bundle, None, samples::DOORS),
        Err(Refusal::NotSigned { .. })
    ));

    let elsewhere = EventDocument { event: EventId(8), ..event };
    let out_of_scope = Signed::seal(&elsewhere, &[&samples::organiser_key()]).unwrap();
    assert!(matches!(
        EventDocument::accept(&out_of_scope, &bundle, None, samples::DOORS),
        Err(Refusal::NotSigned { .. })
    ));
}

#[test]
fn another_event_does_not_replace_the_one_in_force() {
    let mut bundle = samples::bundle();
    bundle.keys[2].events.push(EventId(8));
    let accept = |event: &EventDocument, in_force: Option<&Authentic<EventDocument>>| {
        let bytes = Signed::seal(event, &[&samples::organiser_key()]).unwrap();
        EventDocument::accept(&bytes, &bundle, in_force, samples::DOORS)
    };
    let in_force = accept(&samples::event(), None).unwrap();
    let other = EventDocument { event: EventId(8), version: 2, ..samples::event() };
    assert_eq!(accept(&other, Some(&in_force)).unwrap_err(), Refusal::OtherSubject { document: "event document" });
}

#[test]
fn a_document_signed_far_ahead_is_held_back() {
    let mut event = samples::event();
    event.issued = samples::DOORS + Duration::from_hours(25);
    let bytes = Signed::seal(&event, &[&samples::organiser_key()]).unwrap();
    assert!(matches!(
        EventDocument::accept(&bytes, &samples::bundle(), None, samples::DOORS),
        Err(Refusal::FromTheFuture { .. })
    ));
}

type Change = fn(&mut EventDocument);

/// A document that uses every field.
fn full() -> EventDocument {
    let later = |hours| samples::DOORS + Duration::from_hours(hours);
    let policy = AdmissionPolicy {
        entries: 3,
        entries_between_resets: 1,
        exit_before_reentry: false,
        pass_back_seconds: 86_400,
        tolerance_before_seconds: 86_400,
        tolerance_after_seconds: 86_400,
        list_age_static: ListAgePolicy {
            warn_after_seconds: 0,
            attention_after_seconds: 2_592_000,
            staff_after_seconds: Some(2_592_000),
        },
        list_age_live: ListAgePolicy {
            warn_after_seconds: 1,
            attention_after_seconds: 1,
            staff_after_seconds: Some(1),
        },
        alone: Alone::Staff,
    };
    let mut event = samples::event();
    event.policy = policy;
    event.resets = vec![later(20), later(44)];
    event.names_at_gates = true;
    event.find_by_order = true;
    event.products[0].moved = Some(Window { from: later(24), until: later(34) });
    event.products[0].form = TicketForm { live_window_seconds: 30, holder: HolderName::Checked };
    event.products[0].policy = Some(policy);
    event
}

#[test]
fn a_document_survives_its_bytes_and_its_text() {
    for event in [samples::event(), full()] {
        assert_eq!(event.check(), Ok(()));
        assert_eq!(from_canonical::<EventDocument>(&canonical(&event)).unwrap(), event);
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<EventDocument>(&text).unwrap(), event);
    }
}

/// What an organiser need not say.
#[test]
fn what_a_text_does_not_say_is_as_by_default() {
    let mut text = serde_json::to_value(samples::event()).unwrap();
    for member in ["policy", "resets", "names_at_gates", "find_by_order"] {
        text.as_object_mut().unwrap().remove(member).unwrap();
    }
    text["products"][0].as_object_mut().unwrap().remove("form").unwrap();
    assert_eq!(serde_json::from_value::<EventDocument>(text.clone()).unwrap(), samples::event());
    text["policy"] = serde_json::json!({ "entries": 2 });
    let two = AdmissionPolicy { entries: 2, ..AdmissionPolicy::default() };
    assert_eq!(serde_json::from_value::<EventDocument>(text.clone()).unwrap().policy, two);
    text["policy"] = serde_json::json!({ "entrys": 2 });
    assert!(serde_json::from_value::<EventDocument>(text).is_err());
}

#[test]
fn the_greatest_document_fits() {
    let mut event = full();
    (event.capacity, event.products[0].capacity) = (16_000_000, 16_000_000);
    let name = "n".repeat(MAX_NAME_BYTES);
    event.name = Text { en: name.clone(), fr: name };
    let second = Duration::from_secs(1);
    event.resets = (0..400).map(|night| samples::DOORS + second * night).collect();
    let product = Product { name: event.name.clone(), ..event.products[0].clone() };
    event.products = (0..256).map(|number| Product { product: ProductId(number), ..product.clone() }).collect();
    Signed::seal(&event, &[&samples::organiser_key()]).unwrap();
}

#[test]
fn contradictions_are_not_signed() {
    let contradictions: [(&str, Change); 14] = [
        ("too long a pass-back", |event| event.policy.pass_back_seconds = 86_401),
        ("too much tolerance before", |event| event.policy.tolerance_before_seconds = 86_401),
        ("too much tolerance after", |event| event.policy.tolerance_after_seconds = 86_401),
        ("attention before warning", |event| event.policy.list_age_static.warn_after_seconds = 2_592_001),
        ("staff before attention", |event| event.policy.list_age_live.staff_after_seconds = Some(0)),
        ("staff too late", |event| event.policy.list_age_static.staff_after_seconds = Some(2_592_001)),
        ("attention too late", |event| {
            let ages = &mut event.policy.list_age_static;
            (ages.attention_after_seconds, ages.staff_after_seconds) = (2_592_001, None);
        }),
        ("a product's policy", |event| event.products[0].policy.as_mut().unwrap().pass_back_seconds = 86_401),
        ("a limit between resets without resets", |event| event.resets.clear()),
        ("resets out of order", |event| event.resets.reverse()),
        ("a reset twice", |event| event.resets[1] = event.resets[0]),
        ("a moved window that is empty", |event| {
            let from = event.products[0].from;
            event.products[0].moved = Some(Window { from, until: from });
        }),
        ("names to be checked that gates do not have", |event| {
            (event.names_at_gates, event.find_by_order) = (false, false);
        }),
        ("found by an order where gates have no names", |event| {
            event.products[0].form = TicketForm { live_window_seconds: 30, holder: HolderName::Sealed };
            event.names_at_gates = false;
        }),
    ];
    for (name, contradict) in contradictions {
        let mut event = full();
        contradict(&mut event);
        assert!(event.check().is_err(), "{name}");
    }
    let bounds: [(&str, Change); 12] = [
        ("no product", |event| event.products.clear()),
        ("a product twice", |event| event.products.push(event.products[0].clone())),
        ("products out of order", |event| {
            event.products.insert(0, Product { product: ProductId(2), ..event.products[0].clone() });
        }),
        ("no capacity", |event| {
            event.capacity = 0;
            event.products[0].capacity = 0;
        }),
        ("too much capacity", |event| event.capacity = 16_000_001),
        ("a product larger than the event", |event| event.products[0].capacity = event.capacity + 1),
        ("a window that is empty", |event| event.products[0].until = event.products[0].from),
        ("no zone", |event| event.products[0].zones = Zones(0)),
        ("no name", |event| event.name.en.clear()),
        ("no French name", |event| event.products[0].name.fr.clear()),
        ("too long a name", |event| event.name.fr = "n".repeat(201)),
        ("two currencies", |event| {
            let francs = Money { currency: Currency::parse("CHF").unwrap(), ..event.products[0].least_price };
            let other = Product { product: ProductId(2), least_price: francs, ..event.products[0].clone() };
            event.products.push(other);
        }),
    ];
    for (name, exceed) in bounds {
        let mut event = full();
        exceed(&mut event);
        assert!(event.check().is_err(), "{name}");
    }
    let mut crowd = full();
    crowd.products =
        (0..257).map(|number| Product { product: ProductId(number), ..full().products[0].clone() }).collect();
    assert!(crowd.check().is_err());
    let mut many = full();
    many.resets = (0..401).map(|night| samples::DOORS + Duration::from_hours(24) * night).collect();
    assert!(many.check().is_err());
}

#[test]
fn the_last_reset_is_the_newest_that_has_come() {
    let event = full();
    let [first, second] = event.resets[..] else { panic!("two resets") };
    let instant = Duration::from_millis(1);
    for (now, expected) in [
        (first - instant, None),
        (first, Some(first)),
        (second - instant, Some(first)),
        (second, Some(second)),
        (second + Duration::from_hours(1000), Some(second)),
    ] {
        assert_eq!(event.last_reset(now), expected, "{now}");
    }
}

#[test]
fn a_products_policy_replaces_the_events_whole() {
    let mut event = full();
    event.products[0].policy = Some(AdmissionPolicy::default());
    assert_eq!(event.policy_of(ProductId(1)), &AdmissionPolicy::default());
    assert_eq!(event.policy_of(ProductId(2)), &event.policy);
    event.products[0].policy = None;
    assert_eq!(event.policy_of(ProductId(1)), &event.policy);
}
