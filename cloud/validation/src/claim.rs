//! What a claim is answered, and when it is not. Pure: refuses to know who asks how often, and where rows and grants are kept.

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
    /// Those that have yet to tell again what they told before a restore: the seat may be used there.
    pub(crate) owing: Vec<GateId>,
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

/// It cannot be answered before the gates have told again that owe some.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("since validation was restored from a backup, these gates have not told again whom they let in: {}", numbers(.by))]
pub(crate) struct Owed {
    pub(crate) by: Vec<GateId>,
}

/// How many of those who ask may enter, by what is known from elsewhere; nobody is told before all of it is known.
pub(crate) fn answer(
    ticket: &VerifiedTicket,
    asked: &AskClaim,
    elsewhere: &Elsewhere,
    event: &EventDocument,
    now: Timestamp,
) -> Result<ClaimAnswered, Owed> {
    if !elsewhere.owing.is_empty() {
        return Err(Owed { by: elsewhere.owing.clone() });
    }
    let others = elsewhere.passages(event.last_reset(now));
    Ok(ClaimAnswered { persons: grant(ticket, asked.persons, asked.own, others, event, now), others })
}

fn numbers(gates: &[GateId]) -> String {
    gates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Elsewhere {
    fn passages(&self, last_reset: Option<Timestamp>) -> Passages {
        let granted = |it: &Granted| Passages::granted(it.gate, it.persons, it.at, last_reset);
        let granted = self.granted.iter().map(granted).fold(Passages::NONE, Passages::and);
        let journals = self.rows.chunk_by(|one, next| one.gate == next.gate);
        journals.fold(granted, |all, journal| all.and(Passages::of(journal, last_reset)))
    }
}

#[cfg(test)]
mod tests {
    use countermark_shared::decision::examine;
    use countermark_shared::key_ring::KeyRing;
    use countermark_shared::wire::Base64;

    use super::*;
    use crate::testing::{self, DOORS, EVENT};

    #[test]
    fn nobody_is_answered_while_a_gate_owes() {
        let ticket = testing::ticket(42, 1);
        let keys = KeyRing::of(&testing::bundle());
        let verified = examine(&ticket, EVENT, &keys).unwrap();
        let asked = AskClaim { attempt: Base64([1; 16]), row: 1, persons: NonZeroU8::MIN, own: Passages::NONE, ticket };
        let answered =
            |owing| answer(&verified, &asked, &Elsewhere { owing, ..Elsewhere::default() }, &testing::event(1), DOORS);
        assert_eq!(answered(Vec::new()).unwrap().persons, 1);
        let owed = answered(vec![GateId(3), GateId(5)]).unwrap_err();
        assert!(owed.to_string().ends_with(": 3, 5"), "{owed}");
    }
}
