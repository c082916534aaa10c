//! The state behind a gate's clock, for one run of the machine.

use core::time::Duration;

use super::{Clock, ClockState, Exchange, SignedTime};
use crate::documents::MAX_CLOCK_LEAD;
use crate::time::Timestamp;

/// A slower answer says too little about now.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(5);
/// How far a reading may lie below the floor before it counts as rolled back: two clocks that are right differ by as much.
const SLACK: Duration = Duration::from_secs(5);
/// What a battery clock of ±20 ppm is off after a month in a cupboard.
const BATTERY_ERROR: Duration = Duration::from_mins(1);
/// 100 parts in a million: twice what quartz crystals of ±50 ppm are sold for, over their range of temperature.
const DRIFT_PER_MILLION: u32 = 100;

/// What a gate knows of the time since it started. Only the floor outlives a restart.
#[derive(Clone, Debug)]
pub struct GateClock {
    /// When this run of the gate began, since boot: until the time is known, `now` runs on from the floor by it.
    started: Duration,
    /// The floor that the run began with.
    start: Timestamp,
    floor: Timestamp,
    anchor: Option<Anchor>,
    waiting: Option<Waiting>,
}

/// A signed instant and where the monotonic clock stood then.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Timestamp,
    since_boot: Duration,
    error: Duration,
}

/// A jump forward that staff have not confirmed.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Answer(Anchor),
    Document { issued: Timestamp },
}

/// Why a signed answer changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It came too late after the nonce, or before it.
    #[error("the answer took longer than five seconds")]
    TooSlow,
    /// It lies more than a day ahead: staff are asked.
    #[error("the answer says {at}, more than a day ahead of this clock")]
    Ahead {
        /// What it says.
        at: Timestamp,
    },
}

impl GateClock {
    /// The clock of a run that starts at `since_boot`, with the floor that was stored: see [`floor`](Self::floor).
    pub fn new(floor: Timestamp, since_boot: Duration) -> Self {
        Self { started: since_boot, start: floor, floor, anchor: None, waiting: None }
    }

    /// What the clock shows at `since_boot`. `battery` is the battery clock's reading, none on a box without one.
    pub fn read(&self, since_boot: Duration, battery: Option<Timestamp>) -> Clock {
        let (reading, error, state) = self.reading(since_boot, battery);
        let state = if self.waiting.is_some() {
            ClockState::Ahead
        } else if reading + error + SLACK < self.floor(since_boot) {
            ClockState::RolledBack
        } else {
            state
        };
        Clock { state, now: reading.max(self.reached(since_boot).0), error }
    }

    /// Takes an answer, if it came in time and lies no more than a day ahead of what the clock shows. An answer that is taken ends the wait
    /// for staff. One that lies below what the clock has surely reached is taken and shows as rolled back: either it or an earlier
    /// one was wrong.
    pub fn answered(
        &mut self,
        time: SignedTime,
        exchange: Exchange,
        battery: Option<Timestamp>,
    ) -> Result<(), NotTaken> {
        let round_trip = exchange.answered.checked_sub(exchange.asked).ok_or(NotTaken::TooSlow)?;
        if round_trip > LONGEST_ROUND_TRIP {
            return Err(NotTaken::TooSlow);
        }
        self.floor = self.floor(exchange.answered);
        // It was signed at some moment of the exchange: the middle is at most half of it off.
        let error = round_trip / 2;
        let anchor = Anchor { at: time.at() + error, since_boot: exchange.answered, error };
        if time.at() > self.read(exchange.answered, battery).now + MAX_CLOCK_LEAD {
            self.waiting = Some(Waiting::Answer(anchor));
            return Err(NotTaken::Ahead { at: time.at() });
        }
        self.set(anchor);
        Ok(())
    }

