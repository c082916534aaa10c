//! What staff do about a scan, and what they may not.

use super::*;
use crate::samples::{assignment, assignment_bytes, slots_bytes, slots_bytes_but};
use countermark_shared::documents::{Direction, Lane, SlotState};
use countermark_shared::id::{SupervisorId, Zones};
use countermark_shared::journal::{Actuation, OverruleReason};

const MINUTE: Duration = Duration::from_mins(1);
const TWO: NonZeroU8 = NonZeroU8::new(2).unwrap();

fn overrule(bench: &mut Bench, sequence: u64, at: Timestamp) -> Result<Announcement, ActError> {
    bench.ledger().overrule(sequence, SupervisorId(1), OverruleReason::Identified, moment(at))
}

#[test]
fn an_admission_is_taken_back_and_the_seat_enters_again() {
    let mut bench = Bench::synced();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Admitted]);
    let done = bench.ledger().undo(1, Actor::Operator, moment(DOORS + MINUTE)).unwrap();
    assert_eq!((done.deed, done.sequence, done.of, done.slot), (Deed::Undo, 2, 1, Slot(42)));
    assert_eq!(bench.acts(), [(Act::Undo { of: 1, persons: TWO }, Actor::Operator)]);
    let row = bench.rows().pop().unwrap();
    assert_eq!((row.persons, row.reason, row.proved), (0, Reason::Admitted, false));
    bench.crash().unwrap();
    assert!(matches!(bench.ledger().undo(1, Actor::Operator, moment(DOORS)), Err(ActError::TakenBack { sequence: 1 })));
    assert_eq!(bench.verdicts(&[ticket(42, 1), ticket(42, 1)]), [Reason::Admitted, Reason::PlacesUsedUp]);
    assert!(bench.ledger().undo(3, Actor::Operator, moment(DOORS)).is_ok(), "the next one, too");
}

/// Somebody lets one friend after the other in by one ticket.
#[test]
fn a_seat_is_taken_back_once_by_staff_and_then_by_supervisors_or_once_more_where_there_are_none() {
    for has_supervisors in [false, true] {
        let mut bench = Bench::synced();
        if has_supervisors {
            supervisors::add(bench.ledger(), "273940").unwrap();
        }
        let undo = |bench: &mut Bench, actor| {
            let admission = bench.scan(&[ticket(42, 1)]).remove(0).sequence.unwrap();
            let recent = bench.ledger().recent(1, moment(DOORS)).unwrap().remove(0);
            let shown = (recent.may.contains(&Deed::Undo), recent.by_pin.contains(&Deed::Undo));
            (shown, bench.ledger().undo(admission, actor, moment(DOORS)))
        };
        let (shown, done) = undo(&mut bench, Actor::Operator);
        assert!(shown == (true, false) && done.is_ok());
        let (shown, again) = undo(&mut bench, Actor::Operator);
        assert_eq!(shown, (true, has_supervisors));
        if has_supervisors {
            assert!(matches!(again, Err(ActError::TakesPin)), "{again:?}");
            for _ in 0..2 {
                let admission = bench.ledger().recent(1, moment(DOORS)).unwrap()[0].sequence;
                assert!(bench.ledger().undo(admission, Actor::Supervisor, moment(DOORS)).is_ok());
                bench.scan(&[ticket(42, 1)]);
            }
            assert_eq!(bench.acts().into_iter().map(|(_, actor)| actor).next_back(), Some(Actor::Supervisor));
        } else {
            assert!(again.is_ok());
            let (shown, third) = undo(&mut bench, Actor::Operator);
            assert!(!shown.0 && matches!(third, Err(ActError::TakenBackTwice)), "{third:?}");
        }
        bench.reopen().unwrap();
    }
}

