//! What lets people through. Every admission has its own pulses, one after the other in the order of the verdicts: none is merged, and none
//! is made longer by another.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;

use super::{Act, PATIENCE, Verdict};
use crate::outputs::passage::Passage;

/// Admissions that may wait. A lane where more do is not one where people pass.
const QUEUE: usize = 32;

/// How an output lets people through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    /// How long it is on at most.
    pub(crate) pulse: Duration,
    /// How long it is off at least, between two pulses.
    pub(crate) pause: Duration,
    /// For whom there is a pulse.
    pub(crate) turns: Turns,
    /// From the pulse's beginning, how long the arm may take to turn; none where that cannot be seen.
    pub(crate) within: Option<Duration>,
}

/// For whom there is a pulse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Turns {
    /// One for all whom a scan admits: a door.
    #[default]
    Admission,
    /// One for each: a turnstile.
    Person,
}

impl Turns {
    /// How many pulses so many persons have.
    pub(in crate::outputs) fn pulses(self, persons: u8) -> u8 {
        match self {
            Self::Admission => persons.min(1),
            Self::Person => persons,
        }
    }
}

#[derive(Clone, Debug)]
pub(in crate::outputs) struct Opener {
    opening: Opening,
    waiting: VecDeque<Turn>,
    state: State,
    /// When the last one who was let through was out of the way: the pulse or the turn, and the pause. An arm that did not turn moved nobody.
    moved: Duration,
    acts: Vec<Act>,
}

/// One pulse that is owed.
#[derive(Clone, Copy, Debug)]
struct Turn {
    row: Option<u64>,
    since: Duration,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// The device was told to switch on, and has not said that it did.
    Opening {
        row: Option<u64>,
    },
    Open {
        row: Option<u64>,
        until: Duration,
        turn_by: Option<Duration>,
    },
    Turning {
        row: Option<u64>,
        off_at: Duration,
        turn_by: Duration,
    },
    Pausing {
        until: Duration,
    },
}

impl Opener {
    pub(super) fn new(opening: Opening) -> Self {
        Self { opening, waiting: VecDeque::new(), state: State::Idle, moved: Duration::ZERO, acts: Vec::new() }
    }

    pub(super) fn hear(&mut self, verdict: &Verdict) {
        for _ in 0..self.opening.turns.pulses(verdict.persons) {
            if self.waiting.len() < QUEUE {
                self.waiting.push_back(Turn { row: verdict.row, since: verdict.at });
            } else {
                self.acts.push(Act::Say(verdict.row, Passage::NotOpened));
            }
        }
    }

    pub(super) fn advance(&mut self, now: Duration) -> Vec<Act> {
        while self.step(now) {}
        std::mem::take(&mut self.acts)
    }

    /// Whether something was due.
    fn step(&mut self, now: Duration) -> bool {
        match self.state {
            State::Idle => {
                let Some(Turn { row, since }) = self.waiting.pop_front() else { return false };
                // In a queue that moves, everybody stands behind the one before.
                if now.saturating_sub(since.max(self.moved)) > PATIENCE {
                    self.acts.push(Act::Say(row, Passage::NotOpened));
                    return true;
                }
                self.state = State::Opening { row };
                self.acts.push(Act::On(self.opening.pulse));
            }
            State::Open { row, until, turn_by } if now >= until => {
                self.acts.push(Act::Off);
                match turn_by {
                    Some(turn_by) => self.state = State::Turning { row, off_at: now, turn_by },
                    None => self.over(row, Passage::Opened, now, now),
                }
            }
            State::Turning { row, off_at, turn_by } if now >= turn_by => {
                self.over(row, Passage::NotTurned, off_at, now);
            }
            State::Pausing { until } if now >= until => self.state = State::Idle,
            State::Opening { .. } | State::Open { .. } | State::Turning { .. } | State::Pausing { .. } => return false,
        }
        true
    }

