//! One way to read after the other while there is time. Owns what a way consists of; knows nothing of files, cameras and clocks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use image::GrayImage;
use image::imageops::invert;

use crate::finders::{Found, Pool};
use crate::place::{Finders, Place};
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

impl Reader {
    /// That has met no code yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of a code in the picture, if there is one that can be read in time.
    pub fn read(&mut self, picture: &GrayImage, budget: Budget<'_>) -> Option<Reading> {
        self.climb(picture, budget, false).or_else(|| {
            if !budget.is_left() {
                return None;
            }
            let mut inverted = picture.clone();
            invert(&mut inverted);
            self.climb(&inverted, budget, true)
        })
    }

    fn climb(&mut self, picture: &GrayImage, budget: Budget<'_>, inverted: bool) -> Option<Reading> {
        let mut scene = Scene::new(picture);
        let mut looks = scene.looks();
        if inverted {
            // What is shown inverted is shown on a screen: the first looks suffice.
            looks.truncate(scene.sizes() + 1);
        }
        let mut pool = Pool::default();
        looks.into_iter().take_while(|_| budget.is_left()).find_map(|look| {
            // rxing is a port of C++ that indexes freely: a picture that trips it must not end the input. What is left behind is a picture in
            // another size and finders that were tried, whole in themselves.
            let attempt = AssertUnwindSafe(|| self.attempt(&mut scene, look, &mut pool, budget));
            let (text, means, corners) = catch_unwind(attempt).ok().flatten()?;
            Some(Reading { text, rung: Rung { look, means, inverted }, corners })
        })
    }

    fn attempt(
        &mut self,
        scene: &mut Scene<'_>,
        look: Look,
        pool: &mut Pool,
        budget: Budget<'_>,
    ) -> Option<(String, Means, [Point; 4])> {
        let (black, scale) = scene.black(look)?;
        let found = Found::search(black);
        if let Some((text, finders)) = found.read() {
            return Some((text, Means::Sampled, finders.scaled(f32::from(scale)).corners()));
        }
        let mut untried = pool.add(&found, scale).into_iter().take_while(|_| budget.is_left());
        untried.find_map(|finders| self.equalise(scene, &finders))
    }

    fn equalise(&mut self, scene: &Scene<'_>, finders: &Finders) -> Option<(String, Means, [Point; 4])> {
        let (picture, scale) = scene.for_modules(finders.module);
        let finders = finders.scaled(1.0 / scale);
        let relief = Relief::about(picture, &finders.bounds(MARGIN), LIGHT * finders.module)?;
        let (symbol, place) = Place::find(&finders, &relief, &mut self.layouts)?;
        let corners = place.corners(&symbol).map(|corner| corner.scaled(scale));
        let text = Samples::take(&symbol, &place, &relief).read()?;
        Some((text, Means::Equalised, corners))
    }
}
