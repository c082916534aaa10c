//! Reed–Solomon over the field of QR codes, with errors and erasures. Owns the arithmetic; knows nothing of how codewords lie in a code.
//!
//! Roots of the generator are α⁰ to α^(parity−1) in GF(2⁸) by x⁸+x⁴+x³+x²+1 (ISO/IEC 18004, 7.5.2). The error locator comes from
//! Berlekamp and Massey's iteration started at the erasures (Blahut, Theory and Practice of Error Control Codes, 1983, 9.2), the
//! magnitudes from Forney's formula.

/// How many words of parity must stay unused where words are erased: erasures are chosen by doubt, many times, and a block that fits by
/// chance must stay rare. Four words leave one in 256⁴ of a guess.
pub(crate) const SPARE_PARITY: usize = 4;

/// Corrects a block in place: `parity` of its words are the last ones, and those at `erased` are not to be believed.
///
/// Without erasures `reserve` words of parity stay unused, as the standard has it; with erasures [`SPARE_PARITY`], which is more. Answers how
/// many words changed; `None` when there are more errors than the parity tells, and then the block is as it was.
pub(crate) fn correct(block: &mut [u8], parity: usize, reserve: usize, erased: &[usize]) -> Option<usize> {
    let syndromes: Vec<u8> = powers().take(parity).map(|root| evaluate_high(block, root)).collect();
    if syndromes.iter().all(|syndrome| *syndrome == 0) {
        return Some(0);
    }
    let last = block.len().checked_sub(1)?;
    let mut locator = vec![1];
    for position in erased {
        locator = times(&locator, &[1, power(last.checked_sub(*position)?)]);
    }
    let (locator, count) = errors(&syndromes, locator, erased.len())?;
    let spare = if erased.is_empty() { reserve } else { SPARE_PARITY };
    if 2 * count > parity + erased.len() - spare.min(parity) {
        return None;
    }
    let mut evaluator = times(&syndromes, &locator);
    evaluator.truncate(parity);
    // The derivative in characteristic two: what has an odd exponent, one lower.
    let slope: Vec<u8> = locator.iter().skip(1).enumerate().map(|(at, c)| if at % 2 == 0 { *c } else { 0 }).collect();
    let mut corrected = block.to_vec();
    let mut found = 0;
    for (place, word) in corrected.iter_mut().rev().enumerate() {
        let here = power(place);
        let inverse = inverse(here);
        if evaluate_low(&locator, inverse) == 0 {
            *word ^= multiply(
                here,
                multiply(evaluate_low(&evaluator, inverse), self::inverse(evaluate_low(&slope, inverse))),
            );
            found += 1;
        }
    }
    let whole = powers().take(parity).all(|root| evaluate_high(&corrected, root) == 0);
    if found != count || !whole {
        return None;
    }
    let changed = block.iter().zip(&corrected).filter(|(before, after)| before != after).count();
    block.copy_from_slice(&corrected);
    Some(changed)
}

/// The locator of errors and erasures together, and how many there are.
fn errors(syndromes: &[u8], erasures: Vec<u8>, erased: usize) -> Option<(Vec<u8>, usize)> {
    let (mut locator, mut before, mut count) = (erasures.clone(), erasures, erased);
    for step in erased..syndromes.len() {
        let window = syndromes.get(..=step)?;
        let discrepancy = locator.iter().zip(window.iter().rev()).fold(0, |sum, (a, b)| sum ^ multiply(*a, *b));
        before.insert(0, 0);
        if discrepancy == 0 {
            continue;
        }
        let next = plus(&locator, &scaled(&before, discrepancy));
        if 2 * count <= step + erased {
            before = scaled(&locator, inverse(discrepancy));
            count = step + 1 + erased - count;
        }
        locator = next;
    }
    while locator.last() == Some(&0) {
        locator.pop();
    }
    (locator.len() == count + 1).then_some((locator, count))
}

/// α⁰, α¹, …
fn powers() -> impl Iterator<Item = u8> {
    std::iter::successors(Some(1), |value| Some(double(*value)))
}

/// α to this power.
fn power(exponent: usize) -> u8 {
    powers().nth(exponent % 255).unwrap_or(1)
}

fn double(value: u8) -> u8 {
    (value << 1) ^ if value & 0x80 == 0 { 0 } else { 0x1d }
}

fn multiply(a: u8, b: u8) -> u8 {
    let steps = (0..8).scan(a, |shifted, bit| {
        let term = if b >> bit & 1 == 1 { *shifted } else { 0 };
        *shifted = double(*shifted);
        Some(term)
    });
    steps.fold(0, |sum, term| sum ^ term)
}

/// `value` to the power 254; 0 has none, and gives 0.
fn inverse(value: u8) -> u8 {
    let squares = std::iter::successors(Some(multiply(value, value)), |square| Some(multiply(*square, *square)));
    squares.take(7).fold(1, multiply)
}

