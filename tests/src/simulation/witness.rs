//! Who looks on, and knows all: what was shown, what was answered, and whether it may be so. Owns the invariants of a run.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{Gate, Ruled, View};
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use countermark_validation::rehearsal::Journals;

use super::cloud::{Arrived, Cloud};
use super::counts::Counts;
use super::findings::Truth;
use super::happening::{Office, Proof, Shown};
use super::laws::{allowed, fresh, in_time, is_about_a_proof, is_admission, isolated, says, slot};
use super::tally::Tally;
use super::venue::{EVENT, Kind};

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

    /// What must be true in the end of a gate whose disk was put back: where it has written other rows than validation had, both know it, and the
    /// gate lets nobody in.
    pub(super) fn forked(&self, gate: GateId, view: &View, cloud: &Cloud) -> anyhow::Result<()> {
        ensure!(view.unsettled == 0, "{} rows were never answered for", view.unsettled);
        ensure!(view.refused.is_empty(), "documents are refused: {:?}", view.refused);
        cloud.is_newest(gate, &view.documents).context("the gate does not hold what is true")?;
        let wrote = self.put_back.is_some_and(|(_, rows)| view.rows > rows);
        if self.forks && wrote {
            ensure!(view.contested > 0 && !view.is_whole, "the gate does not know that its disk was put back");
        }
        ensure!((view.contested > 0) == (cloud.journals.aside(gate) > 0), "the gate and validation disagree on a fork");
        let found = cloud.findings.has_fork(gate);
        ensure!(found == (cloud.journals.aside(gate) > 0), "a fork of gate {gate} is found, or none: {found}");
        Ok(())
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
        if right && passed_at.is_empty() && !is_known && !is_about_a_proof(ruled.reason) {
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
    pub(super) fn taken_back(&mut self, gate: GateId, slot: Slot, row: u64) {
        let [taken_back, ..] = &mut self.counts.staff;
        *taken_back += 1;
        self.taken_back.insert(slot);
        self.tally.taken_back((gate, slot));
        self.deeds.push((gate, row));
    }

    /// Sees a row that says how an admission ended.
    pub(super) fn confirmed(&mut self, gate: GateId, row: u64) {
        self.deeds.push((gate, row));
    }

    /// What must be true of all rows in the end.
    pub(super) fn told(&mut self, cloud: &Cloud) -> anyhow::Result<()> {
        let own = |row: &&JournalRow| !self.lost.is_some_and(|(gate, rows)| row.gate == gate && row.sequence > rows);
        let is_lost = |gate| self.lost.is_some_and(|(lost, _)| lost == gate);
        let mut admissions = 0;
        let put_back = |gate: GateId| self.put_back.is_some_and(|(of, _)| of == gate);
        for Answer { gate, ruled, when, shown } in self.answers.iter().filter(|answer| !put_back(answer.gate)) {
            let sequence = ruled.sequence.unwrap_or_default();
            let stored = cloud.journals.row(*gate, sequence);
            // What was not sent when a box is carried off is in other hands.
            if stored.is_none() && is_lost(*gate) {
                continue;
            }
            let stored = stored.with_context(|| format!("row {sequence} of gate {gate} was shown, and is lost"))?;
            ensure!(says(&stored.row, ruled), "row {sequence} of gate {gate} says another thing than was shown");
            admissions += u64::from(is_admission(&stored.row));
            let row = || format!("row {sequence} of gate {gate} at {when}");
            in_time(&stored.row, *when).with_context(row)?;
            if let Some(shown) = shown.filter(|shown| Kind::of(shown.slot) == Kind::Live) {
                fresh(&stored.row, shown.proof).with_context(row)?;
                let [live, stale] = &mut self.counts.live;
                *live += u64::from(ruled.opens);
                *stale += u64::from(!ruled.opens && matches!(shown.proof, Proof::Picture { .. }));
            }
        }
        for (gate, sequence) in self.deeds.iter().filter(|(gate, _)| !put_back(*gate)) {
            let stored = cloud.journals.row(*gate, *sequence);
            if stored.is_none() && is_lost(*gate) {
                continue;
            }
            let act = stored.and_then(|stored| stored.row.act);
            ensure!(act.is_some(), "row {sequence} of gate {gate} said what staff did, and is lost");
        }
        let rows = || cloud.journals.gates().flat_map(|gate| cloud.journals.rows(gate));
        rows().try_for_each(|stored| allowed(stored, cloud))?;
        let believed = || rows().filter(|stored| stored.believed).map(|stored| &stored.row);
        ensure!(believed().all(|row| own(&row)), "what was invented is believed");
        let undone: BTreeSet<_> = rows().filter_map(|it| Some((it.row.gate, it.row.undoes()?))).collect();
        let mut entries = BTreeMap::<_, Vec<_>>::new();
        for row in believed().filter(|row| is_admission(row)) {
            entries.entry(slot(row)).or_default().push(row);
        }
        entries.values().try_for_each(|entries| isolated(entries, &undone, cloud))?;
        let told =
            rows().map(|stored| &stored.row).filter(own).filter(|row| is_admission(row) && !put_back(row.gate)).count()
                as u64;
        ensure!(told == admissions, "{told} admissions are told of {admissions}");
        let late = cloud.journals.gates().filter(|gate| cloud.journals.has_undone_late(*gate));
        let doubtful: BTreeSet<_> =
            [self.lost, self.put_back].into_iter().flatten().map(|(gate, _)| gate).chain(late).collect();
        for gate in doubtful.iter().copied() {
            let aside = cloud.journals.set_aside(gate);
            self.tally.keep_to(gate, believed().filter(|row| row.gate == gate), aside);
        }
        for slot in cloud.slots() {
            let (told, seen) = (cloud.journals.passed(slot), self.tally.all(slot));
            let agree = (told.admitted, told.left) == (seen.admitted, seen.left);
            ensure!(agree, "validation counts {told:?} of seat {slot}, and who stood there {seen:?}");
        }
        ensure!(cloud.findings == cloud.found_at_once()?, "what was found depends on the order of arrival");
        let Self { tally, withdrawn, taken_back, wrong_clocks, lost, put_back, counts, .. } = self;
        let [lost, put_back] = [*lost, *put_back].map(|gate| gate.map(|(gate, _)| gate));
        let (slots, invented) = (cloud.slots(), counts.invented);
        let truth =
            Truth { slots, tally, wrong_clocks, withdrawn, taken_back, lost, put_back, doubtful: &doubtful, invented };
        cloud.findings.tell_the_truth(&truth)?;
        ensure!(
            cloud.missed() == cloud.lost.map(|lost| lost.gate).into_iter().collect::<Vec<_>>(),
            "another gate is missed"
        );
        self.counts.findings = cloud.findings.count();
        self.counts.uploads =
            cloud.arrived.iter().filter(|(_, arrived)| matches!(arrived, Arrived::Upload { .. })).count() as u64;
        Ok(())
    }
}

/// Whether a gate counts of every seat what validation counts.
pub(super) fn agrees(gate: &Gate, cloud: &Cloud) -> anyhow::Result<()> {
    for slot in cloud.slots() {
        let ((own, others), all) = (gate.passed(EVENT, slot)?, cloud.journals.passed(slot));
        let counted = (own.admitted + others.admitted, own.left + others.left);
        ensure!(counted == (all.admitted, all.left), "the gate counts {counted:?} of seat {slot}, validation {all:?}");
    }
    Ok(())
}

/// What must be true of a gate in the end.
pub(super) fn settled(gate: GateId, view: &View, cloud: &Cloud) -> anyhow::Result<()> {
    ensure!(view.unsettled == 0, "{} rows were never answered for", view.unsettled);
    let is_late = cloud.journals.has_undone_late(gate);
    ensure!((view.contested > 0) == is_late, "{} rows were put aside", view.contested);
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
        // What a gate took back is told at once, or believed by nobody but itself.
        ensure!(stored.believed || stored.row.undoes().is_some(), "row {sequence} is not believed");
        last = sequence;
    }
    ensure!(journals.aside(gate) == 0, "{} rows were put aside", journals.aside(gate));
    Ok((last, chain))
}
