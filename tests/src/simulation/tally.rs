//! Who stands beside each gate and counts: whom it let in, who went through, whom staff took back. Owns what must be true of one gate and one seat at
//! every moment, whatever other gates do.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use countermark_gate::rehearsal::Ruled;
use countermark_shared::decision::Passages;
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::{JournalRow, Subject};
use countermark_shared::verdict::Reason;

use super::venue::Kind;

/// How often staff take one seat back at one gate, where nobody's PIN allows more.
const MOST_TAKEN_BACK: u32 = 2;

/// What was counted of all gates and seats.
#[derive(Default)]
pub(super) struct Tally {
    counts: BTreeMap<(Slot, GateId), Count>,
    /// The rows of each by which somebody was let in, or out, and was not taken back.
    passages: BTreeMap<(Slot, GateId), Vec<u64>>,
    /// Seats that came in where staff had taken them back.
    returned: BTreeSet<(Slot, GateId)>,
    /// Gates of which nobody can say any more whom they let in.
    beyond: BTreeSet<GateId>,
}

/// Of one seat at one gate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// Persons whom rows let in, but for those who were taken back.
    pub(super) admitted: u32,
    /// Persons of whom rows say that they left after an entry.
    pub(super) left: u32,
    /// How often the gate by itself let somebody in for the first time, but for what was taken back.
    pub(super) admissions: u32,
    /// How often a supervisor did.
    pub(super) overruled: u32,
    /// Persons whom a supervisor let in.
    overruled_persons: u32,
    /// How often somebody was let in once more, since nobody had gone through.
    forgiven: u32,
    /// Persons who went through.
    through: u32,
    /// Whether somebody went through when somebody was let in last.
    went: bool,
    /// How often staff took somebody back.
    taken_back: u32,
}

impl Tally {
    /// Sees a ticket open the gate, or let somebody out.
    pub(super) fn opened(
        &mut self,
        (gate, slot): (GateId, Slot),
        direction: Direction,
        ruled: Ruled,
    ) -> anyhow::Result<()> {
        let (count, places) = (self.counts.entry((slot, gate)).or_default(), u32::from(Kind::of(slot).places().get()));
        let persons = u32::from(ruled.persons);
        self.passages.entry((slot, gate)).or_default().extend(ruled.sequence);
        if direction == Direction::Entry && count.taken_back > 0 {
            self.returned.insert((slot, gate));
        }
        count.went &= direction == Direction::Exit;
        match (direction, ruled.reason) {
            (Direction::Exit, Reason::Exit) => count.left += persons,
            (Direction::Exit, _) => {}
            (Direction::Entry, Reason::Forgiven) => {
                count.forgiven += 1;
                let tries = count.admissions + count.overruled;
                let known = self.beyond.contains(&gate);
                ensure!(known || count.forgiven <= tries, "gate {gate} forgave seat {slot} {} times", count.forgiven);
            }
            (Direction::Entry, Reason::Overruled) => {
                count.overruled += 1;
                (count.admitted, count.overruled_persons) =
                    (count.admitted + persons, count.overruled_persons + persons);
            }
            (Direction::Entry, _) => {
                (count.admissions, count.admitted) = (count.admissions + 1, count.admitted + persons);
                let (admitted, reason) = (count.admitted, ruled.reason);
                let known = self.beyond.contains(&gate);
                ensure!(
                    known || admitted <= places,
                    "seat {slot} was admitted at gate {gate} once too often, as {reason:?}"
                );
                let elsewhere = self.gates(slot).find(|(of, count)| *of != gate && count.admissions > 0);
                if let Some((of, _)) = elsewhere.filter(|_| Kind::of(slot) == Kind::Strict) {
                    ensure!(
                        known || self.beyond.contains(&of),
                        "strict seat {slot} was admitted at gates {of} and {gate}"
                    );
                }
            }
        }
        Ok(())
    }

    /// Sees persons go through.
    pub(super) fn went(&mut self, (gate, slot): (GateId, Slot), persons: u8) -> anyhow::Result<()> {
        let (count, places) = (self.counts.entry((slot, gate)).or_default(), u32::from(Kind::of(slot).places().get()));
        (count.through, count.went) = (count.through + u32::from(persons), true);
        let (through, may) = (count.through, places + count.overruled_persons);
        let known = self.beyond.contains(&gate);
        ensure!(known || through <= may, "{through} went through gate {gate} with seat {slot}, which is for {places}");
        Ok(())
    }

