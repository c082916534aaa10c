//! As much as a list and a step may say, and no more.

use super::*;

#[test]
fn sixty_thousand_seats_take_15_kilobytes() {
    let truth = (0..60_000).map(|slot| (slot, good(0))).collect();
    let bytes = snapshot(revision(0, 1), &truth);
    assert!(bytes.len() < 15_200, "{}", bytes.len());
}

/// What the constants promise: the longest list and the longest delta fit their documents.
#[test]
fn the_longest_documents_fit() {
    let sparse = entry(SlotState::Revoked, 255, SlotReason::SuspectedFraud);
    let first = MAX_SLOTS - 250_000;
    let known = (first..MAX_SLOTS).map(|slot| (Slot(slot), sparse));
    let list = SlotList::snapshot(EVENT, revision(u32::MAX, u64::MAX), samples::DOORS, known).unwrap();
    let bytes = Signed::seal(&list, &[&samples::list_key()]).unwrap();
    let slots = accept(&bytes, None).unwrap();
    assert_eq!(slots.entry(Slot(MAX_SLOTS - 1)), sparse);

    let changed = entry(SlotState::Revoked, 255, SlotReason::Refunded);
    let known = (first..MAX_SLOTS).map(|slot| (Slot(slot), if slot < first + 50_000 { changed } else { sparse }));
    let next = SlotTable::of(&SlotList::snapshot(EVENT, revision(0, 0), samples::DOORS, known).unwrap());
    let delta = SlotDelta::between(slots.table(), &next, revision(u32::MAX, u64::MAX), samples::DOORS).unwrap();
    assert_eq!(delta.as_ref().unwrap().changes().len(), MAX_CHANGES);
    sealed(&delta.unwrap());

    let known = (first..MAX_SLOTS).map(|slot| (Slot(slot), if slot <= first + 50_000 { changed } else { sparse }));
    let next = SlotTable::of(&SlotList::snapshot(EVENT, revision(0, 0), samples::DOORS, known).unwrap());
    let refused = SlotDelta::between(slots.table(), &next, revision(0, 1), samples::DOORS);
    assert_eq!(refused, Err(TooManyChanges { changes: MAX_CHANGES + 1 }));
}

#[test]
fn a_list_is_as_large_as_its_bounds_and_no_larger() {
    let snapshot = |known| SlotList::snapshot(EVENT, revision(0, 1), samples::DOORS, known).unwrap();
    let longest = snapshot(vec![(Slot(MAX_SLOTS - 1), good(0))]);
    longest.check().unwrap();
    let followed_by = |byte: u8, slots| {
        let states = [&longest.states[..], &[byte]].concat();
        SlotList { states: states.into(), slots, ..longest.clone() }
    };
    assert!(followed_by(0, MAX_SLOTS).check().is_err());
    assert!(followed_by(1, MAX_SLOTS + 1).check().is_err());
    for said in [good(1), entry(SlotState::Blocked, 0, SlotReason::LostOrStolen)] {
        let known = |count| snapshot((0..count).map(|slot| (Slot(slot), said)).collect());
        known(250_000).check().unwrap();
        assert!(known(250_001).check().is_err(), "{said:?}");
    }
}

#[test]
fn a_slot_beyond_every_list_is_an_error() {
    let snapshot = |slot| SlotList::snapshot(EVENT, revision(0, 1), samples::DOORS, [(Slot(slot), good(0))]);
    snapshot(MAX_SLOTS - 1).unwrap();
    assert_eq!(snapshot(MAX_SLOTS), Err(InvalidSlots { slot: Slot(MAX_SLOTS) }));
}

#[test]
fn a_step_says_what_a_list_can_say() {
    let plain = delta(revision(0, 2), &Truth::new(), &Truth::from([(0, good(0))]));
    let check = |changes| SlotDelta { changes: sparse::Sparse::ascending(changes), ..plain.clone() }.check();
    check(vec![(Slot(0), good(0)), (Slot(MAX_SLOTS - 1), good(0))]).unwrap();
    for changes in [
        vec![],
        vec![(Slot(1), good(0)), (Slot(0), good(0))],
        vec![(Slot(MAX_SLOTS), good(0))],
        vec![(Slot(0), SlotEntry::NOT_ISSUED)],
        vec![(Slot(0), entry(SlotState::Good, 0, SlotReason::Refunded))],
    ] {
        assert!(check(changes.clone()).is_err(), "{changes:?}");
    }
    let many = |count| (0..count).map(|slot| (Slot(slot), good(0))).collect();
    check(many(50_000)).unwrap();
    check(many(50_001)).unwrap_err();
}

