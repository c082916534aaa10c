//! What happens in a run: who shows what and where, what breaks and when, all drawn from the seed before it begins. Refuses to know what
//! comes of it.

use std::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::id::{Generation, Slot};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::entrance::{End, Outfit};
use super::happening::{Faults, Happening, Office, Proof, Shown, Then};
use super::venue::Kind;

/// How long people come.
pub(super) const DOORS: Duration = Duration::from_mins(20);
/// How long after that nothing breaks any more: longer than every wait of a gate, several times over.
pub(super) const QUIET: Duration = Duration::from_mins(5);
/// How long after the doors who has not come yet comes: when no gate waits for anything.
pub(super) const LATE: Duration = Duration::from_mins(3);
/// Each of so many seeds is a whole stadium.
const STADIUM: u64 = 20;

/// A run before it began.
pub(super) struct Plan {
    /// How many boxes there are.
    pub(super) gates: u32,
    /// How many seats were sold.
    pub(super) seats: u32,
    /// Of each box: its crystal's error in millionths, its clock's in milliseconds.
    pub(super) clocks: Vec<(i64, i64)>,
    /// Of each box: how it is set up.
    pub(super) outfits: Vec<Outfit>,
    /// How bad the network is.
    pub(super) faults: Faults,
    /// What happens, and when.
    pub(super) happenings: Vec<(Duration, Happening)>,
    /// For what is drawn later.
    pub(super) random: StdRng,
}

impl Plan {
    /// Draws one.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let gates: u32 = if seed.is_multiple_of(STADIUM) { 50 } else { random.random_range(2..=8) };
        let seats = random.random_range(15..=40) + gates / 2;
        let clocks = (0..gates).map(|_| (random.random_range(-100..=100), random.random_range(-120_000..=120_000)));
        let clocks = clocks.collect();
        let mut worst = |share: f64| random.random_range(0.0..share);
        let [request_lost, reply_lost, duplicate, late] = [worst(0.2), worst(0.2), worst(0.2), worst(0.1)];
        let longest = Duration::from_millis(random.random_range(20..8000));
        let faults = Faults { request_lost, reply_lost, duplicate, late, longest };
        let mut outfit = || Outfit { has_arm: random.random_bool(0.5), asks_others: random.random_bool(0.2) };
        let outfits = (0..gates).map(|_| outfit()).collect();
        let mut plan = Self { gates, seats, clocks, outfits, faults, happenings: Vec::new(), random };
        (0..gates as usize).for_each(|at| plan.breakages(at));
        (0..seats).for_each(|slot| plan.seat(Slot(slot)));
        (0..seats).for_each(|_| plan.junk());
        // Somebody must be left to be misled.
        if gates > 2 && plan.random.random_bool(0.25) {
            plan.theft();
        }
        if plan.random.random_bool(0.25) {
            plan.image();
        }
        plan
    }

    /// What breaks at a box. The first start comes late at some.
    fn breakages(&mut self, at: usize) {
        let first = self.instant(Duration::ZERO, Duration::from_secs(30));
        self.happens(first, Happening::Starts { at });
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
        if self.random.random_bool(0.3) {
            let when = self.instant(Duration::ZERO, DOORS);
            self.happens(when, Happening::Forgets);
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

    /// What becomes of a seat, and who comes with it: its holder once, copies as often as they like, the next holder after a transfer.
    fn seat(&mut self, slot: Slot) {
        let transferred = self.random.random_bool(0.2).then(|| self.instant(Duration::ZERO, DOORS));
        if let Some(when) = transferred {
            self.office(when, slot, Office::Transfer);
        }
        if self.random.random_bool(0.15) {
            let when = self.instant(Duration::ZERO, DOORS);
            self.office(when, slot, Office::Block);
            if self.random.random_bool(0.5) {
                let until = self.instant(when, DOORS);
                self.office(until, slot, Office::Unblock);
            }
        }
        if self.random.random_bool(0.1) {
            let when = self.instant(Duration::ZERO, DOORS);
            self.office(when, slot, Office::Revoke);
        }
        let showings = if self.random.random_bool(0.5) { 1 } else { self.random.random_range(2..6) };
        for _ in 0..showings {
            let when = self.instant(Duration::from_secs(40), DOORS);
            let newest = if transferred.is_some_and(|since| since < when) { 2 } else { 1 };
            let generation = if self.random.random_bool(0.7) { newest } else { 1 };
            let direction = if self.random.random_bool(0.1) { Direction::Exit } else { Direction::Entry };
            let (at, generation, proof, then) = (self.gate(), Generation(generation), self.proof(slot), self.then());
            let shown = Shown { at, direction, slot, generation, proof, then };
            self.happens(when, Happening::Shown(shown));
        }
    }

    /// Devices that keep the time by a network are right to a few seconds; a picture of a code travels for longer than that.
    fn proof(&mut self, slot: Slot) -> Proof {
        match (Kind::of(slot), self.random.random_range(0..10)) {
            (Kind::Single | Kind::Duo | Kind::Strict, _) | (Kind::Live, 0) => Proof::None,
            (Kind::Live, 1..=2) => Proof::Picture { age: self.within(Duration::from_mins(10)) },
            (Kind::Live, _) => Proof::Signed { off: self.random.random_range(-3000..=3000) },
        }
    }

    fn then(&mut self) -> Then {
        match self.random.random_range(0..100) {
            0..3 => Then::PowerGoes,
            3..10 => Then::Stays { then: self.within(Duration::from_mins(6)) },
            10..30 => Then::CallsStaff { then: self.within(Duration::from_mins(6)) },
            _ => Then::Goes,
        }
    }

    fn junk(&mut self) {
        let (when, at) = (self.instant(Duration::ZERO, DOORS), self.gate());
        self.happens(when, Happening::Junk { at });
    }

    fn cut_off(&mut self, at: usize, from: Duration, until: Duration) {
        self.happens(from, Happening::CutOff { at, cut: true });
        self.happens(until.min(DOORS), Happening::CutOff { at, cut: false });
    }

    fn office(&mut self, when: Duration, slot: Slot, act: Office) {
        self.happens(when, Happening::Office { slot, act });
    }

    fn happens(&mut self, when: Duration, what: Happening) {
        self.happenings.push((when, what));
    }

    fn gate(&mut self) -> usize {
        self.random.random_range(0..self.gates as usize)
    }

    fn instant(&mut self, from: Duration, until: Duration) -> Duration {
        from + self.within(until.saturating_sub(from))
    }

    fn within(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.random_range(0.0..1.0))
    }
}
