//! Whoever is found by their order is shown to staff, let in by nobody but a supervisor, and counted as anybody.

use super::*;
use crate::ledger::find::Found;
use crate::names::Holder;
use crate::samples::{EVENT, NAME, ORDER, SEAT};
use countermark_shared::documents::{EventDocument, KeyRole, KeyStatus, Signed, SlotState};
use countermark_shared::id::{Generation, SupervisorId};
use countermark_shared::journal::OverruleReason;
use countermark_shared::order_code::OrderCode;
use countermark_shared::wire::{Guest, GuestPage};

const DOOR: LaneId = LaneId(1);
const OTHER_ORDER: &str = "00000-00000";

/// A gate that serves an event with a guest list, and was given the event's secret.
fn entrusted() -> Bench {
    let mut bench = Bench::synced();
    assign(&mut bench, 2, |_| {});
    give(&mut bench, &samples::event_with_guests(2, true));
    bench
}

fn give(bench: &mut Bench, event: &EventDocument) {
    let bytes = Signed::seal(event, &[&samples::signing_key(4)]).unwrap();
    bench.ledger().take(DocumentKind::EventDocument, &bytes, moment(DOORS)).unwrap();
}

/// The list, with these on it.
fn list(bench: &mut Bench, guests: impl IntoIterator<Item = Guest>) {
    let page = GuestPage { guests: guests.into_iter().collect(), next: None };
    bench.ledger().deliver(Delivery::Guests { event: EVENT, page }, moment(DOORS)).unwrap();
}

/// Seat 42, and 43 of the same order.
fn with_guests() -> Bench {
    let mut bench = entrusted();
    list(&mut bench, [42, 43].map(|slot| samples::guest(slot, 1, ORDER, DOORS)));
    bench
}

fn code(text: &str) -> OrderCode {
    text.parse().unwrap()
}

fn find(bench: &mut Bench, order: &str) -> Result<Vec<Found>, ActError> {
    bench.ledger().find(DOOR, code(order), moment(DOORS))
}

/// The standing of a seat of the order.
fn standing(bench: &mut Bench, slot: u32) -> Reason {
    let found = find(bench, ORDER).unwrap();
    found.iter().find(|found| found.slot == Slot(slot)).unwrap().standing
}

fn choose(bench: &mut Bench, slot: u32) -> Result<Announcement, ActError> {
    bench.ledger().choose(DOOR, code(ORDER), Slot(slot), moment(DOORS))
}

fn overrule(bench: &mut Bench, sequence: u64) -> Result<Announcement, ActError> {
    bench.ledger().overrule(sequence, SupervisorId(4), OverruleReason::Identified, moment(DOORS))
}

fn found(slots: &[u32], bench: &mut Bench) {
    let seats: Vec<_> = find(bench, ORDER).unwrap().iter().map(|found| found.slot.0).collect();
    assert_eq!(seats, slots);
}

#[test]
fn an_orders_seats_are_found_with_their_names_and_nothing_is_written() {
    let mut bench = with_guests();
    let seats = find(&mut bench, "7kq2m4xd9p").unwrap();
    let [first, _] = &seats[..] else { panic!("{seats:?}") };
    assert_eq!((first.slot, first.places, first.standing, first.may_enter), (Slot(42), 2, Reason::Admitted, true));
    assert_eq!(first.holder.as_ref().map(Holder::name), Some(NAME));
    assert_eq!((&*first.sentence.en, first.earlier), ("Not let in yet.", None));
    let told = serde_json::to_string(&seats).unwrap();
    assert!(!told.contains(NAME) && !told.contains(SEAT) && !format!("{seats:?}").contains(NAME));
    assert_eq!(bench.rows(), []);
}

