//! A place for one thing, where a newer one takes it. Knows nothing of pictures.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// From a thread that puts to one that takes. Neither waits for the other's work.
pub(super) struct Newest<T> {
    place: Mutex<Place<T>>,
    changed: Condvar,
}

struct Place<T> {
    thing: Option<T>,
    /// Whether something should come.
    expected: bool,
    closed: bool,
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
        let place = Place { thing: None, expected: false, closed: false };
        Self { place: Mutex::new(place), changed: Condvar::new() }
    }
}

impl<T> Newest<T> {
    /// Puts something in the place of what is there; `false` when nobody takes it any more.
    pub(super) fn put(&self, thing: T) -> bool {
        let mut place = self.lock();
        *place = Place { thing: Some(thing), expected: true, ..*place };
        self.changed.notify_one();
        !place.closed
    }

    /// Says whether something is to be expected from now on.
    pub(super) fn expect(&self, expected: bool) {
        self.lock().expected = expected;
        self.changed.notify_one();
    }

    /// Ends both sides.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for the next thing, and takes it. After so much patience what was expected is overdue, once.
    pub(super) fn take(&self, patience: Duration) -> Taken<T> {
        let mut place = self.lock();
        loop {
            if place.closed {
                return Taken::Closed;
            }
            if let Some(thing) = place.thing.take() {
                return Taken::Some(thing);
            }
            if !place.expected {
                place = self.changed.wait(place).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.changed.wait_timeout(place, patience).unwrap_or_else(PoisonError::into_inner);
            place = waited.0;
            if waited.1.timed_out() && place.thing.is_none() && !place.closed && place.expected {
                place.expected = false;
                return Taken::Overdue;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Place<T>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
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
            let (told, hear) = std::sync::mpsc::channel();
            let taker = scope.spawn(|| {
                let first = newest.take(LONG);
                drop(told);
                [first, newest.take(LONG)]
            });
            newest.put(1);
            hear.recv().unwrap_or(());
            newest.close();
            assert_eq!(taker.join().unwrap(), [Taken::Some(1), Taken::Closed]);
        });
        assert!(!newest.put(2));
        assert_eq!(newest.take(LONG), Taken::Closed);
    }

    #[test]
    fn nothing_is_overdue_that_is_not_expected() {
        let newest = Newest::default();
        newest.put(1);
        // Lost while the last one still lies there.
        newest.expect(false);
        assert_eq!(newest.take(LONG), Taken::Some(1));
        std::thread::scope(|scope| {
            let taker = scope.spawn(|| newest.take(Duration::ZERO));
            newest.close();
            assert_eq!(taker.join().unwrap(), Taken::Closed);
        });
    }

    #[test]
    fn the_first_one_may_be_overdue() {
        let newest = Newest::<()>::default();
        newest.expect(true);
        assert_eq!(newest.take(Duration::ZERO), Taken::Overdue);
    }
}
