//! How long to wait after a failure.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// A random share in [0, 1), drawn by whoever has randomness: it keeps the gates of a venue from coming back all at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(pub(crate) f64);

/// When something that may fail is due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    due: Duration,
    failures: u32,
}

impl Schedule {
    pub(super) fn due(self) -> Duration {
        self.due
    }

    /// Whether the last try, if there was any, went well.
    pub(super) fn is_well(self) -> bool {
        self.failures == 0
    }

    pub(super) fn succeeded(&mut self, next: Duration) {
        *self = Self { due: next, failures: 0 };
    }

    /// Due no earlier than now, without a wait of its own.
    pub(super) fn postpone(&mut self, now: Duration) {
        self.due = self.due.max(now);
    }

    /// Due again after half to all of the wait, which doubles from one second to a minute.
    pub(super) fn failed(&mut self, now: Duration, jitter: Jitter) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.due = now + wait.mul_f64(0.5 + jitter.0.clamp(0.0, 1.0) / 2.0);
        self.failures = self.failures.saturating_add(1);
    }

    /// Forgets what was scheduled: due at once.
    pub(super) fn hurry(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_start_over() {
        let mut schedule = Schedule::default();
        let mut waits = Vec::new();
        for _ in 0..9 {
            schedule.failed(Duration::ZERO, Jitter(1.0));
            waits.push(schedule.due().as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        schedule.failed(Duration::ZERO, Jitter(0.0));
        assert_eq!(schedule.due().as_secs(), 30);
        schedule.succeeded(Duration::from_secs(7));
        assert_eq!(schedule.due().as_secs(), 7);
        schedule.failed(Duration::ZERO, Jitter(1.0));
        assert_eq!(schedule.due().as_secs(), 1);
    }
}
