//! Lamps and buzzers: a pattern for each severity. The newest verdict is the one that is told; what was being told of another ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use countermark_shared::verdict::Severity;

use super::{Act, PATIENCE, Verdict};

/// For how long on, off, on, and so forth; a severity that has none leaves it off.
pub(crate) type Patterns = BTreeMap<Severity, Vec<Duration>>;

#[derive(Clone, Debug)]
pub(in crate::outputs) struct Signal {
    patterns: Patterns,
    /// The steps to come, each with what it is.
    steps: VecDeque<(bool, Duration)>,
    /// The step that lasts.
    step: Option<Step>,
    acts: Vec<Act>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    on: bool,
    since: Duration,
    length: Duration,
}

impl Step {
    fn until(self) -> Duration {
        self.since + self.length
    }
}

impl Signal {
    pub(super) fn new(patterns: Patterns) -> Self {
        Self { patterns, steps: VecDeque::new(), step: None, acts: Vec::new() }
    }

    pub(super) fn hear(&mut self, verdict: &Verdict, now: Duration) {
        if now.saturating_sub(verdict.at) > PATIENCE {
            return;
        }
        self.end_step();
        let pattern = self.patterns.get(&verdict.severity).map(Vec::as_slice).unwrap_or_default();
        self.steps = [true, false].into_iter().cycle().zip(pattern.iter().copied()).collect();
    }

    pub(super) fn advance(&mut self, now: Duration) -> Vec<Act> {
        while self.step.is_none_or(|step| now >= step.until()) {
            self.end_step();
            let Some((on, length)) = self.steps.pop_front() else { break };
            if on {
                self.acts.push(Act::On(length));
            }
            self.step = Some(Step { on, since: now, length });
        }
        std::mem::take(&mut self.acts)
    }

    fn end_step(&mut self) {
        if self.step.take().is_some_and(|step| step.on) {
            self.acts.push(Act::Off);
        }
    }

    pub(super) fn switched_on(&mut self, now: Duration) {
        if let Some(step) = self.step.as_mut().filter(|step| step.on) {
            step.since = now;
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        if self.acts.is_empty() && self.steps.is_empty() && self.step.is_none() {
            return None;
        }
        self.step.map(Step::until).filter(|_| self.acts.is_empty()).or(Some(Duration::ZERO))
    }

    pub(super) fn failed(&mut self) {
        self.steps.clear();
        self.step = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn milliseconds(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn verdict(severity: Severity, at: Duration) -> Verdict {
        Verdict { row: Some(1), severity, persons: 0, at }
    }

    fn signal() -> Signal {
        let beeps = vec![milliseconds(100), milliseconds(50), milliseconds(200)];
        Signal::new(BTreeMap::from([(Severity::Admit, vec![milliseconds(1000)]), (Severity::Fraud, beeps)]))
    }

    #[test]
    fn a_pattern_is_on_and_off_as_it_says() {
        let mut signal = signal();
        let start = milliseconds(7000);
        signal.hear(&verdict(Severity::Fraud, start), start);
        let mut played = Vec::new();
        while let Some(due) = signal.due() {
            let now = due.max(start);
            played.extend(signal.advance(now).into_iter().map(|act| (now.saturating_sub(start), act)));
        }
        let on = |length| Act::On(milliseconds(length));
        assert_eq!(
            played,
            [
                (milliseconds(0), on(100)),
                (milliseconds(100), Act::Off),
                (milliseconds(150), on(200)),
                (milliseconds(350), Act::Off)
            ]
        );
    }

    #[test]
    fn a_lamp_is_lit_for_as_long_as_it_should_be_though_it_is_slow() {
        let mut signal = signal();
        signal.hear(&verdict(Severity::Admit, milliseconds(0)), milliseconds(0));
        assert_eq!(signal.advance(milliseconds(0)), [Act::On(milliseconds(1000))]);
        signal.switched_on(milliseconds(600));
        assert_eq!((signal.advance(milliseconds(1000)), signal.due()), (vec![], Some(milliseconds(1600))));
    }

    #[test]
    fn the_newest_verdict_takes_the_place_of_the_one_before() {
        let mut signal = signal();
        signal.hear(&verdict(Severity::Admit, milliseconds(0)), milliseconds(0));
        assert_eq!(signal.advance(milliseconds(0)), [Act::On(milliseconds(1000))]);
        // It has no pattern: the green of another ends all the same.
        signal.hear(&verdict(Severity::Refuse, milliseconds(300)), milliseconds(300));
        assert_eq!(signal.advance(milliseconds(300)), [Act::Off]);
        assert_eq!(signal.due(), None);
    }

    #[test]
    fn what_comes_too_late_is_not_told() {
        let mut signal = signal();
        signal.hear(&verdict(Severity::Admit, milliseconds(0)), PATIENCE + milliseconds(1));
        assert_eq!((signal.due(), signal.advance(PATIENCE + milliseconds(1))), (None, vec![]));
    }
}
