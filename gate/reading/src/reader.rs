//! The ladder: one way to read after the other, the fast ones first, while there is time. Owns their order; knows nothing of files,
//! cameras and clocks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use image::GrayImage;
use image::imageops::invert;
use rxing::common::BitMatrix;

use crate::finders::{Found, Pool, by_blocks};
use crate::place::{Finders, Place, Point};
use crate::relief::Relief;
use crate::samples::Samples;
use crate::symbol::Layouts;
use crate::threshold::{darker, halve, smooth};

/// A picture is halved until its longer side would be shorter than this: a ticket that fills half of it still has three pixels a module.
const SHORTEST: u32 = 640;
/// Modules longer than twice this are sampled from a smaller picture: there is nothing more to see in them.
const MODULE: f32 = 3.0;
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

/// A text and how it was read. It may be anybody's private code: its `Debug` leaves it out.
#[derive(Clone, PartialEq)]
pub struct Reading {
    /// What the code says.
    pub text: String,
    /// What read it.
    pub rung: Rung,
    /// Where it is, in pixels of the picture, from the code's upper left corner clockwise. Of a code that was sampled the fourth is as if it
    /// were seen from straight above.
    pub corners: [Point; 4],
}

impl fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reading")
            .field("rung", &self.rung)
            .field("corners", &self.corners)
            .finish_non_exhaustive()
    }
}

/// What read a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The finders were seen in this.
    pub look: Look,
    /// The modules were read by this.
    pub means: Means,
    /// It was light on dark.
    pub inverted: bool,
}

/// What finders are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The picture so many times smaller.
    Shrunk(u16),
    /// The picture without half of its noise.
    Smoothed,
    /// The same, by a threshold that follows the light closely.
    Local,
    /// The picture half as large, by that threshold.
    ShrunkLocal,
    /// The picture without half of its noise, by a threshold that follows the light from further away.
    Wide,
    /// The picture as it is.
    Plain,
}

/// How modules are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// One black or white sample a module, by rxing.
    Sampled,
    /// Grey samples, with what smeared them taken back, and doubt for the error correction.
    Equalised,
}

impl fmt::Display for Rung {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.look {
            Look::Shrunk(times) => write!(formatter, "shrunk-{times}")?,
            Look::Smoothed => write!(formatter, "smoothed")?,
            Look::Local => write!(formatter, "local")?,
            Look::ShrunkLocal => write!(formatter, "shrunk-local")?,
            Look::Wide => write!(formatter, "wide")?,
            Look::Plain => write!(formatter, "plain")?,
        }
        let means = match self.means {
            Means::Sampled => "",
            Means::Equalised => "-equalised",
        };
        write!(formatter, "{means}{}", if self.inverted { "-inverted" } else { "" })
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
            looks.truncate(scene.smaller.len() + 1);
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

/// A picture in the sizes that are looked at.
struct Scene<'a> {
    full: &'a GrayImage,
    /// Half as large, a quarter, and so on.
    smaller: Vec<GrayImage>,
    smooth: Option<GrayImage>,
}

impl<'a> Scene<'a> {
    fn new(full: &'a GrayImage) -> Self {
        let mut smaller = vec![halve(full)];
        while let Some(last) = smaller.last().filter(|last| last.width().max(last.height()) >= 2 * SHORTEST) {
            smaller.push(halve(last));
        }
        Self { full, smaller, smooth: None }
    }

    /// The ladder.
    fn looks(&self) -> Vec<Look> {
        let shrunk = (1..=self.smaller.len()).rev().map(|times| Look::Shrunk(1 << times));
        shrunk.chain([Look::Smoothed, Look::Local, Look::ShrunkLocal, Look::Wide, Look::Plain]).collect()
    }

    fn smooth(&mut self) -> &GrayImage {
        self.smooth.get_or_insert_with(|| smooth(self.full))
    }

    /// Black and white, and how many times smaller than the picture.
    fn black(&mut self, look: Look) -> Option<(BitMatrix, u16)> {
        let black = match look {
            Look::Shrunk(times) => return Some((by_blocks(self.shrunk(times)?)?, times)),
            Look::Smoothed => by_blocks(self.smooth()),
            Look::Local => darker(self.smooth(), 8),
            Look::ShrunkLocal => return Some((darker(self.shrunk(2)?, 8)?, 2)),
            Look::Wide => darker(self.smooth(), 16),
            Look::Plain => by_blocks(self.full),
        };
        Some((black?, 1))
    }

    fn shrunk(&self, times: u16) -> Option<&GrayImage> {
        self.smaller.get(times.ilog2().checked_sub(1)? as usize)
    }

    /// The size in which modules of this length are sampled, and how many times smaller it is.
    fn for_modules(&self, module: f32) -> (&GrayImage, f32) {
        let (mut picture, mut scale) = (self.full, 1.0);
        for smaller in &self.smaller {
            if module / scale < 2.0 * MODULE {
                break;
            }
            (picture, scale) = (smaller, scale * 2.0);
        }
        (picture, scale)
    }
}