/// The value at a point of what has its highest coefficient first.
fn evaluate_high(coefficients: &[u8], at: u8) -> u8 {
    coefficients.iter().fold(0, |sum, coefficient| multiply(sum, at) ^ coefficient)
}

/// The value at a point of what has its lowest coefficient first.
fn evaluate_low(coefficients: &[u8], at: u8) -> u8 {
    coefficients.iter().rev().fold(0, |sum, coefficient| multiply(sum, at) ^ coefficient)
}

fn scaled(polynomial: &[u8], by: u8) -> Vec<u8> {
    polynomial.iter().map(|coefficient| multiply(*coefficient, by)).collect()
}

fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let length = a.len().max(b.len());
    let padded = |of: &[u8]| of.iter().copied().chain(std::iter::repeat(0)).take(length).collect::<Vec<_>>();
    padded(a).into_iter().zip(padded(b)).map(|(a, b)| a ^ b).collect()
}

fn times(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut product = vec![0; a.len() + b.len() - 1];
    for (shift, factor) in b.iter().enumerate() {
        for (sum, coefficient) in product.iter_mut().skip(shift).zip(a) {
            *sum ^= multiply(*coefficient, *factor);
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word of the code: the remainder by the generator behind the data.
    fn word(data: &[u8], parity: usize) -> Vec<u8> {
        let generator = powers().take(parity).fold(vec![1], |product, root| times(&product, &[root, 1]));
        let mut rest = [data, &vec![0; parity]].concat();
        for at in 0..data.len() {
            let factor = rest[at];
            for (coefficient, word) in generator.iter().rev().zip(rest.iter_mut().skip(at)) {
                *word ^= multiply(*coefficient, factor);
            }
        }
        [data, &rest[data.len()..]].concat()
    }

    fn sample() -> Vec<u8> {
        word(&(0..43).map(|at: u8| at.wrapping_mul(37) ^ 0x5a).collect::<Vec<_>>(), 26)
    }

    #[test]
    fn the_example_of_the_standard_has_its_parity() {
        // ISO/IEC 18004, annex I: 01234567 in version 1-M.
        let data = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
        let parity = [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55];
        assert_eq!(word(&data, 10), [&data[..], &parity].concat());
    }

    #[test]
    fn half_the_parity_in_errors_is_corrected_and_one_more_is_not() {
        let good = sample();
        for count in 0..=13 {
            let mut block = good.clone();
            block.iter_mut().step_by(5).take(count).for_each(|word| *word ^= 0xa7);
            assert_eq!(correct(&mut block, 26, 0, &[]), Some(count));
            assert_eq!(block, good);
        }
        let mut block: Vec<_> = good.iter().enumerate().map(|(at, word)| word ^ u8::from(at < 14)).collect();
        let damaged = block.clone();
        assert_eq!(correct(&mut block, 26, 0, &[]), None);
        assert_eq!(block, damaged);
    }

    #[test]
    fn a_reserve_corrects_nothing() {
        // Version 1-L: 19 words of data, 7 of parity, of which the standard uses four.
        let good = word(&(0..19).collect::<Vec<_>>(), 7);
        for (count, expected) in [(2, Some(2)), (3, None)] {
            let mut block = good.clone();
            block.iter_mut().step_by(4).take(count).for_each(|word| *word ^= 0x81);
            assert_eq!(correct(&mut block, 7, 3, &[]), expected);
        }
    }

    #[test]
    fn an_erasure_costs_half_an_error() {
        let good = sample();
        for erased in (0..=22).step_by(2) {
            let mut block = good.clone();
            let errors = if erased == 0 { 13 } else { (22 - erased) / 2 };
            block.iter_mut().take(erased + errors).for_each(|word| *word ^= 0x3c);
            let positions: Vec<_> = (0..erased).collect();
            assert_eq!(correct(&mut block, 26, 0, &positions), Some(erased + errors), "{erased} erased");
            assert_eq!(block, good);
        }
        let mut block = good.clone();
        block.iter_mut().take(24).for_each(|word| *word ^= 0x3c);
        assert_eq!(correct(&mut block, 26, 0, &(0..24).collect::<Vec<_>>()), None, "no parity is left to tell");
    }

    #[test]
    fn an_erased_word_may_be_right() {
        let (good, positions) = (sample(), [3, 4, 5, 60]);
        let mut block = good.clone();
        block[4] ^= 1;
        block[20] ^= 1;
        assert_eq!(correct(&mut block, 26, 0, &positions), Some(2));
        assert_eq!(block, good);
    }

    #[test]
    fn nothing_and_nonsense_are_refused_quietly() {
        assert_eq!(correct(&mut [], 4, 0, &[]), Some(0));
        assert_eq!(correct(&mut [1, 2, 3], 2, 0, &[9]), None);
    }
}
