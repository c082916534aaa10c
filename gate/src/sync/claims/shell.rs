//! Carries what the machine asks for between the venue and the ledger. Owns no decision of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::id::GateId;
use countermark_shared::keys::SigningKey;
use countermark_shared::wire::AskClaim;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::machine::{Machine, Request, Response, Step};
use crate::clock::Clock;
use crate::cloud::{CallError, Client};
use crate::ledger::{Question, Work};
use crate::sync::Sync;

/// All that asking needs of the agent.
pub(crate) struct Claims {
    /// Of whoever answers.
    client: Client,
    gate: GateId,
    key: SigningKey,
    /// What the ledger asks.
    questions: mpsc::UnboundedReceiver<Question>,
    ledger: mpsc::Sender<Work>,
    clock: Clock,
}

impl Claims {
    /// Asks where `sync` settles what comes by the sender. A node at the venue would be another client here.
    pub(crate) fn beside(sync: &Sync) -> (mpsc::UnboundedSender<Question>, Self) {
        // Bounded by what is scanned within the deadline.
        let (asking, questions) = mpsc::unbounded_channel();
        let Sync { client, gate, key, ledger, clock, .. } = sync;
        let (client, key, ledger) = (client.clone(), key.clone(), ledger.clone());
        (asking, Self { client, gate: *gate, key, questions, ledger, clock: *clock })
    }

    /// Asks what the ledger asks, until it is gone.
    pub(crate) async fn run(mut self) {
        let mut machine = Machine::default();
        // What is under way and has no answer, to be sent again if need be.
        let mut asks: BTreeMap<u64, AskClaim> = BTreeMap::new();
        let mut calls = JoinSet::new();
        loop {
            let now = self.clock.now().uptime;
            match machine.poll(now) {
                Step::Send(request) => drop(calls.spawn(self.call(request, &asks, now))),
                Step::Answer { sequence, answer } => {
                    asks.remove(&sequence);
                    if self.ledger.send(Work::Claimed { sequence, answer }).await.is_err() {
                        return;
                    }
                }
                Step::Wait { until } => tokio::select! {
                    question = self.questions.recv() => {
                        let Some(Question { sequence, ask }) = question else { return };
                        asks.insert(sequence, ask);
                        machine.ask(sequence, self.clock.now().uptime);
                    }
                    Some(Ok(response)) = calls.join_next() => machine.on(response, self.clock.now().uptime),
                    () = wait(until, now) => {}
                },
            }
        }
    }

    /// One call, which ends when its answer is of no use any more.
    fn call(
        &self,
        request: Request,
        asks: &BTreeMap<u64, AskClaim>,
        now: Duration,
    ) -> impl Future<Output = Response> + 'static {
        let (client, gate, key) = (self.client.clone(), self.gate, self.key.clone());
        let ask = match &request {
            Request::LogIn { until: _ } => None,
            Request::Ask { sequence, .. } => asks.get(sequence).cloned(),
        };
        async move {
            match (request, ask) {
                (Request::Ask { sequence, session, until }, Some(ask)) => {
                    match timeout(until.saturating_sub(now), client.claim(&session, &ask)).await {
                        Ok(Ok(answer)) => Response::Answered { sequence, answer },
                        Ok(Err(CallError::Unauthorised)) => Response::Unauthorised { sequence },
                        Err(_) => Response::Failed { sequence },
                        Ok(Err(error)) => {
                            tracing::warn!(%error, row = sequence, "no answer to a claim");
                            Response::Failed { sequence }
                        }
                    }
                }
                (Request::Ask { sequence, .. }, None) => Response::Failed { sequence },
                (Request::LogIn { until }, _) => {
                    let session = timeout(until.saturating_sub(now), client.log_in(gate, &key)).await;
                    Response::LoggedIn(session.ok().and_then(Result::ok).map(|session| session.token))
                }
            }
        }
    }
}

async fn wait(until: Option<Duration>, now: Duration) {
    match until {
        Some(until) => tokio::time::sleep(until.saturating_sub(now)).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;

    use countermark_shared::decision::Passages;
    use countermark_shared::wire::{Base64, ClaimAnswered};

    use super::*;
    use crate::samples::{self, GATE};
    use crate::stand_in::StandIn;

    const GRANTED: ClaimAnswered = ClaimAnswered { persons: 2, others: Passages::NONE };

    struct Bench {
        stand_in: StandIn,
        asking: mpsc::UnboundedSender<Question>,
        heard: mpsc::Receiver<Work>,
    }

    impl Bench {
        async fn start() -> Self {
            let stand_in = StandIn::start().await;
            let key = samples::signing_key(20);
            stand_in.books().key = Some(key.verifying_key());
            let clock = Clock::start();
            let (asking, questions) = mpsc::unbounded_channel();
            let (ledger, heard) = mpsc::channel(8);
            let client = Client::new(stand_in.address.clone(), move || [clock.now().battery; 2]).unwrap();
            tokio::spawn(Claims { client, gate: GATE, key, questions, ledger, clock }.run());
            Self { stand_in, asking, heard }
        }

        /// Asks by a row, under a name that repeats its number; what is answered.
        async fn ask(&mut self, row: u8) -> Option<ClaimAnswered> {
            let ask = AskClaim {
                attempt: Base64([row; 16]),
                row: row.into(),
                persons: NonZeroU8::MIN,
                own: Passages::NONE,
                ticket: samples::ticket_of(row.into(), 1).to_text(),
            };
            self.asking.send(Question { sequence: row.into(), ask }).unwrap();
            match self.heard.recv().await {
                Some(Work::Claimed { sequence, answer }) if sequence == u64::from(row) => answer,
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_question_is_carried_to_the_venue_and_its_answer_to_the_ledger() {
        let mut bench = Bench::start().await;
        bench.stand_in.books().answers.extend([Some(GRANTED), Some(GRANTED)]);
        assert_eq!(bench.ask(1).await, Some(GRANTED));
        // The session ended meanwhile.
        bench.stand_in.books().session += 1;
        assert_eq!(bench.ask(2).await, Some(GRANTED));
        let books = bench.stand_in.books();
        let asked: Vec<_> = books.claims.iter().map(|ask| ask.row).collect();
        // Of its journal it says nothing: what is on the way has no place in it yet.
        assert_eq!((asked, &books.written_up_to[..]), (vec![1, 2], &[None, None][..]));
    }

    #[tokio::test]
    async fn a_question_whose_answer_failed_is_asked_again_under_its_name_and_no_more_than_twice() {
        let mut bench = Bench::start().await;
        bench.stand_in.books().answers.extend([None, Some(GRANTED), None, None]);
        assert_eq!(bench.ask(1).await, Some(GRANTED));
        assert_eq!(bench.ask(2).await, None);
        let names: Vec<_> = bench.stand_in.books().claims.iter().map(|ask| ask.attempt.0[0]).collect();
        assert_eq!(names, [1, 1, 2, 2]);
    }
}
