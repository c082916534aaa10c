//! What a claim is answered. Pure: refuses to know who asks how often, and where rows and grants are kept.

use core::num::NonZeroU8;

use countermark_shared::decision::{Passages, grant};
use countermark_shared::documents::EventDocument;
use countermark_shared::id::GateId;
use countermark_shared::journal::JournalRow;
use countermark_shared::ticket::VerifiedTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{AskClaim, ClaimAnswered};

/// What is known of a seat from all gates but the one that asks.
#[derive(Default)]
pub(crate) struct Elsewhere {
    /// Their believed rows, each gate's together and in their order.
    pub(crate) rows: Vec<JournalRow>,
    /// What they were granted, and have not told the end of.
    pub(crate) granted: Vec<Granted>,
}

/// What a gate was granted.
pub(crate) struct Granted {
    pub(crate) gate: GateId,
    pub(crate) persons: NonZeroU8,
    pub(crate) at: Timestamp,
}

/// How many of those who ask may enter, by what is known from elsewhere.
pub(crate) fn answer(
    ticket: &VerifiedTicket,
    asked: &AskClaim,
    elsewhere: &Elsewhere,
    event: &EventDocument,
    now: Timestamp,
) -> ClaimAnswered {
    let others = elsewhere.passages(event.last_reset(now));
    ClaimAnswered { persons: grant(ticket, asked.persons, asked.own, others, event, now), others }
}

impl Elsewhere {
    fn passages(&self, last_reset: Option<Timestamp>) -> Passages {
        let granted = |it: &Granted| Passages::granted(it.gate, it.persons, it.at, last_reset);
        let granted = self.granted.iter().map(granted).fold(Passages::NONE, Passages::and);
        let journals = self.rows.chunk_by(|one, next| one.gate == next.gate);
        journals.fold(granted, |all, journal| all.and(Passages::of(journal, last_reset)))
    }
}
