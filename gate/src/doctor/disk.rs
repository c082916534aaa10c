//! The disk: whether there is room, for bytes and for files, and how long a verdict waits for it.

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
/// The agent makes some ten files, and Debian some hundreds at an upgrade.
const FEW_FILES: u64 = 10_000;
/// Below this, the ledger may not be opened at the next start.
const TOO_FEW_FILES: u64 = 100;
/// Writes that are timed.
const WRITES: usize = 20;
/// What SQLite writes at once.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// A verdict takes about three such writes; nobody should wait half a second at a gate.
const SLOW: Duration = Duration::from_millis(30);
const TOO_SLOW: Duration = Duration::from_millis(150);

pub(super) fn examine(folder: &Path, clock: Clock) -> Vec<Finding> {
    let mut findings = match statvfs(folder) {
        Ok(statistics) => vec![
            space(statistics.blocks_available().saturating_mul(statistics.fragment_size())),
            // Btrfs and others have no such limit, and say that it is 0.
            files((statistics.files() > 0).then(|| statistics.files_available())),
        ],
        Err(error) => vec![unusable("disk space", folder, &error.into())],
    };
    let speed = durable_writes(folder, clock)
        .map_or_else(|error| unusable("disk speed", folder, &error), |times| speed(&times));
    findings.push(speed);
    findings
}

fn unusable(part: &str, folder: &Path, error: &io::Error) -> Finding {
    let says = format!("{}: {error}", folder.display());
    Finding::bad(
        Standing::Wrong,
        part,
        says,
        "run this as the gate's user; look for a full disk (`df`, `df --inodes`) or a broken one (`dmesg`)",
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

/// A disk with room for bytes may have none for one file more: inodes.
fn files(free: Option<u64>) -> Finding {
    let Some(free) = free else { return Finding::good("disk files", "as many as there is room for") };
    let says = format!("room for {free} more files");
    let remedy = "delete files that nobody needs, old logs and pictures first (`du --inodes --one-file-system / | sort --numeric-sort` says where many lie), and nothing in this folder";
    match free {
        FEW_FILES.. => Finding::good("disk files", says),
        TOO_FEW_FILES..FEW_FILES => Finding::bad(Standing::Warning, "disk files", says, remedy),
        ..TOO_FEW_FILES => Finding::bad(Standing::Wrong, "disk files", says, remedy),
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
    fn files_are_judged_at_both_bounds_where_they_are_counted() {
        let standing = |free| files(free).standing;
        assert_eq!((standing(None), standing(Some(FEW_FILES))), (Standing::Good, Standing::Good));
        assert_eq!(
            (standing(Some(FEW_FILES - 1)), standing(Some(TOO_FEW_FILES))),
            (Standing::Warning, Standing::Warning)
        );
        assert_eq!((standing(Some(TOO_FEW_FILES - 1)), standing(Some(0))), (Standing::Wrong, Standing::Wrong));
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
