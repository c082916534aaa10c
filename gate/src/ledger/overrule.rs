//! A supervisor lets in whom the gate refused. The ticket is judged once more, as the gate would now: what nobody may overrule is not
//! overruled, though the refusal was for another reason.

use countermark_shared::decision::Wanted;
use countermark_shared::documents::{Direction, LeaseState, SlotState};
use countermark_shared::id::{EventId, Generation, Slot, SupervisorId};
use countermark_shared::journal::{Act, Actor, JournalRow, OverruleReason, Subject};
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::verdict::{Reason, Verdict};

use super::case::may_be_overruled;
use super::debounce::Answer;
use super::judge::{self, Grounds, Others};
use super::pin::{NotHashed, PinHash};
use super::supervisors::Desk;
use super::{ActError, Ledger, find, staff, store};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Moment;
use crate::documents::Basis;
use crate::input::Source;

impl Ledger {
    /// Lets in whom a row refused, if somebody who may has this PIN.
    pub(super) fn overrule_by(
        &mut self,
        pin: Result<PinHash, NotHashed>,
        desk: Desk,
        sequence: u64,
        why: OverruleReason,
        now: Moment,
    ) -> Result<Announcement, ActError> {
        let supervisor = self.identify(&pin?, desk, now)?;
        self.overrule(sequence, supervisor, why, now)
    }

    /// Lets in whom a row refused: as many as the ticket has places that are not inside by this gate's own count, and one in any case; where each scan is for
    /// one, one.
    pub(crate) fn overrule(
        &mut self,
        sequence: u64,
        supervisor: SupervisorId,
        why: OverruleReason,
        now: Moment,
    ) -> Result<Announcement, ActError> {
        self.keep_names(now);
        let announcement = self.transact(now, |recorder| {
            let Grounds { connection, documents, names: _, lanes, clock } = recorder.grounds;
            let row = store::row(connection, sequence)?.ok_or(ActError::Unknown { sequence })?;
            let history = staff::history(connection, &row.subject)?;
            recorder.outcomes.case(&row, &history, true, clock).overrule()?;
            let Subject::Ticket { event, slot, generation } = row.subject else {
                return Err(ActError::NoTicket { sequence });
            };
            let basis = documents.basis(row.lane, clock.now).filter(|basis| basis.lane.direction == Direction::Entry);
            let basis = basis.ok_or(ActError::Final { reason: Reason::CannotDecide })?;
            let highest = store::highest_proved(connection, event, slot)?;
            if let Some(reason) = certain(&basis, event, slot, generation, highest) {
                return Err(ActError::Final { reason });
            }
            // Once names have left the box, the text may have gone with them. The gate proved it when it was shown; its places nobody knows.
            let (mut places, mut proved, mut holder) = (1, false, None);
            if let Some(text) = store::ticket_text(connection, event, slot, generation)? {
                let judgement = judge::examine(recorder.grounds, row.lane, &text, Others::Silent)?;
                if !judgement.verdict.opens() && !may_be_overruled(judgement.verdict.reason) {
                    return Err(ActError::Final { reason: judgement.verdict.reason });
                }
                places = UnverifiedTicket::parse(&text).map_or(1, |ticket| ticket.body().places.get());
                (proved, holder) = (judgement.verdict.remembers(), judgement.holder);
            } else if row.reason == Reason::FoundByOrder
                && let Some((half, name)) = find::half_of(recorder.grounds, basis.keys, slot, generation)?
            {
                (places, holder) = (half.body().places.get(), name);
            }
            let passages = history.passages_at(Direction::Entry, basis.event.last_reset(clock.now));
            // A reset finds the house empty: of those who entered before it nobody is inside.
            let inside = passages.inside().min(passages.admitted_since_reset);
            let persons = match lanes.wanted(row.lane) {
                Wanted::One => 1,
                Wanted::AllThatRemain => u32::from(places).saturating_sub(inside),
            };
            let mut overruled = JournalRow {
                persons: u8::try_from(persons).unwrap_or(u8::MAX).max(1),
                actor: Actor::Supervisor,
                reason: Reason::Overruled,
                proved,
                act: Some(Act::Overrule { of: sequence, supervisor, why }),
                ..recorder.now(&row)
            };
            recorder.append(&mut overruled, None)?;
            let mut said = Verdict::refusal(Reason::Overruled);
            (said.persons, said.earlier) = (overruled.persons, passages.last_entry);
            Ok(Announcement {
                sequence: Some(overruled.sequence),
                lane: overruled.lane,
                source: Source::Supervisor,
                at: overruled.at,
                ruling: Ruling::new(said, &overruled.subject),
                announced: now.uptime,
                holder,
            })
        })?;
        self.outcomes.announced(std::slice::from_ref(&announcement));
        if let (Some(event), Some(slot)) = (announcement.ruling.event, announcement.ruling.slot) {
            let answer = Answer { reason: Reason::Overruled, opens: true };
            self.debounce.answer(announcement.lane, event, slot, answer);
        }
        Ok(announcement)
    }
}

/// What nobody may overrule, whatever else there is against a ticket and comes before it in a verdict.
fn certain(
    basis: &Basis<'_>,
    event: EventId,
    slot: Slot,
    generation: Generation,
    highest: Option<Generation>,
) -> Option<Reason> {
    let listed = basis.slots.map(|slots| (slots.state(slot), slots.least_generation(slot)));
    if basis.event.event != event {
        Some(Reason::OtherEvent)
    } else if highest.max(listed.map(|(_, least)| least)).is_some_and(|least| generation < least) {
        Some(Reason::OutdatedGeneration)
    } else if listed.is_some_and(|(state, _)| state == SlotState::Revoked) {
        Some(Reason::Revoked)
    } else {
        match basis.lease {
            LeaseState::Suspended => Some(Reason::Suspended),
            LeaseState::Ended => Some(Reason::LeaseEnded),
            LeaseState::Held | LeaseState::WithoutNames => None,
        }
    }
}
