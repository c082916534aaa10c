//! Three days without a network at one gate. An executable of its own: what others do would be seen in its memory.

#[cfg(test)]
mod tests {
    use countermark_tests::simulation::{SCANS, drought};

    /// Rows that stayed in memory would take twenty megabytes: each is 200 bytes, and its ticket 350.
    const FLAT: u64 = 4 << 20;
    const MOST_IN_ONE: usize = 1000;

    #[test]
    fn seventy_two_hours_take_no_memory_and_go_up_at_once() {
        let seen = drought().unwrap_or_else(|error| panic!("{error:?}"));
        let [after_twelve_hours, in_the_end] = seen.resident;
        assert!(after_twelve_hours > 0 && in_the_end < after_twelve_hours + FLAT, "{seen:?}");
        assert_eq!(seen.stored, u64::from(SCANS), "each row is stored once");
        assert_eq!(seen.uploads.iter().sum::<usize>(), SCANS as usize, "and sent once");
        assert!(seen.uploads.iter().rev().skip(1).all(|rows| *rows <= MOST_IN_ONE), "{:?}", seen.uploads);
    }
}