#[test]
fn somebody_without_a_ticket_is_let_in_by_a_supervisor_and_the_ticket_is_used_then() {
    let mut bench = with_guests();
    let chosen = choose(&mut bench, 42).unwrap();
    let said = (chosen.ruling.verdict, chosen.ruling.opens, chosen.sequence, chosen.ruling.slot);
    assert_eq!(said, (Reason::FoundByOrder, false, Some(1), Some(Slot(42))));
    assert_eq!(chosen.holder.as_ref().map(Holder::name), Some(NAME));
    assert_eq!(chosen.source.to_string(), "order");
    let recent = bench.ledger().recent(1, moment(DOORS)).unwrap().remove(0);
    assert_eq!(
        (recent.reason, recent.persons, recent.may),
        (Reason::FoundByOrder, 0, vec![Deed::Overrule, Deed::Hold])
    );
    assert_eq!(standing(&mut bench, 42), Reason::Admitted, "nobody has passed");

    let let_in = overrule(&mut bench, 1).unwrap();
    // Two places, as the half says.
    assert_eq!((let_in.ruling.opens, let_in.ruling.persons), (true, 2));
    assert_eq!(let_in.holder.as_ref().map(Holder::name), Some(NAME));
    let again = find(&mut bench, ORDER).unwrap().remove(0);
    assert_eq!((again.standing, again.earlier, again.earlier_gate), (Reason::PlacesUsedUp, Some(DOORS), Some(GATE)));
    let text = samples::sealed_ticket(42, false).to_text();
    assert_eq!(bench.verdicts(std::slice::from_ref(&text)), [Reason::PlacesUsedUp]);
    bench.crash().unwrap();
    assert_eq!(bench.verdicts(&[text]), [Reason::PlacesUsedUp]);

    let rows: Vec<_> =
        bench.rows().into_iter().map(|row| (row.reason, row.persons, row.proved, row.actor, row.act)).collect();
    let overruled = Act::Overrule { of: 1, supervisor: SupervisorId(4), why: OverruleReason::Identified };
    assert_eq!(rows[0], (Reason::FoundByOrder, 0, false, Actor::Operator, None));
    assert_eq!(rows[1], (Reason::Overruled, 2, false, Actor::Supervisor, Some(overruled)));
}

/// The first row of a seat that was scanned carries the ticket, whatever was done without one before.
#[test]
fn a_ticket_that_is_shown_after_it_was_found_goes_to_the_cloud() {
    let mut bench = with_guests();
    choose(&mut bench, 42).unwrap();
    overrule(&mut bench, 1).unwrap();
    let text = samples::sealed_ticket(42, false).to_text();
    bench.verdicts(&[text.clone(), text.clone()]);
    let rows = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap().rows;
    assert_eq!(rows.into_iter().map(|row| row.ticket).collect::<Vec<_>>(), [None, None, Some(text), None]);
}

#[test]
fn how_it_stands_with_a_seat_is_what_its_ticket_would_be_told() {
    let mut bench = with_guests();
    let scanned = bench.verdicts(&[samples::sealed_ticket(42, false).to_text()]);
    assert_eq!(scanned, [Reason::Admitted]);
    let seats = find(&mut bench, ORDER).unwrap();
    assert_eq!((seats[0].standing, seats[1].standing), (Reason::PlacesUsedUp, Reason::Admitted));
    assert_eq!(seats[0].sentence.en, "All persons of this ticket were admitted.");

    for (sequence, state, expected) in
        [(2, SlotState::Blocked, Reason::Blocked), (3, SlotState::Revoked, Reason::Revoked)]
    {
        let bytes = samples::slots_bytes_but(sequence, DOORS, Slot(43), state);
        bench.ledger().take(DocumentKind::SlotList, &bytes, moment(DOORS)).unwrap();
        assert_eq!(standing(&mut bench, 43), expected);
    }
    assert!(!find(&mut bench, ORDER).unwrap()[1].may_enter);
    assert!(matches!(choose(&mut bench, 43), Err(ActError::Final { reason: Reason::Revoked })));
}

