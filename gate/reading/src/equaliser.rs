//! What smears a code is learnt from the modules that are known, and taken back. Owns the linear filter: least squares with a little
//! ridge; knows neither pictures nor codes.

/// Sums over examples, from which a filter follows.
#[derive(Debug)]
pub(crate) struct Examples {
    /// For each feature its products with every feature, and last with what should come out.
    rows: Vec<Vec<f32>>,
    count: f32,
    targets: f32,
}

/// Weights of the features.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    weights: Vec<f32>,
    /// Mean square of what it is off on its examples.
    pub(crate) error: f32,
}

impl Examples {
    pub(crate) fn new(features: usize) -> Self {
        Self { rows: vec![vec![0.0; features + 1]; features], count: 0.0, targets: 0.0 }
    }

    /// One example with what should come out, and how much it counts.
    pub(crate) fn add(&mut self, features: &[f32], target: f32, weight: f32) {
        for (row, feature) in self.rows.iter_mut().zip(features) {
            let feature = feature * weight;
            let (products, outcome) = row.split_at_mut(features.len());
            products.iter_mut().zip(features).for_each(|(sum, other)| *sum += feature * other);
            for sum in outcome {
                *sum += feature * target;
            }
        }
        self.count += weight;
        self.targets += weight * target * target;
    }

    /// The filter that is least off; `ridge` is what each weight costs, as a part of the features' mean energy.
    pub(crate) fn solve(&self, ridge: f32) -> Filter {
        let diagonal = self.rows.iter().enumerate().filter_map(|(at, row)| row.get(at)).sum::<f32>();
        #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
        let cost = ridge * diagonal / self.rows.len().max(1) as f32 + f32::MIN_POSITIVE;
        let mut rest = self.rows.clone();
        for (at, row) in rest.iter_mut().enumerate() {
            row.iter_mut().skip(at).take(1).for_each(|entry| *entry += cost);
        }
        let weights = solve(rest);
        let explained: f32 = self.rows.iter().filter_map(|row| row.last()).zip(&weights).map(|(sum, w)| sum * w).sum();
        let error = ((self.targets - explained) / self.count.max(1.0)).max(0.01);
        Filter { weights, error }
    }
}

impl Filter {
    pub(crate) fn apply(&self, features: &[f32]) -> f32 {
        self.weights.iter().zip(features).map(|(weight, feature)| weight * feature).sum()
    }
}

/// Gauss's elimination of a positive definite system: each row ends in its right side.
fn solve(mut rows: Vec<Vec<f32>>) -> Vec<f32> {
    let mut pivots: Vec<Vec<f32>> = Vec::with_capacity(rows.len());
    while !rows.is_empty() {
        let pivot = rows.remove(0);
        let Some((first, tail)) = pivot.split_first() else { break };
        for row in &mut rows {
            let factor = row.first().copied().unwrap_or_default() / first;
            row.remove(0);
            row.iter_mut().zip(tail).for_each(|(entry, above)| *entry -= factor * above);
        }
        pivots.push(pivot);
    }
    let mut solution: Vec<f32> = Vec::with_capacity(pivots.len());
    for pivot in pivots.iter().rev() {
        let Some((first, tail)) = pivot.split_first() else { continue };
        let known: f32 = tail.iter().zip(solution.iter().rev()).map(|(entry, value)| entry * value).sum();
        solution.push((tail.last().copied().unwrap_or_default() - known) / first);
    }
    solution.reverse();
    solution
}
