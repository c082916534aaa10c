use super::*;
use crate::clock::{TimeQuestion, answer_time};
use crate::id::GateId;
use crate::samples;
use proptest::prelude::*;

const FLOOR: Timestamp = samples::DOORS;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
const INSTANT: Duration = Duration::from_millis(1);

fn clock() -> GateClock {
    GateClock::new(FLOOR, SECOND)
}

fn signed(at: Timestamp) -> SignedTime {
    let question = TimeQuestion { gate: GateId(1), nonce: [1; 32] };
    let signature = answer_time(&question, at, &samples::list_key());
    question.verify(at, &signature, &samples::bundle()).unwrap()
}

/// Asked ten seconds after boot.
fn exchange(round_trip: Duration) -> Exchange {
    Exchange { asked: 10 * SECOND, answered: 10 * SECOND + round_trip }
}

/// What a clock shows, its error aside.
#[derive(Debug)]
struct Shown(ClockState, Timestamp);

impl PartialEq<Shown> for Clock {
    fn eq(&self, Shown(state, now): &Shown) -> bool {
        (self.state, self.now) == (*state, *now)
    }
}

fn shows(state: ClockState, now: Timestamp) -> Shown {
    Shown(state, now)
}

#[test]
fn until_something_tells_the_time_it_is_at_least_the_floor_and_the_run() {
    assert_eq!(clock().read(SECOND, None), shows(ClockState::Unknown, FLOOR));
    assert_eq!(clock().read(HOUR + SECOND, None), shows(ClockState::Unknown, FLOOR + HOUR));
}

#[test]
fn a_battery_clock_serves_unless_it_lies_below_the_floor() {
    let read = |battery| clock().read(SECOND, Some(battery));
    assert_eq!(read(FLOOR + DAY), shows(ClockState::Battery, FLOOR + DAY));
    let least = FLOOR - BATTERY_ERROR - SLACK;
    assert_eq!(read(least), shows(ClockState::Battery, FLOOR));
    assert_eq!(read(least - INSTANT).state, ClockState::RolledBack);
}

/// 1970 at every start: documents grow old there too, and a lease ends.
#[test]
fn a_box_without_a_battery_clock_goes_on_through_its_runs() {
    let epoch = Some(Timestamp::from_unix_millis(0));
    let first = clock();
    assert_eq!(first.read(SECOND + HOUR, epoch), shows(ClockState::RolledBack, FLOOR + HOUR));
    let stored = first.floor(SECOND + HOUR);
    assert_eq!(stored, FLOOR + HOUR - Duration::from_millis(360));
    let second = GateClock::new(stored, SECOND);
    assert_eq!(second.read(SECOND + HOUR, epoch), shows(ClockState::RolledBack, stored + HOUR));
    let mut late = second;
    late.raise(FLOOR + DAY, SECOND + HOUR);
    assert_eq!(late.read(SECOND + HOUR, epoch).now, FLOOR + DAY);
}

#[test]
fn an_answer_counts_from_the_middle_of_its_exchange() {
    let mut clock = clock();
    clock.answered(signed(FLOOR + HOUR), exchange(4 * SECOND), None).unwrap();
    let answered = 14 * SECOND;
    assert_eq!(clock.read(answered, None), shows(ClockState::Signed, FLOOR + HOUR + 2 * SECOND));
    assert_eq!(clock.read(answered + HOUR, None).now, FLOOR + 2 * HOUR + 2 * SECOND);
    // The battery clock no longer matters.
    assert_eq!(clock.read(answered, Some(FLOOR - DAY)).state, ClockState::Signed);
}

#[test]
fn an_answer_takes_up_to_five_seconds() {
    let answered = |round_trip| clock().answered(signed(FLOOR), exchange(round_trip), None);
    assert_eq!(answered(5 * SECOND), Ok(()));
    assert_eq!(answered(5 * SECOND + Duration::from_nanos(1)), Err(NotTaken::TooSlow));
    let backwards = Exchange { asked: 2 * SECOND, answered: SECOND };
    assert_eq!(clock().answered(signed(FLOOR), backwards, None), Err(NotTaken::TooSlow));
}

