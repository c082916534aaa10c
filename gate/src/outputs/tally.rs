//! What became of whom a verdict let through, once each of its pulses was told of: the word that the journal keeps. Pure; knows no device.

use std::collections::BTreeMap;

use countermark_shared::journal::Actuation;

use super::passage::{Passage, PassageLine};

/// What is told to whoever listens to outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Of how many pulses it will be told for a row; none for what opens nothing.
    Expected {
        /// The journal row.
        row: Option<u64>,
        /// Whether people leave by it.
        leaves: bool,
        /// How many, over all outputs of the lane.
        pulses: u32,
    },
    /// How it went with one of them.
    Passed(PassageLine),
}

/// Rows of which not each pulse was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<u64, Awaited>);

#[derive(Debug)]
struct Awaited {
    leaves: bool,
    pulses: u32,
    said: Option<Actuation>,
}

impl Tally {
    /// Notes what was told; the answer is a row of which all was told by that, and what is to be believed of it: the most that may have happened of
    /// an admission, for what is let in again is the whole of it, and the least of an exit, for each who did not go is still inside.
    pub(crate) fn hear(&mut self, telling: &Telling) -> Option<(u64, Actuation)> {
        match telling {
            Telling::Expected { row: Some(row), leaves, pulses } if *pulses > 0 => {
                self.0.insert(*row, Awaited { leaves: *leaves, pulses: *pulses, said: None });
                None
            }
            Telling::Expected { .. } => None,
            Telling::Passed(line) => {
                let row = line.sequence?;
                let awaited = self.0.get_mut(&row)?;
                let told = line.passage.actuation();
                let stands = |said: &Actuation| (rank(*said) > rank(told)) != awaited.leaves;
                let believed = awaited.said.filter(stands).unwrap_or(told);
                awaited.said = Some(believed);
                awaited.pulses -= 1;
                if awaited.pulses > 0 {
                    return None;
                }
                self.0.remove(&row);
                Some((row, believed))
            }
        }
    }
}

impl Passage {
    fn actuation(self) -> Actuation {
        match self {
            Self::Opened => Actuation::Opened,
            Self::Turned => Actuation::Turned,
            Self::NotTurned => Actuation::NotTurned,
            Self::NotOpened => Actuation::NotOpened,
        }
    }
}

/// How likely it is that somebody went through. That nobody did is said by an arm alone: what did not open, as far as its device told, may have.
fn rank(actuation: Actuation) -> u8 {
    match actuation {
        Actuation::NotTurned => 0,
        Actuation::NotOpened => 1,
        Actuation::Opened => 2,
        Actuation::Turned => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_shared::id::LaneId;

    fn passed(row: u64, passage: Passage) -> Telling {
        Telling::Passed(PassageLine { sequence: Some(row), lane: LaneId(1), output: "arm".to_owned(), passage })
    }

    /// What is said of an admission, row 7, after so many pulses, which ended so.
    fn said(passages: &[Passage]) -> Vec<Option<(u64, Actuation)>> {
        said_of(false, passages)
    }

    fn said_of(leaves: bool, passages: &[Passage]) -> Vec<Option<(u64, Actuation)>> {
        let mut tally = Tally::default();
        let pulses = u32::try_from(passages.len()).unwrap();
        assert_eq!(tally.hear(&Telling::Expected { row: Some(7), leaves, pulses }), None);
        assert_eq!(tally.hear(&passed(8, Passage::Turned)), None, "of another admission");
        let said = passages.iter().map(|passage| tally.hear(&passed(7, *passage))).collect();
        assert_eq!(tally.hear(&passed(7, Passage::Turned)), None, "more than was owed");
        said
    }

    #[test]
    fn the_last_pulse_says_the_most_that_may_have_happened() {
        use Passage::{NotOpened, NotTurned, Opened, Turned};
        assert_eq!(said(&[Opened]), [Some((7, Actuation::Opened))]);
        assert_eq!(said(&[Turned, NotTurned, NotOpened]), [None, None, Some((7, Actuation::Turned))]);
        assert_eq!(said(&[NotTurned, Opened]), [None, Some((7, Actuation::Opened))]);
        assert_eq!(said(&[NotOpened, NotTurned]), [None, Some((7, Actuation::NotOpened))]);
        assert_eq!(said(&[NotTurned, NotTurned]), [None, Some((7, Actuation::NotTurned))]);
        assert_eq!(said(&[NotOpened, NotOpened]), [None, Some((7, Actuation::NotOpened))]);
    }

    #[test]
    fn of_an_exit_the_last_pulse_says_the_least() {
        use Passage::{NotOpened, NotTurned, Opened, Turned};
        let left = |passages| said_of(true, passages).pop().flatten();
        for passages in [&[Turned, NotTurned], &[NotTurned, Turned], &[NotTurned, NotOpened]] {
            assert_eq!(left(passages), Some((7, Actuation::NotTurned)), "{passages:?}");
        }
        assert_eq!(left(&[Turned, Opened, Turned]), Some((7, Actuation::Opened)));
        assert_eq!(left(&[Turned, Turned]), Some((7, Actuation::Turned)));
    }

    #[test]
    fn of_what_opens_nothing_nothing_is_expected() {
        let mut tally = Tally::default();
        assert_eq!(tally.hear(&Telling::Expected { row: Some(7), leaves: false, pulses: 0 }), None);
        assert_eq!(tally.hear(&passed(7, Passage::Opened)), None);
    }
}
