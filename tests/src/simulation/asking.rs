//! What gates ask of one another, by way of validation, before they admit: its own line, on which questions and answers are lost, doubled and late as on
//! the other. Nobody waits for it longer than a gate does.

use std::time::Duration;

use anyhow::Context;
use countermark_gate::rehearsal::{ClaimReply, ClaimStep};
use countermark_shared::wire::AskClaim;
use rand::RngExt;
use secrecy::SecretString;

use super::happening::{Shown, Then};
use super::world::{Event, World};

/// Something about claims, on its way to validation.
pub(super) enum Question {
    /// A session.
    LogIn,
    /// What a row asks.
    Ask { row: u64, ask: AskClaim, session: SecretString },
}

impl World<'_> {
    /// The gate asks before it says anything.
    pub(super) fn asked(&mut self, at: usize, shown: Shown) -> anyhow::Result<()> {
        let now = self.now;
        let (id, seat) = (self.entrance(at)?.id, shown.slot);
        let Some((gate, _)) = self.entrance(at)?.running(now) else { return Ok(()) };
        let row = gate.asks().next_back().context("a scan that is not answered is asked about")?;
        self.tell(|| format!("gate {id} asks about seat {seat} by row {row}"));
        self.witness.asked(id, seat);
        self.entrance(at)?.asked.insert(row, shown);
        self.poll_claims(at)?;
        // The question is out by then.
        if shown.then == Then::PowerGoes { self.cut_power(at) } else { Ok(()) }
    }

    /// Does what is due about claims at a box.
    pub(super) fn poll_claims(&mut self, at: usize) -> anyhow::Result<()> {
        let now = self.now;
        loop {
            let Some((gate, moment)) = self.entrance(at)?.running(now) else { return Ok(()) };
            match gate.poll_claims(moment) {
                ClaimStep::LogIn => self.ask(at, Question::LogIn)?,
                ClaimStep::Ask { row, ask, session } => self.ask(at, Question::Ask { row, ask, session })?,
                ClaimStep::Ruled { of, ruled } => {
                    let entrance = self.entrance(at)?;
                    let shown = entrance.asked.remove(&of).context("somebody was asked about")?;
                    self.answered(at, shown, ruled)?;
                }
                ClaimStep::Wait { until: None } => return Ok(()),
                ClaimStep::Wait { until: Some(until) } => {
                    let wait = self.entrance(at)?.until(until, now);
                    self.after(wait, Event::Asks { at });
                    return Ok(());
                }
            }
        }
    }

    /// Carries it, or does not.
    fn ask(&mut self, at: usize, question: Question) -> anyhow::Result<()> {
        let (faults, entrance) = (self.faults, self.entrance(at)?);
        let (run, cut_off) = (entrance.runs, entrance.cut_off);
        self.witness.counts.questions += u64::from(matches!(question, Question::Ask { .. }));
        let [lost, doubled, unheard] =
            [faults.request_lost, faults.duplicate, faults.reply_lost].map(|share| self.random.random_bool(share));
        if cut_off || lost {
            // A line that is down says so at once, more often than not.
            if let Question::Ask { row, .. } = question
                && self.random.random_bool(0.5)
            {
                let wait = self.way();
                self.after(wait, Event::Answers { at, run, reply: ClaimReply::Failed(row) });
            }
            return Ok(());
        }
        let (there, back) = (self.way(), (!unheard).then(|| self.way()));
        if let Question::Ask { row, ask, session } = &question
            && doubled
        {
            let again = Question::Ask { row: *row, ask: ask.clone(), session: session.clone() };
            let later = there + self.way();
            self.after(later, Event::Arrives { at, run, question: again, back: None });
        }
        self.after(there, Event::Arrives { at, run, question, back });
        Ok(())
    }

    /// Validation is asked.
    pub(super) fn arrive(
        &mut self,
        at: usize,
        run: u64,
        question: Question,
        back: Option<Duration>,
    ) -> anyhow::Result<()> {
        let (gate, now) = (self.entrance(at)?.id, self.time());
        if self.cloud.is_away(now) {
            return Ok(());
        }
        let reply = match question {
            Question::LogIn => ClaimReply::LoggedIn(self.cloud.log_in(gate, now)),
            Question::Ask { row, ask, session } => self.cloud.claim(gate, row, &ask, &session, now)?,
        };
        if let Some(back) = back {
            self.after(back, Event::Answers { at, run, reply });
        }
        Ok(())
    }

    /// The gate that asked hears of it, if it is the same run.
    pub(super) fn hear(&mut self, at: usize, run: u64, reply: ClaimReply) -> anyhow::Result<()> {
        let (now, entrance) = (self.now, self.entrance(at)?);
        if entrance.runs != run || entrance.cut_off {
            return Ok(());
        }
        let Some((gate, moment)) = entrance.running(now) else { return Ok(()) };
        gate.on_claim(reply, moment);
        self.poll_claims(at)
    }
}
