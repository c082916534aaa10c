//! Who comes with a seat, where and when, and what becomes of it meanwhile.

use std::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::id::{Generation, Slot};
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::super::happening::{Happening, Office, Proof, Shown, Then};
use super::super::venue::Kind;
use super::{CROWD, DOORS, Plan};

/// How long it takes until staff act, or somebody tries again: longer than either helps.
const AFTERWARDS: Duration = Duration::from_mins(6);

impl Plan {
    /// What becomes of a seat, and who comes with it: its holder once, copies as often as they like, the next holder after a transfer.
    pub(super) fn seat(&mut self, slot: Slot) {
        let transferred = self.random.random_bool(0.2).then(|| self.sometime());
        if let Some(when) = transferred {
            self.office(when, slot, Office::Transfer);
        }
        if self.random.random_bool(0.15) {
            let when = self.sometime();
            self.office(when, slot, Office::Block);
            if self.random.random_bool(0.5) {
                let until = self.instant(when, DOORS);
                self.office(until, slot, Office::Unblock);
            }
        }
        let revoked = self.random.random_bool(0.15).then(|| self.sometime());
        if let Some(when) = revoked {
            self.office(when, slot, Office::Revoke);
        }
        // Most of those who share a seat know two entrances.
        let near = [self.gate(), self.gate()];
        let mut train = self.train();
        // A strict ticket is copied to be shown everywhere at once.
        let (crowd, apart) = if Kind::of(slot) == Kind::Strict { (CROWD / 3, 0.1) } else { (CROWD, 0.5) };
        let showings = if self.random.random_bool(0.3) { 1 } else { self.random.random_range(2..7) };
        let mut moments = Vec::new();
        for _ in 0..showings {
            moments.push(train + self.within(crowd));
            // Half of them come together, of those with a strict ticket most.
            if self.random.random_bool(apart) {
                train = self.train();
            }
        }
        // What was withdrawn is shown all the same, for as long as some gate may not have heard.
        let withdrawn = revoked.or(transferred).map(|when| when + self.within(AFTERWARDS));
        for when in moments.into_iter().chain(withdrawn.filter(|when| *when < DOORS)) {
            let newest = if transferred.is_some_and(|since| since < when) { 2 } else { 1 };
            let generation = Generation(if self.random.random_bool(0.7) { newest } else { 1 });
            let direction = if self.random.random_bool(0.1) { Direction::Exit } else { Direction::Entry };
            let near = near.choose(&mut self.random).copied().filter(|_| self.random.random_bool(0.8));
            let at = near.unwrap_or_else(|| self.gate());
            let (proof, then) = (self.proof(slot), self.then());
            // From then on nothing breaks any more.
            let then = if then == Then::PowerGoes && when >= DOORS { Then::Goes } else { then };
            self.happens(when, Happening::Shown(Shown { at, direction, slot, generation, proof, then }));
        }
    }

    /// Devices that keep the time by a network are right to a few seconds; a picture of a code travels for longer than that.
    fn proof(&mut self, slot: Slot) -> Proof {
        match (Kind::of(slot), self.random.random_range(0..10)) {
            (Kind::Single | Kind::Duo | Kind::Strict, _) | (Kind::Live, 0) => Proof::None,
            (Kind::Live, 1..=2) => Proof::Picture { age: self.within(Duration::from_mins(10)) },
            (Kind::Live, _) => Proof::Signed { off: self.random.random_range(-3000..=3000) },
        }
    }

    fn then(&mut self) -> Then {
        match self.random.random_range(0..100) {
            0..3 => Then::PowerGoes,
            3..15 => Then::Stays { then: self.within(AFTERWARDS), again: self.random.random_bool(0.5) },
            15..25 => Then::Denied { then: self.within(AFTERWARDS) },
            25..45 => Then::CallsStaff { then: self.within(AFTERWARDS) },
            _ => Then::Goes,
        }
    }

    /// An office acts when it likes, half the time while a crowd is at the doors.
    fn sometime(&mut self) -> Duration {
        if self.random.random_bool(0.5) {
            return self.train() + self.within(CROWD);
        }
        self.instant(Duration::ZERO, DOORS)
    }

    fn office(&mut self, when: Duration, slot: Slot, act: Office) {
        self.happens(when, Happening::Office { slot, act });
    }
}
