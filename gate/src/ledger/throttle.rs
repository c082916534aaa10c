//! How fast PINs and orders' codes can be tried at a gate, by whomever. Pure: wrong ones in a row, and the wait that follows.

use core::time::Duration;

use countermark_shared::time::Timestamp;

/// Wrong PINs in a row that cost no wait: a hand in a glove mistypes.
const FREE: u32 = 5;
/// The wait after the last that was free; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait. Then the million PINs of six digits take nine years.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What is remembered of wrong PINs, or of codes by which nobody was found, over restarts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Throttle {
    /// How many in a row.
    pub(super) run: u32,
    /// When the last was, by the gate's clock.
    pub(super) last: Timestamp,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { run: 0, last: Timestamp::from_unix_millis(0) }
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
        let beyond = self.run.checked_sub(FREE)?;
        let wait = 2_u32.checked_pow(beyond).map_or(LONGEST_WAIT, |times| FIRST_WAIT * times).min(LONGEST_WAIT);
        wait.checked_sub(now.since(self.last)).filter(|left| !left.is_zero())
    }

    /// After one more.
    #[must_use]
    pub(super) fn wrong(self, now: Timestamp) -> Self {
        Self { run: self.run.saturating_add(1), last: now }
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
            throttle = throttle.at(now).wrong(now);
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
        let many = Throttle { run: u32::MAX, last: START }.wrong(START);
        assert_eq!(many.wait(START), Some(LONGEST_WAIT));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nobody_wait_longer() {
        let throttle = Throttle { run: 5, last: START + Duration::from_hours(10_000) }.at(START);
        assert_eq!(throttle.wait(START), Some(FIRST_WAIT));
        assert_eq!(throttle.wait(START + FIRST_WAIT), None);
    }
}
