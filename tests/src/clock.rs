//! The one place here that reads the system's clock.

use std::time::SystemTime;

use countermark_shared::time::Timestamp;

/// What time it is.
#[expect(clippy::disallowed_methods, reason = "the shell of the demo and of the stories")]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