/// A step never leads where no snapshot and no record could follow.
#[test]
fn a_step_beyond_what_a_list_holds_is_refused() {
    let revoked = entry(SlotState::Revoked, 0, SlotReason::Refunded);
    for (sparse, freed) in
        [(good(1), false), (revoked, false), (entry(SlotState::Blocked, 0, SlotReason::InTransfer), true)]
    {
        let mut truth: Truth = (0..250_000).map(|slot| (slot, sparse)).collect();
        truth.insert(250_000, good(0));
        let full = accept(&snapshot(revision(1, 1), &truth), None).unwrap();
        let before = truth.clone();
        truth.insert(250_000, sparse);
        let beyond = sealed(&delta(revision(1, 2), &before, &truth));
        assert!(matches!(step(&full, &beyond), Err(Refusal::Full { .. })), "{sparse:?}");
        if freed {
            truth.insert(0, good(0));
            let exchanged = step(&full, &sealed(&delta(revision(1, 2), &before, &truth))).unwrap();
            assert_eq!(Slots::from_record(&exchanged.to_record()).unwrap().standing(), exchanged.standing());
        }
    }
}

#[test]
fn a_publisher_leaves_out_what_finds_no_room_but_never_a_revocation() {
    let full: Truth = (0..250_000).map(|slot| (slot, entry(SlotState::Blocked, 1, SlotReason::InTransfer))).collect();
    let table = table(&full);
    let revoked = entry(SlotState::Revoked, 0, SlotReason::Refunded);
    let silent = entry(SlotState::Revoked, 0, SlotReason::Unspecified);
    let blocked = entry(SlotState::Blocked, 0, SlotReason::Unspecified);
    let said = |changes: &[(u32, SlotEntry)]| {
        let changes = changes.iter().map(|(slot, entry)| (Slot(*slot), *entry)).collect();
        let fitting = table.within_bounds(changes);
        table.changed(&fitting, "slot delta").unwrap();
        fitting.into_iter().map(|(slot, entry)| (slot.0, entry)).collect::<Vec<_>>()
    };
    // A reason that is held keeps its place, a new one is dropped, and one that goes makes room for one.
    let again = entry(SlotState::Revoked, 1, SlotReason::Refunded);
    assert_eq!(said(&[(0, again), (250_000, revoked)]), [(0, again), (250_000, silent)]);
    let exchanged = [(0, good(1)), (250_000, revoked), (250_001, revoked)];
    assert_eq!(said(&exchanged), [(0, good(1)), (250_000, revoked), (250_001, silent)]);
    // A generation rises where there is one; a new one blocks its slot, unless that is revoked.
    assert_eq!(said(&[(0, entry(SlotState::Blocked, 2, SlotReason::InTransfer))])[0].1.least_generation, Generation(2));
    let gone = entry(SlotState::Revoked, 3, SlotReason::Unspecified);
    assert_eq!(said(&[(250_000, good(2)), (250_001, gone)]), [(250_000, blocked), (250_001, silent)]);
    assert_eq!(said(&[(250_000, good(0))]), [(250_000, good(0))]);
}

/// The first list of an event is made the same way, from a table that says nothing.
#[test]
fn the_first_list_is_kept_within_bounds_too() {
    let nothing = table(&Truth::new());
    let revoked = entry(SlotState::Revoked, 1, SlotReason::Refunded);
    let known = (0..=250_000).map(|slot| (Slot(slot), revoked)).collect();
    let fitting = nothing.within_bounds(known);
    let list = SlotList::snapshot(EVENT, revision(1, 0), samples::DOORS, fitting.iter().copied()).unwrap();
    assert_eq!(list.check(), Ok(()));
    assert_eq!(fitting[249_999].1, revoked);
    assert_eq!(fitting[250_000].1, entry(SlotState::Revoked, 0, SlotReason::Unspecified));
}