#[test]
fn nobody_is_found_where_people_leave_or_without_the_organisers_word() {
    let mut bench = with_guests();
    let exit = bench.ledger().find(LaneId(2), code(ORDER), moment(DOORS));
    assert!(matches!(exit, Err(ActError::NotAnEntry { lane: LaneId(2) })));
    assert!(matches!(choose(&mut bench, 44), Err(ActError::NobodyFound)), "a seat of another order");
    give(&mut bench, &samples::event_with_guests(3, false));
    assert!(matches!(find(&mut bench, ORDER), Err(ActError::NoGuestList)));
    assert!(matches!(overrule(&mut bench, 1), Err(ActError::Unknown { .. })));
    assert!(matches!(find(&mut Bench::synced(), ORDER), Err(ActError::NoGuestList)));
}

#[test]
fn what_the_issuer_did_not_sign_is_not_there_and_hides_nobody() {
    let mut bench = entrusted();
    let by_a_stranger = |slot, generation| samples::guest_by(&samples::signing_key(3), slot, generation, ORDER, DOORS);
    let mut torn = samples::guest(46, 1, ORDER, DOORS);
    torn.half.0.pop();
    list(&mut bench, [samples::guest(42, 1, ORDER, DOORS), by_a_stranger(42, 2), by_a_stranger(45, 1), torn]);
    found(&[42], &mut bench);
    assert!(matches!(choose(&mut bench, 45), Err(ActError::NobodyFound)));
}

#[test]
fn of_a_seat_the_newest_issue_alone_is_found_by_its_own_order() {
    let mut bench = with_guests();
    // 42 was passed on to somebody who has another order, or none; 43 was sealed anew.
    list(&mut bench, [samples::guest(42, 2, OTHER_ORDER, DOORS), samples::guest(43, 2, ORDER, DOORS)]);
    found(&[43], &mut bench);
    choose(&mut bench, 43).unwrap();
    let subject = Subject::Ticket { event: EVENT, slot: Slot(43), generation: Generation(2) };
    assert_eq!(bench.rows()[0].subject, subject);
    // The gate saw a later issue of 43 than the list has.
    let later = samples::sign(samples::body_of(43, 3)).to_text();
    bench.verdicts(&[later]);
    assert_eq!(standing(&mut bench, 43), Reason::OutdatedGeneration);
    assert!(matches!(overrule(&mut bench, 1), Err(ActError::Final { reason: Reason::OutdatedGeneration })));
}

#[test]
fn after_five_codes_that_find_nobody_the_next_has_to_wait_over_restarts_too() {
    let mut bench = with_guests();
    for _ in 0..4 {
        assert!(matches!(find(&mut bench, OTHER_ORDER), Err(ActError::NobodyFound)));
    }
    // Who has one code does not get five more tries by it.
    found(&[42, 43], &mut bench);
    assert!(matches!(find(&mut bench, OTHER_ORDER), Err(ActError::NobodyFound)));
    for order in [OTHER_ORDER, ORDER] {
        assert!(matches!(find(&mut bench, order), Err(ActError::WaitForCode { seconds: 10 })));
    }
    bench.crash().unwrap();
    assert!(matches!(choose(&mut bench, 42), Err(ActError::WaitForCode { seconds: 10 })));
    let later = bench.ledger().find(DOOR, code(ORDER), moment(DOORS + Duration::from_secs(10)));
    assert_eq!(later.unwrap().len(), 2);
}

#[test]
fn whoever_was_found_by_a_half_that_is_not_believed_any_more_is_not_let_in() {
    let mut bench = with_guests();
    choose(&mut bench, 42).unwrap();
    let mut bundle = samples::bundle();
    bundle.version = 2;
    bundle.keys.iter_mut().filter(|key| key.role == KeyRole::Issuing).for_each(|key| key.status = KeyStatus::Revoked);
    bench.ledger().take(DocumentKind::TrustBundle, &samples::bundle_bytes(&bundle), moment(DOORS)).unwrap();
    assert!(matches!(overrule(&mut bench, 1), Err(ActError::Final { reason: Reason::KeyRevoked })));
    assert!(matches!(find(&mut bench, ORDER), Err(ActError::NobodyFound)));
}

