//! Where three finders seem to belong to one code. Owns what is asked of rxing, what that makes of a code by itself, and what is left out
//! where there is too much; knows no other way to read.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use image::GrayImage;
use rxing::common::cpp_essentials::DecoderResult;
use rxing::common::{BitMatrix, DetectorRXingResult, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, FinderPatterns, GenerateFinderPatternSets, SampleQR,
};
use rxing::{Binarizer, Luma8Source};

use crate::guard::guarded;
use crate::place::Finders;
use crate::projection::Point;

/// Sets of a look that are sampled: most that are none end at the first edge.
const MOST_SAMPLED: usize = 64;
/// Sets of a look whose grey levels are looked at: of 54 hard frames whose finders were all found the right one was among the first eight
/// in 53, the sixteenth in one.
const MOST_SETS: usize = 16;
/// Finders that are kept: of textures there are hundreds.
const MOST_FINDERS: usize = 64;
/// Parts of the longer side of a picture: what fills one of the squares crowds out nothing in the others.
const TILES: f32 = 4.0;

/// Black and white by rxing's threshold, which follows blocks of eight pixels.
pub(crate) fn by_blocks(picture: &GrayImage) -> Option<BitMatrix> {
    guarded(|| {
        let source = Luma8Source::new_with_slice(picture.as_raw(), picture.width(), picture.height()).ok()?;
        HybridBinarizer::new(source).get_black_matrix().ok().cloned()
    })
}

/// Finders of one picture in one black and white.
pub(crate) struct Found {
    black: BitMatrix,
    /// How many times smaller than the picture it is.
    scale: u16,
    patterns: FinderPatterns,
}

/// Three finders as rxing has them.
pub(crate) struct Set {
    patterns: FinderPatternSet,
    /// Where they are in the picture.
    pub(crate) finders: Finders,
}

impl Found {
    /// Looks at every third row, as rxing does when it tries harder, and so from the top down. Of what is found the largest are kept, from
    /// all over the picture.
    pub(crate) fn search(black: BitMatrix, scale: u16) -> Self {
        let mut patterns = guarded(|| Some(FindFinderPatterns(&black, true, 0))).unwrap_or_default();
        patterns.sort_by_key(|pattern| Reverse(pattern.size));
        let mut patterns = spread(patterns, tile(black.width(), black.height()), |pattern| point(pattern.p));
        patterns.truncate(MOST_FINDERS);
        Self { black, scale, patterns }
    }

    /// The sets that are worth a sample, the likeliest of each part of the picture first.
    pub(crate) fn sets(&self) -> impl Iterator<Item = Set> {
        let scale = f32::from(self.scale);
        let tile = scale * tile(self.black.width(), self.black.height());
        let sets = sets(&self.patterns, scale);
        spread(sets, tile, |set| set.finders.middle()).into_iter().take(MOST_SAMPLED)
    }

    /// What rxing reads by itself: one sample a module, black or white.
    pub(crate) fn read(&self, set: &Set) -> Option<String> {
        guarded(|| {
            let sampled = SampleQR(&self.black, &set.patterns).ok()?;
            let decoded = Decode(sampled.getBits()).ok().filter(DecoderResult::isValid)?;
            Some(decoded.text())
        })
    }
}

/// The finders of a picture, by whatever black and white, and what became of them.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Of the squares over which what is tried is spread.
    tile: f32,
    patterns: FinderPatterns,
    tried: Vec<Finders>,
    read: Vec<Finders>,
}

impl Pool {
    /// Of this picture, nothing found yet.
    pub(crate) fn new(picture: &GrayImage) -> Self {
        let tile = tile(picture.width(), picture.height());
        Self { tile, patterns: Vec::new(), tried: Vec::new(), read: Vec::new() }
    }

    /// Takes what was found, in the place of what was there before where there is too much; answers sets that were not tried yet.
    pub(crate) fn add(&mut self, found: &Found) -> Vec<Finders> {
        let mut patterns = found.patterns.clone();
        for pattern in &mut patterns {
            pattern.p = pattern.p * f32::from(found.scale);
            pattern.size *= i32::from(found.scale);
        }
        for known in std::mem::take(&mut self.patterns) {
            let near = modules_long(known.size) * 2.0;
            if !patterns.iter().any(|pattern| pattern.distance(known) < near) {
                patterns.push(known);
            }
        }
        patterns.truncate(MOST_FINDERS);
        let sets = sets(&patterns, 1.0).into_iter().map(|set| set.finders);
        let untried = sets.filter(|set| !self.is_read(set) && !self.tried.iter().any(|tried| tried.are(set))).collect();
        let mut untried = spread(untried, self.tile, Finders::middle);
        untried.truncate(MOST_SETS);
        self.patterns = patterns;
        self.tried.extend(&untried);
        untried
    }

