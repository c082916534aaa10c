//! In which order and how often the cloud is asked.

use super::*;

#[test]
fn the_first_round_is_in_order_and_then_it_rests() {
    let mut world = World::new();
    while world.now < POLL {
        world.step(Fate::Arrives);
    }
    let documents: Vec<_> = world.requests.iter().copied().filter(|request| *request != "head").collect();
    assert_eq!(documents, ["log-in", "trust-bundle", "assignment", "slot-list", "admission-feed", "event-document"]);
    assert!(world.is_in_step());
    assert!(world.requests.iter().filter(|request| **request == "head").count() <= 2);
}

#[test]
fn rows_travel_together_after_half_a_second() {
    let mut world = World::new();
    world.catch_up();
    // The time is asked for last.
    world.step(Fate::Arrives);
    let start = world.now;
    world.scan("a");
    world.step(Fate::Arrives);
    assert_eq!(world.now, start + Duration::from_millis(500));
    world.scan("b");
    world.step(Fate::Arrives);
    assert_eq!(world.requests.last(), Some(&"upload"));
    assert_eq!((world.validation.rows.len(), world.held().unsettled), (2, 0));
}

#[test]
fn a_backlog_goes_out_in_full_batches_without_a_pause() {
    let mut world = World::new();
    for row in 0..2500 {
        world.scan(&row.to_string());
    }
    world.settle();
    assert_eq!(world.requests.iter().filter(|request| **request == "upload").count(), 3);
    assert!(world.now <= Duration::from_secs(2), "{:?}", world.now);
}

#[test]
fn an_ended_session_is_renewed() {
    let mut world = World::new();
    world.scan("a");
    while world.validation.rows.is_empty() {
        world.step(Fate::Arrives);
    }
    world.scan("b");
    world.step(Fate::Arrives);
    world.step(Fate::SessionEnds);
    assert_eq!(world.validation.rows.len(), 1);
    world.settle();
    assert_eq!(world.requests.iter().filter(|request| **request == "log-in").count(), 2);
}

#[test]
fn a_refused_document_is_said_and_does_not_hold_back_the_journal() {
    let mut world = World::new();
    world.publisher().junk.insert(DocumentKind::TrustBundle);
    world.scan("a");
    world.settle();
    assert!(world.machine.refused().contains_key(&DocumentKind::TrustBundle));
    assert_eq!(world.held().bundle, None);

    world.publisher().junk.clear();
    world.catch_up();
    assert!(world.is_in_step());
    world.step(Fate::Arrives);
    assert!(world.machine.refused().is_empty());
}

#[test]
fn a_silent_cloud_is_asked_ever_more_rarely() {
    let mut world = World::new();
    let mut asked = 0;
    while world.now < Duration::from_mins(10) {
        let before = world.now;
        world.step(Fate::RequestLost);
        asked += u32::from(world.now == before);
    }
    assert!((10..25).contains(&asked), "{asked} requests in ten minutes");
}

/// The documents' round takes longer than their poll.
#[test]
fn a_slow_line_keeps_no_row_back() {
    let mut world = World::new();
    world.exchange = Duration::from_secs(10);
    world.scan("a");
    while world.held().unsettled > 0 {
        world.step(Fate::Arrives);
        assert!(world.now < Duration::from_mins(2), "the row never went");
    }
    while !world.is_in_step() {
        world.step(Fate::Arrives);
        assert!(world.now < Duration::from_mins(5), "the documents never came");
    }
}

#[test]
fn a_document_that_never_gets_through_keeps_no_row_back() {
    for kind in DocumentKind::HELD {
        let mut world = World::new();
        (world.exchange, world.never) = (Duration::from_secs(15), Some(kind));
        for row in 0..3 {
            world.scan(&row.to_string());
            while world.held().unsettled > 0 {
                world.step(Fate::Arrives);
                assert!(world.now < Duration::from_mins(20), "{kind:?} keeps row {row} back");
            }
        }
    }
}

#[test]
fn rows_without_a_result_are_sent_again() {
    let mut world = World::new();
    world.validation.patience = Some(2);
    for row in 0..5 {
        world.scan(&row.to_string());
    }
    world.settle();
    assert_eq!(world.validation.rows.len(), 5);
}

/// The step is gone, and the snapshot is older than what is held: each round fails whole.
#[test]
fn a_lost_step_is_asked_for_ever_more_rarely() {
    let mut world = World::new();
    world.catch_up();
    for slot in [7, 8] {
        world.publisher().say([(Slot(slot), SlotState::Blocked)]);
        if slot == 7 {
            world.catch_up();
        }
    }
    world.publisher().lose_last_step();
    let steps = world.asked_in_ten_minutes(DocumentKind::SlotDelta);
    let snapshots = world.requests.iter().filter(|request| **request == "slot-list").count();
    assert!((10..25).contains(&steps) && steps.abs_diff(snapshots) <= 1, "{steps} steps, {snapshots} snapshots");
}

/// A snapshot is the largest of all documents, and takes up no less room.
#[test]
fn a_full_disk_asks_for_no_snapshot() {
    let mut world = World::new();
    world.catch_up();
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    while world.held().needs.is_none_or(|(_, needs)| needs.fetch.is_empty()) {
        world.step(Fate::Arrives);
    }
    world.full = true;
    let steps = world.asked_in_ten_minutes(DocumentKind::SlotDelta);
    assert!((10..25).contains(&steps), "{steps} steps");
    assert!(!world.requests.contains(&"slot-list"));
    world.full = false;
    world.catch_up();
    assert!(world.is_in_step());
}

#[test]
fn a_slow_line_carries_smaller_uploads_and_a_better_one_full_ones_again() {
    let mut world = World::new();
    for (refuses, total) in [(false, 500), (true, 1000)] {
        (world.widest, world.refuses) = (100, refuses);
        let begun = world.now;
        for row in 0..500 {
            world.scan(&format!("{refuses} {row}"));
        }
        world.settle();
        assert_eq!(world.validation.rows.len(), total);
        let took = world.now.saturating_sub(begun);
        assert!(took < Duration::from_mins(5), "{took:?}");
    }

    world.widest = usize::MAX;
    world.requests.clear();
    for row in 0..3000 {
        world.scan(&format!("more {row}"));
    }
    world.settle();
    let uploads = world.requests.iter().filter(|request| **request == "upload").count();
    assert!((4..10).contains(&uploads), "{uploads} uploads");
}
