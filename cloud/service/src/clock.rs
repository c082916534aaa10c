//! What time it is. Owns the only look at the system clock in the cloud; refuses to know what the time is used for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use countermark_shared::time::Timestamp;

/// A source of the current time: the system's, or one that a test moves by hand. Clones share it.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `now` until [`Clock::advance`] moves it.
    pub fn fixed(now: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(now.unix_millis()))))
    }

    /// The current time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place of the cloud that reads the clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => time::OffsetDateTime::now_utc().into(),
            Source::Fixed(milliseconds) => Timestamp::from_unix_millis(milliseconds.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock, and all its clones, forward. The system's clock moves by itself and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Fixed(milliseconds) = &self.0 {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            milliseconds.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_fixed_clock_move_together() {
        let clock = Clock::fixed(Timestamp::from_unix_seconds(100));
        let clone = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(clone.now(), Timestamp::from_unix_seconds(105));
    }
}
