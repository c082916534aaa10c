//! The state behind a gate's clock, for one run of the machine.

use core::time::Duration;

use super::{Clock, ClockState, Exchange, SignedTime};
use crate::documents::MAX_CLOCK_LEAD;
use crate::time::Timestamp;

/// A slower answer says too little about now.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(5);
/// How far a reading may lie below the floor before it counts as rolled back: two clocks that are right differ by as much.
const SLACK: Duration = Duration::from_secs(5);
/// What a battery clock of ±20 ppm is off after a month in a cupboard.
const BATTERY_ERROR: Duration = Duration::from_mins(1);
/// 100 parts in a million: twice what quartz crystals of ±50 ppm are sold for, over their range of temperature.
const DRIFT_PER_MILLION: u32 = 100;

/// What a gate knows of the time since it started. Only the floor outlives a restart.
#[derive(Clone, Debug)]
pub struct GateClock {
    /// When this run of the gate began, since boot: until the time is known, `now` runs on from the floor by it.
    started: Duration,
    /// The floor that the run began with.
    start: Timestamp,
    floor: Timestamp,
    anchor: Option<Anchor>,
    waiting: Option<Waiting>,
}

/// A signed instant and where the monotonic clock stood then.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Timestamp,
    since_boot: Duration,
    error: Duration,
}

/// A jump forward that staff have not confirmed.
#[derive(Clone, Copy, Debug)]
enum Waiting {
    Answer(Anchor),
    Document { issued: Timestamp },
}

/// Why a signed answer changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It came too late after the nonce, or before it.
    #[error("the answer took longer than five seconds")]
    TooSlow,
    /// It lies more than a day ahead: staff are asked.
    #[error("the answer says {at}, more than a day ahead of this clock")]
    Ahead {
        /// What it says.
        at: Timestamp,
    },
}

impl GateClock {
    /// The clock of a run that starts at `since_boot`, with the floor that was stored: see [`floor`](Self::floor).
    pub fn new(floor: Timestamp, since_boot: Duration) -> Self {
        Self { started: since_boot, start: floor, floor, anchor: None, waiting: None }
    }

    /// What the clock shows at `since_boot`. `battery` is the battery clock's reading, none on a box without one.
    pub fn read(&self, since_boot: Duration, battery: Option<Timestamp>) -> Clock {
        let (reading, error, state) = self.reading(since_boot, battery);
        let state = if self.waiting.is_some() {
            ClockState::Ahead
        } else if reading + error + SLACK < self.floor(since_boot) {
            ClockState::RolledBack
        } else {
            state
        };
        Clock { state, now: reading.max(self.reached(since_boot).0), error }
    }

    /// Takes an answer, if it came in time and lies no more than a day ahead of what the clock shows. An answer that is taken ends the wait
    /// for staff. One that lies below what the clock has surely reached is taken and shows as rolled back: either it or an earlier
    /// one was wrong.
    pub fn answered(
        &mut self,
        time: SignedTime,
        exchange: Exchange,
        battery: Option<Timestamp>,
    ) -> Result<(), NotTaken> {
        let round_trip = exchange.answered.checked_sub(exchange.asked).ok_or(NotTaken::TooSlow)?;
        if round_trip > LONGEST_ROUND_TRIP {
            return Err(NotTaken::TooSlow);
        }
        self.floor = self.floor(exchange.answered);
        // It was signed at some moment of the exchange: the middle is at most half of it off.
        let error = round_trip / 2;
        let anchor = Anchor { at: time.at() + error, since_boot: exchange.answered, error };
        if time.at() > self.read(exchange.answered, battery).now + MAX_CLOCK_LEAD {
            self.waiting = Some(Waiting::Answer(anchor));
            return Err(NotTaken::Ahead { at: time.at() });
        }
        self.set(anchor);
        Ok(())
    }

