//! How fast PINs can be tried where they are entered, and orders' codes at a gate, by whomever. Pure: wrong ones, and the wait that follows.

use core::time::Duration;

use countermark_shared::time::Timestamp;

/// Wrong PINs that cost no wait: a hand in a glove mistypes.
const FREE: u32 = 5;
/// The wait after the last that was free; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait. Then the million PINs of six digits take nine years.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Without another wrong one for so long, one is forgotten. Twice the longest wait: whoever guesses gains nothing by resting.
const FORGETS_ONE_IN: Duration = Duration::from_mins(10);

/// What is remembered of wrong PINs at one place, or of codes by which nobody was found, over restarts too. A right one changes nothing: who has a
/// PIN could guess a colleague's between two uses of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttle {
    /// How many that are not forgotten.
    pub(super) wrong: u32,
    /// When the last was, by the gate's clock.
    pub(super) last: Timestamp,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { wrong: 0, last: Timestamp::from_unix_millis(0) }
    }
}

impl Throttle {
    /// As of now. A clock that was set back makes the wait begin anew rather than last for years.
    #[must_use]
    pub(super) fn at(self, now: Timestamp) -> Self {
        Self { last: self.last.min(now), ..self }
    }

    /// How long nobody may try, if so.
    pub(super) fn wait(self, now: Timestamp) -> Option<Duration> {
        let beyond = self.wrong.checked_sub(FREE)?;
        let wait = 2_u32.checked_pow(beyond).map_or(LONGEST_WAIT, |times| FIRST_WAIT * times).min(LONGEST_WAIT);
        wait.checked_sub(now.since(self.last)).filter(|left| !left.is_zero())
    }

    /// After one more.
    #[must_use]
    pub(super) fn after_one_more(self, now: Timestamp) -> Self {
        let forgotten = now.since(self.last).as_secs() / FORGETS_ONE_IN.as_secs();
        let kept = self.wrong.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
        Self { wrong: kept.saturating_add(1), last: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    /// How long the next try has to wait, after each of so many wrong ones that come as fast as they may.
    fn waits(count: usize) -> Vec<u64> {
        let (mut throttle, mut now) = (Throttle::default(), START);
        let mut waits = Vec::new();
        for _ in 0..count {
            throttle = throttle.at(now).after_one_more(now);
            let wait = throttle.wait(now).unwrap_or_default();
            waits.push(wait.as_secs());
            now = now + wait;
            assert_eq!(throttle.wait(now), None);
        }
        waits
    }

    #[test]
    fn after_five_the_wait_doubles_to_five_minutes() {
        assert_eq!(waits(12), [0, 0, 0, 0, 10, 20, 40, 80, 160, 300, 300, 300]);
        let many = Throttle { wrong: u32::MAX, last: START }.after_one_more(START);
        assert_eq!(many.wait(START), Some(LONGEST_WAIT));
    }

    #[test]
    fn ten_quiet_minutes_forget_one_and_nothing_else_does() {
        let throttle = Throttle { wrong: 7, last: START };
        for (minutes, wrong) in [(0, 8), (9, 8), (10, 7), (39, 5), (60, 2), (70, 1), (6000, 1)] {
            assert_eq!(throttle.after_one_more(START + Duration::from_mins(minutes)).wrong, wrong, "{minutes}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
        let throttle = Throttle { wrong: 5, last: START + Duration::from_hours(10_000) }.at(START);
        assert_eq!(throttle.wait(START), Some(FIRST_WAIT));
        assert_eq!(throttle.wait(START + FIRST_WAIT), None);
    }
}
