//! What happens in a run: who shows what and where, what breaks and when, all drawn from the seed before it begins. Refuses to know what
//! comes of it.

use std::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::id::{Generation, Slot};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::entrance::End;

/// How long people come.
pub(super) const DOORS: Duration = Duration::from_mins(20);
/// How long after that nothing breaks any more: longer than every wait of a gate, several times over.
pub(super) const QUIET: Duration = Duration::from_mins(5);
/// Each of so many seeds is a whole stadium.
const STADIUM: u64 = 20;

/// How bad the network is: shares of exchanges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    /// The request is lost.
    pub(super) request_lost: f64,
    /// The reply is lost.
    pub(super) reply_lost: f64,
    /// The request arrives a second time, perhaps after later ones.
    pub(super) duplicate: f64,
    /// The request arrives when nobody waits for the answer any more.
    pub(super) late: f64,
    /// The longest way of one that is in time.
    pub(super) longest: Duration,
}

impl Faults {
    /// A network as it should be. A line on which each exchange takes a quarter of a minute stays behind for longer than anybody looks on: steps are
    /// fetched one by one.
    pub(super) const NONE: Self =
        Self { request_lost: 0.0, reply_lost: 0.0, duplicate: 0.0, late: 0.0, longest: Duration::from_millis(200) };
}

/// Something that happens at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    /// Somebody shows something at a box.
    Shown(Shown),
    /// Whatever is no ticket is shown.
    Junk { at: usize },
    /// A box is cut off from the network, or is not any more.
    CutOff { at: usize, cut: bool },
    /// A box ends, or starts.
    Ends { at: usize, how: End },
    /// It starts again.
    Starts { at: usize },
    /// Its battery clock is put forward by so many milliseconds, or back.
    Jumps { at: usize, by: i64 },
    /// Something becomes of a seat.
    Office { slot: Slot, act: Office },
    /// Validation knows no session any more.
    Forgets,
}

/// A ticket that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Where.
    pub(super) at: usize,
    /// Which way.
    pub(super) direction: Direction,
    /// Whose seat.
    pub(super) slot: Slot,
    /// Which issue of it.
    pub(super) generation: Generation,
    /// Whether the power goes before anybody sees the answer.
    pub(super) power_goes: bool,
}

/// What becomes of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Office {
    /// It is held back.
    Block,
    /// Not any more.
    Unblock,
    /// It is taken back for good.
    Revoke,
    /// Somebody else has it.
    Transfer,
}

/// A run before it began.
pub(super) struct Plan {
    /// How many boxes there are.
    pub(super) gates: u32,
    /// How many seats were sold.
    pub(super) seats: u32,
    /// Of each box: its crystal's error in millionths, its clock's in milliseconds.
    pub(super) clocks: Vec<(i64, i64)>,
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
        let mut plan = Self { gates, seats, clocks, faults, happenings: Vec::new(), random };
        (0..gates as usize).for_each(|at| plan.breakages(at));
        (0..seats).for_each(|slot| plan.seat(Slot(slot)));
        (0..seats).for_each(|_| plan.junk());
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
            let power_goes = self.random.random_bool(0.02);
            let at = self.gate();
            let shown = Shown { at, direction, slot, generation: Generation(generation), power_goes };
            self.happens(when, Happening::Shown(shown));
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
