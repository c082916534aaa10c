//! The only place with ambient time. Everything else is handed a [`Moment`]; what a moment is worth, the ledger's
//! [`GateClock`](countermark_shared::clock::GateClock) says.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use countermark_shared::journal::BootId;
use countermark_shared::time::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// Now, twice: what the machine's calendar says, which may jump, and how long the machine has run, which may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the system's clock, which a battery keeps: nobody signed it.
    pub battery: Timestamp,
    /// Since the machine's start, sleep included: what ages and waits are measured by.
    pub uptime: Duration,
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
        Moment { battery: wall_time(), uptime: since_boot().unwrap_or_else(|| self.started.elapsed()) }
    }
}

/// `CLOCK_BOOTTIME`, which every Linux since 2.6.39 has.
fn since_boot() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).ok()
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
