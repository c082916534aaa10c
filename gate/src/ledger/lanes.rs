//! How many a scan lets through, by lane: everybody for whom the ticket is, unless somebody said one. Knows nothing of which lanes there are.

use std::collections::BTreeSet;

use countermark_shared::decision::Wanted;
use countermark_shared::id::LaneId;
use serde::{Deserialize, Serialize};

use super::Ledger;

/// For whom a scan opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Persons {
    /// For all that remain of the ticket's persons.
    #[default]
    All,
    /// For one. The next scan is for the next.
    One,
}

/// The lanes at which a scan lets one person through.
#[derive(Default)]
pub(super) struct Lanes(BTreeSet<LaneId>);

impl Lanes {
    /// How many want to pass who show a ticket there.
    pub(super) fn wanted(&self, lane: LaneId) -> Wanted {
        if self.0.contains(&lane) { Wanted::One } else { Wanted::AllThatRemain }
    }

    /// By number.
    pub(super) fn one_by_one(&self) -> Vec<LaneId> {
        self.0.iter().copied().collect()
    }
}

impl Ledger {
    /// From now on a scan at that lane lets so many through, until the agent ends.
    pub(crate) fn let_through(&mut self, lane: LaneId, persons: Persons) {
        match persons {
            Persons::All => drop(self.lanes.0.remove(&lane)),
            Persons::One => drop(self.lanes.0.insert(lane)),
        }
    }
}
