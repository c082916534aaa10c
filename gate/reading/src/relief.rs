//! A part of a picture without its light: grey levels against the mean about them, dark above zero. Owns sampling between pixels;
//! knows nothing of codes.

use image::GrayImage;

use crate::projection::Point;

/// A larger rectangle is refused: a code of 177 modules with what is about it has less at six pixels a module.
const MOST_PIXELS: usize = 2_000_000;

/// Levels of a rectangle of a picture, as floating point.
#[derive(Debug)]
pub(crate) struct Relief {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    levels: Vec<f32>,
}

impl Relief {
    /// A rectangle of a picture from corner to corner, against the mean of squares that reach this far; `None` when there is too much of it.
    pub(crate) fn about(picture: &GrayImage, [from, to]: &[Point; 2], reach: f32) -> Option<Self> {
        let (across, down) = (picture.width() as usize, picture.height() as usize);
        let (left, right) = (whole(from.x).min(across), whole(to.x + 1.0).min(across));
        let (top, bottom) = (whole(from.y).min(down), whole(to.y + 1.0).min(down));
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        if width * height > MOST_PIXELS {
            return None;
        }
        let rows = picture.as_raw().chunks_exact(across.max(1)).skip(top).take(height);
        let mut levels: Vec<f32> =
            rows.flat_map(|row| row.iter().skip(left).take(width)).map(|level| f32::from(*level)).collect();
        let means = box_mean(&levels, width, whole(reach).max(1));
        levels.iter_mut().zip(means).for_each(|(level, mean)| *level = mean - *level);
        Some(Self { left, top, width, height, levels })
    }

    /// The level at a point of the picture, from the four pixels about it; 0 outside.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and checked against the size"
    )]
    #[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
    #[expect(clippy::many_single_char_names, reason = "the corners of a square of pixels")]
    pub(crate) fn at(&self, Point { x, y }: Point) -> f32 {
        let (x, y) = (x - 0.5 - self.left as f32, y - 0.5 - self.top as f32);
        // Before they are whole numbers: a projection takes some points to infinity, or nowhere.
        let (last_column, last_row) = (self.width as f32 - 1.0, self.height as f32 - 1.0);
        if !(x >= 0.0 && y >= 0.0 && x < last_column && y < last_row) {
            return 0.0;
        }
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let start = row * self.width + column;
        let (Some([a, b]), Some([c, d])) =
            (self.levels.get(start..start + 2), self.levels.get(start + self.width..start + self.width + 2))
        else {
            return 0.0;
        };
        (a + (b - a) * right) * (1.0 - down) + (c + (d - c) * right) * down
    }
}

/// The mean of the square about each value of rows of this width; at the edges of what there is of it.
pub(crate) fn box_mean(values: &[f32], width: usize, reach: usize) -> Vec<f32> {
    if width == 0 {
        return Vec::new();
    }
    let rows: Vec<f32> = values.chunks_exact(width).flat_map(|row| running_mean(row, reach)).collect();
    // The columns one beside the other: sums of whole rows enter and leave.
    let height = rows.len() / width;
    let row = |at: usize| rows.get(at * width..(at + 1) * width).unwrap_or_default();
    let mut sums = vec![0.0_f32; width];
    let mut count = 0.0_f32;
    let mut means = Vec::with_capacity(values.len());
    for at in 0..reach.min(height) {
        sums.iter_mut().zip(row(at)).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    for at in 0..height {
        if at + reach < height {
            sums.iter_mut().zip(row(at + reach)).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        if at > reach {
            sums.iter_mut().zip(row(at - reach - 1)).for_each(|(sum, value)| *sum -= value);
            count -= 1.0;
        }
        means.extend(sums.iter().map(|sum| sum / count));
    }
    means
}

fn running_mean(row: &[f32], reach: usize) -> impl Iterator<Item = f32> {
    let mut sum: f32 = row.iter().take(reach).sum();
    let mut count = f32::from(u16::try_from(reach.min(row.len())).unwrap_or(u16::MAX));
    (0..row.len()).map(move |at| {
        if let Some(entering) = row.get(at + reach) {
            sum += entering;
            count += 1.0;
        }
        if let Some(leaving) = at.checked_sub(reach + 1).and_then(|at| row.get(at)) {
            sum -= leaving;
            count -= 1.0;
        }
        sum / count
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is negative is 0")]
fn whole(value: f32) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn outside_there_is_no_level_however_far() {
        let picture = GrayImage::from_fn(8, 8, |x, _| Luma([if x < 4 { 20 } else { 220 }]));
        let relief = Relief::about(&picture, &[Point::default(), Point { x: 8.0, y: 8.0 }], 8.0).unwrap();
        assert!(relief.at(Point { x: 2.0, y: 4.0 }) > 0.0);
        for far in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 7.5, 8.0, -1.0] {
            for point in [Point { x: far, y: 4.0 }, Point { x: 4.0, y: far }] {
                assert!(relief.at(point).abs() < f32::EPSILON, "{point:?}");
            }
        }
    }
}
