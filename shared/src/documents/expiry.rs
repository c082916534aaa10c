//! What a trust bundle's end means. It is told and it calls for staff; it never stops a gate.

use core::time::Duration;

use super::bundle::TrustBundle;
use crate::time::Timestamp;

/// Long enough for the holders of the root to meet.
const NOTICE: Duration = Duration::from_hours(30 * 24);
/// For how long after its end people are admitted with attention, before staff are called: a festival, or time enough for a person to
/// bring a new bundle on a stick.
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
        Expiry::of(self.not_after, now)
    }
}

impl Expiry {
    /// How a bundle with that end stands at `now`.
    pub fn of(not_after: Timestamp, now: Timestamp) -> Self {
        if now >= not_after + GRACE {
            Self::Overdue
        } else if now >= not_after {
            Self::Ended
        } else if now + NOTICE > not_after {
            Self::EndsSoon
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn notice_is_thirty_days_and_grace_seven() {
        assert_eq!((NOTICE.as_secs(), GRACE.as_secs()), (2_592_000, 604_800));
    }

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
