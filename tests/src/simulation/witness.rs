//! Who looks on, and knows all: what was shown, what was answered, and whether it may be so. Owns the invariants of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{Ruled, View};
use countermark_shared::documents::{Direction, SlotState};
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow, Subject};
use countermark_shared::verdict::Reason;
use countermark_validation::rehearsal::{Journals, Row};

use super::cloud::{Arrived, Cloud};
use super::findings::Truth;
use super::plan::{Office, Shown};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Witness {
    answers: Vec<(GateId, Ruled)>,
    admitted: BTreeMap<Slot, BTreeSet<GateId>>,
    disturbed: BTreeSet<Slot>,
    withdrawn: BTreeSet<Slot>,
    wrong_clocks: BTreeSet<GateId>,
    /// How much of everything there was: a run in which nothing happens proves nothing.
    pub(super) counts: Counts,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tickets and junk shown.
    pub scans: u64,
    /// Admissions.
    pub admissions: u64,
    /// Seats that passed at more than one gate.
    pub doubles: u64,
    /// Rows that were sent again after they had arrived.
    pub known: u64,
    /// Uploads.
    pub uploads: u64,
    /// Ends of a process or a machine.
    pub ends: u64,
    /// Exchanges of which one way was lost, doubled or late.
    pub faults: u64,
    /// Steps and snapshots of the list.
    pub revisions: u64,
    /// What settling found.
    pub findings: u64,
}

impl Counts {
    /// Both together.
    pub(super) fn add(&mut self, other: Self) {
        let Self { scans, admissions, doubles, known, uploads, ends, faults, revisions, findings } = other;
        self.scans += scans;
        self.admissions += admissions;
        self.doubles += doubles;
        self.known += known;
        self.uploads += uploads;
        self.ends += ends;
        self.faults += faults;
        self.revisions += revisions;
        self.findings += findings;
    }
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

    /// Sees the answer to a ticket. `right` says that nothing was ever wrong with that box's clocks.
    pub(super) fn saw(
        &mut self,
        gate: GateId,
        shown: Shown,
        right: bool,
        ruled: Ruled,
        when: Duration,
    ) -> anyhow::Result<()> {
        self.counts.scans += 1;
        self.answered(gate, ruled)?;
        let slot = shown.slot;
        if shown.direction == Direction::Exit || ruled.reason == Reason::CannotDecide {
            return Ok(());
        }
        let passed_at = self.admitted.entry(slot).or_default();
        if ruled.opens {
            self.counts.admissions += 1;
            ensure!(passed_at.insert(gate), "seat {slot} was admitted at gate {gate} a second time, after {when:?}");
            self.counts.doubles += u64::from(passed_at.len() == 2);
        } else if right && passed_at.is_empty() && !self.disturbed.contains(&slot) {
            anyhow::bail!("seat {slot} was refused at gate {gate} for {:?}, after {when:?}: it is good", ruled.reason);
        }
        Ok(())
    }

    /// Sees an answer of which nothing but its row matters.
    pub(super) fn answered(&mut self, gate: GateId, ruled: Ruled) -> anyhow::Result<()> {
        ensure!(ruled.sequence.is_some(), "gate {gate} could not write");
        self.answers.push((gate, ruled));
        Ok(())
    }

    /// What must be true of all rows in the end.
    pub(super) fn told(&mut self, cloud: &Cloud) -> anyhow::Result<()> {
        for (gate, ruled) in &self.answers {
            let sequence = ruled.sequence.unwrap_or_default();
            let stored = cloud.journals.row(*gate, sequence);
            let stored = stored.with_context(|| format!("row {sequence} of gate {gate} was shown, and is lost"))?;
            ensure!(says(&stored.row, ruled), "row {sequence} of gate {gate} says another thing than was shown");
        }
        let rows = || cloud.journals.gates().flat_map(|gate| cloud.journals.rows(gate));
        rows().try_for_each(|stored| allowed(stored, cloud))?;
        let mut entries = BTreeMap::<_, Vec<_>>::new();
        for row in rows().map(|stored| &stored.row).filter(|row| is_admission(row)) {
            entries.entry(slot(row)).or_default().push(row);
        }
        entries.values().try_for_each(|entries| isolated(entries, cloud))?;
        let admissions = rows().filter(|stored| is_admission(&stored.row)).count();
        ensure!(admissions as u64 == self.counts.admissions, "{admissions} admissions of {}", self.counts.admissions);
        ensure!(cloud.findings == cloud.found_at_once()?, "what was found depends on the order of arrival");
        let Self { admitted, withdrawn, wrong_clocks, .. } = self;
        cloud.findings.tell_the_truth(&Truth { admitted, wrong_clocks, withdrawn })?;
        self.counts.findings = cloud.findings.count();
        self.counts.uploads =
            cloud.arrived.iter().filter(|(_, arrived)| matches!(arrived, Arrived::Upload { .. })).count() as u64;
        Ok(())
    }
}

