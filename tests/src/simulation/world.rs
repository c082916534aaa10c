//! Virtual time: what happens when. One queue, one order, nothing ambient.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use countermark_gate::rehearsal::{ClaimReply, Reply, Request, Word};
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Generation};
use countermark_shared::time::Timestamp;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::Tell;
use super::asking::Question;
use super::cloud::Cloud;
use super::entrance::Entrance;
use super::happening::{Faults, Happening, Office, Proof, Shown, Then};
use super::plan::{DOORS, LATE, Plan, QUIET};
use super::thief::Thief;
use super::venue::{BEGIN, Kind, Venue};
use super::witness::{Witness, agrees, settled};

/// Between two publications, however many seats change meanwhile: as validation has it.
const COALESCE: Duration = Duration::from_millis(500);
/// How often a gate does what time alone asks for: as its agent does.
const PASSING_TIME: Duration = Duration::from_mins(1);

/// A battery clock that is off by less, in milliseconds, is not told from a right one: settling allows a minute, and rows travel for seconds.
const PUNCTUAL: i64 = 50_000;

/// A run under way.
pub(super) struct World<'a> {
    /// How long it lasts already.
    pub(super) now: Duration,
    queue: BTreeMap<(Duration, u64), Event>,
    order: u64,
    /// Whether a publication is to come.
    publishes: bool,
    /// What is drawn while it goes on.
    pub(super) random: StdRng,
    /// How bad the network is.
    pub(super) faults: Faults,
    /// What everybody shows and signs with.
    pub(super) venue: Arc<Venue>,
    /// Whoever has carried a box off.
    pub(super) thief: Option<Thief>,
    /// Validation.
    pub(super) cloud: Cloud,
    /// The boxes.
    pub(super) entrances: Vec<Entrance>,
    /// Who looks on.
    pub(super) witness: Witness,
    tell: Tell<'a>,
}

/// What waits for its instant.
pub(super) enum Event {
    Happens(Happening),
    Polls { at: usize, wake: u64 },
    Passes { at: usize },
    Publishes,
    Reaches { at: usize, exchange: u64, request: Arc<Asked>, back: Option<Duration> },
    Returns { at: usize, exchange: u64, reply: Reply },
    Asks { at: usize },
    Arrives { at: usize, run: u64, question: Question, back: Option<Duration> },
    Answers { at: usize, run: u64, reply: ClaimReply },
}

/// A request on its way, and what its gate drew for it.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) nonce: [u8; 32],
    /// When.
    pub(super) sent: Timestamp,
}

impl<'a> World<'a> {
    /// Before anything happened.
    pub(super) fn of(plan: Plan, tell: Tell<'a>) -> anyhow::Result<Self> {
        let Plan { gates, seats, clocks, outfits, faults, happenings, random, .. } = plan;
        let venue = Arc::new(Venue::new()?);
        let cloud = Cloud::new(venue.clone(), gates, seats, BEGIN)?;
        let root = venue.bundle.document().root_fingerprint();
        let entrance = |(id, (drift, offset))| Entrance::new(GateId(id), root, drift, offset);
        let mut entrances = (1..).zip(clocks).map(entrance).collect::<anyhow::Result<Vec<_>>>()?;
        entrances.iter_mut().zip(outfits).for_each(|(entrance, outfit)| entrance.outfit = outfit);
        let mut world = Self {
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            order: 0,
            publishes: false,
            random,
            faults,
            venue,
            thief: None,
            cloud,
            entrances,
            witness: Witness::default(),
            tell,
        };
        for entrance in world.entrances.iter().filter(|entrance| entrance.offset.abs() > PUNCTUAL) {
            world.witness.has_a_wrong_clock(entrance.id);
        }
        for (when, what) in happenings {
            world.at(when, Event::Happens(what));
        }
        for at in 0..world.entrances.len() {
            world.at(PASSING_TIME, Event::Passes { at });
        }
        Ok(world)
    }

    /// So much later something happens, unless everybody has gone home by then.
    pub(super) fn later(&mut self, wait: Duration, what: Happening) {
        if self.now + wait < DOORS {
            self.after(wait, Event::Happens(what));
        }
    }

