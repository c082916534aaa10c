//! What the box's loudspeaker plays, which qemu writes to a file (`-audiodev wav`). Knows tones by how long their waves are, and no melody.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, Result};
use countermark_tests::wait::until;

use crate::guest::PATIENCE;

/// As qemu writes it where nobody says otherwise: a header, then a frame of two samples of two bytes at a time.
const HEADER: u64 = 44;
const RATE: u32 = 44_100;
/// Of 32,767: the page sounds at half of that, before the box's mixer has its say. Between the two is no wave's end nor its beginning.
const LOUD: i16 = 256;
/// Waves in a row that make a tone: 23 ms of the highest that is played, 91 ms of the lowest.
const WAVES: usize = 30;

/// Whoever listens.
pub(crate) struct Loudspeaker {
    file: File,
    heard: u64,
}

impl Loudspeaker {
    /// At the file that qemu writes.
    pub(crate) fn at(file: &Path) -> Result<Self> {
        Ok(Self { file: File::open(file)?, heard: HEADER })
    }

    /// Has what was played until now be heard.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.heard = self.length()?.max(HEADER);
        Ok(())
    }

    /// Waits until something was played that was not heard, were it silence: with that a page begins that may sound.
    pub(crate) async fn is_on(&self) -> Result<()> {
        until("the loudspeaker was on", PATIENCE, async || Ok((self.length()? > self.heard).then_some(()))).await
    }

    /// Waits until tones of so many hertz were played since it was heard last, one after the other, and no others.
    pub(crate) async fn plays(&mut self, hertz: &[u32]) -> Result<()> {
        let mut played = Vec::new();
        let waited = until(format!("the loudspeaker played {hertz:?}"), PATIENCE, async || {
            played = self.tones()?;
            // One that a busy machine broke off and took up again is one.
            played.dedup_by(|tone, before| is_as_high(*tone, *before));
            let is = |(tone, hertz): (&u32, &u32)| is_as_high(*tone, *hertz);
            Ok((played.len() == hertz.len() && played.iter().zip(hertz).all(is)).then_some(()))
        });
        waited.await.with_context(|| format!("it played {played:?}"))?;
        self.forget()
    }

    fn tones(&mut self) -> Result<Vec<u32>> {
        let mut sound = Vec::new();
        self.file.seek(SeekFrom::Start(self.heard))?;
        self.file.read_to_end(&mut sound)?;
        let (frames, _) = sound.as_chunks::<4>();
        Ok(tones(frames.iter().map(|[low, high, ..]| i16::from_le_bytes([*low, *high]))))
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// Within less than a semitone.
fn is_as_high(one: u32, other: u32) -> bool {
    one.abs_diff(other) * 25 < other
}

/// The tones among so many samples: as many hertz as the waves say that are as long as the one before, within a sample or two.
fn tones(samples: impl Iterator<Item = i16>) -> Vec<u32> {
    let (mut tones, mut lengths): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let (mut is_low, mut began) = (false, 0);
    for (now, sample) in (0_u32..).zip(samples) {
        is_low |= sample < -LOUD;
        if !is_low || sample < LOUD {
            continue;
        }
        is_low = false;
        let length = now - began;
        began = now;
        if lengths.last().is_some_and(|last| last.abs_diff(length) > 2) {
            lengths.clear();
        }
        lengths.push(length);
        if lengths.len() == WAVES {
            tones.push(RATE * u32::try_from(WAVES).unwrap() / lengths.iter().sum::<u32>());
        }
    }
    tones
}
