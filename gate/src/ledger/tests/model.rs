//! Scans, staff, outputs and power cuts in any order, against the people: at no time are more inside with a seat than it was granted, and
//! the gate never counts fewer than there are.

use super::*;
use countermark_shared::documents::{Direction, Lane};
use countermark_shared::id::{SupervisorId, Zones};
use countermark_shared::journal::{Actuation, OverruleReason};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An entry with an arm that tells whether it turned.
const ARM: LaneId = LaneId(1);
/// One where people go when the screen is green.
const DOOR: LaneId = LaneId(3);
const SLOTS: u32 = 3;
/// Of each ticket.
const PLACES: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A ticket is shown; if it is let in, people go through or turn back.
    Show {
        lane: LaneId,
        slot: u32,
        pass: bool,
    },
    /// The same, and the arm's device says that it did not open: it may have, or staff open by hand.
    ShowAndFail {
        slot: u32,
        pass: bool,
    },
    /// The same, and the box is cut off before anybody is told.
    ShowAndDie {
        lane: LaneId,
        slot: u32,
    },
    /// People go through, and the box is cut off before that is written.
    PassAndDie {
        lane: LaneId,
        slot: u32,
    },
    /// Staff take an admission of the slot back by which nobody went through, an old one too.
    Undo {
        slot: u32,
        back: usize,
    },
    /// A supervisor overrules the last refusal of the slot.
    Overrule {
        slot: u32,
        pass: bool,
    },
    Hold {
        slot: u32,
    },
    Release {
        slot: u32,
    },
    /// Staff say what they saw.
    Confirm {
        slot: u32,
    },
    Restart,
    Cut,
}

fn step() -> impl Strategy<Value = Step> {
    let lane = prop_oneof![Just(ARM), Just(DOOR)];
    let slot = 0..SLOTS;
    prop_oneof![
        6 => (lane.clone(), slot.clone(), any::<bool>()).prop_map(|(lane, slot, pass)| Step::Show { lane, slot, pass }),
        2 => (slot.clone(), any::<bool>()).prop_map(|(slot, pass)| Step::ShowAndFail { slot, pass }),
        1 => (lane.clone(), slot.clone()).prop_map(|(lane, slot)| Step::ShowAndDie { lane, slot }),
        1 => (lane, slot.clone()).prop_map(|(lane, slot)| Step::PassAndDie { lane, slot }),
        2 => (slot.clone(), 0_usize..3).prop_map(|(slot, back)| Step::Undo { slot, back }),
        2 => (slot.clone(), any::<bool>()).prop_map(|(slot, pass)| Step::Overrule { slot, pass }),
        1 => slot.clone().prop_map(|slot| Step::Hold { slot }),
        1 => slot.clone().prop_map(|slot| Step::Release { slot }),
        2 => slot.prop_map(|slot| Step::Confirm { slot }),
        1 => Just(Step::Restart),
        1 => Just(Step::Cut),
    ]
}

