//! What became of an admission, once each of its pulses was told of: the word that the journal keeps. Pure; knows no device.

use std::collections::BTreeMap;

use countermark_shared::journal::Actuation;

use super::passage::{Passage, PassageLine};

/// What is told to whoever listens to outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Of how many pulses it will be told for the admission of a row; none for what opens nothing.
    Expected {
        /// The journal row.
        row: Option<u64>,
        /// How many, over all outputs of the lane.
        pulses: u32,
    },
    /// How it went with one of them.
    Passed(PassageLine),
}

/// Admissions of which not each pulse was told of yet.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<u64, Awaited>);

#[derive(Debug)]
struct Awaited {
    pulses: u32,
    most: Option<Actuation>,
}

impl Tally {
    /// Notes what was told; the answer is an admission of which all was told by that, and the most that may have happened. Of several persons who
    /// were let in one after the other, one who may have gone through is enough: what is let in again is the whole admission.
    pub(crate) fn hear(&mut self, telling: &Telling) -> Option<(u64, Actuation)> {
        match telling {
            Telling::Expected { row: Some(row), pulses } if *pulses > 0 => {
                self.0.insert(*row, Awaited { pulses: *pulses, most: None });
                None
            }
            Telling::Expected { .. } => None,
            Telling::Passed(line) => {
                let row = line.sequence?;
                let awaited = self.0.get_mut(&row)?;
                let told = line.passage.actuation();
                let most = awaited.most.filter(|most| rank(*most) > rank(told)).unwrap_or(told);
                awaited.most = Some(most);
                awaited.pulses -= 1;
                if awaited.pulses > 0 {
                    return None;
                }
                self.0.remove(&row);
                Some((row, most))
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

    /// What is said of row 7 after so many pulses, which ended so.
    fn said(passages: &[Passage]) -> Vec<Option<(u64, Actuation)>> {
        let mut tally = Tally::default();
        let pulses = u32::try_from(passages.len()).unwrap();
        assert_eq!(tally.hear(&Telling::Expected { row: Some(7), pulses }), None);
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
    fn of_what_opens_nothing_nothing_is_expected() {
        let mut tally = Tally::default();
        assert_eq!(tally.hear(&Telling::Expected { row: Some(7), pulses: 0 }), None);
        assert_eq!(tally.hear(&passed(7, Passage::Opened)), None);
    }
}
