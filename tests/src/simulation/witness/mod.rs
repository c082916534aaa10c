//! Who looks on, and knows all: what was shown, what was answered, and whether it may be so. Owns the invariants of a run.
//!
//! - No gate let more in with a seat, nor more through, than it has places, but for those whom a supervisor let in; a strict seat came in at one
//!   gate; nobody was forgiven twice.
//! - Nothing was taken back but the last that passed, within five minutes, twice at most, and not where the arm had turned; whom staff took back
//!   comes in again there. An undo that reached validation within a quarter of an hour is believed, and no other: a gate that was cut off for longer
//!   between an admission and its undo is not, and is found (`unproved`), honest as it is.
//! - No gate that had heard of an admission elsewhere, or whose list forbade it, let a seat in by itself. A good one was refused nowhere that a
//!   calendar was not set wrong, but while its gate was misled by what a stolen key says of it, or others had been asked about it; who came late with
//!   a strict ticket came in.
//! - No live ticket opened by a picture or without a clock, and none whose holder had just signed it was called stale where the cloud had set the
//!   clock; such a clock was never off by three seconds.
//! - Who came in with a single seat came in at no second gate where both had been in touch with the cloud, without a break, for five minutes
//!   since.
//! - Every row that was shown is at validation, in one whole chain; all gates hold the newest of everything, and count of every seat what validation
//!   counts and who stood there saw.
//! - Each double admission is one finding that counts it whole, and each overruling. Who came in two minutes after the ticket was withdrawn, at a gate
//!   whose clock was right, is found, and who came in where staff had taken them back.
//! - Of what the stolen key invented nothing is believed, that gate is the one that is missed, and honest gates have no finding of the kind. Where a
//!   gate that was put back wrote other rows than validation had, both know it, it is found, and that gate lets nobody in.

mod end;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use countermark_gate::rehearsal::Ruled;
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Slot};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::counts::Counts;
use super::happening::{Office, Shown};
use super::laws::is_about_a_proof;
use super::tally::Tally;

pub(super) use self::end::{agrees, reaches, settled};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Witness {
    answers: Vec<Answer>,
    /// Rows that say what staff did.
    deeds: Vec<(GateId, u64)>,
    /// Whom each gate let in, and who went through.
    pub(super) tally: Tally,
    admitted: BTreeMap<Slot, BTreeSet<GateId>>,
    disturbed: BTreeSet<Slot>,
    withdrawn: BTreeSet<Slot>,
    taken_back: BTreeSet<Slot>,
    wrong_clocks: BTreeSet<GateId>,
    /// The gate that was carried off, and how far its journal was its own.
    lost: Option<(GateId, u64)>,
    /// The gate whose disk was put back, and how many rows were on it.
    put_back: Option<(GateId, u64)>,
    /// Whether validation had other rows already that it then wrote.
    forks: bool,
    /// Seats of which whoever has it said, with a ticket, that they came in.
    misled: BTreeSet<Slot>,
    /// Seats about which the others were asked.
    claimed: BTreeSet<(Slot, GateId)>,
    /// How much of everything there was: a run in which nothing happens proves nothing.
    pub(super) counts: Counts,
}

/// What a gate said of something that was shown.
struct Answer {
    gate: GateId,
    ruled: Ruled,
    /// When, by a right clock.
    when: Timestamp,
    /// What was shown, where it was a ticket.
    shown: Option<Shown>,
}

impl Witness {
    /// Something became of the seat: who is let in with it depends on who has heard of that.
    pub(super) fn disturbed(&mut self, slot: Slot, act: Office) {
        self.disturbed.insert(slot);
        match act {
            Office::Revoke | Office::Transfer => drop(self.withdrawn.insert(slot)),
            Office::Block | Office::Unblock => {}
        }
    }

    /// Rows of that gate may tell another time than the right one.
    pub(super) fn has_a_wrong_clock(&mut self, gate: GateId) {
        self.wrong_clocks.insert(gate);
    }

    /// Sees a gate carried off, with so many rows on its disk.
    pub(super) fn lost(&mut self, gate: GateId, rows: u64) {
        self.lost = Some((gate, rows));
        self.tally.lost(gate);
    }

    /// Sees the disk of a gate put back, with so many rows on it; validation has its journal up to some row.
    pub(super) fn put_back(&mut self, gate: GateId, rows: u64, known: u64) {
        self.put_back = Some((gate, rows));
        self.forks = known > rows;
        self.counts.put_back += 1;
        self.tally.lost(gate);
    }

    /// Whether that gate's disk was put back.
    pub(super) fn was_put_back(&self, gate: GateId) -> bool {
        self.put_back.is_some_and(|(of, _)| of == gate)
    }