#[test]
fn whoever_has_gone_on_is_held_back_by_a_supervisor_alone() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1)]);
    let late = moment(DOORS + 5 * MINUTE + Duration::from_millis(1));
    assert!(matches!(bench.ledger().hold(1, Actor::Operator, late), Err(ActError::TooLate { .. })));
    supervisors::add(bench.ledger(), "273940").unwrap();
    assert!(matches!(bench.ledger().hold(1, Actor::Operator, late), Err(ActError::TakesPin)));
    let recent = bench.ledger().recent(1, late).unwrap().remove(0);
    assert_eq!((recent.may, recent.by_pin), (vec![Deed::Hold], vec![Deed::Hold]));
    bench.ledger().hold(1, Actor::Supervisor, late).unwrap();
    assert!(matches!(bench.ledger().release(1, Actor::Operator, late), Err(ActError::TakesPin)));
    // Who comes again stands there.
    let said = bench.ledger().scan(&[scan(&ticket(42, 1))], late).remove(0);
    bench.ledger().release(said.sequence.unwrap(), Actor::Operator, late).unwrap();
}

#[test]
fn what_was_no_last_admission_stays() {
    let mut bench = Bench::synced();
    let body = TicketBody { entries: 2, places: NonZeroU8::MIN, ..samples::body_of(42, 1) };
    let text = samples::sign(body).to_text();
    let at = |lane| RawScan { lane: LaneId(lane), ..scan(&text) };
    let reasons: Vec<_> = [1, 2, 1, 1].map(|lane| bench.ledger().scan(&[at(lane)], moment(DOORS)).remove(0)).into();
    let reasons: Vec<_> = reasons.into_iter().map(|said| said.ruling.verdict).collect();
    assert_eq!(reasons, [Reason::Admitted, Reason::Exit, Reason::Admitted, Reason::AlreadyInside]);
    let mut undo = |sequence| bench.ledger().undo(sequence, Actor::Operator, moment(DOORS)).map(drop);
    assert!(matches!(undo(1), Err(ActError::PassedSince { sequence: 1 })));
    assert!(matches!(undo(2), Err(ActError::NotAnAdmission { sequence: 2 })), "an exit");
    assert!(matches!(undo(4), Err(ActError::NotAnAdmission { sequence: 4 })), "a refusal");
    assert!(matches!(undo(5), Err(ActError::Unknown { sequence: 5 })));
    assert!(undo(3).is_ok());
    assert!(matches!(undo(1), Err(ActError::PassedSince { .. })), "somebody left by it");
    assert!(matches!(undo(5), Err(ActError::NotAnAdmission { .. })), "an undo is not taken back");
    assert_eq!(bench.ledger().scan(&[at(1)], moment(DOORS))[0].ruling.verdict, Reason::Admitted);
}

#[test]
fn after_five_minutes_nothing_is_taken_back_or_overruled() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1), ticket(42, 1)]);
    let late = DOORS + 5 * MINUTE + Duration::from_millis(1);
    assert!(matches!(
        bench.ledger().undo(1, Actor::Operator, moment(late)),
        Err(ActError::TooLate { sequence: 1, minutes: 5 })
    ));
    assert!(matches!(overrule(&mut bench, 2, late), Err(ActError::TooLate { .. })));
    let recent = bench.ledger().recent(9, moment(late)).unwrap();
    let used: Vec<_> = recent.iter().map(|recent| (recent.earlier, recent.earlier_gate)).collect();
    assert_eq!(used, [(Some(DOORS), Some(GATE)), (None, None)], "of who was refused alone");
    let mays: Vec<_> = recent.into_iter().map(|recent| recent.may).collect();
    assert_eq!(mays, [[], []] as [[Deed; 0]; 2]);
    for (deed, sequence) in [(Ledger::hold as StaffAct, 1), (Ledger::release, 2)] {
        let refused = deed(bench.ledger(), sequence, Actor::Operator, moment(late));
        assert!(matches!(refused, Err(ActError::TooLate { .. } | ActError::NotHeld)), "{refused:?}");
    }
    let mays = bench.ledger().recent(9, moment(DOORS + 5 * MINUTE)).unwrap();
    assert_eq!(mays[0].may, [Deed::Overrule, Deed::Hold]);
    assert_eq!(mays[1].may, [Deed::Undo, Deed::Hold]);
}

