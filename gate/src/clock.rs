//! The only place with ambient time. Everything else is handed a [`Moment`].

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countermark_shared::journal::BootId;
use countermark_shared::time::Timestamp;

/// Now, twice: what the calendar says, which may jump, and how long the agent has run, which may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// By the system's clock.
    pub(crate) at: Timestamp,
    /// Since the agent's start: what ages and waits are measured by.
    pub(crate) uptime: Duration,
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    /// Begins to count.
    #[expect(clippy::disallowed_methods, reason = "this module is the gate's clock")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Reads both clocks.
    pub(crate) fn now(self) -> Moment {
        Moment { at: wall_time(), uptime: self.started.elapsed() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is the gate's clock")]
fn wall_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// Which start of this machine it is (Linux, `random(4)`).
pub(crate) fn boot() -> io::Result<BootId> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits: String = text.trim().chars().filter(|character| *character != '-').collect();
    data_encoding::HEXLOWER
        .decode(digits.as_bytes())
        .ok()
        .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
        .map(BootId::new)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the kernel's boot id is no UUID"))
}
