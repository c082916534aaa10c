//! Moves what the machine asks for between the network and the ledger. Owns no decision of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use countermark_shared::clock::{Exchange, TimeQuestion};
use countermark_shared::documents::{self as law, DocumentHash, DocumentSet, Remedy};
use countermark_shared::id::GateId;
use countermark_shared::journal::Checkpoint;
use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Base64, SignedCheckpoint, TimeAnswer, Upload, Uploaded};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::back_off::Jitter;
use super::machine::{Delivery, Failure, Held, Machine, Request, Response, Step};
use crate::clock::Clock;
use crate::cloud::{CallError, Client, Fetched};
use crate::documents::DocumentKind;
use crate::ledger::{Batch, LedgerError, Report, TakeError, Taken, TimeAnswered, Work};

/// How long a gate that is told to end goes on uploading.
const LAST_ATTEMPT: Duration = Duration::from_secs(5);

const LOG_IN_REFUSED: &str =
    "the cloud does not accept this gate any more; ask the administrator, and enrol it anew in another folder";

const ANSWERED_FOR_NONE: &str = "the cloud answered for none of the rows it was sent; tell the administrator";

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
        let held = held(&self.report.borrow_and_update());
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
            let outcome = self.deliver(delivery).await?;
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
            Request::LogIn => match self.client.log_in(self.gate, &self.key).await {
                Ok(session) => Response::LoggedIn(session),
                Err(CallError::Unauthorised) => Response::Refused { problem: LOG_IN_REFUSED.to_owned() },
                Err(error) => failed(&error),
            },
            Request::Fetch { wanted, session } => match self.client.fetch(wanted, &session).await {
                Ok(Fetched::New(bytes)) => Response::Document(bytes),
                Ok(Fetched::Unchanged) => Response::Unchanged,
                Ok(Fetched::Absent) => Response::Absent,
                Err(error) => failed(&error),
            },
            Request::AskTime { session } => self.ask_time(&session).await,
            Request::Upload { session } => match self.ask(|reply| Work::Batch { reply }).await? {
                Ok(Some(batch)) => {
                    let sent = batch.sequences();
                    let answer = self.client.upload(&session, &self.upload(batch)).await;
                    answer.map_or_else(
                        |error| failed(&error),
                        // A row that was not sent is not settled, whatever is said of it.
                        |Uploaded { mut results }| {
                            results.retain(|result| sent.contains(&result.sequence));
                            if results.is_empty() {
                                return Response::Refused { problem: ANSWERED_FOR_NONE.to_owned() };
                            }
                            Response::Uploaded(results)
                        },
                    )
                }
                Ok(None) => Response::Uploaded(Vec::new()),
                Err(error) => Response::Refused { problem: sentence(&error) },
            },
        })
    }

    /// The batch, with this gate's word that its journal goes so far.
    fn upload(&self, batch: Batch) -> Upload {
        let Batch { previous, rows, last, hash } = batch;
        let signature = Base64(Checkpoint::new(self.gate, last, hash).sign(&self.key).to_bytes());
        Upload { previous, rows, checkpoint: SignedCheckpoint { sequence: last, hash, signature } }
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

    async fn deliver(&self, delivery: Delivery) -> Result<Result<Taken, Failure>, LedgerGone> {
        match delivery {
            Delivery::Document { kind, bytes } => self.take(kind, bytes).await,
            Delivery::Bundles(bytes) => self.take_bundles(&bytes).await,
            Delivery::Time(answer) => {
                let outcome = self.ask(|reply| Work::SetClock { answer, reply }).await?;
                Ok(outcome.map(|()| Taken::New).map_err(|error| without_remedy(sentence(&error))))
            }
            Delivery::Results(results) => {
                let outcome: Result<usize, LedgerError> = self.ask(|reply| Work::Settle { results, reply }).await?;
                Ok(match outcome {
                    // Without a pause the same rows would go to and fro for ever.
                    Ok(0) => Err(without_remedy(ANSWERED_FOR_NONE.to_owned())),
                    Ok(_) => Ok(Taken::New),
                    Err(error) => Err(without_remedy(sentence(&error))),
                })
            }
        }
    }

    async fn take(&self, kind: DocumentKind, bytes: Vec<u8>) -> Result<Result<Taken, Failure>, LedgerGone> {
        let outcome: Result<Taken, TakeError> = self.ask(|reply| Work::Take { kind, bytes, reply }).await?;
        Ok(outcome.map_err(|error| Failure { remedy: error.remedy(), problem: sentence(&error) }))
    }

    /// Each makes the next believable; what is newest counts.
    async fn take_bundles(&self, bytes: &[u8]) -> Result<Result<Taken, Failure>, LedgerGone> {
        let set = match DocumentSet::decode(bytes) {
            Ok(set) => set,
            Err(refusal) => return Ok(Err(without_remedy(sentence(&refusal)))),
        };
        let mut outcome = Ok(Taken::Held);
        for (kind, envelope) in set.iter().filter(|(kind, _)| *kind == law::DocumentKind::TrustBundle) {
            let next = self.take(kind.into(), envelope.to_vec()).await?;
            if !matches!((&outcome, &next), (Ok(Taken::New), Ok(Taken::Held))) {
                outcome = next;
            }
        }
        Ok(outcome)
    }

    async fn ask<A>(&self, work: impl FnOnce(oneshot::Sender<A>) -> Work) -> Result<A, LedgerGone> {
        let (reply, answer) = oneshot::channel();
        self.ledger.send(work(reply)).await.map_err(|_| LedgerGone)?;
        answer.await.map_err(|_| LedgerGone)
    }

    fn note(&self, response: &Response) {
        match response {
            Response::Lost { problem } | Response::Refused { problem } => self.note_problem(problem.clone()),
            // A session that ended is renewed; a log-in that is not accepted is a problem.
            Response::Unauthorised => {}
            Response::LoggedIn(_)
            | Response::Document(_)
            | Response::Unchanged
            | Response::Absent
            | Response::Time(_)
            | Response::Uploaded(_) => self.note_answer(),
        }
    }

    fn note_answer(&self) {
        let now = self.clock.now();
        let at = self.report.borrow().read_clock(now).now;
        self.contact.send_modify(|contact| (contact.last, contact.heard) = (Some(at), Some(now.uptime)));
    }

    fn note_problem(&self, sentence: String) {
        tracing::warn!(problem = sentence, "sync");
        let at = self.report.borrow().read_clock(self.clock.now()).now;
        self.contact.send_modify(|contact| contact.problem = Some(Problem { at, sentence }));
    }
}