    /// Raises the floor to the instant at which validation signed a document that was taken. While the time is signed it can say no more
    /// than the clock knows, and raises nothing beyond that.
    pub fn raise(&mut self, issued: Timestamp, since_boot: Duration) {
        let limit = self.anchor.map_or(issued, |anchor| anchor.reading(since_boot).0);
        self.floor = self.floor.max(issued.min(limit));
    }

    /// Notes that a document was refused because it lies more than a day ahead. Where the time is signed the document is wrong, and
    /// nothing changes; otherwise the clock may be, and staff are asked.
    pub fn held_back(&mut self, issued: Timestamp) {
        if self.anchor.is_some() {
            return;
        }
        match self.waiting {
            Some(Waiting::Answer(_)) => {}
            Some(Waiting::Document { issued: earlier }) if earlier >= issued => {}
            Some(Waiting::Document { .. }) | None => self.waiting = Some(Waiting::Document { issued }),
        }
    }

    /// The instant that waits for staff, who compare it with their own watches.
    pub fn waiting(&self) -> Option<Timestamp> {
        self.waiting.map(|waiting| match waiting {
            Waiting::Answer(anchor) => anchor.at,
            Waiting::Document { issued } => issued,
        })
    }

    /// Staff say that the instant that waits is right.
    pub fn confirm(&mut self) {
        match self.waiting.take() {
            Some(Waiting::Answer(anchor)) => self.set(anchor),
            Some(Waiting::Document { issued }) => self.floor = self.floor.max(issued),
            None => {}
        }
    }

    /// Staff say that it is wrong.
    pub fn dismiss(&mut self) {
        self.waiting = None;
    }

    /// How far the reading may be from the truth: half the round trip, and 100 parts in a million of the time since. None unless the time
    /// is signed.
    pub fn error_bound(&self, since_boot: Duration) -> Option<Duration> {
        self.anchor.map(|anchor| anchor.reading(since_boot).1)
    }

    /// The floor to store for the next run: what the clock has surely reached. A run that nobody tells the time is part of it, so that a box
    /// without a battery clock ages with its documents.
    pub fn floor(&self, since_boot: Duration) -> Timestamp {
        let (reached, error) =
            self.anchor.map_or_else(|| self.reached(since_boot), |anchor| anchor.reading(since_boot));
        self.floor.max(reached - error)
    }

    /// What it is at least, and by how much the crystal may have made too much of the run. Once the time is signed, the run says nothing that the
    /// anchor does not say better, and a floor that was raised wrongly is caught up with.
    fn reached(&self, since_boot: Duration) -> (Timestamp, Duration) {
        if self.anchor.is_some() {
            return (self.floor, Duration::ZERO);
        }
        let run = since_boot.saturating_sub(self.started);
        (self.floor.max(self.start + run), drift(run))
    }

    fn reading(&self, since_boot: Duration, battery: Option<Timestamp>) -> (Timestamp, Duration, ClockState) {
        match (self.anchor, battery) {
            (Some(anchor), _) => {
                let (reading, error) = anchor.reading(since_boot);
                (reading, error, ClockState::Signed)
            }
            (None, Some(battery)) => (battery, BATTERY_ERROR, ClockState::Battery),
            (None, None) => (self.reached(since_boot).0, Duration::ZERO, ClockState::Unknown),
        }
    }

    fn set(&mut self, anchor: Anchor) {
        self.floor = self.floor.max(anchor.at - anchor.error);
        self.anchor = Some(anchor);
        self.waiting = None;
    }
}

impl Anchor {
    /// The instant that follows from it, and how far that may be off.
    fn reading(self, since_boot: Duration) -> (Timestamp, Duration) {
        let elapsed = since_boot.saturating_sub(self.since_boot);
        (self.at + elapsed, self.error.saturating_add(drift(elapsed)))
    }
}

fn drift(elapsed: Duration) -> Duration {
    (elapsed / 1_000_000).saturating_mul(DRIFT_PER_MILLION)
}

#[cfg(test)]
mod tests {
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
}