    /// Raises the floor to the instant at which validation signed a document that was taken. While the time is signed it can say no more
    /// than the clock knows, and raises nothing beyond that.
    pub fn raise(&mut self, issued: Timestamp, since_boot: Duration) {
        let limit = self.anchor.map_or(issued, |anchor| anchor.reading(since_boot).0);
        self.floor = self.floor.max(issued.min(limit));
    }

    /// Notes that a document was refused because it lies more than a day ahead. Where the time is signed the document is wrong, and
    /// nothing changes; otherwise the clock may be, and staff are asked.
    pub fn held_back(&mut self, issued: Timestamp) {
        if self.anchor.is_some() {
            return;
        }
        let issued = match self.waiting {
            Some(Waiting::Answer(_)) => return,
            Some(Waiting::Document { issued: earlier }) => issued.max(earlier),
            None => issued,
        };
        self.waiting = Some(Waiting::Document { issued });
    }

    /// The instant that waits for staff, who compare it with their own watches.
    pub fn waiting(&self) -> Option<Timestamp> {
        self.waiting.map(|waiting| match waiting {
            Waiting::Answer(anchor) => anchor.at,
            Waiting::Document { issued } => issued,
        })
    }

    /// Staff say that the instant that waits is right.
    pub fn confirm(&mut self) {
        match self.waiting.take() {
            Some(Waiting::Answer(anchor)) => self.set(anchor),
            Some(Waiting::Document { issued }) => self.floor = self.floor.max(issued),
            None => {}
        }
    }

    /// Staff say that it is wrong.
    pub fn dismiss(&mut self) {
        self.waiting = None;
    }

    /// How far the reading may be from the truth: half the round trip, and 100 parts in a million of the time since. None unless the time
    /// is signed.
    pub fn error_bound(&self, since_boot: Duration) -> Option<Duration> {
        self.anchor.map(|anchor| anchor.reading(since_boot).1)
    }

    /// The floor to store for the next run: what the clock has surely reached. A run that nobody tells the time is part of it, so that a box
    /// without a battery clock ages with its documents.
    pub fn floor(&self, since_boot: Duration) -> Timestamp {
        let (reached, error) =
            self.anchor.map_or_else(|| self.reached(since_boot), |anchor| anchor.reading(since_boot));
        self.floor.max(reached - error)
    }

    /// What it is at least, and by how much the crystal may have made too much of the run. Once the time is signed, the run says nothing that the
    /// anchor does not say better, and a floor that was raised wrongly is caught up with.
    fn reached(&self, since_boot: Duration) -> (Timestamp, Duration) {
        if self.anchor.is_some() {
            return (self.floor, Duration::ZERO);
        }
        let run = since_boot.saturating_sub(self.started);
        (self.floor.max(self.start + run), drift(run))
    }

    fn reading(&self, since_boot: Duration, battery: Option<Timestamp>) -> (Timestamp, Duration, ClockState) {
        match (self.anchor, battery) {
            (Some(anchor), _) => {
                let (reading, error) = anchor.reading(since_boot);
                (reading, error, ClockState::Signed)
            }
            (None, Some(battery)) => (battery, BATTERY_ERROR, ClockState::Battery),
            (None, None) => (self.reached(since_boot).0, Duration::ZERO, ClockState::Unknown),
        }
    }

    fn set(&mut self, anchor: Anchor) {
        self.floor = self.floor.max(anchor.at - anchor.error);
        self.anchor = Some(anchor);
        self.waiting = None;
    }
}

impl Anchor {
    /// The instant that follows from it, and how far that may be off.
    fn reading(self, since_boot: Duration) -> (Timestamp, Duration) {
        let elapsed = since_boot.saturating_sub(self.since_boot);
        (self.at + elapsed, self.error.saturating_add(drift(elapsed)))
    }
}

fn drift(elapsed: Duration) -> Duration {
    (elapsed / 1_000_000).saturating_mul(DRIFT_PER_MILLION)
}

#[cfg(test)]
mod tests;
