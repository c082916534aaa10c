//! One way to read after the other while there is time. Owns what a way consists of; knows nothing of files, cameras and clocks.

use std::time::Duration;

use image::GrayImage;
use image::imageops::invert;

use crate::finders::Found;
use crate::place::{Finders, Place};
use crate::pool::Pool;
use crate::projection::Point;
use crate::reading::{Look, Means, Reading, Rung};
use crate::relief::Relief;
use crate::samples::Samples;
use crate::scene::Scene;
use crate::symbol::Layouts;

/// Modules about the finders that are looked at: the far corner may be that much further than it seems, and the light is a mean.
const MARGIN: f32 = 12.0;
/// Modules to each side over which light is a mean.
const LIGHT: f32 = 8.0;

/// What is spent on one picture.
#[derive(Clone, Copy)]
pub struct Budget<'a> {
    /// No step begins after this much time.
    pub allowed: Duration,
    /// How much time has passed since the picture was taken up.
    pub spent: &'a dyn Fn() -> Duration,
}

impl Budget<'_> {
    fn is_left(&self) -> bool {
        (self.spent)() < self.allowed
    }
}

/// Reads one picture after the other, and keeps the layouts of the codes that it met.
#[derive(Debug, Default)]
pub struct Reader {
    layouts: Layouts,
}

/// What is looked for in one picture, and what was met on the way.
struct Search<'a> {
    wanted: &'a dyn Fn(&str) -> bool,
    budget: Budget<'a>,
    /// The first text that is not wanted.
    other: Option<Reading>,
}

impl Search<'_> {
    /// Gives back what is wanted; keeps the first of the others.
    fn sift(&mut self, reading: Reading) -> Option<Reading> {
        if (self.wanted)(&reading.text) {
            return Some(reading);
        }
        self.other.get_or_insert(reading);
        None
    }
}

/// The ladder in front of one picture, or of the same turned over.
struct Climb<'a> {
    scene: Scene<'a>,
    pool: Pool,
    inverted: bool,
}

impl Reader {
    /// That has met no code yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of a code in the picture, if there is one that can be read in time.
    ///
    /// There may be other codes about a ticket: a text that is not `wanted` ends nothing, and is answered when no other was found in time.
    pub fn read(&mut self, picture: &GrayImage, wanted: impl Fn(&str) -> bool, budget: Budget<'_>) -> Option<Reading> {
        let mut search = Search { wanted: &wanted, budget, other: None };
        let found = self.climb(picture, false, &mut search).or_else(|| {
            if !budget.is_left() {
                return None;
            }
            let mut inverted = picture.clone();
            invert(&mut inverted);
            self.climb(&inverted, true, &mut search)
        });
        found.or(search.other)
    }

    fn climb(&mut self, picture: &GrayImage, inverted: bool, search: &mut Search<'_>) -> Option<Reading> {
        let mut climb = Climb { scene: Scene::new(picture), pool: Pool::new(picture), inverted };
        let mut looks = climb.scene.looks();
        if inverted {
            // What is shown inverted is shown on a screen: the first looks suffice.
            looks.truncate(climb.scene.sizes() + 1);
        }
        looks.into_iter().find_map(|look| self.attempt(&mut climb, look, search))
    }

    fn attempt(&mut self, climb: &mut Climb<'_>, look: Look, search: &mut Search<'_>) -> Option<Reading> {
        let Climb { scene, pool, inverted } = climb;
        let rung = |means| Rung { look, means, inverted: *inverted };
        if !search.budget.is_left() {
            return None;
        }
        let (black, scale) = scene.black(look)?;
        let found = Found::search(black, scale);
        for set in found.sets() {
            if !search.budget.is_left() {
                return None;
            }
            if pool.leaves_alone(&set.finders) {
                continue;
            }
            let Some(text) = found.read(&set) else { continue };
            let reading = Reading { text, rung: rung(Means::Sampled), corners: set.finders.corners() };
            pool.leave_alone(set.finders);
            if let Some(wanted) = search.sift(reading) {
                return Some(wanted);
            }
        }
        for finders in pool.add(&found) {
            if !search.budget.is_left() {
                return None;
            }
            if pool.leaves_alone(&finders) {
                continue;
            }
            let Some((text, corners)) = self.equalise(scene, &finders) else { continue };
            pool.leave_alone(finders);
            if let Some(wanted) = search.sift(Reading { text, rung: rung(Means::Equalised), corners }) {
                return Some(wanted);
            }
        }
        None
    }

    fn equalise(&mut self, scene: &Scene<'_>, finders: &Finders) -> Option<(String, [Point; 4])> {
        let (picture, scale) = scene.for_modules(finders.module);
        let finders = finders.scaled(1.0 / scale);
        let relief = Relief::about(picture, &finders.bounds(MARGIN), LIGHT * finders.module)?;
        let (symbol, place) = Place::find(&finders, &relief, &mut self.layouts)?;
        let corners = place.corners(&symbol).map(|corner| corner.scaled(scale));
        Some((Samples::take(&symbol, &place, &relief).read()?, corners))
    }
}
