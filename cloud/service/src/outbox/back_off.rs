//! How long a failed entry waits.

use std::time::Duration;

use rand::RngExt;

use crate::randomness::Randomness;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// The wait after the `failures`-th failure: 100 ms, doubled each time up to 30 s, of which the last half is random, so
/// that what failed together does not come back together.
pub(super) fn after(failures: u32, randomness: &Randomness) -> Duration {
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    let longest = doubled.min(LONGEST);
    longest.mul_f64(randomness.clone().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_its_limit() {
        let randomness = Randomness::seeded([5; 32]);
        for (failures, longest) in [(1, 100), (2, 200), (3, 400), (9, 25_600), (10, 30_000), (u32::MAX, 30_000)] {
            for _ in 0..100 {
                let wait = after(failures, &randomness);
                let longest = Duration::from_millis(longest);
                assert!(wait >= longest / 2 && wait <= longest, "{failures}: {wait:?}");
            }
        }
    }
}
