//! What is known of a code before it is read: which modules are fixed, in which order the others make codewords, and how those make
//! blocks. Owns the layout of ISO/IEC 18004; knows no picture.

use std::collections::BTreeMap;
use std::sync::Arc;

use rxing::common::BitMatrix;
use rxing::qrcode::common::{ErrorCorrectionLevel, Version, VersionRef};

/// The layout of one version.
#[derive(Debug)]
pub(crate) struct Symbol {
    pub(crate) version: VersionRef,
    /// Modules of a side.
    pub(crate) side: usize,
    /// Modules that every code of the version has alike, and their value: 1 for dark, −1 for light.
    pub(crate) fixed: Vec<(Module, f32)>,
    /// The modules of the data, most significant bit of the first codeword first.
    pub(crate) data: Vec<Module>,
    /// Both places of the format's bits, most significant first.
    format: [[Module; 15]; 2],
}

/// The layouts that were needed so far.
#[derive(Debug, Default)]
pub(crate) struct Layouts(BTreeMap<u32, Arc<Symbol>>);

impl Layouts {
    /// That of a version; `None` when there is no such version.
    pub(crate) fn version(&mut self, number: u32) -> Option<Arc<Symbol>> {
        if let Some(known) = self.0.get(&number) {
            return Some(Arc::clone(known));
        }
        let symbol = Arc::new(Symbol::new(number)?);
        self.0.insert(number, Arc::clone(&symbol));
        Some(symbol)
    }
}

/// A module by column and row, from the upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Module {
    pub(crate) x: usize,
    pub(crate) y: usize,
}

/// What a code says of itself beside its version: level and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) level: ErrorCorrectionLevel,
    mask: u8,
    bits: u16,
}

impl Symbol {
    /// The layout of a version, 1 to 40.
    pub(crate) fn new(number: u32) -> Option<Self> {
        let version = Version::getVersionForNumber(number).ok()?;
        let function = version.buildFunctionPattern().ok()?;
        let side = usize::try_from(version.getDimensionForVersion()).ok()?;
        let fixed = fixed(version, side);
        Some(Self { version, side, fixed, data: data(&function, side), format: format(side) })
    }

    /// Whether a module is of one of the three finders or the white about it.
    pub(crate) fn is_of_a_finder(&self, Module { x, y }: Module) -> bool {
        let far = self.side - 8;
        (x < 8 && (y < 8 || y >= far)) || (x >= far && y < 8)
    }

    /// Where a module lies in rows.
    pub(crate) fn index(&self, module: Module) -> usize {
        module.y * self.side + module.x
    }

    /// The format's modules and values, as one of the 32 formats has them.
    pub(crate) fn format_modules(&self, format: Format) -> impl Iterator<Item = (Module, f32)> {
        let bits = (0..15).rev().map(move |bit| value(format.bits >> bit & 1 == 1));
        self.format.iter().flat_map(move |place| place.iter().copied().zip(bits.clone()))
    }

    /// The blocks of a level: for each the places of its codewords in the order of the code, and how many of them are data.
    pub(crate) fn blocks(&self, level: ErrorCorrectionLevel) -> Vec<Block> {
        let table = self.version.getECBlocksForLevel(level);
        let parity = table.getECCodewordsPerBlock() as usize;
        let sizes =
            table.getECBlocks().iter().flat_map(|group| (0..group.getCount()).map(|_| group.getDataCodewords()));
        let reserve = reserve(self.version.getVersionNumber(), level);
        let mut blocks: Vec<_> =
            sizes.map(|data| Block { data: data as usize, parity, reserve, places: Vec::new() }).collect();
        let longest = blocks.iter().map(|block| block.data).max().unwrap_or_default();
        let mut place = 0..;
        let rounds = (0..longest).map(Some).chain((0..parity).map(|_| None));
        for round in rounds {
            for block in blocks.iter_mut().filter(|block| round.is_none_or(|round| round < block.data)) {
                block.places.extend(place.next());
            }
        }
        blocks
    }
}