    /// Whether anybody went through when somebody was let in last.
    pub(super) fn has_gone(&self, (gate, slot): (GateId, Slot)) -> bool {
        self.of(gate, slot).went
    }

    /// Whether nobody was let in after that row, or out.
    pub(super) fn is_last(&self, (gate, slot): (GateId, Slot), row: u64) -> bool {
        self.passages.get(&(slot, gate)).and_then(|rows| rows.last()) == Some(&row)
    }

    /// Whether by all that was seen there nobody was let in, or everybody was taken back.
    pub(super) fn is_empty(&self, (gate, slot): (GateId, Slot)) -> bool {
        self.passages.get(&(slot, gate)).is_none_or(Vec::is_empty)
    }

    /// Hears that staff took an admission back by which nobody went. Only the last can be, and no more than two of a seat where no supervisor is asked.
    pub(super) fn taken_back(&mut self, (gate, slot): (GateId, Slot), row: u64) -> anyhow::Result<()> {
        let (known, is_last) = (self.beyond.contains(&gate), self.is_last((gate, slot), row));
        ensure!(known || is_last, "gate {gate} took back row {row} of seat {slot}, and not the last");
        self.passages.entry((slot, gate)).or_default().pop_if(|last| *last == row);
        let count = self.counts.entry((slot, gate)).or_default();
        count.taken_back += 1;
        let times = count.taken_back;
        ensure!(known || times <= MOST_TAKEN_BACK, "gate {gate} took seat {slot} back {times} times");
        count.admitted = count.admitted.saturating_sub(Kind::of(slot).places().get().into());
        count.admissions = count.admissions.saturating_sub(1);
        Ok(())
    }

    /// What a gate let in before it was carried off, or its disk put back, may be unknown to everybody else, and to itself.
    pub(super) fn lost(&mut self, gate: GateId) {
        self.beyond.insert(gate);
    }

    /// Counts of a gate that is lost what is left of its journal, and who was let in by rows that stand aside.
    pub(super) fn keep_to<'a>(
        &mut self,
        gate: GateId,
        rows: impl Iterator<Item = &'a JournalRow>,
        aside: impl Iterator<Item = &'a JournalRow>,
    ) {
        self.counts.retain(|(_, of), _| *of != gate);
        let mut told = BTreeMap::<Slot, Vec<JournalRow>>::new();
        for row in rows {
            if let Subject::Ticket { slot, .. } = row.subject {
                told.entry(slot).or_default().push(row.clone());
            }
        }
        for (slot, rows) in told {
            let passed = Passages::of(&rows, None);
            let undone: Vec<_> = rows.iter().filter_map(JournalRow::undoes).collect();
            let entries = rows.iter().filter(|row| row.direction == Direction::Entry && row.persons > 0);
            let standing = entries.filter(|row| !undone.contains(&row.sequence));
            let mut count = Count { admitted: passed.admitted, left: passed.left, ..Count::default() };
            for row in standing.filter(|row| row.reason != Reason::Forgiven) {
                let by = if row.reason == Reason::Overruled { &mut count.overruled } else { &mut count.admissions };
                *by += 1;
            }
            self.counts.insert((slot, gate), count);
        }
        for row in aside.filter(|row| row.direction == Direction::Entry && row.persons > 0) {
            if let (Subject::Ticket { slot, .. }, false) = (&row.subject, row.reason == Reason::Forgiven) {
                let count = self.counts.entry((*slot, gate)).or_default();
                let by = if row.reason == Reason::Overruled { &mut count.overruled } else { &mut count.admissions };
                *by += 1;
            }
        }
    }

    /// Seats that came in at gates where staff had taken them back before.
    pub(super) fn returned(&self) -> impl Iterator<Item = (Slot, GateId)> {
        self.returned.iter().copied()
    }

    /// What was counted of a seat at a gate.
    pub(super) fn of(&self, gate: GateId, slot: Slot) -> Count {
        self.counts.get(&(slot, gate)).copied().unwrap_or_default()
    }

    fn gates(&self, slot: Slot) -> impl Iterator<Item = (GateId, Count)> {
        self.counts.range((slot, GateId(0))..=(slot, GateId(u32::MAX))).map(|((_, gate), count)| (*gate, *count))
    }

    /// Over all gates.
    pub(super) fn all(&self, slot: Slot) -> Count {
        self.gates(slot).fold(Count::default(), |all, (_, count)| Count {
            admitted: all.admitted + count.admitted,
            left: all.left + count.left,
            admissions: all.admissions + count.admissions,
            overruled: all.overruled + count.overruled,
            ..all
        })
    }
}
