//! Claims as the tables `claims` and `claims_ended` keep them, and what gates owe since a restore.

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
use crate::debt::Debt;
use crate::journal::Seat;

/// What gates of one event were answered.
#[derive(Clone, Default)]
pub struct Claims {
    answered: BTreeMap<(GateId, [u8; 16]), Claim>,
    debts: BTreeMap<GateId, Debt>,
}

#[derive(Clone)]
struct Claim {
    asked: AskClaim,
    seat: Seat,
    answer: ClaimAnswered,
    at: Timestamp,
}

impl Claims {
    /// Goes on from a backup: each of the gates has yet to tell again what it told since.
    pub fn all_owe(&mut self, gates: impl IntoIterator<Item = GateId>) {
        self.debts = gates.into_iter().map(|gate| (gate, Debt::UNSAID)).collect();
    }

    /// Hears at a log-in, or by an upload that brought its journal here so far, what is left of what a gate owes.
    pub fn settle(&mut self, gate: GateId, written_up_to: Option<u64>, journals: &Journals) {
        let Some(debt) = self.debts.remove(&gate) else { return };
        let debt = written_up_to.map_or(debt, |row| debt.said(row));
        self.debts.extend(debt.left(journals.known_up_to(gate)).map(|left| (gate, left)));
    }

    /// The gates but `asking` that owe some.
    pub fn owing(&self, asking: GateId, journals: &Journals) -> Vec<GateId> {
        let owes = |gate: &GateId| *gate != asking && !journals.is_suspended(*gate);
        self.debts.keys().copied().filter(owes).collect()
    }

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
        if journals.is_suspended(gate) {
            return None;
        }
        let name = (gate, asked.attempt.0);
        if let Some(known) = self.answered.get(&name) {
            let same = (known.asked.row, known.seat, known.asked.persons) == (asked.row, seat, asked.persons);
            return same.then_some(known.answer);
        }
        let open = self.answered.iter().filter(|((of, attempt), claim)| {
            let is_over = journals.has_ended(*of, *attempt, claim.seat) || journals.is_suspended(*of);
            *of != gate && claim.seat.slot == seat.slot && !is_over
        });
        let granted = open.filter_map(|((gate, _), claim)| {
            Some(Granted { gate: *gate, persons: NonZeroU8::new(claim.answer.persons)?, at: claim.at })
        });
        let elsewhere = Elsewhere {
            owing: self.owing(gate, journals),
            rows: journals.believed_elsewhere(gate, seat.slot),
            granted: granted.collect(),
        };
        let answer = answer(&ticket, asked, &elsewhere, event, now).ok()?;
        self.answered.insert(name, Claim { asked: asked.clone(), seat, answer, at: now });
        Some(answer)
    }
}