    pub(super) fn switched_on(&mut self, now: Duration) {
        if let State::Opening { row } = self.state {
            let Opening { pulse, pause: _, turns: _, within } = self.opening;
            self.state = State::Open { row, until: now + pulse, turn_by: within.map(|within| now + within) };
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        match self.state {
            _ if !self.acts.is_empty() => Some(Duration::ZERO),
            State::Idle => self.waiting.front().map(|turn| turn.since),
            State::Opening { .. } => None,
            State::Open { until, .. } | State::Pausing { until } => Some(until),
            State::Turning { turn_by, .. } => Some(turn_by),
        }
    }

    pub(super) fn awaits_turn(&self) -> bool {
        match self.state {
            State::Open { turn_by, .. } => turn_by.is_some(),
            State::Turning { .. } => true,
            State::Idle | State::Opening { .. } | State::Pausing { .. } => false,
        }
    }

    pub(super) fn turned(&mut self, now: Duration) {
        match self.state {
            // Who turned it has passed: nobody else is let through by the rest of the pulse.
            State::Open { row, turn_by: Some(_), .. } => {
                self.acts.push(Act::Off);
                self.over(row, Passage::Turned, now, now);
            }
            State::Turning { row, off_at, .. } => self.over(row, Passage::Turned, off_at, now),
            State::Open { turn_by: None, .. } | State::Idle | State::Opening { .. } | State::Pausing { .. } => {}
        }
    }

    pub(super) fn blinded(&mut self) {
        match self.state {
            State::Open { row, until, turn_by: _ } => self.state = State::Open { row, until, turn_by: None },
            State::Turning { row, off_at, .. } => self.over(row, Passage::Opened, off_at, off_at),
            State::Idle | State::Opening { .. } | State::Pausing { .. } => {}
        }
    }

    pub(super) fn failed(&mut self, now: Duration) {
        match self.state {
            State::Opening { row } => self.over(row, Passage::NotOpened, now, now),
            State::Open { row, .. } => self.over(row, Passage::Opened, now, now),
            State::Turning { row, off_at, .. } => self.over(row, Passage::Opened, off_at, off_at),
            State::Idle | State::Pausing { .. } => {}
        }
        self.close();
    }

    /// Nobody else is let through: what is owed is given up. The pulse under way goes on.
    pub(super) fn close(&mut self) {
        let owed = self.waiting.drain(..).map(|turn| Act::Say(turn.row, Passage::NotOpened));
        self.acts.extend(owed);
    }

    /// How long the pulse lasts that is under way, or whose turn is awaited.
    pub(super) fn under_way(&self) -> Option<Duration> {
        match self.state {
            State::Opening { .. } | State::Open { .. } | State::Turning { .. } => Some(self.opening.pulse),
            State::Idle | State::Pausing { .. } => None,
        }
    }

    /// Ends a turn: when it was switched off, and when whoever it was for was through.
    fn over(&mut self, row: Option<u64>, passage: Passage, off_at: Duration, through: Duration) {
        let pause = self.opening.pause;
        match passage {
            Passage::Opened | Passage::Turned => self.moved = through.max(off_at + pause),
            Passage::NotTurned | Passage::NotOpened => {}
        }
        self.acts.push(Act::Say(row, passage));
        self.state = State::Pausing { until: off_at + pause };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_shared::verdict::Severity;

    const PULSE: Duration = Duration::from_millis(500);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn opener(turns: Turns, within: Option<Duration>) -> Opener {
        Opener::new(Opening { pulse: PULSE, pause: seconds(1.0), turns, within })
    }

    fn admit(row: u64, persons: u8, at: Duration) -> Verdict {
        Verdict { row: Some(row), severity: Severity::Admit, persons, at }
    }

    fn say(row: u64, passage: Passage) -> Act {
        Act::Say(Some(row), passage)
    }

    /// As with a device that does at once what it is told.
    fn advance(opener: &mut Opener, now: Duration) -> Vec<Act> {
        let acts = opener.advance(now);
        opener.switched_on(now);
        acts
    }

    #[test]
    fn an_admission_during_a_pulse_extends_nothing_and_has_its_own() {
        let mut opener = opener(Turns::Admission, None);
        opener.hear(&admit(1, 1, seconds(10.0)));
        assert_eq!(advance(&mut opener, seconds(10.0)), [Act::On(PULSE)]);
        opener.hear(&admit(2, 1, seconds(10.4)));
        assert_eq!((advance(&mut opener, seconds(10.4)), opener.due()), (vec![], Some(seconds(10.5))));
        assert_eq!(advance(&mut opener, seconds(10.5)), [Act::Off, say(1, Passage::Opened)]);
        // One that comes in the pause waits, too.
        opener.hear(&admit(3, 1, seconds(10.6)));
        assert_eq!((advance(&mut opener, seconds(11.4)), opener.due()), (vec![], Some(seconds(11.5))));
        assert_eq!(advance(&mut opener, seconds(11.5)), [Act::On(PULSE)]);
        assert_eq!(advance(&mut opener, seconds(12.0)), [Act::Off, say(2, Passage::Opened)]);
        assert_eq!(advance(&mut opener, seconds(13.0)), [Act::On(PULSE)]);
    }

    #[test]
    fn each_person_has_a_turn_where_one_passes_at_a_time() {
        let pulses = |turns| {
            let mut opener = opener(turns, None);
            opener.hear(&admit(1, 4, seconds(1.0)));
            let mut pulses = 0;
            // Longer than anybody's patience: in a queue that moves, nobody is too late.
            for tenth in 10..200 {
                pulses += advance(&mut opener, seconds(f64::from(tenth) / 10.0))
                    .iter()
                    .filter(|act| matches!(act, Act::On(_)))
                    .count();
            }
            (pulses, opener.due())
        };
        assert_eq!((pulses(Turns::Person), pulses(Turns::Admission)), ((4, None), (1, None)));
    }

    #[test]
    fn a_refused_scan_opens_nothing() {
        let mut opener = opener(Turns::Person, None);
        opener.hear(&Verdict { severity: Severity::Refuse, ..admit(1, 0, seconds(1.0)) });
        assert_eq!((advance(&mut opener, seconds(1.0)), opener.due()), (vec![], None));
    }

    #[test]
    fn an_admission_that_comes_too_late_opens_for_nobody() {
        let mut opener = opener(Turns::Admission, None);
        opener.hear(&admit(1, 1, seconds(10.0)));
        assert_eq!(advance(&mut opener, seconds(13.001)), [say(1, Passage::NotOpened)]);
        opener.hear(&admit(2, 1, seconds(20.0)));
        assert_eq!(advance(&mut opener, seconds(23.0)), [Act::On(PULSE)]);
    }

    #[test]
    fn an_arm_that_turns_ends_its_pulse_and_lets_the_next_one_begin() {
        let mut opener = opener(Turns::Person, Some(seconds(5.0)));
        opener.hear(&admit(1, 2, seconds(10.0)));
        assert_eq!((advance(&mut opener, seconds(10.0)), opener.awaits_turn()), (vec![Act::On(PULSE)], true));
        opener.turned(seconds(10.2));
        assert_eq!(advance(&mut opener, seconds(10.2)), [Act::Off, say(1, Passage::Turned)]);
        assert!(!opener.awaits_turn());
        // A turn that nobody was let in for, as by a guard's key, is no passage.
        opener.turned(seconds(10.3));
        assert_eq!(advance(&mut opener, seconds(11.1)), []);
        assert_eq!(advance(&mut opener, seconds(11.2)), [Act::On(PULSE)]);
        assert_eq!(advance(&mut opener, seconds(11.7)), [Act::Off]);
        opener.turned(seconds(16.1));
        assert_eq!(advance(&mut opener, seconds(16.1)), [say(1, Passage::Turned)]);
    }

    #[test]
    fn an_arm_that_does_not_turn_in_time_is_told_of() {
        let mut opener = opener(Turns::Person, Some(seconds(5.0)));
        opener.hear(&admit(1, 1, seconds(10.0)));
        advance(&mut opener, seconds(10.0));
        assert_eq!(advance(&mut opener, seconds(10.5)), [Act::Off]);
        assert_eq!((advance(&mut opener, seconds(14.9)), opener.due()), (vec![], Some(seconds(15.0))));
        assert_eq!(advance(&mut opener, seconds(15.0)), [say(1, Passage::NotTurned)]);
    }

    #[test]
    fn behind_an_arm_that_did_not_turn_nobody_is_let_in_late() {
        let second = |turned: bool| {
            let mut opener = opener(Turns::Admission, Some(seconds(60.0)));
            opener.hear(&admit(1, 1, seconds(10.0)));
            opener.hear(&admit(2, 1, seconds(10.0)));
            advance(&mut opener, seconds(10.0));
            advance(&mut opener, seconds(10.5));
            if turned {
                opener.turned(seconds(69.0));
            }
            advance(&mut opener, seconds(70.0))
        };
        // Both left long ago; whoever stands there at the end of the minute is somebody else.
        assert_eq!(second(false), [say(1, Passage::NotTurned), say(2, Passage::NotOpened)]);
        assert_eq!(second(true), [say(1, Passage::Turned), Act::On(PULSE)]);
    }

    #[test]
    fn without_its_input_an_arm_is_not_said_to_stand_still() {
        let mut opener = opener(Turns::Person, Some(seconds(5.0)));
        opener.hear(&admit(1, 2, seconds(10.0)));
        advance(&mut opener, seconds(10.0));
        opener.blinded();
        assert_eq!(advance(&mut opener, seconds(10.5)), [Act::Off, say(1, Passage::Opened)]);
        advance(&mut opener, seconds(11.5));
        advance(&mut opener, seconds(12.0));
        opener.blinded();
        assert_eq!(advance(&mut opener, seconds(12.1)), [say(1, Passage::Opened)]);
    }

    #[test]
    fn a_pulse_begins_when_the_device_says_so() {
        let mut opener = opener(Turns::Admission, Some(seconds(5.0)));
        opener.hear(&admit(1, 1, seconds(10.0)));
        assert_eq!(opener.advance(seconds(10.0)), [Act::On(PULSE)]);
        // Longer than the pulse: what is switched off now was never open.
        assert_eq!((opener.advance(seconds(10.6)), opener.due()), (vec![], None));
        opener.switched_on(seconds(10.6));
        assert_eq!((opener.advance(seconds(10.6)), opener.due()), (vec![], Some(seconds(11.1))));
        assert_eq!((opener.advance(seconds(11.1)), opener.due()), (vec![Act::Off], Some(seconds(15.6))));
    }

    #[test]
    fn what_was_open_when_the_device_died_was_opened() {
        let mut opener = opener(Turns::Person, None);
        opener.hear(&admit(1, 2, seconds(10.0)));
        advance(&mut opener, seconds(10.0));
        opener.failed(seconds(10.1));
        assert_eq!(opener.advance(seconds(10.1)), [say(1, Passage::Opened), say(1, Passage::NotOpened)]);
    }

    #[test]
    fn at_the_end_the_pulse_under_way_goes_on_and_no_other_begins() {
        let mut opener = opener(Turns::Person, None);
        opener.hear(&admit(1, 2, seconds(10.0)));
        assert_eq!((advance(&mut opener, seconds(10.0)), opener.under_way()), (vec![Act::On(PULSE)], Some(PULSE)));
        opener.close();
        assert_eq!(advance(&mut opener, seconds(10.1)), [say(1, Passage::NotOpened)]);
        assert_eq!(opener.under_way(), Some(PULSE));
        assert_eq!(advance(&mut opener, seconds(10.5)), [Act::Off, say(1, Passage::Opened)]);
        assert_eq!(opener.under_way(), None);
        assert_eq!(advance(&mut opener, seconds(12.0)), []);
    }

    #[test]
    fn what_waits_for_a_dead_device_is_given_up() {
        let mut opener = opener(Turns::Person, None);
        opener.hear(&admit(1, 2, seconds(10.0)));
        opener.hear(&admit(2, 1, seconds(10.0)));
        assert_eq!(opener.advance(seconds(10.0)), [Act::On(PULSE)]);
        opener.failed(seconds(10.0));
        let given_up = [say(1, Passage::NotOpened), say(1, Passage::NotOpened), say(2, Passage::NotOpened)];
        assert_eq!(advance(&mut opener, seconds(10.0)), given_up);
        assert_eq!(advance(&mut opener, seconds(60.0)), []);
    }

    #[test]
    fn more_than_may_wait_are_told_of_at_once() {
        let mut opener = opener(Turns::Person, None);
        opener.hear(&admit(1, u8::try_from(QUEUE).unwrap() + 1, seconds(10.0)));
        assert_eq!(advance(&mut opener, seconds(10.0)), [say(1, Passage::NotOpened), Act::On(PULSE)]);
    }
}
