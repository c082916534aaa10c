//! What is published reaches the gate, by whatever way leads there.

use std::collections::BTreeSet;

use countermark_shared::verdict::Reason;

use super::*;

#[test]
fn a_missing_step_is_got_round_by_the_snapshot_and_said_where_there_is_none() {
    let mut world = World::new();
    world.catch_up();
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    world.publisher().lose_last_step();
    world.catch_up();
    assert!(!world.is_in_step());
    assert!(world.machine.refused().contains_key(&DocumentKind::SlotList));
    assert!(world.held().bundle.is_some(), "what was in force stays");

    world.publisher().publish_snapshot();
    world.catch_up();
    assert!(world.is_in_step());
}

#[test]
fn steps_are_taken_one_by_one_and_a_raised_epoch_by_its_snapshot() {
    let mut world = World::new();
    world.catch_up();
    for slot in 100..110 {
        world.publisher().say([(Slot(slot), SlotState::Good)]);
    }
    world.requests.clear();
    world.catch_up();
    assert_eq!(world.requests.iter().filter(|request| **request == "slot-delta").count(), 10);
    assert!(world.is_in_step() && !world.requests.contains(&"slot-list"));

    world.publisher().raise_epoch();
    world.catch_up();
    assert!(world.is_in_step() && world.requests.contains(&"slot-list"));
}

#[test]
fn a_copy_of_the_cloud_that_lags_behind_takes_nothing_back_and_alarms_nobody() {
    let mut world = World::new();
    world.catch_up();
    let old = world.publisher().answer(Wanted::Head { held: None }, DOORS);
    world.now += POLL;
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    world.catch_up();
    world.validation.lagging = old;
    let end = world.now + 3 * POLL;
    while world.now < end {
        world.step(Fate::Arrives);
    }
    assert!(world.is_in_step() && world.machine.refused().is_empty(), "{:?}", world.machine.refused());
}

/// The gate slept through two rotations, and none of the keys it knew signs anything any more.
#[test]
fn roots_and_list_keys_that_were_replaced_are_reached_step_by_step() {
    let mut world = World::new();
    world.catch_up();
    for _ in 0..2 {
        world.publisher().rotate_roots();
        world.publisher().replace_list_key();
    }
    world.catch_up();
    assert!(world.is_in_step());
}

/// A box that was enrolled, and stood in a cupboard while the roots were replaced.
#[test]
fn a_gate_without_a_bundle_finds_its_way_from_the_roots_its_code_named() {
    let mut world = World::new();
    world.publisher().rotate_roots();
    world.publisher().replace_list_key();
    world.catch_up();
    assert!(world.is_in_step());
}

#[test]
fn what_a_thief_published_falls_with_his_key() {
    let mut world = World::new();
    world.catch_up();
    let honest = world.publisher().slots_standing();
    for _ in 0..9 {
        world.publisher().raise_epoch();
    }
    world.publisher().say([(Slot(7), SlotState::Revoked)]);
    world.catch_up();
    assert!(world.is_in_step());

    world.publisher().restore(honest.revision);
    world.publisher().replace_list_key();
    world.catch_up();
    assert!(world.is_in_step(), "{:?}", world.machine.refused());
    assert_eq!(world.publisher().slots_standing().revision.epoch, 0);
}

/// A gate that keeps up is never so far behind that it needs a snapshot.
#[test]
fn a_gate_that_keeps_up_keeps_few_steps() {
    let mut world = World::new();
    world.catch_up();
    for step in 1..=200_u32 {
        let state = if step % 2 == 1 { SlotState::Blocked } else { SlotState::Good };
        world.publisher().say([(Slot(7), state)]);
        if step % 32 == 0 {
            world.publisher().publish_snapshot();
        }
        world.catch_up();
        let end = world.now + POLL;
        while world.now < end {
            world.step(Fate::Arrives);
        }
        assert!(world.is_in_step() && world.held().steps <= 64, "{} steps after {step}", world.held().steps);
    }
    assert!(world.machine.refused().is_empty());
    let snapshots = world.requests.iter().filter(|request| **request == "slot-list").count();
    assert!((4..12).contains(&snapshots), "{snapshots} snapshots");
    world.restart();
    assert!(world.is_in_step(), "what is in force outlives the steps");
}

