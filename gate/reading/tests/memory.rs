//! What reading a picture takes of memory, at most. A test of its own: the kernel counts for the whole process.

use std::time::Duration;

use countermark_reading::{Budget, Reader};
use image::{GrayImage, Luma};

/// The most memory that this process ever held, in bytes (proc(5), `VmHWM`).
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

#[test]
fn three_bytes_a_pixel_and_40_mib_are_enough() {
    // Twelve million pixels of noise, in which every look finds something that is none.
    let mut state = 1_u32;
    let picture = GrayImage::from_fn(4000, 3000, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let finder = |at: u32| matches!(at / 6 % 20, 0 | 2..=4 | 6);
        Luma([if finder(x) && finder(y) { 20 } else { 120 + (state >> 25) as u8 }])
    });
    let before = most_memory().unwrap();
    let reading = Reader::new().read(&picture, |_| true, Budget { allowed: Duration::MAX, spent: &|| Duration::ZERO });
    assert_eq!(reading, None);
    let taken = most_memory().unwrap() - before;
    assert!(taken <= 3 * 12_000_000 + 40 * 1024 * 1024, "{} MiB", taken >> 20);
    assert!(taken > 12_000_000, "nothing was done");
}