    /// Sees an admission that never was.
    pub(super) fn invented(&mut self, slot: Slot, with_ticket: bool) {
        self.counts.invented += 1;
        if with_ticket {
            self.misled.insert(slot);
        }
    }

    /// Sees that the others are asked about a seat: until the row that ends the claim has arrived it may count as used there.
    pub(super) fn asked(&mut self, gate: GateId, slot: Slot) {
        self.claimed.insert((slot, gate));
    }

    fn was_asked_about(&self, slot: Slot) -> bool {
        self.claimed.range((slot, GateId(0))..=(slot, GateId(u32::MAX))).next().is_some()
    }

    /// Whether a seat has every right to come in, as far as anybody knows, and has not.
    pub(super) fn is_awaited(&self, slot: Slot) -> bool {
        let came = self.admitted.get(&slot).is_some_and(|gates| !gates.is_empty());
        // What was granted to a gate whose disk was put back, nobody can tell the end of but who suspends it.
        let kept = self.put_back.is_some_and(|(gate, _)| self.claimed.contains(&(slot, gate)));
        !came && !kept && !self.disturbed.contains(&slot)
    }

    /// Whether who is let in with a seat depends on more than who has come in with it.
    pub(super) fn is_disturbed(&self, slot: Slot) -> bool {
        self.disturbed.contains(&slot) || self.taken_back.contains(&slot) || self.misled.contains(&slot)
    }

    /// Sees the answer to a ticket. `right` says that nothing was ever wrong with that box's clocks, and that it has heard whose rows do not count.
    pub(super) fn saw(
        &mut self,
        gate: GateId,
        shown: Shown,
        (right, heard): (bool, bool),
        ruled: Ruled,
        when: Timestamp,
    ) -> anyhow::Result<()> {
        self.counts.scans += 1;
        self.answered(gate, Some(shown), ruled, when)?;
        let slot = shown.slot;
        if ruled.opens {
            self.tally.opened((gate, slot), shown.direction, ruled)?;
        }
        if shown.direction == Direction::Exit || ruled.reason == Reason::CannotDecide {
            return Ok(());
        }
        let asked_about = self.was_asked_about(slot);
        let passed_at = self.admitted.entry(slot).or_default();
        if ruled.opens {
            self.counts.admissions += 1;
            let [_, _, forgiven] = &mut self.counts.staff;
            *forgiven += u64::from(ruled.reason == Reason::Forgiven);
            passed_at.insert(gate);
            self.counts.doubles += u64::from(passed_at.len() == 2);
            return Ok(());
        }
        let is_known = self.disturbed.contains(&slot) || (self.misled.contains(&slot) && !heard) || asked_about;
        // Whom staff took back is as good as before: here; elsewhere nobody may have heard of it.
        let is_free = passed_at.iter().all(|at| *at == gate && self.tally.is_empty((gate, slot)));
        if right && is_free && !is_known && !is_about_a_proof(ruled.reason) {
            anyhow::bail!("seat {slot} was refused at gate {gate} for {:?}, at {when}: it is good", ruled.reason);
        }
        Ok(())
    }

    /// Sees an answer of which nothing but its row matters.
    pub(super) fn answered(
        &mut self,
        gate: GateId,
        shown: Option<Shown>,
        ruled: Ruled,
        when: Timestamp,
    ) -> anyhow::Result<()> {
        if self.was_put_back(gate) && ruled.sequence.is_none() {
            ensure!(!ruled.opens, "gate {gate} opened, and could not write");
            return Ok(());
        }
        ensure!(ruled.sequence.is_some(), "gate {gate} could not write");
        self.answers.push(Answer { gate, ruled, when, shown });
        Ok(())
    }

    /// Sees that a supervisor lets somebody in.
    pub(super) fn overruled(&mut self, gate: GateId, slot: Slot, ruled: Ruled, when: Timestamp) -> anyhow::Result<()> {
        let [_, overruled, _] = &mut self.counts.staff;
        *overruled += 1;
        self.counts.admissions += 1;
        self.admitted.entry(slot).or_default().insert(gate);
        self.tally.opened((gate, slot), Direction::Entry, ruled)?;
        self.tally.went((gate, slot), ruled.persons)?;
        self.answered(gate, None, ruled, when)
    }

    /// Sees the row that takes an admission back, by which nobody went.
    pub(super) fn taken_back(&mut self, (gate, slot): (GateId, Slot), row: u64, written: u64) -> anyhow::Result<()> {
        let [taken_back, ..] = &mut self.counts.staff;
        *taken_back += 1;
        self.taken_back.insert(slot);
        self.deeds.push((gate, written));
        self.tally.taken_back((gate, slot), row)
    }

    /// Sees a row that says how an admission ended.
    pub(super) fn confirmed(&mut self, gate: GateId, row: u64) {
        self.deeds.push((gate, row));
    }
}
