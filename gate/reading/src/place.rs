//! Where a code lies: the projection that takes its modules to the picture, found by what is known of every code. Owns the fit; knows
//! nothing of what the code says.

use std::sync::Arc;

use crate::projection::{Point, Projection};
use crate::relief::Relief;
use crate::symbol::{Layouts, Module, Symbol};

/// With less than this at the likeliest version none of its neighbours is a code either.
const HOPELESS: f32 = 0.35;
/// With less than this there is nothing to read: of the generated frames none was read below 0.8.
const LEAST: f32 = 0.5;

/// The centres of a code's three finders in the picture, and how long a module is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finders {
    pub(crate) upper_left: Point,
    pub(crate) upper_right: Point,
    pub(crate) lower_left: Point,
    pub(crate) module: f32,
}

impl Finders {
    /// The version that the distances speak for; a neighbour is as likely, since a finder's size is known to a pixel.
    fn likely_version(&self) -> u32 {
        let across = self.upper_left.distance(self.upper_right) + self.upper_left.distance(self.lower_left);
        let side = across / (2.0 * self.module) + 7.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let version = ((side - 17.0) / 4.0).round().clamp(1.0, 40.0) as u32;
        version
    }

    /// Whether another set is the same but for a module.
    pub(crate) fn are(&self, other: &Self) -> bool {
        let pairs = [
            (self.upper_left, other.upper_left),
            (self.upper_right, other.upper_right),
            (self.lower_left, other.lower_left),
        ];
        pairs.iter().all(|(one, another)| one.distance(*another) < self.module)
    }

    /// Whether another set has one of the three.
    pub(crate) fn share(&self, other: &Self) -> bool {
        let points = |of: &Self| [of.upper_left, of.upper_right, of.lower_left];
        let others = points(other);
        points(self).iter().any(|one| others.iter().any(|another| one.distance(*another) < 2.0 * self.module))
    }

    /// Half way between the two that are furthest from each other.
    pub(crate) fn middle(&self) -> Point {
        let Self { upper_right, lower_left, .. } = self;
        upper_right.plus(lower_left.x, lower_left.y).scaled(0.5)
    }

    /// The same in a picture so many times larger.
    pub(crate) fn scaled(&self, by: f32) -> Self {
        Self {
            upper_left: self.upper_left.scaled(by),
            upper_right: self.upper_right.scaled(by),
            lower_left: self.lower_left.scaled(by),
            module: self.module * by,
        }
    }

    /// Where the code's corners are, seen from straight above.
    pub(crate) fn corners(&self) -> [Point; 4] {
        let [across, down] = [self.upper_right, self.lower_left].map(|end| {
            let long = 3.5 * self.module / self.upper_left.distance(end).max(f32::MIN_POSITIVE);
            ((end.x - self.upper_left.x) * long, (end.y - self.upper_left.y) * long)
        });
        let outwards = |from: Point, right: f32, low: f32| {
            from.plus(across.0 * right + down.0 * low, across.1 * right + down.1 * low)
        };
        [
            outwards(self.upper_left, -1.0, -1.0),
            outwards(self.upper_right, 1.0, -1.0),
            outwards(self.far(), 1.0, 1.0),
            outwards(self.lower_left, -1.0, 1.0),
        ]
    }

    /// The corners of an upright rectangle about the code, with this many modules more to each side.
    pub(crate) fn bounds(&self, margin: f32) -> [Point; 2] {
        let points = [self.upper_left, self.upper_right, self.lower_left, self.far()];
        let margin = margin * self.module;
        let bound = |of: fn(&Point) -> f32, choose: fn(f32, f32) -> f32| {
            points.iter().map(of).reduce(choose).unwrap_or_default()
        };
        let low = Point { x: bound(|point| point.x, f32::min), y: bound(|point| point.y, f32::min) };
        let high = Point { x: bound(|point| point.x, f32::max), y: bound(|point| point.y, f32::max) };
        [low.plus(-margin, -margin), high.plus(margin, margin)]
    }

    /// The corner of a parallelogram with the three.
    pub(crate) fn far(&self) -> Point {
        let Self { upper_left, upper_right, lower_left, .. } = self;
        upper_right.plus(lower_left.x - upper_left.x, lower_left.y - upper_left.y)
    }
}

/// A code's place, and how well what is known of it is seen there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) to_picture: Projection,
    /// Correlation with the fixed modules: 1 at best.
    pub(crate) certainty: f32,
}

impl Place {
    /// The best place for a code about these finders, with its layout; `None` where there seems to be no code.
    pub(crate) fn find(finders: &Finders, relief: &Relief, layouts: &mut Layouts) -> Option<(Arc<Symbol>, Self)> {
        let mut fit = |version: Option<u32>| -> Option<(Arc<Symbol>, Self)> {
            let symbol = layouts.version(version?)?;
            let place = Self::fit(&symbol, finders, relief)?;
            Some((symbol, place))
        };
        let likely = finders.likely_version();
        let mut best = fit(Some(likely)).filter(|(_, place)| place.certainty > HOPELESS)?;
        // Certainty falls to both sides of the right version.
        for step in [-1, 1] {
            let mut version = likely.checked_add_signed(step);
            while let Some(next) = fit(version).filter(|(_, place)| place.certainty > best.1.certainty) {
                best = next;
                version = version.and_then(|version| version.checked_add_signed(step));
            }
        }
        (best.1.certainty > LEAST).then_some(best)
    }

