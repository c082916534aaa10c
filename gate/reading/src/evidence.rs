//! From how dark each module seems to text. Owns the codewords' doubt and what is done about it; knows no picture.

use rxing::qrcode::cpp_port::decoder::DecodeBitStream;

use crate::guard::guarded;
use crate::reed_solomon::{self, SPARE_PARITY};
use crate::symbol::{Block, Format, Symbol, value};

/// How sure it is that each module is dark, in rows: the logarithm of dark against light.
pub(crate) type Evidence = Vec<f32>;

/// A code in work: its blocks, and which of them are corrected.
#[derive(Debug)]
pub(crate) struct Codewords {
    format: Format,
    blocks: Vec<(Block, Option<Vec<u8>>)>,
}

impl Codewords {
    /// Of a code of this layout, nothing corrected yet. The format is the one that the evidence speaks for most.
    pub(crate) fn new(symbol: &Symbol, evidence: &Evidence) -> Option<Self> {
        let speaks = |format: &Format| -> f32 {
            symbol
                .format_modules(*format)
                .map(|(module, value)| value * at(evidence, symbol.index(module)).clamp(-4.0, 4.0))
                .sum()
        };
        let format = Format::all().max_by(|a, b| speaks(a).total_cmp(&speaks(b)))?;
        let blocks = symbol.blocks(format.level).into_iter().map(|block| (block, None)).collect();
        Some(Self { format, blocks })
    }

    /// What the code says of itself.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Corrects the blocks that can be.
    pub(crate) fn correct(&mut self, symbol: &Symbol, evidence: &Evidence) {
        let words: Vec<(u8, f32)> = symbol
            .data
            .chunks_exact(8)
            .map(|modules| {
                let bits = modules.iter().map(|module| {
                    let dark = at(evidence, symbol.index(*module));
                    (u8::from((dark > 0.0) != self.format.masks(*module)), dark.abs())
                });
                // What is against the word is the sum over its bits of how likely each is wrong.
                bits.fold((0, 0.0), |(word, doubt), (bit, sure)| (word << 1 | bit, doubt + 1.0 / (1.0 + sure.exp())))
            })
            .collect();
        for (block, corrected) in self.blocks.iter_mut().filter(|(_, corrected)| corrected.is_none()) {
            *corrected = correct(block, &words);
        }
    }

    /// The modules that are known since their block is corrected, and their values.
    pub(crate) fn known(&self, symbol: &Symbol) -> Vec<(usize, f32)> {
        let mut known = Vec::new();
        for (block, corrected) in &self.blocks {
            let words = block.places.iter().zip(corrected.iter().flatten());
            for (place, word) in words {
                let modules = symbol.data.get(place * 8..place * 8 + 8).unwrap_or_default();
                known.extend(modules.iter().zip((0..8).rev()).map(|(module, bit)| {
                    (symbol.index(*module), value((word >> bit & 1 == 1) != self.format.masks(*module)))
                }));
            }
        }
        known
    }

    /// The text, once every block is corrected.
    pub(crate) fn text(&self, symbol: &Symbol) -> Option<String> {
        let mut data = Vec::new();
        for (block, corrected) in &self.blocks {
            data.extend_from_slice(corrected.as_ref()?.get(..block.data)?);
        }
        guarded(|| {
            let decoded = DecodeBitStream(&data, symbol.version, self.format.level).ok()?;
            decoded.isValid().then(|| decoded.text())
        })
    }
}

/// First as it is, then with more and more of the most doubtful words erased.
fn correct(block: &Block, words: &[(u8, f32)]) -> Option<Vec<u8>> {
    let seen: Vec<(u8, f32)> = block.places.iter().filter_map(|place| words.get(*place).copied()).collect();
    let mut doubtful: Vec<usize> = (0..seen.len()).collect();
    let doubt = |at: usize| seen.get(at).map_or(0.0, |(_, doubt)| *doubt);
    doubtful.sort_by(|a, b| doubt(*b).total_cmp(&doubt(*a)));
    let received: Vec<u8> = seen.iter().map(|(word, _)| *word).collect();
    (0..=block.parity.saturating_sub(SPARE_PARITY)).step_by(2).find_map(|erased| {
        let mut words = received.clone();
        reed_solomon::correct(&mut words, block.parity, block.reserve, doubtful.get(..erased)?).map(|_| words)
    })
}

fn at(evidence: &Evidence, index: usize) -> f32 {
    evidence.get(index).copied().unwrap_or_default()
}
