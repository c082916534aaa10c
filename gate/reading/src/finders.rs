//! Where three finders seem to belong to one code. Owns what is asked of rxing, and what that makes of a code by itself; knows no other
//! way to read.

use image::GrayImage;
use rxing::common::cpp_essentials::DecoderResult;
use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, FinderPatterns, GenerateFinderPatternSets, SampleQR,
};
use rxing::{Binarizer, Luma8Source};

use crate::place::{Finders, Point};

/// Sets that are looked at: of 54 hard frames whose finders were all found the right one was among the first eight in 53, the sixteenth in one.
const MOST_SETS: usize = 16;
/// Finders that are kept: of textures there are hundreds.
const MOST_FINDERS: usize = 40;

/// Black and white by rxing's threshold, which follows blocks of eight pixels.
pub(crate) fn by_blocks(picture: &GrayImage) -> Option<BitMatrix> {
    let source = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()).ok()?;
    HybridBinarizer::new(source).get_black_matrix().ok().cloned()
}

/// Finders of one picture in one black and white.
pub(crate) struct Found {
    black: BitMatrix,
    patterns: FinderPatterns,
}

impl Found {
    /// Looks at every third row, as rxing does when it tries harder.
    pub(crate) fn search(black: BitMatrix) -> Self {
        let mut patterns = FindFinderPatterns(&black, true, 0);
        patterns.truncate(MOST_FINDERS);
        Self { black, patterns }
    }

    /// What rxing reads by itself: one sample a module, black or white.
    pub(crate) fn read(&self) -> Option<(String, Finders)> {
        sets(&self.patterns).iter().find_map(|set| {
            let sampled = SampleQR(&self.black, set).ok()?;
            let decoded = Decode(sampled.getBits()).ok().filter(DecoderResult::isValid)?;
            Some((decoded.text(), finders(set)))
        })
    }
}

/// All finders of a picture that were found so far, by whatever black and white.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    patterns: FinderPatterns,
    tried: Vec<Finders>,
}

impl Pool {
    /// Takes what was found in a picture of a part of the size; answers the sets that were not tried yet.
    pub(crate) fn add(&mut self, found: &Found, scale: u16) -> Vec<Finders> {
        for mut pattern in found.patterns.iter().copied() {
            pattern.p = pattern.p * f32::from(scale);
            pattern.size *= i32::from(scale);
            let near = modules_long(pattern.size) * 2.0;
            if self.patterns.len() < MOST_FINDERS && !self.patterns.iter().any(|known| known.distance(pattern) < near) {
                self.patterns.push(pattern);
            }
        }
        let mut untried = Vec::new();
        for next in sets(&self.patterns).iter().map(finders) {
            if !self.tried.iter().any(|tried| tried.are(&next)) {
                self.tried.push(next);
                untried.push(next);
            }
        }
        untried
    }
}

fn sets(patterns: &FinderPatterns) -> Vec<FinderPatternSet> {
    let mut sets = GenerateFinderPatternSets(&mut patterns.clone());
    sets.truncate(MOST_SETS);
    sets
}

fn finders(FinderPatternSet { bl, tl, tr }: &FinderPatternSet) -> Finders {
    let at = |point: rxing::Point| Point { x: point.x, y: point.y };
    Finders {
        upper_left: at(tl.p),
        upper_right: at(tr.p),
        lower_left: at(bl.p),
        module: modules_long((tl.size + tr.size + bl.size) / 3),
    }
}

/// How long a module is of a finder of this size, pixels.
#[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
fn modules_long(size: i32) -> f32 {
    size as f32 / 7.0
}