/// A Reed–Solomon block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Codewords of data; they come first.
    pub(crate) data: usize,
    /// Codewords of parity.
    pub(crate) parity: usize,
    /// How many of those correct nothing, so that damage is not taken for another text.
    pub(crate) reserve: usize,
    /// Where each codeword stands among all of the code.
    pub(crate) places: Vec<usize>,
}

impl Format {
    /// All there are.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..32_u8).filter_map(|value| {
            let level = ErrorCorrectionLevel::forBits(value >> 3).ok()?;
            // BCH (15, 5), generator 0x537, masked with 0x5412 (ISO/IEC 18004, 7.9.1).
            let bits = with_remainder(u32::from(value), 10, 0x537) ^ 0x5412;
            Some(Self { level, mask: value & 7, bits: u16::try_from(bits).ok()? })
        })
    }

    /// Whether the mask turns a module over (ISO/IEC 18004, table 10).
    pub(crate) fn masks(self, Module { x, y }: Module) -> bool {
        match self.mask {
            0 => (x + y).is_multiple_of(2),
            1 => y.is_multiple_of(2),
            2 => x.is_multiple_of(3),
            3 => (x + y).is_multiple_of(3),
            4 => (y / 2 + x / 3).is_multiple_of(2),
            5 => x * y % 2 + x * y % 3 == 0,
            6 => (x * y % 2 + x * y % 3).is_multiple_of(2),
            _ => ((x + y) % 2 + x * y % 3).is_multiple_of(2),
        }
    }
}

/// The codewords of the smallest codes against misdecoding (ISO/IEC 18004, table 9); larger ones have enough parity without.
fn reserve(version: u32, level: ErrorCorrectionLevel) -> usize {
    match (version, level) {
        (1, ErrorCorrectionLevel::L) => 3,
        (1, ErrorCorrectionLevel::M) | (2, ErrorCorrectionLevel::L) => 2,
        (1, ErrorCorrectionLevel::Q | ErrorCorrectionLevel::H) | (3, ErrorCorrectionLevel::L) => 1,
        _ => 0,
    }
}

/// 1 for dark, −1 for light.
pub(crate) fn value(dark: bool) -> f32 {
    if dark { 1.0 } else { -1.0 }
}

/// A value and its remainder by a generator of this degree.
fn with_remainder(value: u32, degree: u32, generator: u32) -> u32 {
    let mut rest = value << degree;
    while let Some(excess) = rest.checked_ilog2().and_then(|top| top.checked_sub(degree)) {
        rest ^= generator << excess;
    }
    value << degree | rest
}

fn fixed(version: VersionRef, side: usize) -> Vec<(Module, f32)> {
    let mut fixed = Vec::new();
    // Finders with their separators: rings about a centre, of which those at 2 and 4 are light.
    for (left, top) in [(0, 0), (side - 7, 0), (0, side - 7)] {
        for y in top.saturating_sub(1)..(top + 8).min(side) {
            for x in left.saturating_sub(1)..(left + 8).min(side) {
                let ring = x.abs_diff(left + 3).max(y.abs_diff(top + 3));
                fixed.push((Module { x, y }, value(!matches!(ring, 2 | 4))));
            }
        }
    }
    for at in 8..side - 8 {
        fixed.push((Module { x: at, y: 6 }, value(at.is_multiple_of(2))));
        fixed.push((Module { x: 6, y: at }, value(at.is_multiple_of(2))));
    }
    fixed.push((Module { x: 8, y: side - 8 }, 1.0));
    let centres: Vec<_> = version.getAlignmentPatternCenters().iter().map(|at| *at as usize).collect();
    let far = side - 7;
    for (x, y) in centres.iter().flat_map(|y| centres.iter().map(move |x| (*x, *y))) {
        if matches!((x, y), (6, 6)) || (x, y) == (6, far) || (x, y) == (far, 6) {
            continue;
        }
        for (across, down) in (0..5).flat_map(|down| (0..5).map(move |across| (across, down))) {
            let (x, y): (usize, usize) = (x + across - 2, y + down - 2);
            // Those on a timing pattern agree with it.
            if x != 6 && y != 6 {
                let ring = across.abs_diff(2).max(down.abs_diff(2));
                fixed.push((Module { x, y }, value(ring != 1)));
            }
        }
    }
    let number = version.getVersionNumber();
    if number >= 7 {
        // Golay (18, 6), generator 0x1F25 (ISO/IEC 18004, 7.10).
        let bits = with_remainder(number, 12, 0x1f25);
        for bit in 0..18 {
            let (along, across) = (bit / 3, side - 11 + bit % 3);
            let value = value(bits >> bit & 1 == 1);
            fixed.push((Module { x: across, y: along }, value));
            fixed.push((Module { x: along, y: across }, value));
        }
    }
    fixed
}

