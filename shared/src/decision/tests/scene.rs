//! Arbitrary scenes: whatever may be shown, known and asked for, near each other in time so that every rule has both answers.

use core::num::NonZeroU8;
use core::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::clock::Clock;
use crate::decision::shown::{LiveShown, Shown};
use crate::decision::{
    Claim, Facts, Feed, LeaseState, Listing, Passages, Policy, SealedPart, Turn, Unfinished, Wanted, decide_shown,
};
use crate::documents::{AdmissionPolicy, Alone, Direction, EventDocument, Lane, ListAgePolicy, SlotState, Window};
use crate::id::{EventId, GateId, Generation, LaneId, ProductId, Zones};
use crate::journal::ClockState;
use crate::samples;
use crate::ticket::{TicketBody, Validity};
use crate::time::Timestamp;
use crate::verdict::{Admission, Verdict};

#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) body: TicketBody,
    pub(super) must_be_listed: bool,
    pub(super) live: Option<LiveShown>,
    pub(super) check_id: bool,
    pub(super) event: EventDocument,
    pub(super) lane: Lane,
    pub(super) lease: LeaseState,
    pub(super) bundle_not_after: Timestamp,
    pub(super) facts: Facts,
    pub(super) clock: Clock,
}

impl Scene {
    pub(super) fn shown(&self) -> Shown<'_> {
        let Self { must_be_listed, live, check_id, .. } = *self;
        Shown { body: &self.body, must_be_listed, live, check_id }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let policy = Policy { lease: self.lease, ..Policy::at(&self.event, &self.lane, self.bundle_not_after) };
        decide_shown(&self.shown(), &self.facts, &policy, self.clock)
    }

    /// The same with a change.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut scene = self.clone();
        change(&mut scene);
        scene
    }
}

/// Half an hour around an hour after the doors, mostly; sometimes anything.
fn instant() -> impl Strategy<Value = Timestamp> + Clone {
    let near = (-1800_i64..1800).prop_map(|seconds| Timestamp::from_unix_seconds(1_800_003_600 + seconds));
    prop_oneof![9 => near, 1 => any::<i64>().prop_map(Timestamp::from_unix_millis)]
}

fn admission() -> impl Strategy<Value = Option<Admission>> {
    proptest::option::of(
        (instant(), proptest::option::of(0_u32..4)).prop_map(|(at, gate)| Admission { at, gate: gate.map(GateId) }),
    )
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0_u32), 6 => 0_u32..6, 1 => any::<u32>()]
}

pub(super) fn passages() -> BoxedStrategy<Passages> {
    let some = (count(), count(), count(), admission(), proptest::option::of(instant())).prop_map(
        |(admitted, admitted_since_reset, left, last_entry, last_exit)| Passages {
            admitted,
            admitted_since_reset,
            left,
            last_entry,
            last_exit,
        },
    );
    prop_oneof![2 => Just(Passages::NONE), 1 => some].boxed()
}

fn age() -> impl Strategy<Value = Duration> {
    prop_oneof![9 => (0_u64..4000).prop_map(Duration::from_secs), 1 => any::<u64>().prop_map(Duration::from_millis)]
}

fn slot_state() -> impl Strategy<Value = SlotState> {
    prop_oneof![
        16 => Just(SlotState::Good),
        3 => Just(SlotState::NotIssued),
        1 => Just(SlotState::Blocked),
        1 => Just(SlotState::Revoked),
    ]
}

fn facts() -> BoxedStrategy<Facts> {
    let listing = (slot_state(), prop_oneof![4 => Just(0_u8), 1 => 0_u8..3], age())
        .prop_map(|(state, least, age)| Listing { state, least_generation: Generation(least), age });
    let feed =
        (passages(), age(), any::<bool>()).prop_map(|(passages, age, contested)| Feed { passages, age, contested });
    let claim = prop_oneof![
        8 => Just(Claim::NotAsked),
        4 => Just(Claim::Unreachable),
        4 => passages().prop_map(Claim::Granted),
        1 => passages().prop_map(Claim::Refused),
    ];
    let turn = prop_oneof![Just(Turn::NotTurned), Just(Turn::Unknown)];
    let unfinished = (instant(), 1_u8..4, turn).prop_map(|(at, persons, turn)| Unfinished {
        at,
        persons: NonZeroU8::new(persons).unwrap(),
        turn,
    });
    let sealed = prop_oneof![Just(SealedPart::None), Just(SealedPart::Opened), Just(SealedPart::Unreadable)];
    (
        proptest::option::weighted(0.9, listing),
        proptest::option::weighted(0.3, 0_u8..3),
        passages(),
        proptest::option::of(feed),
        claim,
        proptest::option::weighted(0.3, unfinished),
        prop_oneof![Just(Wanted::One), Just(Wanted::AllThatRemain)],
        sealed,
    )
        .prop_map(|(listing, highest, own, feed, claim, unfinished, wanted, sealed_part)| Facts {
            listing,
            highest_proved: highest.map(Generation),
            own,
            feed,
            claim,
            unfinished,
            wanted,
            sealed_part,
        })
        .boxed()
}

