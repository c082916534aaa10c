//! What is looked up before a decision: plain values, whoever found them.

use core::num::NonZeroU8;
use core::time::Duration;

use super::passages::Passages;
use crate::documents::SlotState;
use crate::id::Generation;
use crate::time::Timestamp;

/// What was looked up about a ticket's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Facts {
    /// The slot list's word; none where the gate has no list.
    pub listing: Option<Listing>,
    /// The highest generation of the slot that this gate remembers: see [`Verdict::remembers`](crate::verdict::Verdict::remembers).
    pub highest_proved: Option<Generation>,
    /// What this gate's own ledger says passed here, over all generations of the slot.
    pub own: Passages,
    /// What the admission feed says passed at the other gates; none where the gate has no feed.
    pub feed: Option<Feed>,
    /// What the venue answered when the gate asked to admit this ticket.
    pub claim: Claim,
    /// This gate's last admission of the slot, if it is not known to have ended with people passing, and was not itself a
    /// forgiveness: nothing is forgiven twice.
    pub unfinished: Option<Unfinished>,
    /// How many persons want to pass.
    pub wanted: Wanted,
    /// What became of the ticket's sealed part.
    pub sealed_part: SealedPart,
}

/// The slot list's word about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Listing {
    /// What the cloud says of the seat.
    #[cfg_attr(test, serde(with = "super::tests::slot_state"))]
    pub state: SlotState,
    /// The lowest generation the list leaves good; 0 where it says nothing.
    pub least_generation: Generation,
    /// How long ago the list was last known to be current.
    #[cfg_attr(test, serde(rename = "age_milliseconds", with = "super::tests::milliseconds"))]
    pub age: Duration,
}

/// The admission feed's word about a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Feed {
    /// What passed at the other gates; this gate's own rows are not among them.
    pub passages: Passages,
    /// How long ago the feed was last known to be current.
    #[cfg_attr(test, serde(rename = "age_milliseconds", with = "super::tests::milliseconds"))]
    pub age: Duration,
    /// Whether the word of one of those gates is in doubt: a fork, rows without proof, a gate that was lost.
    pub contested: bool,
}

/// What the venue answered: the service that the gates of one place ask before they admit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Claim {
    /// The gate has no venue to ask.
    #[default]
    NotAsked,
    /// The gate may admit, as far as the venue knows. With it comes what passed at the other gates, which takes the feed's place.
    Granted(Passages),
    /// The gate may not. With it comes what passed at the other gates, which takes the feed's place.
    Refused(Passages),
    /// The gate asked, and no answer came in time.
    Unreachable,
}

/// An admission of this gate of which nobody knows that people passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Unfinished {
    /// When it was written down.
    pub at: Timestamp,
    /// How many persons it let in.
    pub persons: NonZeroU8,
    /// What is known of the turnstile.
    pub turn: Turn,
}

/// What is known of a turnstile after an admission that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Turn {
    /// Its feedback shows that it never turned.
    NotTurned,
    /// It has no feedback, or the gate was not there to see it.
    Unknown,
}

/// How many of a ticket's persons want to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Wanted {
    /// One.
    One,
    /// As many as may.
    #[default]
    AllThatRemain,
}

/// What became of a ticket's sealed part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum SealedPart {
    /// It has none, or nobody tried.
    #[default]
    None,
    /// It was opened: the name can be shown.
    Opened,
    /// It was not: the gate has no secret for it, or the wrong one.
    Unreadable,
}

impl Facts {
    /// What a gate knows of a slot that never passed anywhere: the list's word alone.
    pub fn listed(listing: Listing) -> Self {
        Self { listing: Some(listing), ..Self::default() }
    }
}

impl Default for Facts {
    /// Nothing is known, and everybody wants to pass.
    fn default() -> Self {
        Self {
            listing: None,
            highest_proved: None,
            own: Passages::NONE,
            feed: None,
            claim: Claim::NotAsked,
            unfinished: None,
            wanted: Wanted::AllThatRemain,
            sealed_part: SealedPart::None,
        }
    }
}