    /// Lets it all happen, and then goes on for a while in which nothing breaks, for everybody to catch up.
    pub(super) fn run(&mut self) -> anyhow::Result<()> {
        while self.queue.first_key_value().is_some_and(|((when, _), _)| *when < DOORS) {
            self.next()?;
        }
        self.now = DOORS;
        self.tell(|| "nothing breaks any more".to_owned());
        self.faults = Faults::NONE;
        for at in 0..self.entrances.len() {
            self.happen(Happening::CutOff { at, cut: false })?;
            self.happen(Happening::Starts { at })?;
        }
        while self.queue.first_key_value().is_some_and(|((when, _), _)| *when < DOORS + LATE) {
            self.next()?;
        }
        self.now = DOORS + LATE;
        self.latecomers();
        while self.queue.first_key_value().is_some_and(|((when, _), _)| *when < DOORS + QUIET) {
            self.next()?;
        }
        self.judge()
    }

    /// Who holds a strict ticket and has not come yet comes now, and shows it three times at one box, which has to log in before it asks for the first
    /// time: whatever was asked before, and whatever became of it, keeps nobody out for ever.
    fn latecomers(&mut self) {
        // A box whose disk was put back may let nobody in.
        let open = |(_, entrance): &(usize, &Entrance)| entrance.is_here && !self.witness.was_put_back(entrance.id);
        let open: Vec<_> = self.entrances.iter().enumerate().filter(open).map(|(at, _)| at).collect();
        let strict = self.cloud.slots().into_iter().filter(|slot| Kind::of(*slot) == Kind::Strict);
        for slot in strict.filter(|slot| self.witness.is_awaited(*slot)).collect::<Vec<_>>() {
            let (direction, generation, proof, then) = (Direction::Entry, Generation(1), Proof::None, Then::Goes);
            let Some(at) = open.choose(&mut self.random).copied() else { return };
            let shown = Shown { at, direction, slot, generation, proof, then };
            for wait in [0, 10, 20] {
                self.after(Duration::from_secs(wait), Event::Happens(Happening::Shown(shown)));
            }
        }
    }

    fn judge(&mut self) -> anyhow::Result<()> {
        let passed: Vec<_> =
            self.cloud.slots().into_iter().map(|slot| (slot, self.cloud.journals.passed(slot))).collect();
        for entrance in self.entrances.iter_mut().filter(|entrance| entrance.is_here) {
            let id = entrance.id;
            let (gate, _) = entrance.running(self.now).with_context(|| format!("gate {id} does not run"))?;
            let view = gate.view()?;
            let own = || format!("gate {id}");
            if self.witness.was_put_back(id) {
                self.witness.forked(id, &view, &self.cloud).with_context(own)?;
            } else {
                settled(id, &view, &self.cloud).with_context(own)?;
                if !self.cloud.journals.has_undone_late(id) {
                    agrees(gate, &passed).with_context(own)?;
                }
            }
        }
        for slot in self.cloud.slots().into_iter().filter(|slot| Kind::of(*slot) == Kind::Strict) {
            ensure!(
                !self.witness.is_awaited(slot),
                "seat {slot} is good, was shown three times, and nobody lets it in"
            );
        }
        self.witness.told(&self.cloud)
    }

    fn next(&mut self) -> anyhow::Result<()> {
        let Some(((when, _), event)) = self.queue.pop_first() else { return Ok(()) };
        self.now = when;
        match event {
            Event::Happens(what) => self.happen(what),
            Event::Polls { at, wake } => self.poll(at, wake),
            Event::Passes { at } => self.pass_time(at),
            Event::Publishes => self.publish(),
            Event::Reaches { at, exchange, request, back } => self.reach(at, exchange, &request, back),
            Event::Returns { at, exchange, reply } => self.come_back(at, exchange, reply),
            Event::Asks { at } => self.poll_claims(at),
            Event::Arrives { at, run, question, back } => self.arrive(at, run, question, back),
            Event::Answers { at, run, reply } => self.hear(at, run, reply),
        }
    }

