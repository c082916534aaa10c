//! A picture in all that it is looked at in: the ladder itself. Owns the order of the looks and the sizes; knows nothing of codes but how
//! small their modules may be.

use image::GrayImage;
use rxing::common::BitMatrix;

use crate::finders::by_blocks;
use crate::reading::Look;
use crate::threshold::{darker, halve, smooth};

/// A picture is halved until its longer side would be shorter than this: a ticket that fills half of it still has three pixels a module.
const SHORTEST: u32 = 640;
/// Modules longer than twice this are sampled from a smaller picture: there is nothing more to see in them.
const MODULE: f32 = 3.0;
/// A picture in the sizes that are looked at.
pub(crate) struct Scene<'a> {
    full: &'a GrayImage,
    /// Half as large, a quarter, and so on.
    smaller: Vec<GrayImage>,
    smooth: Option<GrayImage>,
}

impl<'a> Scene<'a> {
    /// The sizes of a picture.
    pub(crate) fn new(full: &'a GrayImage) -> Self {
        let mut smaller = vec![halve(full)];
        while let Some(last) = smaller.last().filter(|last| last.width().max(last.height()) >= 2 * SHORTEST) {
            smaller.push(halve(last));
        }
        Self { full, smaller, smooth: None }
    }

    /// How often the picture was halved.
    pub(crate) fn sizes(&self) -> usize {
        self.smaller.len()
    }

    /// The ladder, in the order of what a look costs.
    pub(crate) fn looks(&self) -> Vec<Look> {
        let shrunk = (1..=self.smaller.len()).rev().map(|times| Look::Shrunk(1 << times));
        shrunk.chain([Look::Smoothed, Look::Local, Look::Wide, Look::Plain]).collect()
    }

    fn smooth(&mut self) -> &GrayImage {
        self.smooth.get_or_insert_with(|| smooth(self.full))
    }

    /// Black and white, and how many times smaller than the picture.
    pub(crate) fn black(&mut self, look: Look) -> Option<(BitMatrix, u16)> {
        let black = match look {
            Look::Shrunk(times) => return Some((by_blocks(self.shrunk(times)?)?, times)),
            Look::Smoothed => by_blocks(self.smooth()),
            Look::Local => darker(self.smooth(), 8),
            Look::Wide => darker(self.smooth(), 16),
            Look::Plain => by_blocks(self.full),
        };
        Some((black?, 1))
    }

    fn shrunk(&self, times: u16) -> Option<&GrayImage> {
        self.smaller.get(times.ilog2().checked_sub(1)? as usize)
    }

    /// The size in which modules of this length are sampled, and how many times smaller it is.
    pub(crate) fn for_modules(&self, module: f32) -> (&GrayImage, f32) {
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
