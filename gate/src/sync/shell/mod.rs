//! Moves what the machine asks for between the network and the ledger. Owns no decision of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::clock::{Exchange, TimeQuestion};
use countermark_shared::id::GateId;
use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::TimeAnswer;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::back_off::Jitter;
use super::exchange::{Held, Request, Response, Step, upload};
use super::machine::Machine;
use crate::announcement::Sentence;
use crate::clock::{Clock, Moment};
use crate::cloud::{CallError, Client, Fetched, Session};
use crate::documents::DocumentKind;
use crate::ledger::{Failure, Report, TimeAnswered, Work, sentence};

/// How long a gate that is told to end goes on uploading.
const LAST_ATTEMPT: Duration = Duration::from_secs(5);

const LOG_IN_REFUSED: &str = "the cloud does not know this gate, and takes nothing of what it keeps; tell the administrator, and ask for an invitation: `countermark-gate retire` puts this gate aside, then enrol this box anew";

/// How it stands with the cloud, for the screen and for `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contact {
    /// When the cloud last answered what it was asked. A refusal does not count: it may come from something in between.
    pub(crate) last: Option<Timestamp>,
    /// The same as uptime, which no change of the clock can make look younger.
    #[serde(skip)]
    pub(crate) heard: Option<Duration>,
    /// What last went wrong.
    pub(crate) problem: Option<Problem>,
    /// Documents that were offered and not taken, and why.
    pub(crate) refused: BTreeMap<DocumentKind, String>,
    /// Whether its certificate was refused for its dates, and nothing was heard since.
    #[serde(skip)]
    pub(crate) out_of_date: bool,
    /// Whether it did not know this gate when it last said anything of it.
    pub(crate) log_in_refused: bool,
}

impl Contact {
    /// What people must be told about the cloud's certificate.
    pub(crate) fn certificate_warning(&self, report: &Report, now: Moment) -> Option<Sentence> {
        let unsure = (!report.time_is_signed(now)).then(|| report.read_clock(now).now);
        self.out_of_date.then(|| Sentence::certificate_out_of_date(unsure))
    }

    /// What people must be told where the cloud does not know this gate.
    pub(crate) fn log_in_warning(&self) -> Option<Sentence> {
        self.log_in_refused.then(Sentence::log_in_refused)
    }
}

/// What went wrong, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Problem {
    pub(crate) at: Timestamp,
    pub(crate) sentence: String,
}

/// All that sync needs of the agent.
pub(crate) struct Sync {
    pub(crate) client: Client,
    pub(crate) gate: GateId,
    pub(crate) key: SigningKey,
    pub(crate) ledger: mpsc::Sender<Work>,
    pub(crate) report: watch::Receiver<Report>,
    pub(crate) contact: watch::Sender<Contact>,
    pub(crate) clock: Clock,
    pub(crate) poll: Duration,
}

/// The ledger is gone.
struct LedgerGone;

impl Sync {
    /// Syncs until `finish` is asked for, then uploads what is left for a few seconds and says so by returning.
    pub(crate) async fn run(mut self, finish: oneshot::Receiver<()>) {
        let mut machine = Machine::new(self.poll);
        tokio::select! {
            _ = self.keep_in_step(&mut machine) => return,
            _ = finish => {}
        }
        // What was under way is lost; its answer will be "known".
        machine.on(Response::Lost { problem: String::new() }, self.clock.now().uptime, Jitter(0.0));
        machine.hurry();
        if tokio::time::timeout(LAST_ATTEMPT, self.settle(&mut machine)).await.is_err() {
            tracing::warn!(rows = self.report.borrow().unsettled, "ending with rows that are not uploaded; they keep");
        }
    }

    async fn keep_in_step(&mut self, machine: &mut Machine) -> LedgerGone {
        loop {
            if let Err(gone) = self.step(machine).await {
                return gone;
            }
        }
    }

    async fn settle(&mut self, machine: &mut Machine) {
        while self.report.borrow_and_update().unsettled > 0 {
            if self.step(machine).await.is_err() {
                return;
            }
        }
    }

    async fn step(&mut self, machine: &mut Machine) -> Result<(), LedgerGone> {
        let held = Held::of(&self.report.borrow_and_update());
        let now = self.clock.now().uptime;
        match machine.poll(now, &held) {
            Step::Send(request) => self.exchange(machine, request).await,
            Step::Wait { until } => {
                tokio::select! {
                    () = tokio::time::sleep(until.saturating_sub(now)) => Ok(()),
                    changed = self.report.changed() => changed.map_err(|_| LedgerGone),
                }
            }
        }
    }

    async fn exchange(&self, machine: &mut Machine, request: Request) -> Result<(), LedgerGone> {
        let response = self.perform(request).await?;
        self.note(&response);
        let now = self.clock.now().uptime;
        if let Some(delivery) = machine.on(response, now, jitter()) {
            let outcome = self.ask(|reply| Work::Deliver { delivery, reply }).await?;
            if let Err(Failure { problem, remedy: _ }) = &outcome {
                self.note_problem(problem.clone());
            }
            machine.delivered(outcome, self.clock.now().uptime, jitter());
        }
        self.contact.send_if_modified(|contact| {
            let changed = contact.refused != *machine.refused();
            if changed {
                contact.refused.clone_from(machine.refused());
            }
            changed
        });
        Ok(())
    }

