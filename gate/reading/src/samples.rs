//! A code's modules as the picture has them, and what they seem to be. Owns the lattice of samples and what is learnt from it; knows
//! neither how the place was found nor what the text means.

use crate::equaliser::{Examples, Filter};
use crate::evidence::{Codewords, Evidence};
use crate::place::Place;
use crate::projection::Point;
use crate::relief::{Relief, box_mean};
use crate::symbol::{Module, Symbol};

/// Samples for the filter of a module, each way: half a module apart, so that they reach one and a half to each side.
const WINDOW: usize = 7;
/// The window, two means about it, and a constant.
const FEATURES: usize = WINDOW * WINDOW + 3;
/// What a weight costs; from 0.0003 to 0.03 the rates are the same.
const RIDGE: f32 = 0.003;
/// Rounds of learning from what seems right: the second brings a twentieth of the hard frames, the third hardly one, and more none.
const ROUNDS: usize = 3;

/// Levels at every half module, and their means over four and ten modules to each side.
#[derive(Debug)]
pub(crate) struct Samples<'a> {
    symbol: &'a Symbol,
    width: usize,
    levels: Vec<f32>,
    near: Vec<f32>,
    far: Vec<f32>,
}

impl<'a> Samples<'a> {
    /// Samples of a code at its place.
    pub(crate) fn take(symbol: &'a Symbol, place: &Place, relief: &Relief) -> Self {
        let width = 2 * symbol.side + WINDOW - 2;
        let half = |at: usize| (position(at) - 2.0) / 2.0;
        let points = (0..width).flat_map(|y| (0..width).map(move |x| Point { x: half(x), y: half(y) }));
        let levels: Vec<f32> = points.map(|point| relief.at(place.to_picture.apply(point))).collect();
        // Where there is less light there is less contrast.
        let strengths: Vec<f32> = levels.iter().map(|level| level.abs()).collect();
        let contrast = box_mean(&strengths, width, 16);
        let levels: Vec<f32> = levels.iter().zip(contrast).map(|(level, contrast)| level / (contrast + 1.0)).collect();
        let (near, far) = (box_mean(&levels, width, 8), box_mean(&levels, width, 20));
        Self { symbol, width, levels, near, far }
    }

    /// The text of the code.
    ///
    /// The filter is learnt from the modules that every code has; then, again and again, from what the whole code seems to be, the more
    /// sure the more, and from the blocks that are corrected already.
    pub(crate) fn read(&self) -> Option<String> {
        let fixed = || self.symbol.fixed.iter().map(|(module, value)| (*module, *value, 1.0));
        let mut evidence = self.evidence(&self.learn(fixed()));
        let mut words = Codewords::new(self.symbol, &evidence)?;
        for _ in 0..ROUNDS {
            words.correct(self.symbol, &evidence);
            if let Some(text) = words.text(self.symbol) {
                return Some(text);
            }
            let mut belief: Vec<(f32, f32)> =
                evidence.iter().map(|sure| (sure.signum(), (sure.abs() / 4.0).min(1.0))).collect();
            for (index, value) in words.known(self.symbol) {
                if let Some(entry) = belief.get_mut(index) {
                    *entry = (value, 1.0);
                }
            }
            let data = self.symbol.data.iter().filter_map(|module| {
                let (value, weight) = belief.get(self.symbol.index(*module))?;
                Some((*module, *value, *weight))
            });
            let format = self.symbol.format_modules(words.format()).map(|(module, value)| (module, value, 1.0));
            evidence = self.evidence(&self.learn(fixed().chain(format).chain(data)));
        }
        None
    }

    /// What a filter learns of modules, their values, and how much each counts.
    fn learn(&self, known: impl Iterator<Item = (Module, f32, f32)>) -> Filter {
        let mut examples = Examples::new(FEATURES);
        for (module, value, weight) in known {
            examples.add(&self.features(module), value, weight);
        }
        examples.solve(RIDGE)
    }

    fn evidence(&self, filter: &Filter) -> Evidence {
        let modules = (0..self.symbol.side).flat_map(|y| (0..self.symbol.side).map(move |x| Module { x, y }));
        modules.map(|module| 2.0 * filter.apply(&self.features(module)) / filter.error).collect()
    }

    fn features(&self, module: Module) -> [f32; FEATURES] {
        let mut features = [0.0; FEATURES];
        let (left, top) = (2 * module.x, 2 * module.y);
        let (window, rest) = features.split_at_mut(WINDOW * WINDOW);
        for (row, y) in window.chunks_exact_mut(WINDOW).zip(top..) {
            let start = y * self.width + left;
            if let Some(levels) = self.levels.get(start..start + WINDOW) {
                row.copy_from_slice(levels);
            }
        }
        let middle = (top + WINDOW / 2) * self.width + left + WINDOW / 2;
        let mean = |of: &[f32]| of.get(middle).copied().unwrap_or_default();
        rest.copy_from_slice(&[mean(&self.near), mean(&self.far), 0.3]);
        features
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn position(at: usize) -> f32 {
    at as f32
}
