//! Who is asked about passes when the others have said so, once, and nobody by a question that was cut off.

use super::*;
use countermark_shared::decision::Passages;
use countermark_shared::documents::{Alone, Signed};
use countermark_shared::verdict::Severity;
use countermark_shared::wire::ClaimAnswered;

const TWO: NonZeroU8 = NonZeroU8::new(2).unwrap();
const GRANTED: ClaimAnswered = ClaimAnswered { persons: 2, others: Passages::NONE };

/// A gate whose event asks for strictness.
fn strict() -> Bench {
    let mut bench = Bench::synced();
    let mut event = samples::event();
    (event.version, event.policy.alone) = (2, Alone::Staff);
    let strict = Signed::seal(&event, &[&samples::signing_key(4)]).unwrap();
    bench.ledger().take(DocumentKind::EventDocument, &strict, moment(DOORS)).unwrap();
    bench
}

/// So many persons entered at another gate a minute ago.
fn elsewhere(persons: u8) -> Passages {
    Passages::granted(GateId(9), NonZeroU8::new(persons).unwrap(), DOORS - Duration::from_mins(1), None)
}

/// Shows a ticket that the others are asked about.
fn asked(bench: &mut Bench, slot: u32) -> Question {
    assert_eq!(bench.scan(&[ticket(slot, 1)]), []);
    let mut questions = bench.ledger().questions();
    assert_eq!(questions.len(), 1);
    questions.remove(0)
}

fn answered(bench: &mut Bench, sequence: u64, answer: Option<ClaimAnswered>) -> Announcement {
    bench.ledger().claimed(sequence, answer, moment(DOORS)).unwrap()
}

fn claim(question: &Question) -> Act {
    Act::Claim { attempt: question.ask.attempt.0.into(), persons: question.ask.persons }
}

#[test]
fn nobody_is_shown_anything_before_the_others_were_heard_and_then_once() {
    let mut bench = strict();
    let question = asked(&mut bench, 42);
    let ask = &question.ask;
    assert_eq!((ask.row, ask.persons, ask.own, &ask.ticket), (1, TWO, Passages::NONE, &ticket(42, 1)));
    assert!(bench.ledger().questions().is_empty() && bench.ledger().waits_for_others());
    assert_eq!(bench.rows()[0].persons, 0);
    let said = answered(&mut bench, 1, Some(GRANTED));
    assert_eq!((said.sequence, said.ruling.verdict, said.ruling.persons), (Some(2), Reason::Admitted, 2));
    assert_eq!(bench.acts(), [(claim(&question), Actor::Gate), (Act::Claimed { of: 1 }, Actor::Gate)]);
    assert!(!bench.ledger().waits_for_others());
    assert_eq!(bench.ledger().claimed(1, Some(GRANTED), moment(DOORS)), None, "a late answer is for nobody");
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp]);
    // The proof goes up with the question.
    let kept: Vec<_> = bench.ledger().batch(9).unwrap().unwrap().rows.into_iter().map(|row| row.ticket).collect();
    assert_eq!(kept, [Some(ticket(42, 1)), None, None]);
    bench.reopen().unwrap();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp]);
}

#[test]
fn where_the_policy_is_not_strict_nobody_is_asked_unless_the_gate_is_set_so() {
    let mut bench = Bench::synced();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Admitted]);
    bench.ledger().asks_others(true);
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp], "what is certain here is not asked about");
    assert_eq!(asked(&mut bench, 43).sequence, 3);
    let exit = RawScan { lane: LaneId(2), ..scan(&ticket(42, 1)) };
    assert_eq!(bench.ledger().scan(&[exit], moment(DOORS))[0].ruling.verdict, Reason::Exit);
}

#[test]
fn while_it_is_asked_about_a_seat_counts_as_passed() {
    let mut bench = strict();
    let first = asked(&mut bench, 42);
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp]);
    // Two scans that waited together see each other as well.
    let both = [ticket(43, 1), ticket(43, 1)];
    assert_eq!(bench.verdicts(&both), [Reason::PlacesUsedUp]);
    assert_eq!(bench.ledger().questions().len(), 1);
    // Refused, and the seat is free to be asked about again.
    let refused = ClaimAnswered { persons: 0, others: elsewhere(2) };
    let said = answered(&mut bench, first.sequence, Some(refused));
    assert_eq!((said.ruling.verdict, said.ruling.opens), (Reason::PlacesUsedUp, false));
    assert_eq!(said.ruling.earlier_gate, Some(GateId(9)));
    assert_ne!(asked(&mut bench, 42).ask.attempt, first.ask.attempt);
}

#[test]
fn no_more_pass_than_were_granted_and_whoever_passed_elsewhere_is_counted() {
    let mut bench = strict();
    for (answer, persons) in [
        (ClaimAnswered { persons: 1, others: elsewhere(1) }, 1),
        (ClaimAnswered { persons: 1, others: Passages::NONE }, 1),
        (ClaimAnswered { persons: 2, others: elsewhere(1) }, 1),
    ] {
        let slot = 40 + u32::try_from(bench.rows().len()).unwrap();
        let question = asked(&mut bench, slot);
        assert_eq!(answered(&mut bench, question.sequence, Some(answer)).ruling.persons, persons, "{answer:?}");
    }
    let question = asked(&mut bench, 70);
    let nobody = ClaimAnswered { persons: 0, others: Passages::NONE };
    assert_eq!(answered(&mut bench, question.sequence, Some(nobody)).ruling.verdict, Reason::UsedElsewhere);
}

