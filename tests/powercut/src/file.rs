//! One file of a disk: what reads see, what is safe, and all that it was since the last sync. Knows nothing of names.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};

/// What a medium writes at once, in bytes.
pub(crate) const SECTOR: usize = 512;

type Sector = [u8; SECTOR];

/// How much of what was written and not synced a cut leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Survival {
    Nothing,
    Everything,
    /// Of each sector any of the contents that it had. With `garbage` one in eight of them was being written at that moment.
    Some {
        garbage: bool,
    },
}

#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    seen: Vec<u8>,
    safe: Vec<u8>,
    /// Of each sector that was written since the last sync, by its number, the contents that it had.
    written: BTreeMap<usize, Vec<Sector>>,
    /// The lengths since then.
    lengths: Vec<usize>,
}

impl File {
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// How many bytes there were to read.
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> usize {
        let from = self.seen.get(offset..).unwrap_or_default();
        let length = from.len().min(into.len());
        for (byte, read) in into.iter_mut().zip(from) {
            *byte = *read;
        }
        length
    }

    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        if end > self.seen.len() {
            self.resize(end);
        }
        if let Some(place) = self.seen.get_mut(offset..end) {
            place.copy_from_slice(data);
        }
        self.note(offset..end);
    }

    pub(crate) fn resize(&mut self, length: usize) {
        let before = self.seen.len();
        self.seen.resize(length, 0);
        self.lengths.push(length);
        // What is cut off may read as zeros once the file grows again.
        self.note(before.min(length)..before.max(length));
    }

    pub(crate) fn sync(&mut self) {
        self.lengths.clear();
        self.safe.resize(self.seen.len(), 0);
        for number in std::mem::take(&mut self.written).into_keys() {
            let (from, to) = (number * SECTOR, ((number + 1) * SECTOR).min(self.seen.len()));
            if let (Some(safe), Some(seen)) = (self.safe.get_mut(from..to), self.seen.get(from..to)) {
                safe.copy_from_slice(seen);
            }
        }
    }

    /// What is seen is what is safe.
    pub(crate) fn reread(&mut self) {
        self.seen.clone_from(&self.safe);
    }

    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        [&self.seen, &self.safe].into_iter().any(|content| content.windows(bytes.len()).any(|window| window == bytes))
    }

    /// What was written is taken for safe, and is not.
    pub(crate) fn forget(&mut self) {
        self.lengths.clear();
        self.written.clear();
    }

    /// What there is when the power is back.
    pub(crate) fn cut(&mut self, survival: Survival, random: &mut impl Rng) {
        let mut left = std::mem::take(&mut self.safe);
        let length = match survival {
            Survival::Nothing => left.len(),
            Survival::Everything => self.seen.len(),
            Survival::Some { .. } => any(&self.lengths, random).unwrap_or(left.len()),
        };
        let reach = self.written.last_key_value().map_or(0, |(number, _)| (number + 1) * SECTOR);
        left.resize(reach.max(left.len()).max(length), 0);
        for (number, contents) in &self.written {
            let content = match survival {
                Survival::Nothing => None,
                Survival::Everything => contents.last().copied(),
                Survival::Some { garbage: true } if random.random_ratio(1, 8) => Some(random.random()),
                Survival::Some { .. } => any(contents, random),
            };
            let place = left.get_mut(number * SECTOR..(number + 1) * SECTOR);
            if let (Some(place), Some(content)) = (place, content) {
                place.copy_from_slice(&content);
            }
        }
        left.resize(length, 0);
        *self = Self { seen: left.clone(), safe: left, ..Self::default() };
    }

    /// Flips bits where they lie: no program wrote that.
    pub(crate) fn damage(&mut self, offset: usize, flips: u8) {
        for content in [&mut self.seen, &mut self.safe] {
            if let Some(byte) = content.get_mut(offset) {
                *byte ^= flips;
            }
        }
    }

    fn note(&mut self, bytes: std::ops::Range<usize>) {
        if bytes.is_empty() {
            return;
        }
        for number in bytes.start / SECTOR..=(bytes.end - 1) / SECTOR {
            let mut content = [0; SECTOR];
            self.read(number * SECTOR, &mut content);
            self.written.entry(number).or_default().push(content);
        }
    }
}

/// None of them is one of the choices.
fn any<T: Copy>(choices: &[T], random: &mut impl Rng) -> Option<T> {
    random.random_range(0..=choices.len()).checked_sub(1).and_then(|choice| choices.get(choice)).copied()
}
