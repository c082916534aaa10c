//! The other gates' word, and how far it goes: the venue's answer and a fresh feed may refuse, anything less calls staff.

use super::facts::{Claim, Facts};
use super::listed::is_fresh;
use super::passages::Passages;
use crate::documents::ListAgePolicy;

/// What passed at the other gates.
pub(super) struct Others {
    /// What is certain enough to refuse by.
    pub(super) certain: Passages,
    /// All they say.
    pub(super) supposed: Passages,
    /// Whether they were heard just now, so that a strict policy is content.
    pub(super) heard: bool,
}

impl Others {
    /// Weighs what is known. `policy` says until what age a feed is fresh; where the clock does not tell the time, none is.
    pub(super) fn of(facts: &Facts, policy: &ListAgePolicy, tells_time: bool) -> Self {
        let asked = match facts.claim {
            // A venue that is behind the cloud does not make forget what the cloud said; what is contested it settles.
            Claim::Granted(passages) | Claim::Refused(passages) => {
                let told = facts.feed.filter(|feed| !feed.contested).map_or(Passages::NONE, |feed| feed.passages);
                return Self { certain: passages, supposed: passages.at_least(told), heard: true };
            }
            Claim::NotAsked => false,
            Claim::Unreachable => true,
        };
        let Some(feed) = facts.feed else {
            return Self { certain: Passages::NONE, supposed: Passages::NONE, heard: false };
        };
        let supposed = feed.passages;
        if feed.contested {
            Self { certain: Passages::NONE, supposed, heard: false }
        } else if tells_time && is_fresh(feed.age, policy) {
            Self { certain: supposed, supposed, heard: !asked }
        } else {
            // What an old feed tells has happened; only what it does not tell is in doubt. So whoever was seen leaving has left.
            Self { certain: supposed.exits(), supposed, heard: false }
        }
    }
}
