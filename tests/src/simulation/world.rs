//! Virtual time: what happens when, and what travels between gates and validation meanwhile. One queue, one order, nothing ambient.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use countermark_gate::rehearsal::{Reply, Request, Step, Word};
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Generation};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::RowOutcome;
use rand::RngExt;
use rand::rngs::StdRng;

use super::Tell;
use super::cloud::Cloud;
use super::entrance::{End, Entrance};
use super::plan::{DOORS, Faults, Happening, Office, Plan, QUIET, Shown};
use super::venue::{BEGIN, ENTRY, EXIT, Venue};
use super::witness::{self, Witness};

/// How long a gate waits for an answer: as its client does.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two publications, however many seats change meanwhile: as validation has it.
const COALESCE: Duration = Duration::from_millis(500);
/// How often a gate does what time alone asks for: as its agent does.
const PASSING_TIME: Duration = Duration::from_mins(1);

/// A battery clock that is off by less, in milliseconds, is not told from a right one: settling allows a minute, and rows travel for seconds.
const PUNCTUAL: i64 = 50_000;

/// A run under way.
pub(super) struct World<'a> {
    now: Duration,
    queue: BTreeMap<(Duration, u64), Event>,
    order: u64,
    random: StdRng,
    faults: Faults,
    venue: Arc<Venue>,
    /// Validation.
    pub(super) cloud: Cloud,
    entrances: Vec<Entrance>,
    /// Who looks on.
    pub(super) witness: Witness,
    tell: Tell<'a>,
}

enum Event {
    Happens(Happening),
    Polls { at: usize, wake: u64 },
    Passes { at: usize },
    Publishes,
    Reaches { at: usize, exchange: u64, request: Arc<Asked>, back: Option<Duration> },
    Returns { at: usize, exchange: u64, reply: Reply },
}

struct Asked {
    request: Request,
    nonce: [u8; 32],
}

impl<'a> World<'a> {
    /// Before anything happened.
    pub(super) fn of(plan: Plan, tell: Tell<'a>) -> anyhow::Result<Self> {
        let Plan { gates, seats, clocks, faults, happenings, random } = plan;
        let venue = Arc::new(Venue::new()?);
        let cloud = Cloud::new(venue.clone(), gates, seats, BEGIN)?;
        let root = venue.bundle.document().root_fingerprint();
        let entrance = |(id, (drift, offset))| Entrance::new(GateId(id), root, drift, offset);
        let entrances = (1..).zip(clocks).map(entrance).collect::<anyhow::Result<Vec<_>>>()?;
        let mut world = Self {
            now: Duration::ZERO,
            queue: BTreeMap::new(),
            order: 0,
            random,
            faults,
            venue,
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
        while self.queue.first_key_value().is_some_and(|((when, _), _)| *when < DOORS + QUIET) {
            self.next()?;
        }
        self.judge()
    }

    fn judge(&mut self) -> anyhow::Result<()> {
        for entrance in &mut self.entrances {
            let id = entrance.id;
            let (gate, _) = entrance.running(self.now).with_context(|| format!("gate {id} does not run"))?;
            let view = gate.view()?;
            witness::settled(id, &view, &self.cloud).with_context(|| format!("gate {id}"))?;
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
        }
    }

    fn happen(&mut self, what: Happening) -> anyhow::Result<()> {
        let now = self.now;
        self.tell(|| format!("{what:?}"));
        match what {
            Happening::Shown(shown) => self.show(shown)?,
            Happening::Junk { at } => self.junk(at)?,
            Happening::CutOff { at, cut } => self.entrance(at)?.cut_off = cut,
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
                self.after(COALESCE, Event::Publishes);
            }
            Happening::Forgets => self.cloud.forget_sessions(),
        }
        Ok(())
    }

    /// Shows a ticket at that box, or at the next that runs.
    fn show(&mut self, shown: Shown) -> anyhow::Result<()> {
        // Nobody has a ticket that was never issued: who bought a seat that was revoked before has the one before.
        let newest = self.cloud.seat(shown.slot).map_or(shown.generation, |seat| seat.generation);
        let (now, text) = (self.now, self.venue.ticket(shown.slot, shown.generation.min(newest))?);
        let Some(at) = self.next_running(shown.at) else { return Ok(()) };
        let entrance = self.entrance(at)?;
        let (id, right) = (entrance.id, !entrance.jumped);
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        let lane = match shown.direction {
            Direction::Entry => ENTRY,
            Direction::Exit => EXIT,
        };
        let ruled = *gate.scan(&[(lane, &text)], moment).first().context("a scan is answered")?;
        self.tell(|| format!("gate {id} says {ruled:?}"));
        self.witness.saw(id, shown, right, ruled, now)?;
        if shown.power_goes {
            self.happen(Happening::Ends { at, how: End::Power })?;
            self.after(Duration::from_secs(20), Event::Happens(Happening::Starts { at }));
            return Ok(());
        }
        self.wake(at)
    }

    fn junk(&mut self, at: usize) -> anyhow::Result<()> {
        let now = self.now;
        let Some(at) = self.next_running(at) else { return Ok(()) };
        let entrance = self.entrance(at)?;
        let id = entrance.id;
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        let ruled = *gate.scan(&[(ENTRY, "a loyalty card")], moment).first().context("a scan is answered")?;
        self.witness.counts.scans += 1;
        self.witness.answered(id, ruled)?;
        self.wake(at)
    }

