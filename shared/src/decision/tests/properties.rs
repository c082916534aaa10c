//! What holds of every decision, whatever is known.

use core::num::NonZeroU8;
use core::time::Duration;

use proptest::prelude::*;

use super::scene::{Scene, scene};
use crate::decision::shown::LiveShown;
use crate::decision::{Claim, LeaseState, Listing, Passages, SealedPart, Terms, hindrance};
use crate::documents::{Alone, Direction, SlotState};
use crate::id::{EventId, Generation, ProductId, Zones};
use crate::journal::ClockState;

/// A change of a scene, and its name.
type Change = (&'static str, fn(&mut Scene));

/// One thing, each enough by itself to keep a person out.
const HINDRANCES: [Change; 15] = [
    ("another event", |scene| scene.body.event = EventId(8)),
    ("revoked", |scene| listed(scene, SlotState::Revoked)),
    ("blocked", |scene| listed(scene, SlotState::Blocked)),
    ("listed-only and unlisted", |scene| {
        listed(scene, SlotState::NotIssued);
        scene.must_be_listed = true;
    }),
    ("replaced", |scene| {
        scene.body.generation = Generation(1);
        scene.facts.highest_proved = Some(Generation(2));
    }),
    ("no zone", |scene| scene.body.zones = Zones(0)),
    ("no product", |scene| scene.body.product = ProductId(9)),
    ("no proof", |scene| {
        let live = LiveShown { window: NonZeroU8::MAX, proof: None };
        scene.live = Some(live);
    }),
    ("over", |scene| {
        scene.event.products.iter_mut().for_each(|product| product.moved = None);
        scene.clock.now = scene.body.validity.until() + Duration::from_hours(24);
    }),
    ("suspended", |scene| scene.lease = LeaseState::Suspended),
    ("lease ended", |scene| scene.lease = LeaseState::Ended),
    ("bundle long over", |scene| {
        scene.bundle_not_after = crate::time::Timestamp::from_unix_seconds(0);
        scene.clock.now = scene.clock.now + Duration::from_hours(24 * 8);
    }),
    ("name unreadable", |scene| (scene.check_id, scene.facts.sealed_part) = (true, SealedPart::Unreadable)),
    ("refused by the venue", |scene| scene.facts.claim = Claim::Refused(Passages::NONE)),
    ("strict and alone", |scene| {
        scene.event.policy.alone = Alone::Staff;
        scene.event.products.iter_mut().for_each(|product| product.policy = None);
        (scene.facts.claim, scene.facts.feed) = (Claim::NotAsked, None);
    }),
];

/// More against a ticket, or less known for it: never a reason to open where it stayed shut before.
const WORSE: [Change; 12] = [
    ("one more entry here", |scene| scene.facts.own.admitted = scene.facts.own.admitted.saturating_add(1)),
    ("one more entry here today", |scene| {
        let today = &mut scene.facts.own.admitted_since_reset;
        *today = today.saturating_add(1);
    }),
    ("one more entry elsewhere", |scene| {
        if let Some(feed) = &mut scene.facts.feed {
            feed.passages.admitted = feed.passages.admitted.saturating_add(1);
        }
    }),
    ("one exit fewer", |scene| scene.facts.own.left = scene.facts.own.left.saturating_sub(1)),
    ("a contested feed", |scene| {
        // What is contested a venue settles.
        if let Claim::NotAsked | Claim::Unreachable = scene.facts.claim {
            scene.facts.feed.iter_mut().for_each(|feed| feed.contested = true);
        }
    }),
    ("an older feed", |scene| {
        scene.facts.feed.iter_mut().for_each(|feed| feed.age = feed.age.saturating_add(Duration::from_mins(10)));
    }),
    ("no venue any more", |scene| {
        if let Claim::NotAsked = scene.facts.claim {
            scene.facts.claim = Claim::Unreachable;
        }
    }),
    // By such a clock no list is fresh, so that a seat it does not know may be newer than it.
    ("a clock that tells no time", |scene| {
        if scene.facts.listing.is_none_or(|listing| listing.state != SlotState::NotIssued) {
            scene.clock.state = ClockState::Unknown;
        }
    }),
    ("a clock that may be more wrong", |scene| scene.clock.error += Duration::from_secs(30)),
    ("a longer pass-back", |scene| {
        scene.event.policy.pass_back_seconds += 600;
        let own = scene.event.products.iter_mut().filter_map(|product| product.policy.as_mut());
        own.for_each(|policy| policy.pass_back_seconds += 600);
    }),
    ("nothing forgiven", |scene| scene.facts.unfinished = None),
    ("a bundle that ended earlier", |scene| {
        scene.bundle_not_after = scene.bundle_not_after - Duration::from_hours(24);
    }),
];

fn listed(scene: &mut Scene, state: SlotState) {
    if let Some(listing) = &mut scene.facts.listing {
        listing.state = state;
    } else {
        scene.facts.listing = Some(Listing { state, least_generation: Generation(0), age: Duration::ZERO });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn persons_pass_exactly_when_it_opens_and_never_more_than_the_places(
        scene in prop_oneof![3 => scene(Direction::Entry), 1 => scene(Direction::Exit)],
    ) {
        let verdict = scene.verdict();
        prop_assert_eq!(verdict.opens(), verdict.persons > 0);
        prop_assert_eq!(verdict.opens(), verdict.reason.severity().opens());
        prop_assert!(u16::from(verdict.persons) + u16::from(verdict.remaining) <= scene.body.places.get().into());
        prop_assert!(verdict.opens() || verdict.remaining == 0);
        prop_assert_eq!(verdict.opens() && verdict.reason.leaves(), scene.lane.direction == Direction::Exit);
        prop_assert_eq!(scene.verdict(), verdict);
    }

    #[test]
    fn nobody_enters_while_anything_stands_against_it(scene in scene(Direction::Entry)) {
        for (name, hinder) in HINDRANCES {
            let verdict = scene.with(hinder).verdict();
            prop_assert!(!verdict.opens(), "{}: {:?}", name, verdict);
        }
    }

    #[test]
    fn nothing_worse_opens_what_was_shut(scene in scene(Direction::Entry)) {
        let before = scene.verdict();
        for (name, worsen) in WORSE {
            let worse = scene.with(worsen).verdict();
            prop_assert!(before.opens() || !worse.opens(), "{}: {:?}, then {:?}", name, before, worse);
        }
    }

    #[test]
    fn whoever_was_let_in_on_a_single_entry_is_let_in_no_more(scene in scene(Direction::Entry)) {
        let verdict = scene.verdict();
        let again = scene.with(|scene| {
            scene.body.entries = 1;
            let own = &mut scene.facts.own;
            own.admitted = own.admitted.saturating_add(verdict.persons.into());
            scene.facts.unfinished = None;
        });
        prop_assert!(again.verdict().persons <= scene.body.places.get() - verdict.persons);
    }

    /// Who looks back finds fault with what a gate that knew as much would not have done, and with nothing else.
    #[test]
    fn whoever_looks_back_counts_as_the_gate_did(scene in scene(Direction::Entry)) {
        let scene = scene.with(|scene| {
            (scene.facts.unfinished, scene.facts.feed, scene.facts.claim) = (None, None, Claim::NotAsked);
            scene.clock.state = ClockState::Signed;
        });
        let (verdict, terms) = (scene.verdict(), Terms::of(&scene.body));
        let looking_back = |persons| hindrance(terms, &scene.event, scene.facts.own, persons, scene.clock.now);
        if verdict.opens() {
            prop_assert_eq!(looking_back(verdict.persons), None);
        }
        if let Some(reason) = looking_back(1) {
            prop_assert!(verdict.reason <= reason, "{:?}, and {:?} looking back", verdict, reason);
        }
    }

    #[test]
    fn whoever_holds_a_ticket_leaves_whatever_the_lists_say(scene in scene(Direction::Exit)) {
        let verdict = scene.verdict();
        prop_assert!(verdict.opens());
        for (name, hinder) in HINDRANCES {
            let otherwise = scene.with(hinder);
            // What passed is a fact about the way out, too: all else is not.
            let otherwise = otherwise.with(|other| (other.facts.claim, other.facts.feed) = (scene.facts.claim, scene.facts.feed));
            let hindered = otherwise.verdict();
            prop_assert_eq!((hindered.reason, hindered.persons), (verdict.reason, verdict.persons), "{}", name);
        }
    }

    #[test]
    fn only_what_is_proved_in_full_is_remembered(
        scene in prop_oneof![scene(Direction::Entry), scene(Direction::Exit)],
    ) {
        let remembers = scene.verdict().remembers();
        prop_assert_eq!(scene.with(|scene| scene.live = None).verdict().remembers(), true);
        if let Some(live) = scene.live {
            let tells_time = matches!(scene.clock.state, ClockState::Signed | ClockState::Battery);
            let fresh = live.proof.is_some_and(|at| {
                let lead = at.unix_millis() - scene.clock.now.unix_millis();
                (-1000 * i64::from(live.window.get())..=5000).contains(&lead)
            });
            prop_assert_eq!(remembers, tells_time && fresh);
        }
    }
}
