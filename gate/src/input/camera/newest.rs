//! A place for one thing, where a newer one takes it. Knows nothing of pictures.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// From a thread that puts to one that takes. Neither waits for the other's work.
pub(super) struct Newest<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
}

enum Slot<T> {
    /// Nothing is there; whether something should be.
    Empty {
        expected: bool,
    },
    Full(T),
    Closed,
}

/// What became of waiting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    Some(T),
    /// Something was expected, and did not come.
    Overdue,
    Closed,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { slot: Mutex::new(Slot::Empty { expected: false }), changed: Condvar::new() }
    }
}

impl<T> Newest<T> {
    /// Puts something in the place of what is there; `false` when nobody takes it any more.
    pub(super) fn put(&self, thing: T) -> bool {
        let mut slot = self.lock();
        if matches!(*slot, Slot::Closed) {
            return false;
        }
        *slot = Slot::Full(thing);
        self.changed.notify_one();
        true
    }

    /// Says that nothing will come for now.
    pub(super) fn expect_none(&self) {
        let mut slot = self.lock();
        if let Slot::Empty { expected } = &mut *slot {
            *expected = false;
        }
    }

    /// Ends both sides.
    pub(super) fn close(&self) {
        *self.lock() = Slot::Closed;
        self.changed.notify_all();
    }

    /// Waits for the next thing, and takes it. After so much patience what was expected is overdue, once.
    pub(super) fn take(&self, patience: Duration) -> Taken<T> {
        let mut slot = self.lock();
        loop {
            match std::mem::replace(&mut *slot, Slot::Empty { expected: true }) {
                Slot::Full(thing) => return Taken::Some(thing),
                Slot::Closed => {
                    *slot = Slot::Closed;
                    return Taken::Closed;
                }
                Slot::Empty { expected: false } => {
                    *slot = Slot::Empty { expected: false };
                    slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
                }
                Slot::Empty { expected: true } => {
                    let waited = self.changed.wait_timeout(slot, patience).unwrap_or_else(PoisonError::into_inner);
                    slot = waited.0;
                    if waited.1.timed_out() && matches!(*slot, Slot::Empty { expected: true }) {
                        *slot = Slot::Empty { expected: false };
                        return Taken::Overdue;
                    }
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_newest_wins_and_is_taken_once() {
        let newest = Newest::default();
        assert!(newest.put(1) && newest.put(2));
        assert_eq!(newest.take(LONG), Taken::Some(2));
        assert_eq!(newest.take(Duration::ZERO), Taken::Overdue);
        assert!(newest.put(3));
        assert_eq!(newest.take(LONG), Taken::Some(3));
    }

    #[test]
    fn whoever_waits_is_woken_by_what_comes_and_by_the_end() {
        let newest = Newest::default();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| [newest.take(LONG), newest.take(LONG)]);
            newest.put(1);
            // Until it was taken: closing takes what is there with it.
            while matches!(*newest.lock(), Slot::Full(_)) {
                std::thread::yield_now();
            }
            newest.close();
            assert_eq!(taker.join().unwrap(), [Taken::Some(1), Taken::Closed]);
        });
        assert!(!newest.put(2));
        assert_eq!(newest.take(LONG), Taken::Closed);
    }

    #[test]
    fn nothing_is_overdue_that_was_not_expected() {
        let newest = Newest::default();
        newest.put(1);
        assert_eq!(newest.take(LONG), Taken::Some(1));
        newest.expect_none();
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| newest.take(Duration::ZERO));
            newest.close();
            assert_eq!(taker.join().unwrap(), Taken::Closed);
        });
    }
}
