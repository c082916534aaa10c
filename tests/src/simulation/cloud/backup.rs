//! Validation's database, copied and put back: what is lost by it, and what the recover command makes of the rest. Gates hear at their next log-in
//! how far their journals are known, and send what follows again.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;
use countermark_validation::rehearsal::{Claims, Journals};

use super::Cloud;

/// How long it answers nobody meanwhile: no database is put back in less, and nobody waits so long for what a claim is answered.
const AWAY: Duration = Duration::from_secs(1);

/// The tables as they were.
pub(super) struct Backup {
    seen: BTreeMap<GateId, Timestamp>,
    journals: Journals,
    claims: Claims,
}

impl Cloud {
    /// Copies the database.
    pub(in super::super) fn back_up(&mut self) {
        let Self { seen, journals, claims, .. } = self;
        self.backup = Some(Backup { seen: seen.clone(), journals: journals.clone(), claims: claims.clone() });
    }

    /// Puts it back as it was and recovers: tickets and admin tell again all that they said of seats, and since when, every session ends, every gate owes
    /// what it told since, and what is published goes on in an epoch that no gate has seen, with assignments that are newer than any.
    pub(in super::super) fn restore(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let Some(Backup { seen, journals, claims }) = self.backup.take() else { return Ok(()) };
        (self.seen, self.journals, self.claims) = (seen, journals, claims);
        self.sessions.clear();
        self.claims.all_owe(self.gates.keys().copied());
        self.changed.clear();
        let epoch = u32::try_from(now.unix_seconds())?;
        for (gate, served) in &mut self.gates {
            served.assignment = self.venue.assignment(*gate, epoch)?;
        }
        self.list.begin_again(&self.venue, epoch, &self.seats, now)?;
        self.feed.begin_again(&self.venue, epoch, &self.journals, now)?;
        self.findings = self.found_at_once()?;
        self.restored = Some(now + AWAY);
        Ok(())
    }
}
