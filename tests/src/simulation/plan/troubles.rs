//! What breaks in a night: lines, boxes, clocks and sessions at every gate, and in some nights a calamity besides.

use std::time::Duration;

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::super::entrance::End;
use super::super::happening::Happening;
use super::{DOORS, Plan};

/// How old the backup is that validation is put back to.
const BACKUP_AGE: Duration = Duration::from_mins(5);

impl Plan {
    /// What breaks at a box. The first start comes late at some; before the doors open staff try its reader, and so does somebody during the night.
    pub(super) fn breakages(&mut self, at: usize) {
        let first = self.instant(Duration::ZERO, Duration::from_secs(30));
        self.happens(first, Happening::Starts { at });
        self.happens(first, Happening::Junk { at });
        let junk = self.instant(Duration::ZERO, DOORS);
        self.happens(junk, Happening::Junk { at });
        if self.random.random_bool(0.15) {
            let from = self.instant(first, DOORS / 4);
            self.cut_off(at, from, DOORS);
        }
        for _ in 0..self.random.random_range(0..4) {
            let from = self.instant(Duration::ZERO, DOORS);
            let until = from + self.within(Duration::from_mins(6));
            self.cut_off(at, from, until);
        }
        for _ in 0..self.random.random_range(0..4) {
            let how = if self.random.random_bool(0.5) { End::Process } else { End::Power };
            let from = self.instant(first, DOORS);
            let until = from + self.within(Duration::from_mins(1));
            self.happens(from, Happening::Ends { at, how });
            self.happens(until, Happening::Starts { at });
        }
        if self.random.random_bool(0.3) {
            let hours = *[1, 6, 30, 24 * 365].choose(&mut self.random).unwrap_or(&1);
            let by = hours * 3_600_000 * if self.random.random_bool(0.5) { 1 } else { -1 };
            let when = self.instant(Duration::ZERO, DOORS);
            self.happens(when, Happening::Jumps { at, by });
        }
    }

    /// What breaks for all of them; calamities not every night.
    pub(super) fn calamities(&mut self) {
        for _ in 0..self.random.random_range(0..4) {
            let when = self.instant(Duration::ZERO, DOORS);
            self.happens(when, Happening::Forgets);
        }
        if self.random.random_bool(0.2) {
            return self.backup();
        }
        // Somebody must be left to be misled.
        if self.gates > 2 && self.random.random_bool(0.3) {
            self.theft();
        }
        if self.random.random_bool(0.3) {
            self.image();
        }
        (0..self.gates as usize).for_each(|at| self.prunes(at));
    }

    /// A box lets rows go when it is told to. Of tickets none may go while the gate serves; what was shown before them may.
    fn prunes(&mut self, at: usize) {
        if self.random.random_bool(0.3) {
            let (when, keep) = (self.instant(DOORS / 4, DOORS), self.within(DOORS / 4));
            self.happens(when, Happening::Prunes { at, keep });
        }
    }

    /// A box is carried off, and its journal goes on, before it is missed and after.
    fn theft(&mut self) {
        let (at, stolen) = (self.gate(), self.instant(DOORS / 4, DOORS * 3 / 4));
        self.happens(stolen, Happening::Stolen { at });
        let missed = self.instant(stolen, DOORS);
        self.happens(missed, Happening::Missed);
        for _ in 0..self.random.random_range(1..8) {
            let (when, admissions) = (self.instant(stolen, DOORS), self.random.random_range(1..6));
            self.happens(when, Happening::Invents { admissions });
        }
    }

    /// Somebody puts an image of a box's disk back that was made earlier in the night.
    fn image(&mut self) {
        let (at, made) = (self.gate(), self.instant(Duration::from_mins(1), DOORS * 3 / 4));
        self.happens(made, Happening::Copied { at });
        let put_back = self.instant(made, DOORS);
        self.happens(put_back, Happening::PutBack { at });
        self.happens(put_back + Duration::from_secs(20), Happening::Starts { at });
    }

    /// Validation is put back to a backup that is minutes old. What boxes let go never comes back to it, nor what lies on one that was carried off: such
    /// nights have neither.
    fn backup(&mut self) {
        let made = self.instant(Duration::from_mins(1), DOORS.saturating_sub(BACKUP_AGE));
        self.happens(made, Happening::BackedUp);
        self.happens(made + BACKUP_AGE, Happening::Restored);
    }

    fn cut_off(&mut self, at: usize, from: Duration, until: Duration) {
        self.happens(from, Happening::CutOff { at, cut: true });
        self.happens(until.min(DOORS), Happening::CutOff { at, cut: false });
    }
}