#[test]
fn a_scanner_that_is_held_is_answered_anew_once_staff_took_it_back() {
    let mut bench = Bench::synced();
    let source = Source::Device(Device::named(DeviceKind::Scanner, "left"));
    let held = |milliseconds| RawScan {
        source: source.clone(),
        at: UPTIME + Duration::from_millis(milliseconds),
        ..scan(&ticket(42, 1))
    };
    assert_eq!(bench.ledger().scan(&[held(0)], moment(DOORS)).len(), 1);
    assert!(bench.ledger().scan(&[held(300)], moment(DOORS)).is_empty());
    bench.ledger().undo(1, Actor::Operator, moment(DOORS)).unwrap();
    assert!(bench.ledger().scan(&[held(600)], moment(DOORS))[0].ruling.opens);
}

#[test]
fn a_turnstile_has_the_last_word_on_an_undo() {
    let mut bench = Bench::synced();
    bench.ledger().is_told_at([LaneId(1)].into());
    for (number, (told, may)) in
        [(Actuation::Turned, false), (Actuation::Opened, true), (Actuation::NotTurned, true)].into_iter().enumerate()
    {
        let said = bench.scan(&[ticket(40 + u32::try_from(number).unwrap(), 1)]).remove(0);
        let admission = said.sequence.unwrap();
        let under_way = bench.ledger().undo(admission, Actor::Operator, moment(DOORS));
        assert!(matches!(under_way, Err(ActError::UnderWay { .. })), "{told:?}");
        bench.ledger().tell(admission, told);
        let undone = bench.ledger().undo(admission, Actor::Operator, moment(DOORS));
        assert_eq!(undone.is_ok(), may, "{told:?}");
        // What an output told goes with whatever is written next.
        bench.ledger().write_outcomes(moment(DOORS)).unwrap();
        assert!(bench.acts().contains(&(Act::Actuated { of: admission, actuation: told }, Actor::Gate)), "{told:?}");
    }
    bench.reopen().unwrap();
}

#[test]
fn a_supervisor_lets_in_whom_the_gate_refused() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1), ticket(42, 1)]);
    let said = overrule(&mut bench, 2, DOORS).unwrap();
    let ruling = &said.ruling;
    assert_eq!((said.sequence, ruling.verdict, ruling.opens), (Some(3), Reason::Overruled, true));
    assert_eq!(
        (ruling.persons, ruling.earlier),
        (1, Some(DOORS)),
        "both places are inside: one more by the supervisor's word"
    );
    let expected = Act::Overrule { of: 2, supervisor: SupervisorId(1), why: OverruleReason::Identified };
    assert_eq!(bench.acts(), [(expected, Actor::Supervisor)]);
    assert!(matches!(overrule(&mut bench, 2, DOORS), Err(ActError::Overruled { sequence: 2 })), "once");
    assert!(matches!(overrule(&mut bench, 1, DOORS), Err(ActError::NotARefusal { sequence: 1 })));
    assert!(matches!(overrule(&mut bench, 3, DOORS), Err(ActError::NotARefusal { sequence: 3 })));
    // It counts: the seat is used, and what was let in by it can be taken back.
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp]);
    assert!(bench.ledger().undo(3, Actor::Operator, moment(DOORS)).is_ok());
    bench.reopen().unwrap();
}

#[test]
fn whom_an_overrule_lets_in_are_all_who_are_not_inside() {
    let mut bench = Bench::synced();
    let elsewhere = samples::sign(TicketBody { zones: Zones(2), ..samples::body_of(42, 1) }).to_text();
    assert_eq!(bench.verdicts(&[elsewhere]), [Reason::WrongZone]);
    assert_eq!(overrule(&mut bench, 1, DOORS).unwrap().ruling.persons, 2);
}

