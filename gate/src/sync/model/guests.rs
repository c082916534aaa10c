//! The guest list comes beside all that verdicts rest on, and never before it.

use super::*;
use countermark_shared::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

/// Where the organiser wants a guest list and the gate was given the secret.
fn entrusted() -> World {
    let mut world = World::new();
    world.publisher().give_guests(true);
    world
}

impl World {
    fn sell(&mut self, slot: u32, issued: Timestamp) {
        let cursor = GuestCursor { issued, slot: Slot(slot), generation: Generation(1) };
        self.validation.guests.insert(cursor, samples::guest(slot, 1, samples::ORDER, issued));
    }

    fn guests_held(&mut self) -> Option<u64> {
        self.ledger().report().unwrap().guests.map(|guests| guests.held)
    }

    fn run(&mut self, until: Duration) {
        while self.now < until {
            self.step(Fate::Arrives);
        }
    }

    fn looks(&self) -> usize {
        self.requests.iter().filter(|request| **request == "guests").count()
    }
}

#[test]
fn the_list_is_read_to_its_end_once_all_documents_are_here() {
    let mut world = entrusted();
    for slot in 0..5 {
        world.sell(slot, DOORS);
    }
    world.run(MINUTE);
    assert!(world.is_in_step());
    assert_eq!((world.guests_held(), world.looks()), (Some(5), 3));
    let first = world.requests.iter().position(|request| *request == "guests").unwrap();
    for document in ["event-document", "slot-list", "admission-feed"] {
        let came = world.requests.iter().position(|request| *request == document).unwrap();
        assert!(came < first, "{document} came after the guests");
    }
}

#[test]
fn who_bought_since_and_who_committed_late_is_there_after_five_minutes() {
    let mut world = entrusted();
    world.sell(1, DOORS);
    world.run(MINUTE);
    assert_eq!(world.guests_held(), Some(1));
    world.sell(2, DOORS + MINUTE);
    // Before the one that is held, and not far.
    world.sell(3, DOORS - 4 * MINUTE);
    world.run(2 * MINUTE);
    assert_eq!((world.guests_held(), world.looks()), (Some(1), 1), "nobody looks all the time");
    world.run(6 * MINUTE);
    assert_eq!(world.guests_held(), Some(3));
    world.restart();
    let now = world.moment();
    world.ledger().pass_time(now).unwrap();
    assert_eq!(world.guests_held(), Some(3), "a restart forgets nobody");
}

/// Found in review: a sale by a clock that was ahead hid whatever was sold until the others had caught up with it.
#[test]
fn a_sale_by_a_clock_that_is_ahead_hides_no_later_one() {
    let mut world = entrusted();
    world.sell(1, DOORS + 60 * MINUTE);
    world.run(MINUTE);
    assert_eq!(world.guests_held(), Some(1));
    world.sell(2, DOORS + MINUTE);
    world.run(7 * MINUTE);
    assert_eq!(world.guests_held(), Some(2));
}

#[test]
fn a_list_that_is_lost_on_the_way_is_asked_for_again() {
    let mut world = entrusted();
    for slot in 0..9 {
        world.sell(slot, DOORS);
    }
    let fates = [Fate::Arrives, Fate::ReplyLost, Fate::Arrives, Fate::Fails, Fate::Arrives, Fate::SessionEnds];
    let mut steps = 0;
    while world.guests_held() != Some(9) {
        assert!(world.now < 20 * MINUTE, "the list never came: {:?}", world.machine);
        world.step(fates[steps % fates.len()]);
        steps += 1;
        if steps == 40 {
            world.restart();
        }
    }
    assert!(world.looks() > 5, "nothing was lost");
}

#[test]
fn without_the_organisers_word_nobody_asks_and_what_is_here_leaves() {
    let mut world = World::new();
    world.sell(1, DOORS);
    world.run(MINUTE);
    assert_eq!((world.guests_held(), world.looks()), (None, 0));

    world.publisher().give_guests(true);
    world.run(2 * MINUTE);
    assert_eq!(world.guests_held(), Some(1));
    world.publisher().give_guests(false);
    world.run(3 * MINUTE);
    assert_eq!(world.guests_held(), None);
    world.publisher().give_guests(true);
    world.run(4 * MINUTE);
    assert_eq!(world.guests_held(), Some(1), "another list is asked for at once");
}

#[test]
fn a_suspended_gate_has_no_list() {
    let mut world = entrusted();
    world.sell(1, DOORS);
    world.run(MINUTE);
    assert_eq!(world.guests_held(), Some(1));
    world.publisher().suspend(true);
    world.run(2 * MINUTE);
    assert_eq!(world.guests_held(), None);
}

/// Scans go on, and so do documents.
#[test]
fn a_list_that_never_comes_keeps_nothing_back() {
    let mut world = entrusted();
    world.sell(1, DOORS);
    world.catch_up();
    world.validation.guests_fail = true;
    world.scan("a");
    world.settle();
    world.publisher().say([(Slot(7), SlotState::Blocked)]);
    world.catch_up();
    assert!(world.is_in_step() && world.guests_held() == Some(0));
}
