//! What a rehearsed gate asks of the others before it admits. The machine says what goes when; the caller carries it, as it carries all else.

use std::time::Duration;

use countermark_shared::wire::{AskClaim, ClaimAnswered};
use secrecy::SecretString;

use super::{Gate, Ruled};
use crate::clock::Moment;
use crate::sync::claims::machine::{Request, Response, Step};

/// What to do now about what is asked. It has no `Debug`: the ticket is not for the log.
#[derive(Clone)]
pub enum ClaimStep {
    /// Get a session, for questions alone. Others may be under way, here and below.
    LogIn,
    /// Carry this question, by which row it is asked, and by which session.
    Ask {
        /// The row.
        row: u64,
        /// The question.
        ask: AskClaim,
        /// The session.
        session: SecretString,
    },
    /// The verdict after a question, once its row is durable.
    Ruled {
        /// The row that asked.
        of: u64,
        /// The verdict.
        ruled: Ruled,
    },
    /// Nothing before this uptime, unless something is shown or answered; none where nothing will be due.
    Wait {
        /// The uptime.
        until: Option<Duration>,
    },
}

/// What came of a request about claims. That nothing came needs no telling.
#[derive(Clone, Debug)]
pub enum ClaimReply {
    /// A session.
    LoggedIn(SecretString),
    /// An answer to the question of that row.
    Answered(u64, ClaimAnswered),
    /// The session is over, by which that row's question came.
    Unauthorised(u64),
    /// No answer that helps.
    Failed(u64),
}

impl Gate {
    /// From now on the others are asked about every ticket, or only where the policy is strict.
    pub fn asks_others(&mut self, always: bool) {
        self.ledger.asks_others(always);
    }

    /// The rows that ask and have no verdict.
    pub fn asks(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.asks.keys().copied()
    }

    /// What to do now about what is asked.
    pub fn poll_claims(&mut self, now: Moment) -> ClaimStep {
        loop {
            match self.claims.poll(now.uptime) {
                Step::Send(Request::LogIn { until: _ }) => return ClaimStep::LogIn,
                Step::Send(Request::Ask { sequence: row, session, until: _ }) => match self.asks.get(&row) {
                    Some(ask) => return ClaimStep::Ask { row, ask: ask.clone(), session },
                    None => self.claims.on(Response::Failed { sequence: row }, now.uptime),
                },
                Step::Answer { sequence: of, answer } => {
                    self.asks.remove(&of);
                    if let Some(said) = self.ledger.claimed(of, answer, now) {
                        return ClaimStep::Ruled { of, ruled: Ruled::of(said) };
                    }
                }
                Step::Wait { until } => return ClaimStep::Wait { until },
            }
        }
    }

    /// Takes what came of a request about claims.
    pub fn on_claim(&mut self, reply: ClaimReply, now: Moment) {
        let response = match reply {
            ClaimReply::LoggedIn(session) => Response::LoggedIn(Some(session)),
            ClaimReply::Answered(sequence, answer) => Response::Answered { sequence, answer },
            ClaimReply::Unauthorised(sequence) => Response::Unauthorised { sequence },
            ClaimReply::Failed(sequence) => Response::Failed { sequence },
        };
        self.claims.on(response, now.uptime);
    }
}
