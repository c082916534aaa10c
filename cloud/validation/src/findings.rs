//! What becomes of findings as more is learned. Owns when one is new, has grown, is explained, or is open again; pure, refuses to know
//! the rules and where findings are stored.

use std::collections::BTreeMap;

use countermark_service::contract::findings::{About, Evidence, FindingState, Rule};

use crate::reconcile::Found;

/// A finding as it was when settling last looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) finding: i64,
    pub(crate) about: About,
    pub(crate) rule: Rule,
    pub(crate) evidence: Evidence,
    /// Whether it was found then.
    pub(crate) stands: bool,
    pub(crate) state: FindingState,
}

/// What is to be written of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is found for the first time.
    New(Found),
    /// It is found as before with other evidence.
    Other {
        finding: i64,
        evidence: Evidence,
        /// Whether the evidence says what it did not.
        grown: bool,
        /// What its state becomes, if that changes.
        step: Option<Step>,
    },
    /// It is found no more: what it said is explained by what was learned since. Its evidence stays, for whoever asks why it was there.
    Gone {
        finding: i64,
        /// What its state becomes, if that changes.
        step: Option<Step>,
    },
}

/// A step that settling takes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It was found.
    Found,
    /// It had been resolved, and has grown.
    Grown,
    /// It had been explained, and is found again.
    Again,
    /// What was learned since explains it.
    Explained,
}

impl Step {
    pub(crate) const fn state(self) -> FindingState {
        match self {
            Self::Found | Self::Grown | Self::Again => FindingState::Open,
            Self::Explained => FindingState::Resolved,
        }
    }

    /// Why, as the record has it: a word that pages translate.
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Grown => "grown",
            Self::Again => "found again",
            Self::Explained => "explained by what was learned since",
        }
    }
}

/// What is to be written where `known` is all that was found of some subjects, and `found` all that is found of them now.
pub(crate) fn changes(known: Vec<Known>, found: Vec<Found>) -> Vec<Change> {
    let mut found: BTreeMap<_, _> = found.into_iter().map(|found| ((found.about, found.rule), found)).collect();
    let mut changes: Vec<_> = known
        .into_iter()
        .filter_map(|known| {
            let now = found.remove(&(known.about, known.rule));
            change(known, now)
        })
        .collect();
    changes.extend(found.into_values().map(Change::New));
    changes
}

fn change(known: Known, found: Option<Found>) -> Option<Change> {
    let Known { finding, evidence, stands, state, .. } = known;
    let is_resolved = state == FindingState::Resolved;
    let Some(found) = found else {
        return stands.then_some(Change::Gone { finding, step: (!is_resolved).then_some(Step::Explained) });
    };
    if stands && found.evidence == evidence {
        return None;
    }
    let grown = found.evidence.has_grown_since(&evidence);
    let step = match (is_resolved, stands, grown) {
        (true, false, _) => Some(Step::Again),
        (true, true, true) => Some(Step::Grown),
        (true, true, false) | (false, ..) => None,
    };
    Some(Change::Other { finding, evidence: found.evidence, grown: grown || !stands, step })
}

#[cfg(test)]
mod tests {
    use countermark_shared::id::GateId;

    use super::*;

    const ABOUT: About = About::Gate { gate: GateId(1), row: None };

    fn evidence(unproved: u64) -> Evidence {
        Evidence::Doubtful { unproved, unreadable: 0 }
    }

    fn known(unproved: u64, stands: bool, state: FindingState) -> Known {
        Known { finding: 5, about: ABOUT, rule: Rule::Unproved, evidence: evidence(unproved), stands, state }
    }

    fn after(known: Option<Known>, found: Option<u64>) -> Vec<Change> {
        let found = found.map(|unproved| Found { about: ABOUT, rule: Rule::Unproved, evidence: evidence(unproved) });
        changes(known.into_iter().collect(), found.into_iter().collect())
    }

    #[test]
    fn what_is_found_once_is_one_finding_that_grows_and_opens_again() {
        use FindingState::{Acknowledged, Open, Resolved};
        let other =
            |unproved, grown, step| vec![Change::Other { finding: 5, evidence: evidence(unproved), grown, step }];
        let gone = |step| vec![Change::Gone { finding: 5, step }];
        let new = Found { about: ABOUT, rule: Rule::Unproved, evidence: evidence(1) };
        assert_eq!(after(None, Some(1)), [Change::New(new)]);
        for state in FindingState::ALL {
            assert_eq!(after(Some(known(1, true, state)), Some(1)), [], "{state:?}");
            assert_eq!(after(Some(known(1, false, state)), None), [], "{state:?}");
            let step = (state == Resolved).then_some(Step::Grown);
            assert_eq!(after(Some(known(1, true, state)), Some(2)), other(2, true, step), "{state:?}");
            assert_eq!(after(Some(known(2, true, state)), Some(1)), other(1, false, None), "{state:?}");
            let step = (state == Resolved).then_some(Step::Again);
            assert_eq!(after(Some(known(1, false, state)), Some(1)), other(1, true, step), "{state:?}");
        }
        for (state, step) in [(Open, Some(Step::Explained)), (Acknowledged, Some(Step::Explained)), (Resolved, None)] {
            assert_eq!(after(Some(known(1, true, state)), None), gone(step), "{state:?}");
        }
    }
}