/// As when names have left the box.
#[test]
fn without_the_tickets_text_a_supervisor_lets_in_one() {
    let mut bench = Bench::synced();
    let elsewhere = samples::sign(TicketBody { zones: Zones(2), ..samples::body_of(42, 1) }).to_text();
    bench.verdicts(&[elsewhere.clone(), elsewhere]);
    bench.tamper("UPDATE journal SET ticket = NULL");
    bench.crash().unwrap();
    assert_eq!(overrule(&mut bench, 1, DOORS).unwrap().ruling.persons, 1);
    bench
        .ledger()
        .take(DocumentKind::SlotList, &slots_bytes_but(2, DOORS, Slot(42), SlotState::Revoked), moment(DOORS))
        .unwrap();
    assert!(matches!(overrule(&mut bench, 2, DOORS), Err(ActError::Final { reason: Reason::Revoked })));
}

#[test]
fn nobody_overrules_what_is_certain() {
    let mut bench = Bench::synced();
    let genuine = samples::ticket_of(41, 1);
    let forged = UnverifiedTicket::new(genuine.body().clone(), genuine.issuer(), genuine.issuer()).to_text();
    bench.verdicts(&[forged, ticket(42, 2), ticket(42, 1), "junk".to_owned(), ticket(43, 1), ticket(43, 1)]);
    for (sequence, reason) in [(1, Reason::AuthorityForged), (3, Reason::OutdatedGeneration), (4, Reason::NotOurs)] {
        let outcome = overrule(&mut bench, sequence, DOORS);
        assert!(matches!(&outcome, Err(ActError::Final { reason: said }) if *said == reason), "{outcome:?}");
    }
    // It is judged as of now: what the refusal did not know of, or did not say because something else came first, counts as well.
    bench
        .ledger()
        .take(DocumentKind::SlotList, &slots_bytes_but(2, DOORS, Slot(43), SlotState::Revoked), moment(DOORS))
        .unwrap();
    let outcome = overrule(&mut bench, 6, DOORS);
    assert!(matches!(outcome, Err(ActError::Final { reason: Reason::Revoked })), "{outcome:?}");
    let elsewhere = samples::sign(TicketBody { zones: Zones(2), ..samples::body_of(43, 2) }).to_text();
    assert_eq!(bench.verdicts(&[elsewhere, ticket(42, 2)]), [Reason::WrongZone, Reason::PlacesUsedUp]);
    let outcome = overrule(&mut bench, 7, DOORS);
    assert!(matches!(outcome, Err(ActError::Final { reason: Reason::Revoked })), "{outcome:?}");
    let mut suspended = assignment();
    suspended.version = 2;
    suspended.lease.suspended = true;
    bench.ledger().take(DocumentKind::Assignment, &assignment_bytes(&suspended), moment(DOORS)).unwrap();
    let outcome = overrule(&mut bench, 8, DOORS);
    assert!(matches!(outcome, Err(ActError::Final { reason: Reason::Suspended })), "{outcome:?}");
    assert_eq!(bench.acts(), []);
}

#[test]
fn a_held_seat_stays_out_until_staff_release_it() {
    let mut bench = Bench::synced();
    let genuine = samples::ticket_of(41, 1);
    let forged = UnverifiedTicket::new(genuine.body().clone(), genuine.issuer(), genuine.issuer()).to_text();
    bench.verdicts(&[ticket(42, 1), forged]);
    bench.ledger().undo(1, Actor::Operator, moment(DOORS)).unwrap();
    assert!(matches!(bench.ledger().hold(2, Actor::Operator, moment(DOORS)), Err(ActError::NoTicket { sequence: 2 })));
    assert!(matches!(bench.ledger().release(1, Actor::Operator, moment(DOORS)), Err(ActError::NotHeld)));
    bench.ledger().hold(1, Actor::Operator, moment(DOORS)).unwrap();
    assert!(matches!(bench.ledger().hold(1, Actor::Operator, moment(DOORS)), Err(ActError::Held)));
    // A day later, after a restart, and though the list knows nothing against it.
    bench.reopen().unwrap();
    bench.ledger().take(DocumentKind::SlotList, &slots_bytes(2, DOORS), moment(DOORS)).unwrap();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Blocked]);
    assert_eq!(bench.ledger().recent(1, moment(DOORS)).unwrap()[0].may, [Deed::Overrule, Deed::Release]);
    bench.ledger().release(5, Actor::Operator, moment(DOORS)).unwrap();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Admitted]);
    let acts: Vec<_> = bench.acts().into_iter().skip(1).collect();
    assert_eq!(acts, [(Act::Hold, Actor::Operator), (Act::Release, Actor::Operator)]);
}

