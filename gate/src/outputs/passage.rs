//! How it went with somebody whom an output should have let through: the words, the counts, the line of standard output.

use std::time::Duration;

use countermark_shared::id::LaneId;
use serde::{Deserialize, Serialize};

use crate::announcement::Sentence;

/// Staff are told of somebody who did not pass for so long.
pub(crate) const NOTICE: Duration = Duration::from_secs(30);

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Passage {
    /// It was opened; nothing tells whether anybody passed.
    Opened,
    /// It was opened, and the arm turned.
    Turned,
    /// It was opened, and the arm did not turn in time.
    NotTurned,
    /// It was not opened: the device did not answer, or it was too late.
    NotOpened,
}

impl Passage {
    /// What staff are told.
    pub(crate) fn notice(self, lane: LaneId) -> Option<Sentence> {
        let (en, fr) = match self {
            Self::Opened | Self::Turned => return None,
            Self::NotTurned => (
                "admitted, but the arm did not turn: see who waits",
                "admis, mais le bras n'a pas tourné : voyez qui attend",
            ),
            Self::NotOpened => ("admitted, but not opened: open by hand", "admis, mais pas ouvert : ouvrez à la main"),
        };
        Some(Sentence { en: format!("LANE {lane}: {en}"), fr: format!("COULOIR {lane} : {fr}") })
    }
}

/// How often it went how, since the agent began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Passages {
    /// Opened, whoever passed.
    pub(crate) opened: u64,
    /// Of these, those with which the arm turned.
    pub(crate) turned: u64,
    /// Of these, those with which it did not.
    pub(crate) not_turned: u64,
    /// Admitted, and not opened for.
    pub(crate) not_opened: u64,
}

impl Passages {
    /// Counts one more.
    pub(crate) fn count(&mut self, passage: Passage) {
        let (opened, turned, not_turned, not_opened) = match passage {
            Passage::Opened => (1, 0, 0, 0),
            Passage::Turned => (1, 1, 0, 0),
            Passage::NotTurned => (1, 0, 1, 0),
            Passage::NotOpened => (0, 0, 0, 1),
        };
        self.opened += opened;
        self.turned += turned;
        self.not_turned += not_turned;
        self.not_opened += not_opened;
    }
}

/// A line of standard output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PassageLine {
    /// The journal row of the admission.
    pub(crate) sequence: Option<u64>,
    /// Where.
    pub(crate) lane: LaneId,
    /// Which output.
    pub(crate) output: String,
    /// How it went.
    pub(crate) passage: Passage,
}

impl PassageLine {
    /// The line for people.
    pub(crate) fn words(&self) -> String {
        let passage = match self.passage {
            Passage::Opened => "opened",
            Passage::Turned => "turned",
            Passage::NotTurned => "NOT TURNED",
            Passage::NotOpened => "NOT OPENED",
        };
        let row = self.sequence.map(|row| format!(", row {row}")).unwrap_or_default();
        format!("{passage}  ({}{row})", self.output)
    }
}