fn data(function: &BitMatrix, side: usize) -> Vec<Module> {
    let is_data = |module: &Module| {
        let (Ok(x), Ok(y)) = (u32::try_from(module.x), u32::try_from(module.y)) else { return false };
        !function.get(x, y)
    };
    // Pairs of columns from the right, up and down in turns; the vertical timing pattern's column makes no part of a pair.
    let rights = (0..side).rev().filter(|x| if *x > 6 { (side - 1 - x).is_multiple_of(2) } else { x % 2 == 1 });
    let walk = rights.enumerate().flat_map(|(pair, right)| {
        (0..side).flat_map(move |row| {
            let y = if pair.is_multiple_of(2) { side - 1 - row } else { row };
            [Module { x: right, y }, Module { x: right - 1, y }]
        })
    });
    let mut data: Vec<_> = walk.filter(is_data).collect();
    data.truncate(data.len() / 8 * 8);
    data
}

fn format(side: usize) -> [[Module; 15]; 2] {
    let near = |at: usize| match at {
        0..=5 => Module { x: at, y: 8 },
        6 => Module { x: 7, y: 8 },
        7 => Module { x: 8, y: 8 },
        8 => Module { x: 8, y: 7 },
        _ => Module { x: 8, y: 14 - at },
    };
    let far = |at: usize| if at < 7 { Module { x: 8, y: side - 1 - at } } else { Module { x: side - 15 + at, y: 8 } };
    [std::array::from_fn(near), std::array::from_fn(far)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reed_solomon::correct;
    use qrcode::{Color, EcLevel, QrCode, Version};

    #[test]
    fn every_version_is_laid_out_as_an_encoder_does() {
        for number in 1..=40 {
            let symbol = Symbol::new(number).unwrap();
            for level in [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H] {
                let version = Version::Normal(i16::try_from(number).unwrap());
                let code = QrCode::with_version(b"CM1:", version, level).unwrap();
                let colors = code.to_colors();
                let is_dark = |module| colors[symbol.index(module)] == Color::Dark;
                for (module, expected) in &symbol.fixed {
                    assert_eq!(is_dark(*module), *expected > 0.0, "{number} {module:?}");
                }
                let fits = |format: &Format| {
                    symbol.format_modules(*format).all(|(module, value)| is_dark(module) == (value > 0.0))
                };
                let formats: Vec<_> = Format::all().filter(fits).collect();
                assert_eq!(formats.len(), 1, "{number} {level:?}");

                let bits: Vec<_> = symbol.data.iter().map(|m| is_dark(*m) != formats[0].masks(*m)).collect();
                let words: Vec<_> = bits.chunks(8).map(|b| b.iter().fold(0_u8, |w, b| w << 1 | u8::from(*b))).collect();
                for block in symbol.blocks(formats[0].level) {
                    let mut block_words: Vec<_> = block.places.iter().map(|place| words[*place]).collect();
                    assert_eq!(block_words.len(), block.data + block.parity);
                    assert_eq!(correct(&mut block_words, block.parity, block.reserve, &[]), Some(0));
                    // Each error takes two words (ISO/IEC 18004, table 9).
                    assert!((block.parity - block.reserve).is_multiple_of(2), "{number} {level:?}");
                }
            }
        }
    }
}
