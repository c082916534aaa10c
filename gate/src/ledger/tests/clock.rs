//! What the gate takes the time to be.

use super::super::taking::TimeError;
use super::*;
use crate::announcement::Sentence;
use countermark_shared::clock::{Exchange, TimeQuestion, answer_time};

const HOUR: Duration = Duration::from_hours(1);

pub(super) fn answer(at: Timestamp, key: u8) -> TimeAnswered {
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

/// Without a bundle there is nobody to ask the time of: a box whose calendar lies back before its first one would wait for ever.
#[test]
fn a_first_bundle_from_the_future_waits_for_staff_and_a_later_one_for_the_clouds_time() {
    let mut bench = Bench::new();
    let back = samples::bundle().issued - YEAR;
    let [(kind, bundle), ..] = samples::documents();
    assert!(bench.ledger().take(kind, &bundle, moment(back)).is_err());
    assert_eq!(state(&mut bench, back).0, ClockState::Ahead);
    let asked = bench.ledger().hear(Word::Confirm, moment(back)).unwrap();
    assert_eq!(asked, Some(samples::bundle().issued));
    bench.ledger().take(kind, &bundle, moment(back)).unwrap();
    assert_eq!(state(&mut bench, back), (ClockState::RolledBack, samples::bundle().issued));

    let mut next = samples::bundle();
    (next.version, next.issued) = (2, DOORS + YEAR);
    next.not_after = next.issued + YEAR;
    assert!(bench.ledger().take(kind, &samples::bundle_bytes(&next), moment(back)).is_err());
    assert_eq!(state(&mut bench, back).0, ClockState::RolledBack, "the cloud can be asked");
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

const YEAR: Duration = Duration::from_hours(24 * 365);

/// What the screen says of the clock and of the lease, and what it says of a static ticket.
fn told(bench: &mut Bench, battery: Timestamp, slot: u32) -> (ClockState, Vec<String>, Reason) {
    let verdict = bench.ledger().scan(&[scan(&ticket(slot, 1))], moment(battery)).remove(0).ruling.verdict;
    let report = bench.ledger().report().unwrap();
    let state = report.read_clock(moment(battery)).state;
    let clock = Sentence::of_clock(state, report.clock.waiting());
    let sentences = [clock, report.lease_warning(moment(battery))].into_iter().flatten();
    (state, sentences.map(|sentence| sentence.en).collect(), verdict)
}

/// A calendar set wrong under a running agent, by minutes or years, back or forward, changes nothing once the cloud told the time.
#[test]
fn a_calendar_that_is_set_under_a_signed_clock_is_not_looked_at() {
    let mut bench = Bench::synced();
    bench.ledger().set_clock(&answer(DOORS, 5), moment(DOORS)).unwrap();
    let minutes = Duration::from_mins(7);
    let epoch = Timestamp::from_unix_seconds(0);
    for (slot, battery) in [DOORS - minutes, DOORS + minutes, DOORS - YEAR, DOORS + YEAR, epoch].into_iter().enumerate()
    {
        let slot = u32::try_from(slot).unwrap();
        assert_eq!(told(&mut bench, battery, slot), (ClockState::Signed, vec![], Reason::Admitted), "{battery}");
        let at = bench.ledger().read_clock(moment(battery)).now;
        assert_eq!(at, DOORS);
    }
}

/// A box that starts without a network with whatever its battery says, or with none. The cloud's word puts each right.
#[test]
fn a_start_with_a_wrong_date_is_told_until_the_cloud_tells_the_time() {
    let minutes = Duration::from_mins(7);
    // It opens, and says that the clock is not set.
    let fell_back = "CLOCK WRONG: it fell back";
    let wrong_date = "Or this box's date is wrong";
    for (battery, state, words, verdict) in [
        (DOORS - Duration::from_secs(30), ClockState::Battery, None, Reason::Admitted),
        (DOORS - minutes, ClockState::RolledBack, Some(fell_back), Reason::ClockUnset),
        (DOORS - YEAR, ClockState::RolledBack, Some(fell_back), Reason::ClockUnset),
        // No battery clock: the calendar begins anew at every start.
        (Timestamp::from_unix_seconds(0), ClockState::RolledBack, Some(fell_back), Reason::ClockUnset),
        (DOORS + minutes, ClockState::Battery, None, Reason::Admitted),
        (DOORS + YEAR, ClockState::Battery, Some(wrong_date), Reason::NoLongerValid),
    ] {
        let mut bench = Bench::synced();
        bench.ledger().set_clock(&answer(DOORS, 5), moment(DOORS)).unwrap();
        bench.reopen().unwrap();
        let (found, sentences, found_verdict) = told(&mut bench, battery, 1);
        assert_eq!((found, found_verdict), (state, verdict), "{battery}");
        assert_eq!(sentences.len(), usize::from(words.is_some()), "{battery}: {sentences:?}");
        assert!(words.is_none_or(|words| sentences[0].contains(words)), "{battery}: {sentences:?}");
        bench.ledger().set_clock(&answer(DOORS, 5), moment(battery)).unwrap();
        assert_eq!(told(&mut bench, battery, 2), (ClockState::Signed, vec![], Reason::Admitted), "{battery}");
    }
}