/// What the machine needs to know of the ledger.
pub(super) fn held(report: &Report) -> Held {
    let standing = |kind| report.documents.get(&kind);
    Held {
        bundle: standing(DocumentKind::TrustBundle).map(|standing| standing.revision),
        assigned: report.event,
        head: standing(DocumentKind::Head).map(|standing| DocumentHash(standing.name)),
        needs: report.needs.clone(),
        unsettled: report.unsettled,
    }
}

fn without_remedy(problem: String) -> Failure {
    Failure { problem, remedy: Remedy::None }
}

fn failed(error: &CallError) -> Response {
    let problem = sentence(error);
    match error {
        CallError::Unreachable { .. } => Response::Lost { problem },
        CallError::Unauthorised => Response::Unauthorised,
        CallError::Refused { .. } | CallError::TooLong { .. } | CallError::Unreadable { .. } => {
            Response::Refused { problem }
        }
    }
}

/// An error and its causes, in one line.
fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

fn jitter() -> Jitter {
    Jitter(rand::random())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{RawScan, ScannedText, Source};
    use crate::ledger::{self, Ledger, Word};
    use crate::samples::{self, GATE};
    use crate::stand_in::StandIn;
    use countermark_shared::documents::SlotState;
    use countermark_shared::id::{LaneId, Slot};
    use countermark_shared::journal::{BootId, ClockState};
    use zeroize::Zeroizing;

    struct Bench {
        stand_in: StandIn,
        ledger: mpsc::Sender<Work>,
        report: watch::Receiver<Report>,
        contact: watch::Receiver<Contact>,
        finish: oneshot::Sender<()>,
        sync: tokio::task::JoinHandle<()>,
        clock: Clock,
        _folder: tempfile::TempDir,
    }

    impl Bench {
        async fn start(poll: Duration) -> Self {
            Self::start_ahead(poll, Duration::ZERO).await
        }

        /// Beside a cloud whose clock is so much later.
        async fn start_ahead(poll: Duration, ahead: Duration) -> Self {
            let stand_in = StandIn::start().await;
            stand_in.books().ahead = ahead;
            let key = SigningKey::from_seed(&Zeroizing::new([20; 32]));
            stand_in.books().key = Some(key.verifying_key());
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("ledger.sqlite");
            let clock = Clock::start();
            let uptime = clock.now().uptime;
            let opened = Ledger::open(&file, samples::owner(), BootId::new([0; 16]), uptime).unwrap();
            let (report_sender, report) = watch::channel(opened.report().unwrap());
            let (contact_sender, contact) = watch::channel(Contact::default());
            let (ledger, work) = mpsc::channel(8);
            let (finish, finishing) = oneshot::channel();
            std::thread::spawn(move || ledger::serve(opened, work, clock, &report_sender, drop));
            let sync = Sync {
                client: Client::new(stand_in.address.clone()).unwrap(),
                gate: GATE,
                key,
                ledger: ledger.clone(),
                report: report.clone(),
                contact: contact_sender,
                clock,
                poll,
            };
            let sync = tokio::spawn(sync.run(finishing));
            Self { stand_in, ledger, report, contact, finish, sync, clock, _folder: folder }
        }

        async fn scan(&mut self, text: &str) {
            let text = ScannedText::Whole(text.to_owned());
            let scan = RawScan { lane: LaneId(1), source: Source::Lines, text, at: self.clock.now().uptime };
            // By the rows, which only grow: what is unsettled may be the row before, or be settled before anybody looks.
            let before = self.report.borrow().rows;
            self.ledger.send(Work::Scan(scan)).await.unwrap();
            self.report.wait_for(|report| report.rows > before).await.unwrap();
        }

        async fn settled(&mut self) {
            self.report.wait_for(|report| report.unsettled == 0).await.unwrap();
        }
    }

    #[tokio::test]
    async fn documents_come_in_and_rows_go_out() {
        let mut bench = Bench::start(Duration::from_millis(50)).await;
        bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
        bench.scan("a").await;
        bench.settled().await;
        assert_eq!(bench.stand_in.books().rows.len(), 1);
        assert!(bench.stand_in.books().not_modified > 0, "what is held is asked for by its name");
        assert!(bench.contact.borrow().last.is_some());

        bench.stand_in.books().session += 1;
        bench.scan("b").await;
        bench.settled().await;
        let books = bench.stand_in.books();
        assert_eq!((books.rows.len(), books.log_ins), (2, 2));
    }

    #[tokio::test]
    async fn a_refused_document_is_shown() {
        let mut bench = Bench::start(Duration::from_millis(50)).await;
        bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
        let list = |report: &Report| report.documents[&DocumentKind::SlotList].revision;
        let before = list(&bench.report.borrow());
        {
            let publisher = &mut bench.stand_in.books().publisher;
            publisher.junk.extend([DocumentKind::SlotList, DocumentKind::SlotDelta]);
            publisher.say([(Slot(7), SlotState::Blocked)]);
        }
        bench.contact.wait_for(|contact| contact.refused.contains_key(&DocumentKind::SlotList)).await.unwrap();
        assert!(bench.contact.borrow().problem.is_some());
        assert_eq!(list(&bench.report.borrow()), before);

        bench.stand_in.books().publisher.junk.clear();
        bench.report.wait_for(|report| list(report) > before).await.unwrap();
    }

    #[tokio::test]
    async fn the_time_comes_signed_and_a_jump_waits_for_staff() {
        let mut bench = Bench::start(Duration::from_millis(50)).await;
        let state = |report: &Report, clock: Clock| report.read_clock(clock.now()).state;
        let clock = bench.clock;
        bench.report.wait_for(|report| state(report, clock) == ClockState::Signed).await.unwrap();

        let mut ahead = Bench::start_ahead(Duration::from_millis(50), Duration::from_hours(25)).await;
        ahead.report.wait_for(|report| report.clock.waiting().is_some()).await.unwrap();
        assert_eq!(state(&ahead.report.borrow(), ahead.clock), ClockState::Ahead);
        let (reply, answer) = oneshot::channel();
        ahead.ledger.send(Work::Hear { word: Word::Confirm, reply }).await.unwrap();
        assert!(answer.await.unwrap().unwrap().is_some());
        assert_eq!(state(&ahead.report.borrow(), ahead.clock), ClockState::Signed);
    }

    #[tokio::test]
    async fn an_answer_for_rows_that_were_not_sent_settles_nothing() {
        let mut bench = Bench::start(Duration::from_hours(1)).await;
        bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
        bench.stand_in.books().answers_for_others = true;
        bench.scan("a").await;
        bench.scan("b").await;
        bench.contact.wait_for(|contact| contact.problem.is_some()).await.unwrap();
        assert_eq!(bench.report.borrow().unsettled, 2);

        bench.stand_in.books().answers_for_others = false;
        bench.settled().await;
        assert_eq!(bench.stand_in.books().rows.len(), 2);
    }

    /// What stands between may answer for a cloud that is gone: 503 is no contact.
    #[tokio::test]
    async fn a_refusal_is_no_contact() {
        let mut bench = Bench::start(Duration::from_millis(50)).await;
        bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
        bench.stand_in.books().unavailable = true;
        let first = bench.contact.wait_for(|contact| contact.problem.is_some()).await.unwrap().clone();
        let later = bench.contact.wait_for(|contact| contact.problem != first.problem).await.unwrap();
        assert!(later.problem.as_ref().unwrap().sentence.contains("503"));
        assert_eq!((later.last, later.heard), (first.last, first.heard));
    }

    #[tokio::test]
    async fn what_is_left_goes_out_before_the_end() {
        let mut bench = Bench::start(Duration::from_hours(1)).await;
        bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
        bench.scan("a").await;
        bench.finish.send(()).unwrap();
        bench.sync.await.unwrap();
        assert_eq!(bench.stand_in.books().rows.len(), 1);
        assert_eq!(bench.report.borrow().unsettled, 0);
    }
}
