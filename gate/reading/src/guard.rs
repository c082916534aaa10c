//! What keeps a panic of rxing, or of the JPEG decoder, from ending an input. Owns that alone: what is wrong in this crate is not hidden.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What another crate makes of something; nothing where it panics. rxing is a port of C++ that indexes freely, and there are pictures that trip
/// it; a JPEG decoder meets every damage that a cable does.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Option<T>) -> Option<T> {
    // What it is lent it only reads, and what it was making is lost with the panic.
    catch_unwind(AssertUnwindSafe(work)).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_panics_there_is_nothing() {
        assert_eq!(guarded(|| Some(1)), Some(1));
        let nothing: [u8; 0] = [];
        assert_eq!(guarded(|| Some(nothing[std::hint::black_box(0)])), None);
    }
}
