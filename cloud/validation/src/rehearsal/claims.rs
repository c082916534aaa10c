//! Claims as the tables `claims` and `claim_ends` keep them.

use core::num::NonZeroU8;
use std::collections::BTreeMap;

use countermark_shared::decision::examine;
use countermark_shared::documents::EventDocument;
use countermark_shared::id::GateId;
use countermark_shared::journal::Subject;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{AskClaim, ClaimAnswered};

use super::Journals;
use crate::claim::{Elsewhere, Granted, answer};
use crate::journal::Seat;

/// What gates of one event were answered.
#[derive(Clone, Default)]
pub struct Claims(BTreeMap<(GateId, [u8; 16]), Claim>);

#[derive(Clone)]
struct Claim {
    asked: AskClaim,
    seat: Seat,
    answer: ClaimAnswered,
    at: Timestamp,
}

impl Claims {
    /// Answers a gate as the route does; nothing where it refuses to.
    pub fn answer(
        &mut self,
        gate: GateId,
        asked: &AskClaim,
        (event, keys): (&EventDocument, &KeyRing),
        journals: &Journals,
        now: Timestamp,
    ) -> Option<ClaimAnswered> {
        let ticket = examine(&asked.ticket, event.event, keys).ok()?;
        let seat = Seat::of(&Subject::of(&ticket))?;
        let name = (gate, asked.attempt.0);
        if let Some(known) = self.0.get(&name) {
            let same = (known.asked.row, known.seat, known.asked.persons) == (asked.row, seat, asked.persons);
            return same.then_some(known.answer);
        }
        if journals.is_suspended(gate) {
            return None;
        }
        let open = self.0.iter().filter(|((of, attempt), claim)| {
            let is_over = journals.has_ended(*of, *attempt, claim.seat) || journals.is_suspended(*of);
            *of != gate && claim.seat.slot == seat.slot && !is_over
        });
        let granted = open.filter_map(|((gate, _), claim)| {
            Some(Granted { gate: *gate, persons: NonZeroU8::new(claim.answer.persons)?, at: claim.at })
        });
        let elsewhere = Elsewhere { rows: journals.believed_elsewhere(gate, seat.slot), granted: granted.collect() };
        let answer = answer(&ticket, asked, &elsewhere, event, now);
        self.0.insert(name, Claim { asked: asked.clone(), seat, answer, at: now });
        Some(answer)
    }
}