    /// Something happens.
    pub(super) fn happen(&mut self, what: Happening) -> anyhow::Result<()> {
        let now = self.now;
        self.tell(|| format!("{what:?}"));
        match what {
            Happening::Shown(shown) => self.show(shown)?,
            Happening::Junk { at } => self.junk(at)?,
            Happening::Staff { at, slot, row, deed } => self.staff(at, slot, row, deed)?,
            Happening::CutOff { at, cut } => {
                self.witness.counts.partitions += u64::from(cut);
                self.entrance(at)?.cut(cut, now);
            }
            Happening::Ends { at, how } => {
                self.witness.counts.ends += 1;
                self.entrance(at)?.end(how, now)?;
            }
            Happening::Starts { at } => {
                self.entrance(at)?.start(now)?;
                self.wake(at)?;
            }
            Happening::Jumps { at, by } => {
                let entrance = self.entrance(at)?;
                (entrance.offset, entrance.jumped) = (entrance.offset + by, true);
                let id = entrance.id;
                self.witness.has_a_wrong_clock(id);
            }
            Happening::Office { slot, act } => {
                let now = self.time();
                self.witness.disturbed(slot, act);
                self.cloud.change(slot, now, |seat| match act {
                    Office::Block => seat.blocked = true,
                    Office::Unblock => seat.blocked = false,
                    Office::Revoke => seat.revoked = Some(now),
                    Office::Transfer => (seat.generation, seat.since) = (Generation(seat.generation.0 + 1), now),
                })?;
                self.publish_soon();
            }
            Happening::Stolen { at } => self.steal(at)?,
            Happening::Invents { admissions } => self.invent(admissions)?,
            Happening::Missed => self.miss()?,
            Happening::Copied { at } => self.entrance(at)?.copy_disk()?,
            Happening::PutBack { at } => {
                let entrance = self.entrance(at)?;
                let (id, rows) = (entrance.id, entrance.put_back(now)?);
                if let Some(rows) = rows {
                    self.witness.put_back(id, rows, self.cloud.journals.last(id));
                }
            }
            Happening::Forgets => self.cloud.forget_sessions(),
            Happening::BackedUp => self.cloud.back_up(),
            Happening::Restored => {
                self.witness.counts.restored += 1;
                self.cloud.restore(self.time())?;
                self.entrances.iter_mut().for_each(|entrance| entrance.is_forgotten(now));
            }
            Happening::Prunes { at, keep } => {
                let entrance = self.entrance(at)?;
                // By a calendar that was put forward past the lease a box lets go what it serves.
                let is_right = !entrance.jumped;
                if let Some((gate, moment)) = entrance.running(now).filter(|_| is_right) {
                    self.witness.counts.pruned += gate.prune(keep, moment)?;
                }
            }
        }
        Ok(())
    }

    fn pass_time(&mut self, at: usize) -> anyhow::Result<()> {
        let now = self.now;
        let right = BEGIN + now;
        if let Some((gate, moment)) = self.entrance(at)?.running(now) {
            gate.pass_time(moment)?;
            // Staff are asked on the screen whether it is that late or later, and look at their watches.
            if let Some(said) = gate.view()?.waiting {
                gate.hear(if said <= right { Word::Confirm } else { Word::Dismiss }, moment)?;
            }
        }
        self.after(PASSING_TIME, Event::Passes { at });
        Ok(())
    }

    /// Publishes what is new, a moment later.
    pub(super) fn publish_soon(&mut self) {
        if !self.publishes {
            self.publishes = true;
            self.after(COALESCE, Event::Publishes);
        }
    }

    fn publish(&mut self) -> anyhow::Result<()> {
        self.publishes = false;
        self.witness.counts.revisions += 1;
        self.cloud.publish(self.time())
    }

    pub(super) fn time(&self) -> Timestamp {
        BEGIN + self.now
    }

    pub(super) fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    /// How many events there were: what each exchange is called by.
    pub(super) fn events(&self) -> u64 {
        self.order
    }

    fn at(&mut self, when: Duration, event: Event) {
        self.order += 1;
        self.queue.insert((when, self.order), event);
    }

    pub(super) fn entrance(&mut self, at: usize) -> anyhow::Result<&mut Entrance> {
        self.entrances.get_mut(at).with_context(|| format!("there is no box {at}"))
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(tell) = &mut self.tell {
            tell(self.now, &line());
        }
    }
}
