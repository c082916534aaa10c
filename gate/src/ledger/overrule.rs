//! A supervisor lets in whom the gate refused. The ticket is judged once more, as the gate would now: what nobody may overrule is not
//! overruled, though the refusal was for another reason.

use countermark_shared::documents::{Direction, LeaseState, SlotState};
use countermark_shared::id::{Slot, SupervisorId};
use countermark_shared::journal::{Act, Actor, JournalRow, OverruleReason, Subject};
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::verdict::{Reason, Verdict};

use super::case::may_be_overruled;
use super::judge::{self, Grounds, Judgement};
use super::pin::{NotHashed, PinHash};
use super::{ActError, Ledger, staff, store};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Moment;
use crate::documents::Basis;
use crate::input::Source;

impl Ledger {
    /// Lets in whom a row refused, if somebody who may has this PIN.
    pub(super) fn overrule_by(
        &mut self,
        pin: Result<PinHash, NotHashed>,
        sequence: u64,
        why: OverruleReason,
        now: Moment,
    ) -> Result<Announcement, ActError> {
        let supervisor = self.identify(&pin?, now)?;
        self.overrule(sequence, supervisor, why, now)
    }

    /// Lets in whom a row refused: as many as the ticket has places that are not inside by this gate's own count, and one in any case.
    pub(super) fn overrule(
        &mut self,
        sequence: u64,
        supervisor: SupervisorId,
        why: OverruleReason,
        now: Moment,
    ) -> Result<Announcement, ActError> {
        self.keep_names(now);
        let announcement = self.transact(now, |recorder, outcomes| {
            let Grounds { connection, documents, names: _, clock } = recorder.grounds;
            let row = store::row(connection, sequence)?.ok_or(ActError::Unknown { sequence })?;
            let history = staff::history(connection, &row.subject)?;
            outcomes.case(&row, &history, clock).overrule()?;
            let Subject::Ticket { event, slot, generation } = row.subject else {
                return Err(ActError::NoTicket { sequence });
            };
            let text = store::ticket_text(connection, event, slot, generation)?;
            let text = text.ok_or(ActError::NoTicket { sequence })?;
            let basis = documents.basis(row.lane, clock.now).filter(|basis| basis.lane.direction == Direction::Entry);
            let basis = basis.ok_or(ActError::Final { reason: Reason::CannotDecide })?;
            let Judgement { verdict, subject: _, proof: _, holder } =
                judge::examine(recorder.grounds, row.lane, &text)?;
            if let Some(reason) = certain(&basis, slot, &verdict) {
                return Err(ActError::Final { reason });
            }
            let places = UnverifiedTicket::parse(&text).map_or(1, |ticket| ticket.body().places.get());
            let passages = history.passages(basis.event.last_reset(clock.now));
            // A reset finds the house empty: of those who entered before it nobody is inside.
            let inside = passages.inside().min(passages.admitted_since_reset);
            let free = u32::from(places).saturating_sub(inside);
            let mut overruled = JournalRow {
                persons: u8::try_from(free).unwrap_or(u8::MAX).max(1),
                actor: Actor::Supervisor,
                reason: Reason::Overruled,
                proved: verdict.remembers(),
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
                announced: now.battery,
                holder,
            })
        })?;
        self.outcomes.announced(std::slice::from_ref(&announcement));
        if let (Some(event), Some(slot)) = (announcement.ruling.event, announcement.ruling.slot) {
            self.debounce.let_in(announcement.lane, event, slot);
        }
        Ok(announcement)
    }
}

/// What nobody may overrule of what holds now, also where a verdict names something that comes before it.
fn certain(basis: &Basis<'_>, slot: Slot, verdict: &Verdict) -> Option<Reason> {
    match basis.lease {
        LeaseState::Suspended => return Some(Reason::Suspended),
        LeaseState::Ended => return Some(Reason::LeaseEnded),
        LeaseState::Held | LeaseState::WithoutNames => {}
    }
    if basis.slots.is_some_and(|slots| slots.state(slot) == SlotState::Revoked) {
        return Some(Reason::Revoked);
    }
    (!verdict.opens() && !may_be_overruled(verdict.reason)).then_some(verdict.reason)
}