#[test]
fn where_nobody_answers_a_strict_policy_calls_staff_and_any_other_goes_by_what_is_known() {
    let mut bench = strict();
    let question = asked(&mut bench, 42);
    let said = answered(&mut bench, question.sequence, None);
    assert_eq!((said.ruling.verdict, said.ruling.severity), (Reason::OthersUnreachable, Severity::Staff));
    let mut bench = Bench::synced();
    bench.ledger().asks_others(true);
    let question = asked(&mut bench, 42);
    assert_eq!(answered(&mut bench, question.sequence, None).ruling.verdict, Reason::Admitted);
}

#[test]
fn a_restart_refuses_what_was_not_answered_before_anybody_is_scanned() {
    let mut bench = strict();
    let (answered_before, cut_off) = (asked(&mut bench, 42), asked(&mut bench, 43));
    answered(&mut bench, answered_before.sequence, Some(GRANTED));
    bench.crash().unwrap();
    assert_eq!(bench.verdicts(&[ticket(43, 1)]), [Reason::PlacesUsedUp], "as long as nobody says otherwise");
    for _ in 0..2 {
        bench.ledger().release_claims(moment(DOORS));
    }
    let rows = bench.rows();
    assert_eq!(rows.len(), 5, "each is answered once");
    let last = rows.last().unwrap();
    assert_eq!((last.act, last.reason), (Some(Act::Claimed { of: cut_off.sequence }), Reason::ScanAgain));
    assert_eq!((last.persons, last.proved, &last.subject), (0, false, &rows[1].subject));
    assert_eq!(bench.ledger().claimed(cut_off.sequence, Some(GRANTED), moment(DOORS)), None);
    asked(&mut bench, 43);
}

#[test]
fn a_code_that_is_held_while_it_is_asked_about_is_one_showing() {
    let mut bench = strict();
    let of = |kind, milliseconds| {
        let source = Source::Device(Device::named(kind, "left"));
        RawScan { source, at: UPTIME + Duration::from_millis(milliseconds), ..scan(&ticket(42, 1)) }
    };
    let at = |milliseconds| Moment { battery: DOORS, uptime: UPTIME + Duration::from_millis(milliseconds) };
    let see = |bench: &mut Bench, kind, milliseconds| {
        bench.ledger().scan(&[of(kind, milliseconds)], at(milliseconds)).into_iter().map(|said| said.ruling.verdict)
    };
    assert_eq!(see(&mut bench, DeviceKind::Camera, 0).collect::<Vec<_>>(), []);
    let question = bench.ledger().questions().remove(0);
    assert_eq!(see(&mut bench, DeviceKind::Camera, 200).collect::<Vec<_>>(), []);
    assert_eq!(bench.ledger().repeated(), [], "no scanner is told yet");
    let said = bench.ledger().claimed(question.sequence, Some(GRANTED), at(300)).unwrap();
    assert!(said.ruling.opens);
    assert_eq!(see(&mut bench, DeviceKind::Camera, 600).collect::<Vec<_>>(), [], "it is held still");
    assert!(bench.ledger().repeated()[0].opens);
    assert_eq!(see(&mut bench, DeviceKind::Camera, 2000).collect::<Vec<_>>(), [Reason::PlacesUsedUp]);
}

/// Found in review: it was asked about again at every sighting, and the journal grew by twenty rows a second.
#[test]
fn a_held_code_that_the_others_did_not_grant_is_asked_about_once() {
    let nobody = ClaimAnswered { persons: 0, others: Passages::NONE };
    for (answer, verdict) in [(None, Reason::OthersUnreachable), (Some(nobody), Reason::UsedElsewhere)] {
        let mut bench = strict();
        let see = |bench: &mut Bench, milliseconds| {
            let at = UPTIME + Duration::from_millis(milliseconds);
            let source = Source::Device(Device::named(DeviceKind::Camera, "left"));
            let sighting = RawScan { source, at, ..scan(&ticket(42, 1)) };
            let said = bench.ledger().scan(&[sighting], Moment { battery: DOORS, uptime: at });
            assert_eq!(said, []);
            bench.ledger().questions()
        };
        let asked = see(&mut bench, 0).remove(0);
        assert_eq!(answered(&mut bench, asked.sequence, answer).ruling.verdict, verdict);
        for milliseconds in [200, 400, 600] {
            assert!(see(&mut bench, milliseconds).is_empty(), "{verdict:?}");
        }
        assert_eq!(bench.rows().len(), 2);
        assert_eq!(see(&mut bench, 2000).len(), 1, "it was out of sight");
    }
}

#[test]
fn an_answer_to_somebody_who_may_have_walked_on_opens_nothing() {
    let mut bench = strict();
    let question = asked(&mut bench, 42);
    let late = Moment { battery: DOORS, uptime: UPTIME + Duration::from_millis(1501) };
    let said = bench.ledger().claimed(question.sequence, Some(GRANTED), late).unwrap();
    assert_eq!((said.ruling.verdict, said.ruling.opens), (Reason::ScanAgain, false));
    assert_eq!(bench.rows()[1].subject, bench.rows()[0].subject);
    bench.reopen().unwrap();
}

#[test]
fn what_could_not_be_written_is_not_asked() {
    let mut bench = strict();
    let pages: u32 = bench.ledger().connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    bench.ledger().connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let many: Vec<_> = (1..90).map(|slot| ticket(slot, 1)).collect();
    let failed = bench.scan(&many);
    assert!(failed.iter().all(|failed| failed.ruling.verdict == Reason::CannotDecide) && !failed.is_empty());
    let questions = bench.ledger().questions();
    assert_eq!(questions.len() + failed.len(), many.len());
    bench.ledger().connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    for question in questions {
        assert!(answered(&mut bench, question.sequence, Some(GRANTED)).ruling.opens);
    }
    assert!(!bench.ledger().waits_for_others());
    bench.reopen().unwrap();
}
