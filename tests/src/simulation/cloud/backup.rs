//! Validation's database, copied and put back: what is lost by it, and what the recover command makes of the rest. Gates hear at their next log-in
//! how far their journals are known, and send what follows again.

use std::collections::BTreeMap;

use countermark_shared::id::{GateId, Slot};
use countermark_shared::time::Timestamp;
use countermark_validation::rehearsal::{Claims, Journals};

use super::{Cloud, Seat};

/// The tables as they were.
pub(super) struct Backup {
    seats: BTreeMap<Slot, Seat>,
    seen: BTreeMap<GateId, Timestamp>,
    journals: Journals,
    claims: Claims,
}

impl Cloud {
    /// Copies the database.
    pub(in super::super) fn back_up(&mut self) {
        let Self { seats, seen, journals, claims, .. } = self;
        let (seats, seen, journals, claims) = (seats.clone(), seen.clone(), journals.clone(), claims.clone());
        self.backup = Some(Backup { seats, seen, journals, claims });
    }

    /// Puts it back as it was and recovers: tickets and admin tell again what they said of seats, every session ends, and what is published goes on
    /// in an epoch that no gate has seen, with assignments that are newer than any.
    pub(in super::super) fn restore(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let Some(Backup { seats: before, seen, journals, claims }) = self.backup.take() else { return Ok(()) };
        (self.seen, self.journals, self.claims) = (seen, journals, claims);
        for (slot, seat) in &mut self.seats {
            let Some(before) = before.get(slot) else { continue };
            seat.since = if seat.generation > before.generation { now } else { before.since };
            seat.revoked = seat.revoked.map(|_| before.revoked.unwrap_or(now));
        }
        self.sessions.clear();
        self.changed.clear();
        let epoch = u32::try_from(now.unix_seconds())?;
        for (gate, served) in &mut self.gates {
            served.assignment = self.venue.assignment(*gate, epoch)?;
        }
        self.list.begin_again(&self.venue, epoch, &self.seats, now)?;
        self.feed.begin_again(&self.venue, epoch, &self.journals, now)?;
        self.findings = self.found_at_once()?;
        self.was_restored = true;
        Ok(())
    }
}
