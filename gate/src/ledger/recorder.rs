//! Writing rows: what a scan's row and an act's row say, hashed onto the one before. Owns no transaction and no decision.

use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, LaneId};
use countermark_shared::journal::{Act, Actor, BootId, JournalRow, Subject};
use countermark_shared::verdict::{Reason, Verdict};

use super::judge::{Grounds, Judgement};
use super::outcomes::Outcomes;
use super::{LedgerError, store};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Moment;
use crate::input::RawScan;

/// Writes within a transaction that is not its own.
#[derive(Clone, Copy)]
pub(super) struct Recorder<'a> {
    pub(super) gate: GateId,
    pub(super) boot: BootId,
    pub(super) grounds: Grounds<'a>,
    pub(super) outcomes: &'a Outcomes,
}

impl Recorder<'_> {
    /// Writes the verdict of a scan: the first, or the one after a claim.
    pub(super) fn record(
        &self,
        scan: &RawScan,
        judgement: Judgement,
        act: Option<Act>,
        now: Moment,
    ) -> Result<Announcement, LedgerError> {
        let mut row = JournalRow { act, ..self.verdict(scan, &judgement) };
        self.append(&mut row, judgement.proof.as_deref())?;
        Ok(Announcement {
            sequence: Some(row.sequence),
            lane: scan.lane,
            source: scan.source.clone(),
            at: row.at,
            ruling: Ruling::new(judgement.verdict, &row.subject),
            announced: now.uptime,
            holder: judgement.holder,
        })
    }

    /// The verdict of a scan as a row that has no number yet.
    pub(super) fn verdict(&self, scan: &RawScan, judgement: &Judgement) -> JournalRow {
        self.said(scan.lane, judgement.subject.clone(), &judgement.verdict)
    }

    /// The same of what was said at a lane about anything.
    pub(super) fn said(&self, lane: LaneId, subject: Subject, verdict: &Verdict) -> JournalRow {
        let Grounds { connection: _, documents, names: _, lanes: _, clock } = self.grounds;
        JournalRow {
            gate: self.gate,
            sequence: 0,
            boot: self.boot,
            at: clock.now,
            clock: clock.state,
            lane,
            direction: documents.direction(lane).unwrap_or(Direction::Entry),
            subject,
            persons: verdict.persons,
            actor: Actor::Gate,
            reason: verdict.reason,
            proved: verdict.remembers(),
            documents: documents.revisions(),
            act: None,
        }
    }

    /// Writes what was done about the ticket of a row, by which nobody passes. The answer is the number of the row that says so.
    pub(super) fn act(&self, about: &JournalRow, actor: Actor, act: Act) -> Result<u64, LedgerError> {
        let reason = match act {
            Act::Hold | Act::Release => Reason::Blocked,
            Act::Undo { .. }
            | Act::Actuated { .. }
            | Act::Overrule { .. }
            | Act::Claim { .. }
            | Act::Claimed { .. } => about.reason,
        };
        let mut row = JournalRow { persons: 0, actor, reason, proved: false, act: Some(act), ..self.now(about) };
        self.append(&mut row, None)?;
        Ok(row.sequence)
    }

    /// A row about another one's ticket, written now.
    pub(super) fn now(&self, about: &JournalRow) -> JournalRow {
        let Grounds { connection: _, documents, names: _, lanes: _, clock } = self.grounds;
        JournalRow {
            gate: self.gate,
            boot: self.boot,
            at: clock.now,
            clock: clock.state,
            documents: documents.revisions(),
            ..about.clone()
        }
    }

    /// Gives a row the next number, and writes it. Of an entry it is not known yet that people pass, nor of an exit where an output will tell.
    pub(super) fn append(&self, row: &mut JournalRow, ticket: Option<&str>) -> Result<(), LedgerError> {
        let connection = self.grounds.connection;
        let head = store::head(connection)?;
        row.sequence = head.sequence + 1;
        store::append(connection, row, head.hash, ticket)?;
        if row.persons > 0 && (row.direction == Direction::Entry || self.outcomes.are_told_at(row.lane)) {
            store::put_unfinished(connection, row.sequence)?;
        }
        Ok(())
    }
}