    fn next_running(&mut self, from: usize) -> Option<usize> {
        let (now, all) = (self.now, self.entrances.len());
        let mut around = (from..all).chain(0..from);
        around.find(|at| self.entrances.get_mut(*at).is_some_and(|entrance| entrance.running(now).is_some()))
    }

    /// Has the gate asked what it wants of validation, unless an answer is on its way.
    fn wake(&mut self, at: usize) -> anyhow::Result<()> {
        let entrance = self.entrance(at)?;
        if entrance.under_way.is_none() {
            entrance.wake += 1;
            let wake = entrance.wake;
            self.after(Duration::ZERO, Event::Polls { at, wake });
        }
        Ok(())
    }

    fn poll(&mut self, at: usize, wake: u64) -> anyhow::Result<()> {
        let now = self.now;
        let entrance = self.entrance(at)?;
        if entrance.wake != wake || entrance.under_way.is_some() {
            return Ok(());
        }
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        match gate.poll(moment)? {
            Step::Wait { until } => {
                let wait = entrance.until(until, now);
                self.after(wait, Event::Polls { at, wake });
                Ok(())
            }
            Step::Send(request) => self.send(at, request),
        }
    }

    fn send(&mut self, at: usize, request: Request) -> anyhow::Result<()> {
        let exchange = self.order;
        let entrance = self.entrance(at)?;
        entrance.under_way = Some(exchange);
        let (id, cut_off) = (entrance.id, entrance.cut_off);
        self.tell(|| format!("gate {id} asks {}: {}", exchange, named(&request)));
        self.after(PATIENCE, Event::Returns { at, exchange, reply: Reply::Lost });
        let faults = self.faults;
        let [lost, doubled, late] =
            [faults.request_lost, faults.duplicate, faults.late].map(|share| self.random.random_bool(share));
        let back = (!self.random.random_bool(faults.reply_lost)).then(|| self.way());
        self.witness.counts.faults += u64::from(lost || doubled || late || back.is_none());
        if cut_off || lost {
            return Ok(());
        }
        let request = Arc::new(Asked { request, nonce: self.random.random() });
        let there = if late { PATIENCE + 4 * self.way() } else { self.way() };
        if doubled {
            let again = there + 4 * self.way();
            self.after(again, Event::Reaches { at, exchange, request: request.clone(), back: None });
        }
        self.after(there, Event::Reaches { at, exchange, request, back });
        Ok(())
    }

    fn reach(&mut self, at: usize, exchange: u64, asked: &Asked, back: Option<Duration>) -> anyhow::Result<()> {
        let (id, now) = (self.entrance(at)?.id, self.time());
        let reply = self.cloud.answer(id, &asked.request, asked.nonce, now)?;
        if let Reply::Uploaded(uploaded) = &reply {
            let known = uploaded.results.iter().filter(|result| result.outcome == RowOutcome::Known).count();
            self.witness.counts.known += known as u64;
            if uploaded.results.len() > known {
                self.after(COALESCE, Event::Publishes);
            }
        }
        if let Some(back) = back {
            self.after(back, Event::Returns { at, exchange, reply });
        }
        Ok(())
    }

    fn come_back(&mut self, at: usize, exchange: u64, reply: Reply) -> anyhow::Result<()> {
        let (now, jitter) = (self.now, self.random.random_range(0.0..1.0));
        let entrance = self.entrance(at)?;
        let hears = !entrance.cut_off || matches!(reply, Reply::Lost);
        let id = entrance.id;
        if !hears || entrance.under_way != Some(exchange) {
            return Ok(());
        }
        self.tell(|| format!("gate {id} hears {exchange}: {}", heard(&reply)));
        let entrance = self.entrance(at)?;
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        gate.on(reply, moment, jitter);
        entrance.under_way = None;
        self.wake(at)
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

    fn publish(&mut self) -> anyhow::Result<()> {
        self.witness.counts.revisions += 1;
        self.cloud.publish(self.time())
    }

    /// How long something travels that arrives in time.
    fn way(&mut self) -> Duration {
        self.faults.longest.mul_f64(self.random.random_range(0.0..1.0_f64).powi(3))
    }

    fn time(&self) -> Timestamp {
        BEGIN + self.now
    }

    fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    fn at(&mut self, when: Duration, event: Event) {
        self.order += 1;
        self.queue.insert((when, self.order), event);
    }

    fn entrance(&mut self, at: usize) -> anyhow::Result<&mut Entrance> {
        self.entrances.get_mut(at).with_context(|| format!("there is no box {at}"))
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(tell) = &mut self.tell {
            tell(self.now, &line());
        }
    }
}

/// Without what travels in it: rows and tickets are nobody's business.
fn named(request: &Request) -> String {
    match request {
        Request::LogIn => "log-in".to_owned(),
        Request::Fetch { wanted, session: _ } => format!("{wanted:?}"),
        Request::AskTime { session: _ } => "time".to_owned(),
        Request::Upload { upload, session: _ } => {
            format!("{} rows up to {}", upload.rows.len(), upload.checkpoint.sequence)
        }
    }
}

fn heard(reply: &Reply) -> String {
    match reply {
        Reply::LoggedIn(_) => "a session".to_owned(),
        Reply::Document(bytes) => format!("{} bytes", bytes.len()),
        Reply::Time(_, answer) => format!("it is {}", answer.at),
        Reply::Uploaded(uploaded) => format!("{} results", uploaded.results.len()),
        Reply::Unchanged | Reply::Absent | Reply::Unauthorised | Reply::Refused | Reply::Lost => format!("{reply:?}"),
    }
}