    fn fit(symbol: &Symbol, finders: &Finders, relief: &Relief) -> Option<Self> {
        let (of_finders, others): (Vec<_>, Vec<_>) =
            symbol.fixed.iter().partition(|(module, _)| symbol.is_of_a_finder(*module));
        let mut fit = Fit::new(symbol, finders, relief);
        fit.look_at(of_finders.into_iter());
        if fit.best < HOPELESS {
            return None;
        }
        // The finders say little of the corner without one.
        fit.look_at(others.into_iter().step_by(2));
        fit.search_far_corner(finders.module);
        fit.look_at(symbol.fixed.iter());
        for step in [1.0, 0.5, 0.25, 0.12] {
            fit.climb(step * finders.module);
        }
        Some(Self { to_picture: fit.projection()?, certainty: fit.best })
    }

    /// The corners of the code, from its upper left one clockwise.
    pub(crate) fn corners(&self, symbol: &Symbol) -> [Point; 4] {
        let side = modules(symbol.side);
        [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)].map(|(x, y)| self.to_picture.apply(Point { x, y }))
    }
}

/// A search: four points of the code and where they are in the picture.
struct Fit<'a> {
    anchors: [Point; 4],
    seen: [Point; 4],
    /// Centres of the fixed modules that are looked at, and their values.
    fixed: Vec<(Point, f32)>,
    relief: &'a Relief,
    best: f32,
}

impl<'a> Fit<'a> {
    fn new(symbol: &Symbol, finders: &Finders, relief: &'a Relief) -> Self {
        let side = modules(symbol.side);
        let anchors = [(3.5, 3.5), (side - 3.5, 3.5), (side - 6.5, side - 6.5), (3.5, side - 3.5)];
        // As if the code were seen from straight above.
        let part = (side - 10.0) / (side - 7.0);
        let (near, far) = (finders.upper_left, finders.far());
        let far = near.plus((far.x - near.x) * part, (far.y - near.y) * part);
        Self {
            anchors: anchors.map(|(x, y)| Point { x, y }),
            seen: [finders.upper_left, finders.upper_right, far, finders.lower_left],
            fixed: Vec::new(),
            relief,
            best: 0.0,
        }
    }

    /// From here on these modules are looked at.
    fn look_at<'b>(&mut self, fixed: impl Iterator<Item = &'b (Module, f32)>) {
        self.fixed = fixed.map(|(module, value)| (centre(*module), *value)).collect();
        self.best = self.certainty(self.seen);
    }

    fn projection(&self) -> Option<Projection> {
        Projection::between(self.anchors, self.seen)
    }

    fn certainty(&self, seen: [Point; 4]) -> f32 {
        let Some(projection) = Projection::between(self.anchors, seen) else { return 0.0 };
        let (mut agreement, mut energy) = (0.0, 1.0);
        for (centre, value) in &self.fixed {
            let level = self.relief.at(projection.apply(*centre));
            agreement += level * value;
            energy += level * level;
        }
        agreement / (energy * modules(self.fixed.len())).sqrt()
    }

    /// Moves a point if that is better.
    fn try_at(&mut self, index: usize, to: Point) -> bool {
        let mut seen = self.seen;
        if let Some(point) = seen.get_mut(index) {
            *point = to;
        }
        let certainty = self.certainty(seen);
        let better = certainty > self.best;
        if better {
            (self.seen, self.best) = (seen, certainty);
        }
        better
    }

    /// The corner without a finder may be far from where it would be without perspective.
    fn search_far_corner(&mut self, module: f32) {
        const REACH: i16 = 9;
        let [.., far, _] = self.seen;
        for (across, down) in (-REACH..=REACH).flat_map(|down| (-REACH..=REACH).map(move |across| (across, down))) {
            self.try_at(2, far.plus(f32::from(across) * module, f32::from(down) * module));
        }
    }

    /// Moves each point by a step while that helps.
    fn climb(&mut self, step: f32) {
        for _ in 0..4 {
            let mut moved = false;
            for index in 0..self.seen.len() {
                for (x, y) in [(step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)] {
                    let Some(point) = self.seen.get(index) else { continue };
                    moved |= self.try_at(index, point.plus(x, y));
                }
            }
            if !moved {
                return;
            }
        }
    }
}

/// The middle of a module.
pub(crate) fn centre(module: Module) -> Point {
    Point { x: modules(module.x) + 0.5, y: modules(module.y) + 0.5 }
}

#[expect(clippy::cast_precision_loss, reason = "a code has at most 177 modules a side")]
fn modules(count: usize) -> f32 {
    count as f32
}
