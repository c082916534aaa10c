//! What a camera sees. A code is sighted again and again while it is held; the ledger knows that it is one showing. When it pays to look,
//! `attention` says; since when a code is held, `sight`.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::attention::Attention;
use super::newest::SILENCE;
use super::sight::Sight;
use super::{Frame, Newest, Unseen, has_ended, watch};
use crate::input::{Intake, RawScan, ScannedText};
use crate::read::PictureReader;

/// On one picture, decoding included. The next one is newer, and may be sharper.
const BUDGET: Duration = Duration::from_millis(150);

/// Offers what is sighted.
pub(crate) struct Sightings {
    intake: Intake,
    reader: PictureReader,
    attention: Attention,
    sight: Sight,
    /// When a picture was there that could be made.
    whole: Duration,
}

impl Sightings {
    /// For the ledger.
    pub(crate) fn new(intake: Intake) -> Self {
        let reader = PictureReader::new(intake.clock, BUDGET);
        let whole = intake.clock.now().uptime;
        Self { intake, reader, attention: Attention::default(), sight: Sight::default(), whole }
    }

    /// Looks for codes until the ledger is gone, or the other end of `stop` is dropped.
    pub(crate) fn run(mut self, mut frames: Newest, stop: &Receiver<()>) {
        let post = self.intake.post.clone();
        // There is always another one.
        let is_over = || has_ended(stop, Duration::ZERO);
        watch(&mut frames, &post, stop, |frame| if is_over() { Err(Unseen::Over) } else { self.look(frame) });
    }

    fn look(&mut self, Frame { source, picture, at }: Frame) -> Result<(), Unseen> {
        if !self.attention.needs(at) {
            return Ok(());
        }
        let begin = self.intake.clock.now().uptime;
        let picture = match picture() {
            Ok(picture) => picture,
            // A damaged picture is nothing unusual by USB. Where all of them are, somebody waits in vain, and it is said.
            Err(_) if at.saturating_sub(self.whole) < SILENCE => return Ok(()),
            Err(trouble) => return Err(trouble.into()),
        };
        self.whole = at;
        self.intake.post.works();
        if !self.attention.pays(&picture, at) {
            return Ok(());
        }
        let Some(reading) = self.reader.read(&picture, begin) else {
            self.sight.misses(at);
            return Ok(());
        };
        let in_sight_since = Some(self.sight.shows(&reading.text, at));
        let (lane, text) = (self.intake.lane, ScannedText::Whole(reading.text));
        Ok(self.intake.offer(RawScan { lane, source, text, at, in_sight_since })?)
    }
}

#[cfg(test)]
mod tests;