#[test]
fn a_hold_ends_when_the_clouds_list_takes_over() {
    let mut bench = Bench::synced();
    let take = |bench: &mut Bench, version, state| {
        bench
            .ledger()
            .take(DocumentKind::SlotList, &slots_bytes_but(version, DOORS, Slot(42), state), moment(DOORS))
            .unwrap();
    };
    bench.verdicts(&[ticket(42, 1)]);
    bench.ledger().undo(1, Actor::Operator, moment(DOORS)).unwrap();
    take(&mut bench, 2, SlotState::Blocked);
    bench.ledger().hold(1, Actor::Operator, moment(DOORS)).unwrap();
    take(&mut bench, 3, SlotState::Good);
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Blocked], "the list that blocked it was older than the hold");
    take(&mut bench, 4, SlotState::Blocked);
    assert_eq!(bench.acts().pop(), Some((Act::Release, Actor::Gate)));
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Blocked]);
    take(&mut bench, 5, SlotState::Good);
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Admitted], "the list alone has the word");
    bench.reopen().unwrap();
}

#[test]
fn a_seat_is_held_where_there_is_no_list_too() {
    let mut bench = Bench::new();
    for (kind, bytes) in samples::documents().into_iter().filter(|(kind, _)| *kind != DocumentKind::SlotList) {
        bench.ledger().take(kind, &bytes, moment(DOORS)).unwrap();
    }
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::NoList]);
    bench.ledger().undo(1, Actor::Operator, moment(DOORS)).unwrap();
    bench.ledger().hold(1, Actor::Operator, moment(DOORS)).unwrap();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Blocked]);
}

#[test]
fn two_lanes_in_one_transaction_let_a_seat_in_once() {
    let mut bench = Bench::synced();
    let mut wide = assignment();
    wide.version = 2;
    wide.lanes.push(Lane { lane: LaneId(3), direction: Direction::Entry, zones: Zones(1) });
    bench.ledger().take(DocumentKind::Assignment, &assignment_bytes(&wide), moment(DOORS)).unwrap();
    let at = |lane| RawScan { lane: LaneId(lane), ..scan(&ticket(42, 1)) };
    let said = bench.ledger().scan(&[at(1), at(3)], moment(DOORS));
    let said: Vec<_> = said.iter().map(|said| (said.lane, said.ruling.verdict, said.sequence)).collect();
    assert_eq!(said, [(LaneId(1), Reason::Admitted, Some(1)), (LaneId(3), Reason::PlacesUsedUp, Some(2))]);
}

#[test]
fn the_last_scans_say_what_became_of_them() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1), "junk".to_owned(), ticket(43, 1)]);
    bench.ledger().undo(1, Actor::Operator, moment(DOORS)).unwrap();
    let recent = bench.ledger().recent(3, moment(DOORS)).unwrap();
    let told: Vec<_> = recent.iter().map(|one| (one.sequence, one.reason, one.persons, one.may.clone())).collect();
    let expected = [
        (3, Reason::Admitted, 2, vec![Deed::Undo, Deed::Hold]),
        (2, Reason::NotOurs, 0, vec![]),
        (1, Reason::Admitted, 0, vec![Deed::Hold]),
    ];
    assert_eq!(told, expected);
    assert_eq!(bench.ledger().recent(1, moment(DOORS)).unwrap().len(), 1);
}

#[test]
fn staff_are_told_in_both_languages() {
    let refusal = ActError::TooLate { sequence: 7, minutes: 5 }.sentence();
    assert_eq!(refusal.en, "Row 7 is older than 5 minutes. Scan the ticket again.");
    assert_eq!(refusal.fr, "La ligne 7 date de plus de 5 minutes. Scannez de nouveau le billet.");
    let certain = ActError::Final { reason: Reason::Revoked }.sentence();
    assert_eq!(certain.en, "Nobody may overrule this: This ticket was cancelled.");
}
