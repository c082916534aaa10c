//! What a trust bundle's end means. It is told and it calls for staff; it never stops a gate.

use core::time::Duration;

use super::bundle::TrustBundle;
use crate::time::Timestamp;

/// Long enough for the holders of the root to meet.
const NOTICE: Duration = Duration::from_hours(30 * 24);
/// A festival and its way home.
const GRACE: Duration = Duration::from_hours(7 * 24);

/// How a bundle stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Expiry {
    /// It holds for 30 days and more.
    Good,
    /// It holds for less than 30 days: whoever runs the system is told.
    EndsSoon,
    /// Its end is here, less than 7 days ago: the gate warns.
    Ended,
    /// Its end was 7 days ago or earlier: the gate calls staff.
    Overdue,
}

impl TrustBundle {
    /// How this bundle stands at `now`.
    pub fn expiry(&self, now: Timestamp) -> Expiry {
        if now >= self.not_after + GRACE {
            Expiry::Overdue
        } else if now >= self.not_after {
            Expiry::Ended
        } else if now + NOTICE > self.not_after {
            Expiry::EndsSoon
        } else {
            Expiry::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_bundle_ends_by_steps() {
        let bundle = samples::bundle();
        let end = bundle.not_after;
        let instant = Duration::from_millis(1);
        for (now, expected) in [
            (end - NOTICE, Expiry::Good),
            (end - NOTICE + instant, Expiry::EndsSoon),
            (end - instant, Expiry::EndsSoon),
            (end, Expiry::Ended),
            (end + GRACE - instant, Expiry::Ended),
            (end + GRACE, Expiry::Overdue),
            (Timestamp::from_unix_millis(i64::MAX), Expiry::Overdue),
        ] {
            assert_eq!(bundle.expiry(now), expected, "{now}");
        }
    }
}