    async fn perform(&self, request: Request) -> Result<Response, LedgerGone> {
        Ok(match request {
            Request::LogIn => match self.log_in().await? {
                Ok(Session { token, known_up_to }) => self.send_again(known_up_to, token).await?,
                Err(error) => {
                    if let CallError::LogInRefused = error {
                        self.contact.send_modify(|contact| contact.log_in_refused = true);
                    }
                    failed(&error)
                }
            },
            Request::Fetch { wanted, session } => match self.client.fetch(wanted, &session).await {
                Ok(Fetched::New(bytes)) => Response::Document(bytes),
                Ok(Fetched::Unchanged) => Response::Unchanged,
                Ok(Fetched::Absent) => Response::Absent,
                Err(error) => failed(&error),
            },
            Request::AskTime { session } => self.ask_time(&session).await,
            Request::Guests { after, session } => match self.client.guests(&session, after).await {
                Ok(Some(page)) => Response::Guests(page),
                Ok(None) => Response::Absent,
                Err(error) => failed(&error),
            },
            Request::Upload { session, most } => match self.ask(|reply| Work::Batch { most, reply }).await? {
                Ok(Some(batch)) => {
                    let sent = batch.sequences();
                    let answer = self.client.upload(&session, &upload(batch, self.gate, &self.key)).await;
                    answer.map_or_else(|error| failed(&error), |uploaded| Response::to_rows(&sent, uploaded))
                }
                Ok(None) => Response::Uploaded(Vec::new()),
                Err(error) => Response::Refused { problem: sentence(&error) },
            },
        })
    }

    async fn log_in(&self) -> Result<Result<Session, CallError>, LedgerGone> {
        let nonce = match self.client.nonce(self.gate).await {
            Ok(nonce) => nonce,
            Err(error) => return Ok(Err(error)),
        };
        // Not before the nonce is here: a cloud that was restored has made it since, and takes it that whatever it has forgotten is written by now.
        let written_up_to = self.ask(|reply| Work::LastRow { reply }).await?.unwrap_or_else(|error| {
            self.note_problem(sentence(&error));
            None
        });
        Ok(self.client.answer(self.gate, &self.key, nonce, written_up_to).await)
    }

    /// A cloud that was restored from a backup has lost rows that it answered for. Where that cannot be noted there is no session: rows after them would be taken
    /// for the whole.
    async fn send_again(&self, known_up_to: Option<u64>, session: SecretString) -> Result<Response, LedgerGone> {
        let Some(known_up_to) = known_up_to else { return Ok(Response::LoggedIn(session)) };
        match self.ask(|reply| Work::Unsettle { known_up_to, reply }).await? {
            Ok(0) => {}
            Ok(rows) => tracing::warn!(rows, "the cloud has lost rows of this gate's journal; they are sent again"),
            Err(error) => return Ok(Response::Refused { problem: sentence(&error) }),
        }
        Ok(Response::LoggedIn(session))
    }

    /// The round trip is measured by the clock that no change of the calendar moves, and includes both ways to the network thread.
    async fn ask_time(&self, session: &SecretString) -> Response {
        let question = TimeQuestion { gate: self.gate, nonce: rand::random() };
        let asked = self.clock.now().uptime;
        match self.client.ask_time(session, question.nonce).await {
            Ok(TimeAnswer { at, signature }) => {
                let exchange = Exchange { asked, answered: self.clock.now().uptime };
                Response::Time(TimeAnswered { question, at, signature: Signature::from_bytes(&signature.0), exchange })
            }
            Err(error) => failed(&error),
        }
    }

    async fn ask<A>(&self, work: impl FnOnce(oneshot::Sender<A>) -> Work) -> Result<A, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        self.ledger.send(work(reply)).await.map_err(|_| LedgerGone)?;
        answer.await.map_err(|_| LedgerGone)
    }

    fn note(&self, response: &Response) {
        match response {
            Response::OutOfDate { problem } => {
                self.contact.send_modify(|contact| contact.out_of_date = true);
                let warning = self.contact.borrow().certificate_warning(&self.report.borrow(), self.clock.now());
                let warning = warning.map(|Sentence { en, fr }| format!(": {en} / {fr}")).unwrap_or_default();
                self.note_problem(format!("{problem}{warning}"));
            }
            Response::Lost { problem } | Response::Refused { problem } => self.note_problem(problem.clone()),
            // A session that ended is renewed; a log-in that is not accepted is a problem.
            Response::Unauthorised => {}
            Response::LoggedIn(_)
            | Response::Document(_)
            | Response::Unchanged
            | Response::Absent
            | Response::Time(_)
            | Response::Guests(_)
            | Response::Uploaded(_) => self.note_answer(),
        }
    }

    fn note_answer(&self) {
        let now = self.clock.now();
        let at = self.report.borrow().read_clock(now).now;
        self.contact.send_modify(|contact| {
            (contact.last, contact.heard) = (Some(at), Some(now.uptime));
            (contact.out_of_date, contact.log_in_refused) = (false, false);
        });
    }

    fn note_problem(&self, sentence: String) {
        tracing::warn!(problem = sentence, "sync");
        let at = self.report.borrow().read_clock(self.clock.now()).now;
        self.contact.send_modify(|contact| contact.problem = Some(Problem { at, sentence }));
    }
}

fn failed(error: &CallError) -> Response {
    let problem = sentence(error);
    match error {
        CallError::Unreachable { .. } => Response::Lost { problem },
        CallError::OutOfDate { .. } => Response::OutOfDate { problem },
        CallError::Unauthorised => Response::Unauthorised,
        CallError::LogInRefused => Response::Refused { problem: LOG_IN_REFUSED.to_owned() },
        CallError::Refused { .. } | CallError::TooLong { .. } | CallError::Unreadable { .. } => {
            Response::Refused { problem }
        }
    }
}

fn jitter() -> Jitter {
    Jitter(rand::random())
}

#[cfg(test)]
mod tests;