/// What must be true of a gate in the end.
pub(super) fn settled(gate: GateId, view: &View, cloud: &Cloud) -> anyhow::Result<()> {
    ensure!(view.unsettled == 0, "{} rows were never answered for", view.unsettled);
    ensure!(view.contested == 0, "{} rows were put aside", view.contested);
    ensure!(view.refused.is_empty(), "documents are refused: {:?}", view.refused);
    cloud.is_newest(gate, &view.documents).context("the gate does not hold what is true")?;
    ensure!(reaches(&cloud.journals, gate)? == (view.rows, view.chain), "validation has other rows than the gate");
    Ok(())
}

/// How far a gate's journal goes at validation; whether every row is there and follows on the one before.
pub(super) fn reaches(journals: &Journals, gate: GateId) -> anyhow::Result<(u64, ChainHash)> {
    let (mut last, mut chain) = (0, ChainHash::START);
    for stored in journals.rows(gate) {
        let sequence = stored.row.sequence;
        chain = chain.next(&stored.bytes);
        ensure!(sequence == last + 1, "row {} is missing", last + 1);
        ensure!(stored.after == chain && !stored.after_gap, "row {sequence} does not follow on the one before");
        ensure!(stored.believed, "row {sequence} is not believed");
        last = sequence;
    }
    ensure!(journals.aside(gate) == 0, "{} rows were put aside", journals.aside(gate));
    Ok((last, chain))
}

fn says(row: &JournalRow, ruled: &Ruled) -> bool {
    (row.reason, row.persons, row.at, slot(row)) == (ruled.reason, ruled.persons, ruled.at, ruled.slot)
}

fn slot(row: &JournalRow) -> Option<Slot> {
    match row.subject {
        Subject::Ticket { slot, .. } => Some(slot),
        Subject::Payload { .. } => None,
    }
}

/// Of the gates that admitted one seat none had heard of another that had: so many were isolated from each other, and no more were let in.
fn isolated(entries: &[&JournalRow], cloud: &Cloud) -> anyhow::Result<()> {
    for (one, other) in entries.iter().flat_map(|one| entries.iter().map(move |other| (one, other))) {
        let heard = cloud.feed.told_by(other.gate, other.sequence);
        let knew = one.gate != other.gate && heard.is_some_and(|batch| batch <= one.documents.feed_sequence);
        let (gate, sequence) = (one.gate, one.sequence);
        ensure!(!knew, "row {sequence} of gate {gate} admits {:?}, and the gate knew of {}", slot(one), other.gate);
    }
    Ok(())
}

fn is_admission(row: &JournalRow) -> bool {
    row.direction == Direction::Entry && row.persons > 0
}

/// No gate admits what the list it held forbids.
fn allowed(stored: &Row, cloud: &Cloud) -> anyhow::Result<()> {
    let row = &stored.row;
    let Subject::Ticket { slot, generation, .. } = row.subject else { return Ok(()) };
    if !is_admission(row) || row.documents.list_sequence == 0 {
        return Ok(());
    }
    let said = cloud.said(slot, row.documents.list_sequence);
    let may = matches!(said.state, SlotState::Good) && generation >= said.least_generation;
    let (gate, sequence) = (row.gate, row.sequence);
    ensure!(may, "row {sequence} of gate {gate} admits seat {slot}, of which the list then said {said:?}");
    Ok(())
}
