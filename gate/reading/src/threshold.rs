//! From grey to black and white, for whatever looks for finders. Owns smoothing, halving and the threshold; knows nothing of codes.

use image::GrayImage;
use rxing::common::BitMatrix;

/// A pixel is dark when it is this much darker than the mean about it: what is less is noise on something plain.
const BIAS: u32 = 4;

/// Each pixel from the nine about it, the nearer the more: half of the noise goes, hardly any of the modules.
pub(crate) fn smooth(picture: &GrayImage) -> GrayImage {
    let width = picture.width() as usize;
    let mut smooth = picture.clone();
    if width < 3 || picture.height() < 3 {
        return smooth;
    }
    let source = picture.as_raw();
    let rows = smooth.as_mut().chunks_exact_mut(width).skip(1);
    let mut sums = vec![0_u16; width];
    let above = source.chunks_exact(width);
    for (((row, above), middle), below) in rows.zip(above.clone()).zip(above.clone().skip(1)).zip(above.skip(2)) {
        for (((sum, above), middle), below) in sums.iter_mut().zip(above).zip(middle).zip(below) {
            *sum = u16::from(*above) + 2 * u16::from(*middle) + u16::from(*below);
        }
        let (left, middle, right) = (sums.iter(), sums.iter().skip(1), sums.iter().skip(2));
        for (((pixel, left), middle), right) in row.iter_mut().skip(1).zip(left).zip(middle).zip(right) {
            *pixel = u8::try_from((left + 2 * middle + right + 8) / 16).unwrap_or(u8::MAX);
        }
    }
    smooth
}

/// Half the size: each pixel the mean of four.
pub(crate) fn halve(picture: &GrayImage) -> GrayImage {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let stride = picture.width() as usize;
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for pair in picture.as_raw().chunks_exact((2 * stride).max(1)) {
        let (upper, lower) = pair.split_at(stride);
        pixels.extend(upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(upper, lower)| {
            let sum: u16 = upper.iter().chain(lower).map(|level| u16::from(*level)).sum();
            u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
        }));
    }
    GrayImage::from_raw(width, height, pixels).unwrap_or_default()
}

/// What is darker than the mean of the square of `2 · reach + 1` pixels about it.
pub(crate) fn darker(picture: &GrayImage, reach: usize) -> Option<BitMatrix> {
    let width = picture.width() as usize;
    let mut matrix = BitMatrix::new(picture.width(), picture.height()).ok()?;
    let rows: Vec<&[u8]> = picture.as_raw().chunks_exact(width).collect();
    let mut columns = vec![0_u32; width];
    let mut height = 0;
    for row in rows.iter().take(reach) {
        columns.iter_mut().zip(*row).for_each(|(sum, level)| *sum += u32::from(*level));
        height += 1;
    }
    for ((y, at), row) in (0_u32..).zip(0_usize..).zip(&rows) {
        if let Some(entering) = rows.get(at + reach) {
            columns.iter_mut().zip(*entering).for_each(|(sum, level)| *sum += u32::from(*level));
            height += 1;
        }
        if let Some(leaving) = at.checked_sub(reach + 1).and_then(|at| rows.get(at)) {
            columns.iter_mut().zip(*leaving).for_each(|(sum, level)| *sum -= u32::from(*level));
            height -= 1;
        }
        let mut sum: u32 = columns.iter().take(reach).sum();
        let mut count = height * u32::try_from(reach.min(width)).ok()?;
        let entering = columns.iter().skip(reach).map(Some).chain(std::iter::repeat(None));
        let leaving = std::iter::repeat_n(None, reach + 1).chain(columns.iter().map(Some));
        for (((x, level), entering), leaving) in (0_u32..).zip(*row).zip(entering).zip(leaving) {
            if let Some(column) = entering {
                sum += column;
                count += height;
            }
            if let Some(column) = leaving {
                sum -= column;
                count -= height;
            }
            if (u32::from(*level) + BIAS) * count < sum {
                matrix.set(x, y);
            }
        }
    }
    Some(matrix)
}
