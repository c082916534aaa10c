//! What the gate takes the time to be.

use super::super::taking::TimeError;
use super::*;
use countermark_shared::clock::{Exchange, TimeQuestion, answer_time};

const HOUR: Duration = Duration::from_hours(1);

fn answer(at: Timestamp, key: u8) -> TimeAnswered {
    let question = TimeQuestion { gate: GATE, nonce: [5; 32] };
    let signature = answer_time(&question, at, &samples::signing_key(key));
    TimeAnswered { question, at, signature, exchange: Exchange { asked: UPTIME, answered: UPTIME } }
}

fn state(bench: &mut Bench, battery: Timestamp) -> (ClockState, Timestamp) {
    let clock = bench.ledger().read_clock(moment(battery));
    (clock.state, clock.now)
}

#[test]
fn a_signed_answer_sets_the_clock_and_rows_say_so() {
    let mut bench = Bench::synced();
    assert_eq!(state(&mut bench, DOORS), (ClockState::Battery, DOORS));
    let forged = bench.ledger().set_clock(&answer(DOORS + HOUR, 4), moment(DOORS));
    assert!(matches!(forged, Err(TimeError::Refused(_))));
    bench.ledger().set_clock(&answer(DOORS + HOUR, 5), moment(DOORS)).unwrap();
    assert_eq!(state(&mut bench, DOORS), (ClockState::Signed, DOORS + HOUR));
    bench.verdicts(&[ticket(42, 1)]);
    let row = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap().rows.remove(0);
    let row = JournalRow::from_bytes(&row.row.0).unwrap();
    assert_eq!((row.clock, row.at), (ClockState::Signed, DOORS + HOUR));
}

#[test]
fn the_floor_outlives_a_restart_and_a_clock_that_fell_back_shows_it() {
    let mut bench = Bench::synced();
    bench.ledger().set_clock(&answer(DOORS + HOUR, 5), moment(DOORS)).unwrap();
    bench.reopen().unwrap();
    assert_eq!(state(&mut bench, DOORS), (ClockState::RolledBack, DOORS + HOUR));
    assert_eq!(state(&mut bench, DOORS + HOUR), (ClockState::Battery, DOORS + HOUR));
}

/// A bundle's and an event document's signers do not tell the time.
#[test]
fn documents_of_the_cloud_raise_the_floor_and_others_do_not() {
    let mut bench = Bench::new();
    let start = Timestamp::from_unix_seconds(0);
    for (kind, bytes) in samples::documents() {
        let before = state(&mut bench, start).1;
        bench.ledger().take(kind, &bytes, moment(DOORS)).unwrap();
        assert_eq!(state(&mut bench, start).1 > before, kind.is_dated_by_the_cloud(), "{kind:?}");
    }
}

#[test]
fn a_jump_of_more_than_a_day_waits_for_staff_who_confirm_or_dismiss_it() {
    let mut bench = Bench::synced();
    let far = DOORS + 25 * HOUR;
    for word in [Word::Dismiss, Word::Confirm] {
        let refused = bench.ledger().set_clock(&answer(far, 5), moment(DOORS));
        assert!(matches!(refused, Err(TimeError::Ahead { at }) if at == far));
        assert_eq!(state(&mut bench, DOORS), (ClockState::Ahead, DOORS));
        assert_eq!(bench.ledger().hear(word, moment(DOORS)).unwrap(), Some(far));
        assert_eq!(bench.ledger().hear(word, moment(DOORS)).unwrap(), None, "nothing waits any more");
        let expected = match word {
            Word::Dismiss => (ClockState::Battery, DOORS),
            Word::Confirm => (ClockState::Signed, far),
        };
        assert_eq!(state(&mut bench, DOORS), expected);
    }
}

#[test]
fn a_document_from_the_future_waits_for_staff_too() {
    let mut bench = Bench::synced();
    let far = DOORS + 25 * HOUR;
    let list = samples::slots_bytes(5, far);
    assert!(bench.ledger().take(DocumentKind::SlotList, &list, moment(DOORS)).is_err());
    assert_eq!(state(&mut bench, DOORS).0, ClockState::Ahead);
    bench.ledger().hear(Word::Confirm, moment(DOORS)).unwrap();
    bench.ledger().take(DocumentKind::SlotList, &list, moment(DOORS)).unwrap();
    assert_eq!(state(&mut bench, DOORS), (ClockState::RolledBack, far));
}

#[test]
fn a_slow_answer_says_too_little() {
    let mut bench = Bench::synced();
    let mut slow = answer(DOORS, 5);
    slow.exchange.answered += Duration::from_millis(5001);
    assert!(matches!(bench.ledger().set_clock(&slow, moment(DOORS)), Err(TimeError::TooSlow)));
}

#[test]
fn the_end_of_the_lease_lets_people_out_and_nobody_in() {
    let mut bench = Bench::synced();
    let mut assignment = samples::assignment();
    (assignment.version, assignment.lease.suspended) = (2, true);
    let bytes = samples::assignment_bytes(&assignment);
    bench.ledger().take(DocumentKind::Assignment, &bytes, moment(DOORS)).unwrap();
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::Suspended]);
    let exit = RawScan { lane: LaneId(2), ..scan(&ticket(42, 1)) };
    assert!(bench.ledger().scan(&[exit], moment(DOORS))[0].ruling.opens);
}

/// A calendar that was set a year ahead keeps nobody from the cloud; once that told the time, no other instant counts.
#[test]
fn a_certificate_may_be_valid_at_the_floor_or_by_the_calendar_until_the_time_is_signed() {
    let mut bench = Bench::synced();
    let ahead = DOORS + Duration::from_hours(24 * 365);
    let floor = bench.ledger().report().unwrap().clock.floor(UPTIME);
    assert!(floor < DOORS && floor > Timestamp::from_unix_millis(0));
    assert_eq!(bench.ledger().report().unwrap().certificates_at(moment(ahead)), [floor, ahead]);
    bench.ledger().set_clock(&answer(DOORS, 5), moment(ahead)).unwrap();
    let [first, second] = bench.ledger().report().unwrap().certificates_at(moment(ahead));
    assert_eq!((first, first), (second, DOORS));
}