#[test]
fn the_error_is_half_the_round_trip_and_a_hundred_parts_in_a_million() {
    let mut clock = clock();
    assert_eq!(clock.error_bound(HOUR), None);
    assert_eq!(clock.read(HOUR, Some(FLOOR)).error, BATTERY_ERROR);
    clock.answered(signed(FLOOR), exchange(2 * SECOND), None).unwrap();
    let answered = 12 * SECOND;
    assert_eq!(clock.error_bound(answered), Some(SECOND));
    let error = SECOND + Duration::from_millis(3600);
    assert_eq!(clock.error_bound(answered + 10 * HOUR), Some(error));
    assert_eq!(clock.read(answered + 10 * HOUR, None).error, error);
}

#[test]
fn a_jump_of_more_than_a_day_waits_for_staff() {
    let mut clock = clock();
    let shown = FLOOR + 9 * SECOND;
    let far = shown + DAY + INSTANT;
    clock.answered(signed(shown + DAY), exchange(Duration::ZERO), None).unwrap();

    let mut clock = GateClock::new(FLOOR, SECOND);
    assert_eq!(clock.answered(signed(far), exchange(Duration::ZERO), None), Err(NotTaken::Ahead { at: far }));
    assert_eq!(clock.read(10 * SECOND, None), shows(ClockState::Ahead, shown));
    assert_eq!(clock.waiting(), Some(far));
    let mut confirmed = clock.clone();
    confirmed.confirm();
    assert_eq!(confirmed.read(10 * SECOND, None), shows(ClockState::Signed, far));
    clock.dismiss();
    assert_eq!(clock.read(10 * SECOND, None), shows(ClockState::Unknown, shown));
}

#[test]
fn a_battery_clock_that_agrees_spares_the_wait() {
    let mut clock = clock();
    let month = 30 * DAY;
    clock.answered(signed(FLOOR + month), exchange(Duration::ZERO), Some(FLOOR + month - HOUR)).unwrap();
}

#[test]
fn a_battery_clock_that_runs_ahead_is_put_right() {
    let mut clock = clock();
    clock.answered(signed(FLOOR + HOUR), exchange(Duration::ZERO), Some(FLOOR + 300 * DAY)).unwrap();
    assert_eq!(clock.read(10 * SECOND, Some(FLOOR + 300 * DAY)), shows(ClockState::Signed, FLOOR + HOUR));
}

#[test]
fn an_answer_below_the_floor_shows_the_floor() {
    let mut clock = clock();
    let reached = clock.floor(10 * SECOND);
    clock.answered(signed(reached - HOUR), exchange(Duration::ZERO), None).unwrap();
    assert_eq!(clock.read(10 * SECOND, None), shows(ClockState::RolledBack, reached));
    assert_eq!(clock.read(10 * SECOND + HOUR, None), shows(ClockState::Signed, reached));
}

/// A list key that is stolen, or a cloud whose clock is wrong: what was reached by an earlier answer stays.
#[test]
fn an_answer_below_what_was_surely_reached_shows_that() {
    let mut clock = clock();
    clock.answered(signed(FLOOR + HOUR), exchange(Duration::ZERO), None).unwrap();
    let later = Exchange { asked: 10 * SECOND + 4 * HOUR, answered: 10 * SECOND + 4 * HOUR };
    let reached = clock.floor(later.answered);
    clock.answered(signed(FLOOR + 2 * HOUR), later, None).unwrap();
    assert_eq!(clock.read(later.answered, None), shows(ClockState::RolledBack, reached));
}

#[test]
fn documents_raise_the_floor_no_further_than_a_signed_time() {
    let mut unsure = clock();
    unsure.raise(FLOOR + HOUR, HOUR);
    assert_eq!(unsure.read(HOUR, Some(FLOOR)).state, ClockState::RolledBack);
    assert_eq!(unsure.floor(HOUR), FLOOR + HOUR);
    let mut sure = clock();
    sure.answered(signed(FLOOR + SECOND * 9), exchange(Duration::ZERO), None).unwrap();
    sure.raise(FLOOR + HOUR, 10 * SECOND);
    assert_eq!(sure.read(10 * SECOND, None), shows(ClockState::Signed, FLOOR + SECOND * 9));
}

