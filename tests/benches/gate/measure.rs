//! What is printed and counted: lines `figure NAME VALUE UNIT`, and times in order.

use std::time::{Duration, Instant};

/// Prints a figure.
pub(crate) fn figure(name: &str, value: f64, unit: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    {
        println!("figure {name} {value:.3} {unit}");
    }
}

/// How long something took, and what it gave.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures; nothing depends on what it reads")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let begin = Instant::now();
    let made = work();
    (begin.elapsed(), made)
}

/// Times of one thing, done again and again.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that so large a share did not exceed.
    pub(crate) fn quantile(&mut self, share: f64) -> Duration {
        self.0.sort_unstable();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a few thousand"
        )]
        let at = ((self.0.len() as f64 - 1.0) * share).round().max(0.0) as usize;
        self.0.get(at).copied().unwrap_or_default()
    }
}

/// In milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
