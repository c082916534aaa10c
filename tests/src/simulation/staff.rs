//! Those who stand at an entrance: who goes through, what an arm tells of it, and what staff do about whoever does not. What they may do, the gate says.

use std::time::Duration;

use anyhow::{Context, bail};
use countermark_gate::rehearsal::Ruled;
use countermark_shared::documents::Direction;
use countermark_shared::id::{Slot, SupervisorId};
use countermark_shared::journal::Actuation;
use countermark_shared::verdict::Reason;
use rand::RngExt;

use super::entrance::End;
use super::happening::{Deed, Happening, Proof, Shown, Then};
use super::world::World;

/// Until somebody whom an arm did not let through, or who was taken for gone, shows the ticket once more.
const AGAIN: Duration = Duration::from_secs(5);

impl World<'_> {
    /// What follows on an answer.
    pub(super) fn follow(&mut self, at: usize, shown: Shown, ruled: Ruled) -> anyhow::Result<()> {
        let Some(row) = ruled.sequence else { return Ok(()) };
        if shown.then == Then::PowerGoes {
            return self.cut_power(at);
        }
        if shown.direction == Direction::Exit {
            return Ok(());
        }
        if ruled.opens {
            return self.pass(at, shown, row, ruled.persons);
        }
        if let Then::CallsStaff { then } = shown.then {
            let deed = if ruled.reason == Reason::Interrupted { Deed::Confirm } else { Deed::Overrule };
            // Somebody in front of the gate is looked after at once.
            let wait = if deed == Deed::Confirm { AGAIN } else { then };
            self.later(wait, Happening::Staff { at, slot: shown.slot, row, deed });
        }
        Ok(())
    }

    /// Ends a box before anybody sees what it would say.
    pub(super) fn cut_power(&mut self, at: usize) -> anyhow::Result<()> {
        self.happen(Happening::Ends { at, how: End::Power })?;
        self.later(Duration::from_secs(20), Happening::Starts { at });
        Ok(())
    }

    /// Whoever was let in goes through, or does not.
    fn pass(&mut self, at: usize, shown: Shown, row: u64, persons: u8) -> anyhow::Result<()> {
        let (now, entrance) = (self.now, self.entrance(at)?);
        let (id, has_arm) = (entrance.id, entrance.outfit.has_arm);
        let (slot, run) = (shown.slot, entrance.runs);
        let stays = matches!(shown.then, Then::Stays { .. });
        if let Some((gate, _)) = entrance.running(now).filter(|_| has_arm) {
            gate.tell(row, if stays { Actuation::NotTurned } else { Actuation::Turned });
        }
        if !stays {
            self.witness.tally.went((id, slot), persons)?;
        }
        match shown.then {
            Then::PowerGoes | Then::Goes | Then::CallsStaff { .. } => {}
            Then::Stays { then, again } if has_arm => {
                let next = if again { Then::Stays { then, again: false } } else { Then::Goes };
                self.later(then, Happening::Shown(Shown { at, then: next, ..shown }));
            }
            Then::Stays { then, again: _ } => {
                self.later(then, Happening::Staff { at, slot, row, deed: Deed::Undo });
            }
            Then::Denied { then } => {
                if !has_arm {
                    let direction = Direction::Exit;
                    self.later(then / 2, Happening::Shown(Shown { at, direction, then: Then::Goes, ..shown }));
                }
                self.later(then, Happening::Staff { at, slot, row, deed: Deed::Deny { run } });
            }
        }
        Ok(())
    }

    /// Staff do something, if the gate runs and lets them.
    pub(super) fn staff(&mut self, at: usize, slot: Slot, row: u64, deed: Deed) -> anyhow::Result<()> {
        let (now, when) = (self.now, self.time());
        let entrance = self.entrance(at)?;
        let (id, has_arm, runs) = (entrance.id, entrance.outfit.has_arm, entrance.runs);
        let (gone, is_last) = (self.witness.tally.has_gone((id, slot)), self.witness.tally.is_last((id, slot), row));
        let Some((gate, moment)) = self.entrance(at)?.running(now) else { return Ok(()) };
        let refused = match deed {
            Deed::Undo => match gate.undo(row, moment) {
                Ok(written) => {
                    self.witness.taken_back((id, slot), row, written)?;
                    if self.random.random_bool(0.5) {
                        self.show_again(at, slot)?;
                    }
                    return self.wake(at);
                }
                Err(why) => why,
            },
            // Where nobody but staff could know it, it is believed, and the organiser is told: nothing that a gate could keep.
            Deed::Deny { run } if run != runs || (is_last && !has_arm) => return Ok(()),
            Deed::Deny { run: _ } => match gate.undo(row, moment) {
                Ok(_) => bail!("gate {id} took back row {row} of seat {slot}, though somebody had passed by it"),
                Err(why) => why,
            },
            Deed::Confirm => match gate.confirm(row, gone, moment) {
                Ok(written) => {
                    self.witness.confirmed(id, written);
                    if !gone {
                        self.show_again(at, slot)?;
                    }
                    return self.wake(at);
                }
                Err(why) => why,
            },
            Deed::Overrule => match gate.overrule(row, SupervisorId(1), moment) {
                Ok(ruled) => {
                    let written = ruled.sequence.context("what is overruled is written")?;
                    if has_arm {
                        gate.tell(written, Actuation::Turned);
                    }
                    self.tell(|| format!("gate {id} says {ruled:?}"));
                    self.witness.overruled(id, slot, ruled, when)?;
                    return self.wake(at);
                }
                Err(why) => why,
            },
        };
        self.tell(|| format!("gate {id} does not: {refused}"));
        Ok(())
    }

    /// Whoever did not go through, as far as anybody saw, shows the newest issue of the seat once more.
    fn show_again(&mut self, at: usize, slot: Slot) -> anyhow::Result<()> {
        let seat = self.cloud.seat(slot).with_context(|| format!("there is no seat {slot}"))?;
        let (direction, generation, proof) = (Direction::Entry, seat.generation, Proof::Signed { off: 0 });
        let shown = Shown { at, direction, slot, generation, proof, then: Then::Goes };
        self.later(AGAIN, Happening::Shown(shown));
        Ok(())
    }
}
