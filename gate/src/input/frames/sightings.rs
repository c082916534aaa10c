//! What a camera sees. A code is sighted again and again while it is held; the ledger knows that it is one showing. When it pays to look,
//! `attention` says; since when a code is held, `sight`.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::attention::Attention;
use super::sight::Sight;
use super::{Frame, Newest, watch};
use crate::input::{Intake, LedgerGone, RawScan, ScannedText};
use crate::read::PictureReader;

/// On one picture. The next one is newer, and may be sharper.
const BUDGET: Duration = Duration::from_millis(150);

/// Offers what is sighted.
pub(crate) struct Sightings {
    intake: Intake,
    reader: PictureReader,
    attention: Attention,
    sight: Sight,
}

impl Sightings {
    /// For the ledger.
    pub(crate) fn new(intake: Intake) -> Self {
        let reader = PictureReader::new(intake.clock, BUDGET);
        Self { intake, reader, attention: Attention::default(), sight: Sight::default() }
    }

    /// Looks for codes until the ledger is gone, or the other end of `stop` is dropped.
    pub(crate) fn run(mut self, mut frames: Newest, stop: &Receiver<()>) {
        let post = self.intake.post.clone();
        watch(&mut frames, &post, stop, |frame| self.look(frame));
    }

    fn look(&mut self, Frame { source, picture, at }: Frame) -> Result<(), LedgerGone> {
        if !self.attention.pays(&picture, at) {
            return Ok(());
        }
        let Some(reading) = self.reader.read(&picture) else {
            self.sight.misses(at);
            return Ok(());
        };
        let in_sight_since = Some(self.sight.shows(&reading.text, at));
        let (lane, text) = (self.intake.lane, ScannedText::Whole(reading.text));
        self.intake.offer(RawScan { lane, source, text, at, in_sight_since })
    }
}

#[cfg(test)]
mod tests;
