//! What happens in a run: who shows what and where, what breaks and when, all drawn from the seed before it begins. Refuses to know what
//! comes of it.

mod seats;
mod troubles;

use std::time::Duration;

use countermark_shared::id::Slot;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::entrance::Outfit;
use super::happening::{Faults, Happening};

/// How long people come.
pub(super) const DOORS: Duration = Duration::from_mins(20);
/// How long after that nothing breaks any more: longer than every wait of a gate, several times over.
pub(super) const QUIET: Duration = Duration::from_mins(5);
/// How long after the doors who has not come yet comes: when no gate waits for anything.
pub(super) const LATE: Duration = Duration::from_mins(3);
/// A whole stadium.
const GATES: u32 = 50;
/// Each of so many seeds is a small house, in which everybody comes to few gates.
pub(super) const SMALL: u64 = 10;
/// People come by trains: at most so many.
const TRAINS: usize = 12;
/// Who came by one train is at the doors within so long of one another: longer than what one gate lets in takes to be known at the others, and shorter.
const CROWD: Duration = Duration::from_secs(6);
/// Before that no gate is ready.
const FIRST_TRAIN: Duration = Duration::from_secs(40);

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
    trains: Vec<Duration>,
}

impl Plan {
    /// Draws one.
    pub(super) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let gates = if seed.is_multiple_of(SMALL) { random.random_range(2..=8) } else { GATES };
        let seats = random.random_range(20..=40) + gates * 2 / 3;
        let clocks = (0..gates).map(|_| (random.random_range(-100..=100), random.random_range(-120_000..=120_000)));
        let clocks = clocks.collect();
        let mut worst = |share: f64| random.random_range(0.0..share);
        let [request_lost, reply_lost, duplicate, late] = [worst(0.2), worst(0.2), worst(0.2), worst(0.1)];
        let longest = Duration::from_millis(random.random_range(20..8000));
        let faults = Faults { request_lost, reply_lost, duplicate, late, longest };
        let mut outfit = || Outfit { has_arm: random.random_bool(0.5), asks_others: random.random_bool(0.2) };
        let outfits = (0..gates).map(|_| outfit()).collect();
        let mut plan =
            Self { gates, seats, clocks, outfits, faults, happenings: Vec::new(), random, trains: Vec::new() };
        plan.trains = (0..TRAINS).map(|_| plan.instant(FIRST_TRAIN, DOORS)).collect();
        (0..gates as usize).for_each(|at| plan.breakages(at));
        plan.calamities();
        (0..seats).for_each(|slot| plan.seat(Slot(slot)));
        plan
    }

    fn happens(&mut self, when: Duration, what: Happening) {
        self.happenings.push((when, what));
    }

    fn gate(&mut self) -> usize {
        self.random.random_range(0..self.gates as usize)
    }

    /// When somebody stands at the doors who came by one of the trains.
    fn train(&mut self) -> Duration {
        self.trains.choose(&mut self.random).copied().unwrap_or(FIRST_TRAIN)
    }

    fn instant(&mut self, from: Duration, until: Duration) -> Duration {
        from + self.within(until.saturating_sub(from))
    }

    fn within(&mut self, longest: Duration) -> Duration {
        longest.mul_f64(self.random.random_range(0.0..1.0))
    }
}