#[test]
fn a_document_from_the_future_asks_staff_only_where_the_time_is_unsure() {
    let far = FLOOR + 2 * DAY;
    let mut unsure = clock();
    unsure.held_back(far);
    unsure.held_back(FLOOR + DAY);
    assert_eq!((unsure.read(SECOND, None).state, unsure.waiting()), (ClockState::Ahead, Some(far)));
    unsure.confirm();
    assert_eq!(unsure.read(SECOND, None), shows(ClockState::Unknown, far));
    let mut sure = clock();
    sure.answered(signed(FLOOR + HOUR), exchange(Duration::ZERO), None).unwrap();
    sure.held_back(far);
    assert_eq!((sure.read(10 * SECOND, None).state, sure.waiting()), (ClockState::Signed, None));
}

/// Who confirms the last has confirmed those before it; and an answer says more than any of them.
#[test]
fn of_documents_from_the_future_the_last_waits() {
    let (near, far) = (FLOOR + 2 * DAY, FLOOR + 3 * DAY);
    let mut clock = clock();
    for issued in [near, far, near] {
        clock.held_back(issued);
    }
    assert_eq!(clock.waiting(), Some(far));
    clock.answered(signed(near), exchange(Duration::ZERO), None).unwrap_err();
    clock.held_back(far);
    assert_eq!(clock.waiting(), Some(near));
}

#[test]
fn the_next_run_starts_from_what_this_one_surely_reached() {
    let mut clock = clock();
    clock.answered(signed(FLOOR + HOUR), exchange(2 * SECOND), None).unwrap();
    let later = 12 * SECOND + 10 * HOUR;
    assert_eq!(clock.floor(later), FLOOR + 11 * HOUR - Duration::from_millis(3600));
}

#[derive(Clone, Debug)]
enum Input {
    Answer { at: i64, round_trip: u64, battery: Option<i64> },
    Raise(i64),
    HeldBack(i64),
    Confirm,
    Dismiss,
}

fn inputs() -> impl Strategy<Value = Input> {
    let at = || prop_oneof![0..i64::MAX, 1_799_900_000_000_i64..1_800_100_000_000];
    prop_oneof![
        (at(), 0_u64..8000, prop::option::of(at())).prop_map(|(at, round_trip, battery)| Input::Answer {
            at,
            round_trip,
            battery
        }),
        at().prop_map(Input::Raise),
        at().prop_map(Input::HeldBack),
        Just(Input::Confirm),
        Just(Input::Dismiss),
    ]
}

proptest! {
    #[test]
    fn the_clock_never_shows_less_than_its_floor(
        inputs in prop::collection::vec((inputs(), 0_u64..1_000_000), 0..20),
        battery in prop::option::of(0..i64::MAX),
    ) {
        let battery = battery.map(Timestamp::from_unix_millis);
        let (mut clock, mut boot) = (clock(), SECOND);
        let mut floor = FLOOR;
        for (input, passed) in inputs {
            boot += Duration::from_millis(passed);
            match input {
                Input::Answer { at, round_trip, battery } => {
                    let asked = boot;
                    boot += Duration::from_millis(round_trip);
                    let battery = battery.map(Timestamp::from_unix_millis);
                    let time = signed(Timestamp::from_unix_millis(at));
                    let _ = clock.answered(time, Exchange { asked, answered: boot }, battery);
                }
                Input::Raise(issued) => clock.raise(Timestamp::from_unix_millis(issued), boot),
                Input::HeldBack(issued) => clock.held_back(Timestamp::from_unix_millis(issued)),
                Input::Confirm => clock.confirm(),
                Input::Dismiss => clock.dismiss(),
            }
            let shown = clock.read(boot, battery);
            prop_assert!(shown.now >= floor);
            prop_assert_eq!(shown.state == ClockState::Ahead, clock.waiting().is_some());
            prop_assert!(clock.floor(boot) >= floor);
            floor = floor.max(clock.floor(boot));
        }
    }
}
