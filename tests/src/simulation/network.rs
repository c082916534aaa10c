//! What travels between gates and validation, and what becomes of it on the way: lost, doubled, late, overtaken.

use std::sync::Arc;
use std::time::Duration;

use countermark_gate::rehearsal::{Reply, Request, Step};
use countermark_shared::wire::RowOutcome;
use rand::RngExt;

use super::world::{Asked, Event, World};

/// How long a gate waits for an answer: as its client does.
const PATIENCE: Duration = Duration::from_secs(15);

impl World<'_> {
    /// Has the gate asked what it wants of validation, unless an answer is on its way.
    pub(super) fn wake(&mut self, at: usize) -> anyhow::Result<()> {
        let entrance = self.entrance(at)?;
        if entrance.under_way.is_none() {
            entrance.wake += 1;
            let wake = entrance.wake;
            self.after(Duration::ZERO, Event::Polls { at, wake });
        }
        Ok(())
    }

    /// Asks a gate what it wants.
    pub(super) fn poll(&mut self, at: usize, wake: u64) -> anyhow::Result<()> {
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
        let exchange = self.events();
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
        let request = Arc::new(Asked { request, nonce: self.random.random(), sent: self.time() });
        let there = if late { PATIENCE + 4 * self.way() } else { self.way() };
        if doubled {
            let again = there + 4 * self.way();
            self.after(again, Event::Reaches { at, exchange, request: request.clone(), back: None });
        }
        self.after(there, Event::Reaches { at, exchange, request, back });
        Ok(())
    }

    /// A request reaches validation.
    pub(super) fn reach(
        &mut self,
        at: usize,
        exchange: u64,
        asked: &Asked,
        back: Option<Duration>,
    ) -> anyhow::Result<()> {
        let (id, now) = (self.entrance(at)?.id, self.time());
        if self.cloud.is_away(now) {
            return Ok(());
        }
        // The nonce that it answers was forgotten.
        let reply = if matches!(asked.request, Request::LogIn { .. }) && self.cloud.is_away(asked.sent) {
            Reply::Refused
        } else {
            self.cloud.answer(id, &asked.request, asked.nonce, now)?
        };
        if let Reply::Uploaded(uploaded) = &reply {
            let known = uploaded.results.iter().filter(|result| result.outcome == RowOutcome::Known).count();
            self.witness.counts.known += known as u64;
            if uploaded.results.len() > known {
                self.publish_soon();
            }
        }
        if let Some(back) = back {
            self.after(back, Event::Returns { at, exchange, reply });
        }
        Ok(())
    }

    /// A reply comes back, or nobody waits for it any more.
    pub(super) fn come_back(&mut self, at: usize, exchange: u64, reply: Reply) -> anyhow::Result<()> {
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
        gate.on(reply, moment, jitter)?;
        entrance.under_way = None;
        self.wake(at)
    }

    /// How long something travels that arrives in time.
    pub(super) fn way(&mut self) -> Duration {
        self.faults.longest.mul_f64(self.random.random_range(0.0..1.0_f64).powi(3))
    }
}

/// Without what travels in it: rows and tickets are nobody's business.
fn named(request: &Request) -> String {
    match request {
        Request::LogIn { .. } => "log-in".to_owned(),
        Request::Fetch { wanted, session: _ } => format!("{wanted:?}"),
        Request::AskTime { session: _ } => "time".to_owned(),
        Request::Upload { upload, session: _ } => {
            format!("{} rows up to {}", upload.rows.len(), upload.checkpoint.sequence)
        }
    }
}

fn heard(reply: &Reply) -> String {
    match reply {
        Reply::LoggedIn { .. } => "a session".to_owned(),
        Reply::Document(bytes) => format!("{} bytes", bytes.len()),
        Reply::Time(_, answer) => format!("it is {}", answer.at),
        Reply::Uploaded(uploaded) => format!("{} results", uploaded.results.len()),
        Reply::Unchanged | Reply::Absent | Reply::Unauthorised | Reply::Refused | Reply::Lost => format!("{reply:?}"),
    }
}
