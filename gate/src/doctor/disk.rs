//! The disk: whether there is room, and how long a verdict waits for it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use nix::sys::statvfs::statvfs;

use super::{Finding, Standing};
use crate::clock::Clock;

const MEBIBYTE: u64 = 1024 * 1024;
/// A row takes about 500 bytes, a list of ten million seats 2.5 MB: below this, days are left.
const LITTLE: u64 = 1024 * MEBIBYTE;
/// Below this, SQLite may fail in the middle of a day.
const TOO_LITTLE: u64 = 100 * MEBIBYTE;
/// Writes that are timed.
const WRITES: usize = 20;
/// What SQLite writes at once.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// A verdict takes about three such writes; nobody should wait half a second at a gate.
const SLOW: Duration = Duration::from_millis(30);
const TOO_SLOW: Duration = Duration::from_millis(150);

pub(super) fn examine(folder: &Path, clock: Clock) -> Vec<Finding> {
    let space = match statvfs(folder) {
        Ok(statistics) => space(statistics.blocks_available().saturating_mul(statistics.fragment_size())),
        Err(error) => unusable("disk space", folder, &error.into()),
    };
    let speed = durable_writes(folder, clock)
        .map_or_else(|error| unusable("disk speed", folder, &error), |times| speed(&times));
    vec![space, speed]
}

fn unusable(part: &str, folder: &Path, error: &io::Error) -> Finding {
    let says = format!("{}: {error}", folder.display());
    Finding::bad(
        Standing::Wrong,
        part,
        says,
        "run this as the gate's user; look for a full disk (`df`) or a broken one (`dmesg`)",
    )
}

fn space(free: u64) -> Finding {
    let says = format!("{} MiB free", free / MEBIBYTE);
    let remedy = "make room: old logs (`journalctl --vacuum-size=50M`), packages (`apt-get clean`)";
    match free {
        LITTLE.. => Finding::good("disk space", says),
        TOO_LITTLE..LITTLE => Finding::bad(Standing::Warning, "disk space", says, remedy),
        ..TOO_LITTLE => Finding::bad(Standing::Wrong, "disk space", says, remedy),
    }
}

/// How long each of some durable writes of one page took.
fn durable_writes(folder: &Path, clock: Clock) -> io::Result<Vec<Duration>> {
    let mut file = tempfile::tempfile_in(folder)?;
    (0..WRITES)
        .map(|_| {
            let begin = clock.now().uptime;
            file.write_all(&PAGE)?;
            file.sync_data()?;
            Ok(clock.now().uptime.saturating_sub(begin))
        })
        .collect()
}

fn speed(times: &[Duration]) -> Finding {
    let mut times = times.to_vec();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    let says =
        format!("a durable write takes {:.1} ms, the slowest {:.1} ms", milliseconds(median), milliseconds(worst));
    let remedy = "people wait for this disk: use an SSD or an industrial card, and nothing else that writes to it";
    if median > TOO_SLOW {
        Finding::bad(Standing::Wrong, "disk speed", says, remedy)
    } else if median > SLOW || worst > TOO_SLOW * 2 {
        Finding::bad(Standing::Warning, "disk speed", says, remedy)
    } else {
        Finding::good("disk speed", says)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_judged_at_both_bounds() {
        let standing = |free| space(free).standing;
        assert_eq!(standing(LITTLE), Standing::Good);
        assert_eq!((standing(LITTLE - 1), standing(TOO_LITTLE)), (Standing::Warning, Standing::Warning));
        assert_eq!((standing(TOO_LITTLE - 1), standing(0)), (Standing::Wrong, Standing::Wrong));
    }

    #[test]
    fn a_slow_disk_and_one_that_stalls_are_told() {
        let standing = |median: u64, worst: u64| {
            let mut times = vec![Duration::from_millis(median); WRITES - 1];
            times.push(Duration::from_millis(worst));
            speed(&times).standing
        };
        assert_eq!(standing(1, 300), Standing::Good);
        assert_eq!((standing(31, 31), standing(1, 301)), (Standing::Warning, Standing::Warning));
        assert_eq!(standing(151, 151), Standing::Wrong);
    }

    #[test]
    fn this_machines_disk_is_measured_and_a_folder_that_is_none_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(durable_writes(folder.path(), Clock::start()).unwrap().len(), WRITES);
        let nowhere = examine(&folder.path().join("nowhere"), Clock::start());
        assert!(nowhere.iter().all(|finding| finding.standing == Standing::Wrong));
    }
}
