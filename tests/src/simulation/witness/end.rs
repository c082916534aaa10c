//! What must be true in the end: of every gate, of every row that was shown, and of what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{Gate, View};
use countermark_shared::decision::Passages;
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{ChainHash, JournalRow};
use countermark_shared::verdict::Reason;
use countermark_validation::rehearsal::Journals;

use super::super::cloud::{Arrived, Cloud};
use super::super::findings::Truth;
use super::super::happening::Proof;
use super::super::laws::{allowed, fresh, in_time, is_admission, isolated, says, slot, undone_rightly};
use super::super::venue::{EVENT, Kind};
use super::{Answer, Witness};

/// So much later even a clock that is a little wrong tells a later time.
const CLEARLY: Duration = Duration::from_mins(2);

impl Witness {
    /// What must be true in the end of a gate whose disk was put back: where it has written other rows than validation had, both know it, and the
    /// gate lets nobody in.
    pub(in super::super) fn forked(&self, gate: GateId, view: &View, cloud: &Cloud) -> anyhow::Result<()> {
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

    /// What must be true of all rows in the end, and of what was found in them.
    pub(in super::super) fn told(&mut self, cloud: &Cloud) -> anyhow::Result<()> {
        let admissions = self.shown(cloud)?;
        let own = |row: &&JournalRow| !self.lost.is_some_and(|(gate, rows)| row.gate == gate && row.sequence > rows);
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
        let told = rows().map(|stored| &stored.row).filter(own).filter(|row| is_admission(row));
        let told = told.filter(|row| !self.was_put_back(row.gate)).count() as u64;
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
        self.found(cloud, &undone, &doubtful)
    }

    /// Every row that was shown is there and says what was shown; the answer is how many of them let somebody in.
    fn shown(&mut self, cloud: &Cloud) -> anyhow::Result<u64> {
        let is_lost = |gate| self.lost.is_some_and(|(lost, _)| lost == gate);
        let (mut admissions, [mut live, mut stale]) = (0, [0, 0]);
        for Answer { gate, ruled, when, shown } in self.answers.iter().filter(|it| !self.was_put_back(it.gate)) {
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
                live += u64::from(ruled.opens);
                stale += u64::from(!ruled.opens && matches!(shown.proof, Proof::Picture { .. }));
            }
        }
        for (gate, sequence) in self.deeds.iter().filter(|(gate, _)| !self.was_put_back(*gate)) {
            let stored = cloud.journals.row(*gate, *sequence);
            if stored.is_none() && is_lost(*gate) {
                continue;
            }
            let act = stored.and_then(|stored| stored.row.act);
            ensure!(act.is_some(), "row {sequence} of gate {gate} said what staff did, and is lost");
        }
        self.counts.live = [live, stale];
        Ok(admissions)
    }

    /// What was found is what happened.
    fn found(
        &mut self,
        cloud: &Cloud,
        undone: &BTreeSet<(GateId, u64)>,
        doubtful: &BTreeSet<GateId>,
    ) -> anyhow::Result<()> {
        ensure!(cloud.findings == cloud.found_at_once()?, "what was found depends on the order of arrival");
        let used_late = self.used_late(cloud, undone, doubtful);
        let returned = self.tally.returned().filter(|(_, gate)| !doubtful.contains(gate)).map(|(slot, _)| slot);
        let returned = returned.collect();
        let Self { tally, withdrawn, taken_back, wrong_clocks, lost, put_back, counts, .. } = self;
        let [lost, put_back] = [*lost, *put_back].map(|gate| gate.map(|(gate, _)| gate));
        let (slots, invented) = (cloud.slots(), counts.invented);
        counts.used_late += used_late.len() as u64;
        let truth = Truth {
            slots,
            tally,
            wrong_clocks,
            withdrawn,
            used_late,
            taken_back,
            returned,
            lost,
            doubtful,
            put_back,
            invented,
        };
        cloud.findings.tell_the_truth(&truth)?;
        ensure!(
            cloud.missed() == cloud.lost.map(|lost| lost.gate).into_iter().collect::<Vec<_>>(),
            "another gate is missed"
        );
        counts.findings = cloud.findings.count();
        let uploads = cloud.arrived.iter().filter(|(_, arrived)| matches!(arrived, Arrived::Upload { .. }));
        counts.uploads = uploads.count() as u64;
        Ok(())
    }

    /// Seats with which a gate whose clock was right let somebody in by itself when the ticket had been withdrawn for a while.
    fn used_late(
        &self,
        cloud: &Cloud,
        undone: &BTreeSet<(GateId, u64)>,
        doubtful: &BTreeSet<GateId>,
    ) -> BTreeSet<Slot> {
        let is_late = |answer: &&Answer| {
            let Answer { gate, ruled, when, shown: Some(shown) } = answer else { return false };
            let Some(seat) = cloud.seat(shown.slot) else { return false };
            let replaced = (shown.generation < seat.generation).then_some(seat.since);
            let withdrawn = seat.revoked.into_iter().chain(replaced).any(|since| *when > since + CLEARLY);
            let by_itself = ruled.opens && shown.direction == Direction::Entry && ruled.reason != Reason::Forgiven;
            let stands = ruled.sequence.is_some_and(|row| !undone.contains(&(*gate, row)));
            withdrawn && by_itself && stands && !self.wrong_clocks.contains(gate) && !doubtful.contains(gate)
        };
        self.answers.iter().filter(is_late).filter_map(|answer| Some(answer.shown?.slot)).collect()
    }
}

/// Whether a gate counts of every seat what validation counts.
pub(in super::super) fn agrees(gate: &Gate, passed: &[(Slot, Passages)]) -> anyhow::Result<()> {
    for (slot, all) in passed {
        let (own, others) = gate.passed(EVENT, *slot)?;
        let counted = (own.admitted + others.admitted, own.left + others.left);
        ensure!(counted == (all.admitted, all.left), "the gate counts {counted:?} of seat {slot}, validation {all:?}");
    }
    Ok(())
}

/// What must be true of a gate in the end.
pub(in super::super) fn settled(gate: GateId, view: &View, cloud: &Cloud) -> anyhow::Result<()> {
    ensure!(view.unsettled == 0, "{} rows were never answered for", view.unsettled);
    let is_late = cloud.journals.has_undone_late(gate);
    ensure!((view.contested > 0) == is_late, "{} rows were put aside", view.contested);
    ensure!(view.refused.is_empty(), "documents are refused: {:?}", view.refused);
    cloud.is_newest(gate, &view.documents).context("the gate does not hold what is true")?;
    undone_rightly(cloud.journals.rows(gate))?;
    ensure!(reaches(&cloud.journals, gate)? == (view.rows, view.chain), "validation has other rows than the gate");
    Ok(())
}

/// How far a gate's journal goes at validation; whether every row is there and follows on the one before.
pub(in super::super) fn reaches(journals: &Journals, gate: GateId) -> anyhow::Result<(u64, ChainHash)> {
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
