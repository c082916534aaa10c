//! How long to wait before a device that is not there is looked for again. Knows no device.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
/// Nobody who has plugged in a cable waits longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Waits that double from 50 ms to a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pause {
    /// The next wait.
    pub(super) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = wait.saturating_mul(2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_second() {
        let mut pause = Pause::default();
        let waits: Vec<_> = (0..8).map(|_| pause.next().as_millis()).collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
    }
}
