//! Where three finders seem to belong to one code. Owns what is asked of rxing, what that makes of a code by itself, and in which order
//! finders and sets count where there are too many; knows no other way to read.

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
/// Finders that are kept: of textures there are hundreds.
pub(crate) const MOST_FINDERS: usize = 64;
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
    pub(crate) black: BitMatrix,
    /// How many times smaller than the picture it is.
    pub(crate) scale: u16,
    pub(crate) patterns: FinderPatterns,
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

/// What rxing makes sets of, the smallest sets first; `scale` times larger.
pub(crate) fn sets(patterns: &FinderPatterns, scale: f32) -> Vec<Set> {
    let sets = guarded(|| Some(GenerateFinderPatternSets(&mut patterns.clone()))).unwrap_or_default();
    sets.into_iter().map(|patterns| Set { finders: finders(&patterns).scaled(scale), patterns }).collect()
}

/// How long the side of a square is of which the longer side has [`TILES`].
#[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
pub(crate) fn tile(width: u32, height: u32) -> f32 {
    width.max(height).max(1) as f32 / TILES
}

/// The first of each square, then the second of each, and so on.
pub(crate) fn spread<T>(things: Vec<T>, tile: f32, place: impl Fn(&T) -> Point) -> Vec<T> {
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
pub(crate) fn modules_long(size: i32) -> f32 {
    size as f32 / 7.0
}