fn list_ages() -> impl Strategy<Value = ListAgePolicy> {
    (0_u32..1500, 0_u32..1500, proptest::option::weighted(0.2, 0_u32..1500)).prop_map(|(warn, more, staff)| {
        ListAgePolicy {
            warn_after_seconds: warn,
            attention_after_seconds: warn + more,
            staff_after_seconds: staff.map(|staff| warn + more + staff),
        }
    })
}

fn policy() -> BoxedStrategy<AdmissionPolicy> {
    let numbers = (0_u8..4, 0_u8..3, 0_u32..600, 0_u32..600, 0_u32..600);
    (numbers, any::<bool>(), list_ages(), list_ages(), proptest::bool::weighted(0.2))
        .prop_map(|((entries, daily, pass_back, before, after), exit, list_age_static, list_age_live, strict)| {
            AdmissionPolicy {
                entries,
                entries_between_resets: daily,
                exit_before_reentry: exit,
                pass_back_seconds: pass_back,
                tolerance_before_seconds: before,
                tolerance_after_seconds: after,
                list_age_static,
                list_age_live,
                alone: if strict { Alone::Staff } else { Alone::Admit },
            }
        })
        .boxed()
}

fn event() -> BoxedStrategy<EventDocument> {
    let moved = (instant(), 1_u64..7200)
        .prop_map(|(from, seconds)| Window { from, until: from + Duration::from_secs(seconds) });
    let resets = proptest::collection::btree_set(instant(), 0..4);
    (policy(), proptest::option::weighted(0.2, policy()), proptest::option::weighted(0.1, moved), resets)
        .prop_map(|(policy, own, moved, resets)| {
            let mut event = samples::event();
            event.policy = policy;
            event.resets = resets.into_iter().collect();
            event.products[0].policy = own;
            event.products[0].moved = moved;
            event
        })
        .boxed()
}

fn body() -> BoxedStrategy<TicketBody> {
    let places = prop_oneof![3 => Just(1_u8), 2 => 1_u8..5, 1 => 1_u8..=255];
    let window = prop_oneof![9 => Just((1_800_000_000, 1_800_036_000)), 1 => (1_800_001_800_u32..1_800_003_600, 1_800_003_600_u32..1_800_005_400)];
    let zones = prop_oneof![9 => Just(1_u32), 1 => any::<u32>()];
    let product = prop_oneof![19 => Just(1_u16), 1 => any::<u16>()];
    (places, window, zones, product, 0_u8..4, 1_u8..4)
        .prop_map(|(places, (from, until), zones, product, entries, generation)| TicketBody {
            places: NonZeroU8::new(places).unwrap(),
            validity: Validity::new(from, until).unwrap(),
            zones: Zones(zones),
            product: ProductId(product),
            entries,
            generation: Generation(generation),
            ..samples::body()
        })
        .boxed()
}

fn clock() -> BoxedStrategy<Clock> {
    let state = prop_oneof![
        6 => Just(ClockState::Signed),
        2 => Just(ClockState::Battery),
        1 => Just(ClockState::RolledBack),
        1 => Just(ClockState::Ahead),
        1 => Just(ClockState::Unknown),
    ];
    (state, instant(), 0_u64..100_000)
        .prop_map(|(state, now, error)| Clock { state, now, error: Duration::from_millis(error) })
        .boxed()
}

/// A property over scenes proves nothing if they never open, or always.
#[test]
fn scenes_open_now_and_then() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let open = (0..1000)
        .filter(|_| scene(Direction::Entry).new_tree(&mut runner).unwrap().current().verdict().opens())
        .count();
    assert!((150..850).contains(&open), "{open} of 1000");
}

/// Any scene at a lane of that direction.
pub(super) fn scene(direction: Direction) -> BoxedStrategy<Scene> {
    // Of the proofs most are near the window's ends.
    let lead = prop_oneof![2 => -300_i64..10, 1 => -100_000_i64..100_000];
    let live = (1_u8..=255, proptest::option::weighted(0.8, lead));
    let lease =
        prop_oneof![18 => Just(LeaseState::Held), 1 => Just(LeaseState::Ended), 1 => Just(LeaseState::Suspended)];
    let bundle = prop_oneof![9 => Just(samples::END), 1 => instant()];
    (
        (body(), proptest::bool::weighted(0.1), proptest::option::weighted(0.3, live), proptest::bool::weighted(0.1)),
        event(),
        (lease, bundle),
        facts(),
        clock(),
    )
        .prop_map(move |((body, must_be_listed, live, check_id), event, (lease, bundle_not_after), facts, clock)| {
            let shown_at = |lead| Timestamp::from_unix_seconds(clock.now.unix_seconds().saturating_add(lead));
            Scene {
                body,
                must_be_listed,
                live: live.map(|(window, lead)| LiveShown {
                    window: NonZeroU8::new(window).unwrap(),
                    proof: lead.map(shown_at),
                }),
                check_id,
                event: EventDocument { event: EventId(7), ..event },
                lane: Lane { lane: LaneId(1), direction, zones: Zones(1) },
                lease,
                bundle_not_after,
                facts,
                clock,
            }
        })
        .boxed()
}