#[test]
fn batches_are_taken_one_by_one_and_a_missing_one_is_got_round_by_the_snapshot() {
    let mut world = World::new();
    world.catch_up();
    for slot in 0..10 {
        world.admitted_elsewhere(slot);
    }
    world.requests.clear();
    world.catch_up();
    assert_eq!(world.requests.iter().filter(|request| **request == "feed-batch").count(), 10);
    assert!(world.is_in_step() && !world.requests.contains(&"admission-feed"));

    world.admitted_elsewhere(11);
    world.publisher().lose_last_batch();
    world.catch_up();
    assert!(!world.is_in_step());
    assert!(world.machine.refused().contains_key(&DocumentKind::AdmissionFeed));
    world.publisher().publish_feed_snapshot();
    world.catch_up();
    assert!(world.is_in_step());
}

/// A box that was enrolled anew since its ledger was lost: until it has heard whom it let in before, it lets nobody in.
#[test]
fn a_new_gate_decides_nothing_before_it_knows_who_came_in_elsewhere() {
    let mut world = World::new();
    world.exchange = Duration::from_millis(50);
    for slot in 40..50 {
        world.admitted_elsewhere(slot);
    }
    let ticket = samples::ticket_of(49, 1).to_text();
    let mut said = BTreeSet::new();
    for _ in 0..40 {
        let now = world.moment();
        said.insert(world.ledger().check(LaneId(1), &ticket, now).unwrap().verdict);
        world.step(Fate::Arrives);
    }
    assert!(world.is_in_step());
    assert_eq!(said, BTreeSet::from([Reason::CannotDecide, Reason::PlacesUsedUp]));
}

#[test]
fn a_new_gate_that_cannot_get_the_list_or_the_feed_decides_without() {
    for never in [DocumentKind::SlotList, DocumentKind::AdmissionFeed] {
        let mut world = World::new();
        world.never = Some(never);
        while !world.held().decides {
            world.step(Fate::Arrives);
            assert!(world.now < POLL, "{:?}", world.machine);
        }
    }
}

/// A batch that cannot be fetched keeps neither the list nor the journal here.
#[test]
fn a_feed_that_does_not_come_holds_nothing_else_back() {
    let mut world = World::new();
    world.publisher().junk.extend([DocumentKind::AdmissionFeed, DocumentKind::FeedBatch]);
    world.scan("a");
    world.settle();
    world.catch_up();
    assert!(world.machine.refused().contains_key(&DocumentKind::AdmissionFeed));
    assert!(world.held().decides);
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    let list = world.publisher().slots_standing();
    let end = world.now + 2 * POLL;
    while world.ledger().documents_held().slots.is_none_or(|slots| slots.in_force != list) {
        world.step(Fate::Arrives);
        assert!(world.now < end, "{:?}", world.machine);
    }
}

/// Batches are kept for longer than steps: each fold is a snapshot of all that passed.
#[test]
fn a_gate_that_keeps_up_with_the_feed_keeps_no_batch_for_ever() {
    let mut world = World::new();
    world.catch_up();
    for batch in 1..=1200_u32 {
        world.admitted_elsewhere(batch % 90);
        if batch % 32 == 0 {
            world.publisher().publish_feed_snapshot();
        }
        if batch % 20 == 0 {
            world.catch_up();
            let end = world.now + POLL;
            while world.now < end {
                world.step(Fate::Arrives);
            }
            assert!(world.is_in_step() && world.held().batches < 600, "{} after {batch}", world.held().batches);
        }
    }
    let snapshots = world.requests.iter().filter(|request| **request == "admission-feed").count();
    assert!((2..6).contains(&snapshots), "{snapshots} snapshots");
    world.restart();
    assert!(world.is_in_step(), "what is in force outlives the batches");
}
