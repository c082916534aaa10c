//! All finders of a picture, look by look. Owns what was tried, what is left alone, and what gives way where there are too many; knows
//! neither how finders are found nor how a code is read.

use image::GrayImage;
use rxing::qrcode::cpp_port::detector::FinderPatterns;

use crate::finders::{Found, MOST_FINDERS, modules_long, sets, spread, tile};
use crate::place::Finders;

/// Sets of a look whose grey levels are looked at. Where all three finders were found the right set was among the first eight nearly always,
/// and never beyond this.
const MOST_SETS: usize = 16;

/// The finders of a picture, by whatever black and white, and what became of them.
#[derive(Debug)]
pub(crate) struct Pool {
    /// The side of the squares over which what is tried is spread.
    tile: f32,
    patterns: FinderPatterns,
    tried: Vec<Finders>,
    left_alone: Vec<Finders>,
}

impl Pool {
    /// Of this picture, nothing found yet.
    pub(crate) fn new(picture: &GrayImage) -> Self {
        let tile = tile(picture.width(), picture.height());
        Self { tile, patterns: Vec::new(), tried: Vec::new(), left_alone: Vec::new() }
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
        let untried =
            sets.filter(|set| !self.leaves_alone(set) && !self.tried.iter().any(|tried| tried.are(set))).collect();
        let mut untried = spread(untried, self.tile, Finders::middle);
        untried.truncate(MOST_SETS);
        self.patterns = patterns;
        self.tried.extend(&untried);
        untried
    }

    /// A code was read at these: they are not tried again.
    pub(crate) fn leave_alone(&mut self, finders: Finders) {
        self.left_alone.push(finders);
    }

    /// Whether one of these belongs to a code that was read.
    pub(crate) fn leaves_alone(&self, finders: &Finders) -> bool {
        self.left_alone.iter().any(|alone| alone.share(finders))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::Point;
    use rxing::common::BitMatrix;
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
        let here = Point { x: 500.0, y: 500.0 };
        assert!(untried.iter().any(|finders| finders.upper_left == here), "{untried:?}");
        assert!(pool.add(&found(code(500.0, 500.0))).is_empty(), "they were tried");
    }

    #[test]
    fn what_was_read_is_not_tried_again() {
        let mut pool = Pool::new(&GrayImage::new(1000, 1000));
        let [advert] = pool.add(&found(code(100.0, 100.0))).try_into().unwrap();
        pool.leave_alone(advert);
        let both = [code(100.0, 100.0), code(600.0, 600.0)].concat();
        let [ticket] = pool.add(&found(both)).try_into().unwrap();
        assert_eq!(ticket.upper_left, Point { x: 600.0, y: 600.0 });
    }
}