/// How many places it has is not known any more.
#[test]
fn one_is_let_in_who_was_found_before_the_names_left() {
    let mut bench = with_guests();
    choose(&mut bench, 42).unwrap();
    assign(&mut bench, 3, |assignment| assignment.lease.names_until = DOORS);
    bench.ledger().pass_time(moment(DOORS)).unwrap();
    let let_in = overrule(&mut bench, 1).unwrap();
    assert_eq!((let_in.ruling.persons, let_in.holder), (1, None));
}

/// Every file of the ledger's, as somebody with the disk reads it.
fn on_disk(bench: &Bench) -> Vec<u8> {
    let files = std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn the_list_leaves_the_disk_with_the_names_and_finds_nobody_any_more() {
    let mut bench = with_guests();
    let Guest { issued: _, tag, half } = samples::guest(42, 1, ORDER, DOORS);
    let lies = |bench: &Bench| {
        let disk = on_disk(bench);
        [&tag.0[..], &half.0[..]].map(|bytes| disk.windows(bytes.len()).any(|window| window == bytes))
    };
    assert_eq!(lies(&bench), [true; 2]);
    bench.ledger().pass_time(moment(END - Duration::from_millis(1))).unwrap();
    assert_eq!(lies(&bench), [true; 2]);
    bench.ledger().pass_time(moment(END)).unwrap();
    assert_eq!(lies(&bench), [false; 2]);
    assert!(bench.ledger().report().unwrap().guests.is_none());
    assert!(matches!(bench.ledger().find(DOOR, code(ORDER), moment(END)), Err(ActError::NoGuestList)));
}

/// So that scans go on meanwhile; and what is half gone is no list.
#[test]
fn a_long_list_leaves_piece_by_piece_before_another_comes() {
    let mut bench = with_guests();
    let many = "WITH RECURSIVE number (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM number WHERE n < 12000)
                INSERT INTO guest (slot, generation, tag, half) SELECT n, 1, zeroblob(16), x'00' FROM number";
    bench.ledger().connection.execute(many, []).unwrap();
    give(&mut bench, &samples::event_with_guests(3, false));
    give(&mut bench, &samples::event_with_guests(4, true));
    assert!(store::has_guests(&bench.ledger().connection).unwrap());
    assert!(bench.ledger().report().unwrap().guests.is_none());
    list(&mut bench, [samples::guest(42, 1, ORDER, DOORS)]);
    bench.ledger().pass_time(moment(DOORS)).unwrap();
    assert!(!store::has_guests(&bench.ledger().connection).unwrap());
    list(&mut bench, [samples::guest(42, 1, ORDER, DOORS)]);
    found(&[42], &mut bench);
}

#[test]
fn another_events_list_takes_the_place_of_this_one() {
    let mut bench = with_guests();
    assign(&mut bench, 3, |assignment| assignment.event = countermark_shared::id::EventId(8));
    assert!(!store::has_guests(&bench.ledger().connection).unwrap());
    // A page that was under way when the gate was moved.
    list(&mut bench, [samples::guest(42, 1, ORDER, DOORS)]);
    assert!(!store::has_guests(&bench.ledger().connection).unwrap());
}

#[test]
fn more_than_a_gate_keeps_is_told_and_what_is_kept_is_brought_up_to_date() {
    let mut bench = with_guests();
    bench.ledger().connection.execute("UPDATE guest_list SET held = 200000", []).unwrap();
    list(&mut bench, [samples::guest(44, 1, ORDER, DOORS), samples::guest(42, 1, OTHER_ORDER, DOORS)]);
    found(&[43], &mut bench);
    let report = bench.ledger().report().unwrap();
    let cut = report.guests.unwrap();
    assert_eq!((cut.held, cut.is_cut), (200_000, true));
    assert!(report.ledger_warnings()[0].en.contains("GUEST LIST TOO LONG"));
    assert!(report.stopped_by().is_none());
}