/// The gate, and what really happens before it.
struct World {
    bench: Bench,
    /// Whether people went through by an admission, by its row.
    passed: BTreeMap<u64, bool>,
    /// Persons inside, and persons whom supervisors let in, by slot.
    inside: BTreeMap<u32, u32>,
    overruled: BTreeMap<u32, u32>,
    held: BTreeMap<u32, bool>,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::synced();
        let mut wide = samples::assignment();
        wide.version = 2;
        wide.lanes.push(Lane { lane: DOOR, direction: Direction::Entry, zones: Zones(1) });
        bench.ledger().take(DocumentKind::Assignment, &samples::assignment_bytes(&wide), moment(DOORS)).unwrap();
        bench.ledger().is_told_at([ARM].into());
        let (passed, held) = (BTreeMap::new(), BTreeMap::new());
        Self { bench, passed, inside: BTreeMap::new(), overruled: BTreeMap::new(), held }
    }

    fn show(&mut self, lane: LaneId, slot: u32) -> Announcement {
        let scan = RawScan { lane, ..scan(&ticket(slot, 1)) };
        self.bench.ledger().scan(&[scan], moment(DOORS)).remove(0)
    }

    /// What people do once they are told.
    fn go(&mut self, said: &Announcement, slot: u32, pass: bool) {
        let row = said.sequence.unwrap();
        if !said.ruling.opens {
            return;
        }
        self.passed.insert(row, pass);
        if pass {
            *self.inside.entry(slot).or_default() += u32::from(said.ruling.persons);
        }
        if said.ruling.verdict == Reason::Overruled && pass {
            *self.overruled.entry(slot).or_default() += u32::from(said.ruling.persons);
        }
    }

    fn tell(&mut self, said: &Announcement, pass: bool) {
        if said.lane == ARM && said.ruling.opens {
            let told = if pass { Actuation::Turned } else { Actuation::NotTurned };
            self.bench.ledger().tell(said.sequence.unwrap(), told);
        }
    }

    fn restart(&mut self, clean: bool) {
        if clean {
            self.bench.reopen().unwrap();
        } else {
            self.bench.crash().unwrap();
        }
        self.bench.ledger().is_told_at([ARM].into());
    }

    /// The rows of the slot by which somebody was let in, or refused, the last one first.
    fn verdicts(&mut self, slot: u32, let_in: bool) -> Vec<u64> {
        let of_slot = |row: &JournalRow| matches!(row.subject, Subject::Ticket { slot: of, .. } if of.0 == slot);
        let verdict = |row: &JournalRow| matches!(row.act, None | Some(Act::Overrule { .. }));
        let asked = |row: &JournalRow| of_slot(row) && verdict(row) && (row.persons > 0) == let_in;
        self.bench.rows().iter().rev().filter(|row| asked(row)).map(|row| row.sequence).collect()
    }

    fn last(&mut self, slot: u32, let_in: bool) -> Option<u64> {
        self.verdicts(slot, let_in).first().copied()
    }

    fn take(&mut self, step: Step) {
        let now = moment(DOORS);
        match step {
            Step::Show { lane, slot, pass } => {
                let said = self.show(lane, slot);
                let held = self.held.get(&slot).copied().unwrap_or(false);
                assert!(!(held && said.ruling.opens), "a seat that is held was let in");
                self.go(&said, slot, pass);
                self.tell(&said, pass);
            }
            Step::ShowAndFail { slot, pass } => {
                let said = self.show(ARM, slot);
                self.go(&said, slot, pass);
                if said.ruling.opens {
                    self.bench.ledger().tell(said.sequence.unwrap(), Actuation::NotOpened);
                }
            }
            Step::ShowAndDie { lane, slot } => {
                let said = self.show(lane, slot);
                self.go(&said, slot, false);
                self.restart(false);
            }
            Step::PassAndDie { lane, slot } => {
                let said = self.show(lane, slot);
                self.go(&said, slot, true);
                self.restart(false);
            }
            Step::Undo { slot, back } => {
                // Staff who say what is not so let in whom they like, with a gate or without.
                let admissions = self.verdicts(slot, true).into_iter();
                let Some(row) = admissions.filter(|row| self.passed.get(row) == Some(&false)).nth(back) else { return };
                drop(self.bench.ledger().undo(row, Actor::Supervisor, now));
            }
            Step::Overrule { slot, pass } => {
                let Some(row) = self.last(slot, false) else { return };
                let outcome = self.bench.ledger().overrule(row, SupervisorId(1), OverruleReason::Other, now);
                if let Ok(said) = outcome {
                    self.go(&said, slot, pass);
                    self.tell(&said, pass);
                }
            }
            Step::Hold { slot } => {
                let Some(row) = self.last(slot, true) else { return };
                if self.bench.ledger().hold(row, Actor::Operator, now).is_ok() {
                    self.held.insert(slot, true);
                }
            }
            Step::Release { slot } => {
                let Some(row) = self.last(slot, true) else { return };
                if self.bench.ledger().release(row, Actor::Operator, now).is_ok() {
                    self.held.insert(slot, false);
                }
            }
            Step::Confirm { slot } => {
                let Some(row) = self.last(slot, true) else { return };
                let passed = self.passed.get(&row).copied().unwrap_or(false);
                drop(self.bench.ledger().confirm(row, passed, now));
            }
            Step::Restart => self.restart(true),
            Step::Cut => self.restart(false),
        }
    }

    fn check(&mut self) {
        for slot in 0..SLOTS {
            let of = |counts: &BTreeMap<u32, u32>| counts.get(&slot).copied().unwrap_or_default();
            let (inside, overruled) = (of(&self.inside), of(&self.overruled));
            assert!(
                inside <= PLACES + overruled,
                "slot {slot}: {inside} are inside, {overruled} by a supervisor's word"
            );
            let history = store::history(&self.bench.ledger().connection, samples::EVENT, Slot(slot)).unwrap();
            let counted = history.passages(None).admitted;
            assert!(counted >= inside, "slot {slot}: {inside} are inside, and {counted} are counted");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_inside_who_was_not_granted_it(steps in proptest::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
        // The chain holds, and every row is one that can be read.
        world.restart(false);
        world.check();
    }
}