    /// A code was read at these.
    pub(crate) fn has_read(&mut self, finders: Finders) {
        self.read.push(finders);
    }

    /// Whether one of these belongs to a code that was read.
    pub(crate) fn is_read(&self, finders: &Finders) -> bool {
        self.read.iter().any(|read| read.share(finders))
    }
}

/// What rxing makes sets of, the smallest sets first; `scale` times larger.
fn sets(patterns: &FinderPatterns, scale: f32) -> Vec<Set> {
    let sets = guarded(|| Some(GenerateFinderPatternSets(&mut patterns.clone()))).unwrap_or_default();
    sets.into_iter().map(|patterns| Set { finders: finders(&patterns).scaled(scale), patterns }).collect()
}

/// How long the side of a square is of which the longer side has [`TILES`].
#[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
fn tile(width: u32, height: u32) -> f32 {
    width.max(height).max(1) as f32 / TILES
}

/// The first of each square, then the second of each, and so on.
fn spread<T>(things: Vec<T>, tile: f32, place: impl Fn(&T) -> Point) -> Vec<T> {
    let mut counts = BTreeMap::<_, usize>::new();
    let rank = |thing: T| {
        let Point { x, y } = place(&thing);
        #[expect(clippy::cast_possible_truncation, reason = "a few tiles")]
        let count = counts.entry(((x / tile) as i32, (y / tile) as i32)).or_default();
        *count += 1;
        (*count, thing)
    };
    let mut ranked: Vec<_> = things.into_iter().map(rank).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, thing)| thing).collect()
}

fn finders(FinderPatternSet { bl, tl, tr }: &FinderPatternSet) -> Finders {
    Finders {
        upper_left: point(tl.p),
        upper_right: point(tr.p),
        lower_left: point(bl.p),
        module: modules_long((tl.size + tr.size + bl.size) / 3),
    }
}

fn point(of: rxing::Point) -> Point {
    Point { x: of.x, y: of.y }
}

/// How long a module is of a finder of this size, pixels.
#[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
fn modules_long(size: i32) -> f32 {
    size as f32 / 7.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use rxing::common::cpp_essentials::ConcentricPattern;

    fn pattern(x: f32, y: f32, size: i32) -> ConcentricPattern {
        ConcentricPattern { p: rxing::Point { x, y }, size }
    }

    /// A code of 200 pixels a side with finders of 28, its upper left one here.
    fn code(x: f32, y: f32) -> Vec<ConcentricPattern> {
        vec![pattern(x, y, 28), pattern(x + 172.0, y, 28), pattern(x, y + 172.0, 28)]
    }

    /// As many larger ones as there is room for, on a line, so that they make no set.
    fn crowd() -> Vec<ConcentricPattern> {
        (0_u8..64).map(|at| pattern(5.0 + 15.0 * f32::from(at), 10.0, 42)).collect()
    }

    fn found(patterns: FinderPatterns) -> Found {
        Found { black: BitMatrix::new(1000, 1000).unwrap(), scale: 1, patterns }
    }

    #[test]
    fn a_full_pool_takes_what_is_found_next() {
        let mut pool = Pool::new(&GrayImage::new(1000, 1000));
        assert_eq!(crowd().len(), MOST_FINDERS);
        pool.add(&found(crowd()));
        let untried = pool.add(&found(code(500.0, 500.0)));
        let [x, y] = [500.0, 500.0];
        assert!(untried.iter().any(|finders| finders.upper_left == Point { x, y }), "{untried:?}");
        assert!(pool.add(&found(code(500.0, 500.0))).is_empty(), "they were tried");
    }

    #[test]
    fn what_was_read_is_not_tried_again() {
        let mut pool = Pool::new(&GrayImage::new(1000, 1000));
        let [advert] = pool.add(&found(code(100.0, 100.0))).try_into().unwrap();
        pool.has_read(advert);
        let both = [code(100.0, 100.0), code(600.0, 600.0)].concat();
        let [ticket] = pool.add(&found(both)).try_into().unwrap();
        assert_eq!(ticket.upper_left, Point { x: 600.0, y: 600.0 });
    }
}
