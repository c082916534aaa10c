//! Somebody shows something at a box, and the box says what it thinks of it.

use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::Ruled;
use countermark_shared::documents::Direction;
use countermark_shared::verdict::Reason;

use super::entrance::{Entrance, shifted};
use super::happening::{Proof, Shown, Then};
use super::venue::{ENTRY, EXIT, Kind};
use super::world::World;

/// How long it may take, on the worst line of any night, until an admission at one gate is known at another.
const TOLD_WITHIN: Duration = Duration::from_mins(5);

impl World<'_> {
    /// Shows a ticket at that box, or at the next that runs.
    pub(super) fn show(&mut self, shown: Shown) -> anyhow::Result<()> {
        // Nobody has a ticket that was never issued: who bought a seat that was revoked before has the one before.
        let newest = self.cloud.seat(shown.slot).map_or(shown.generation, |seat| seat.generation);
        let generation = shown.generation.min(newest);
        let signed = match (Kind::of(shown.slot), shown.proof) {
            (Kind::Single | Kind::Duo | Kind::Strict, _) | (Kind::Live, Proof::None) => None,
            (Kind::Live, Proof::Signed { off }) => Some(shifted(self.time(), off)),
            (Kind::Live, Proof::Picture { age }) => Some(self.time() - age),
        };
        let text = self.venue.ticket(Kind::of(shown.slot), (shown.slot, generation), signed)?;
        let now = self.now;
        let Some(at) = self.next_running(shown.at) else { return Ok(()) };
        let Some((gate, moment)) = self.entrance(at)?.running(now) else { return Ok(()) };
        let lane = match shown.direction {
            Direction::Entry => ENTRY,
            Direction::Exit => EXIT,
        };
        match gate.scan(&[(lane, &text)], moment).first() {
            Some(ruled) => {
                let ruled = *ruled;
                self.answered(at, shown, ruled)
            }
            None => self.asked(at, shown),
        }
    }

    /// The gate has said what it thinks of a ticket.
    pub(super) fn answered(&mut self, at: usize, shown: Shown, ruled: Ruled) -> anyhow::Result<()> {
        let entrance = self.entrance(at)?;
        let (id, right) = (entrance.id, !entrance.jumped);
        self.tell(|| format!("gate {id} says {ruled:?}"));
        let when = self.time();
        let heard = self.has_heard(at)?;
        self.witness.saw(id, shown, (right, heard), ruled, when)?;
        self.was_told(at, shown, ruled)?;
        self.follow(at, shown, ruled)?;
        self.wake(at)
    }

    /// Who came in at a box comes in at no other, once both have been in touch with the cloud for so long.
    fn was_told(&mut self, at: usize, shown: Shown, ruled: Ruled) -> anyhow::Result<()> {
        let (now, slot) = (self.now, shown.slot);
        if Kind::of(slot) != Kind::Single || shown.direction == Direction::Exit || self.witness.is_disturbed(slot) {
            return Ok(());
        }
        let here = self.entrance(at)?;
        let comes_in = ruled.reason == Reason::Admitted && shown.then == Then::Goes;
        let id = here.id;
        if let Some(told_by) = now.checked_sub(TOLD_WITHIN).filter(|told_by| here.is_in_touch_since(*told_by)) {
            let told = |other: &&Entrance| {
                let when = other.came_in.get(&slot).filter(|when| **when <= told_by);
                other.id != id && when.is_some_and(|when| other.is_in_touch_since(*when))
            };
            if let Some(other) = self.entrances.iter().find(told) {
                let elsewhere = other.id;
                self.witness.counts.told += 1;
                ensure!(!comes_in, "seat {slot} came in at gate {elsewhere} long ago, and now at gate {id}");
            }
        }
        if comes_in {
            self.entrance(at)?.came_in.insert(slot, now);
        }
        Ok(())
    }

    /// Whether a gate has been told whose rows do not count.
    fn has_heard(&mut self, at: usize) -> anyhow::Result<bool> {
        let (now, told) = (self.now, self.cloud.lost.and_then(|lost| lost.told_by));
        let Some((gate, _)) = self.entrance(at)?.running(now) else { return Ok(false) };
        let held = gate.view()?.documents.feed.map(|feed| feed.in_force.revision);
        Ok(held.zip(told).is_some_and(|(held, told)| held >= told))
    }

    pub(super) fn junk(&mut self, at: usize) -> anyhow::Result<()> {
        let now = self.now;
        let Some(at) = self.next_running(at) else { return Ok(()) };
        let entrance = self.entrance(at)?;
        let id = entrance.id;
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        let ruled = *gate.scan(&[(ENTRY, "a loyalty card")], moment).first().context("a scan is answered")?;
        self.witness.counts.scans += 1;
        let when = self.time();
        self.witness.answered(id, None, ruled, when)?;
        self.wake(at)
    }

    fn next_running(&mut self, from: usize) -> Option<usize> {
        let (now, all) = (self.now, self.entrances.len());
        let mut around = (from..all).chain(0..from);
        around.find(|at| self.entrances.get_mut(*at).is_some_and(|entrance| entrance.running(now).is_some()))
    }
}
