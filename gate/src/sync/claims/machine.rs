//! What is asked of the venue, and until when. Owns the deadline, the tries and the circuit; refuses to know how bytes travel and what time it is.
//!
//! The circuit is the session. After some questions in a row that nobody answered in time, the session is given up, and who asks is told at once
//! that nobody answers, until a log-in succeeds, which nobody waits for.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use countermark_shared::wire::ClaimAnswered;
use secrecy::SecretString;

/// From the question on. Transport for London wants whoever shows a card to be through with it within 500 ms (S. Verma, as paymentssource.com
/// reports him); the rest is left for reading and two rows.
pub(super) const DEADLINE: Duration = Duration::from_millis(400);
/// For a log-in, which nobody need wait for.
const LOG_IN_DEADLINE: Duration = Duration::from_secs(3);
/// A question that failed at once is asked again, under its name, once.
const TRIES: u8 = 2;
/// So many questions in a row without an answer open the circuit.
const FAILURES: u8 = 3;
/// For how long, before a log-in is tried.
const OPEN: Duration = Duration::from_secs(5);
/// Questions at once. A gate has fewer lanes; more is a venue that does not answer.
const MOST: usize = 16;

/// Something to carry.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// A session, by then.
    LogIn { until: Duration },
    /// This question, by then.
    Ask { sequence: u64, session: SecretString, until: Duration },
}

/// What to do now.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Carry this; others may be under way.
    Send(Request),
    /// Tell the ledger.
    Answer { sequence: u64, answer: Option<ClaimAnswered> },
    /// Nothing before this uptime, unless something is asked or answered; none where nothing will be due.
    Wait { until: Option<Duration> },
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Response {
    /// A session, or none.
    LoggedIn(Option<SecretString>),
    /// An answer.
    Answered { sequence: u64, answer: ClaimAnswered },
    /// The session is over.
    Unauthorised { sequence: u64 },
    /// No answer that helps.
    Failed { sequence: u64 },
}

/// The state between requests. Times are uptimes.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    session: Session,
    /// Questions without an answer, by the rows that ask.
    asked: BTreeMap<u64, Asked>,
    answers: VecDeque<(u64, Option<ClaimAnswered>)>,
    /// Questions in a row that nobody answered.
    failures: u8,
}

#[derive(Debug, Default)]
enum Session {
    /// Nothing was asked yet.
    #[default]
    NotWanted,
    /// A log-in is due then. `open`: whoever asks until it has succeeded is told that nobody answers.
    Due {
        at: Duration,
        open: bool,
    },
    /// It is under way until then.
    LoggingIn {
        until: Duration,
        open: bool,
    },
    Held(SecretString),
}

#[derive(Debug)]
struct Asked {
    until: Duration,
    tries: u8,
    under_way: bool,
}

impl Machine {
    /// Takes a question.
    pub(crate) fn ask(&mut self, sequence: u64, now: Duration) {
        if matches!(self.session, Session::NotWanted) {
            self.session = Session::Due { at: now, open: false };
        }
        let open = matches!(self.session, Session::Due { open: true, .. } | Session::LoggingIn { open: true, .. });
        if open || self.asked.len() >= MOST {
            return self.answers.push_back((sequence, None));
        }
        self.asked.insert(sequence, Asked { until: now + DEADLINE, tries: 0, under_way: false });
    }

    /// What to do now, until it is to wait.
    pub(crate) fn poll(&mut self, now: Duration) -> Step {
        self.expire(now);
        if let Some((sequence, answer)) = self.answers.pop_front() {
            return Step::Answer { sequence, answer };
        }
        match &self.session {
            Session::Due { at, open } if *at <= now => {
                let until = now + LOG_IN_DEADLINE;
                self.session = Session::LoggingIn { until, open: *open };
                return Step::Send(Request::LogIn { until });
            }
            Session::Held(session) => {
                if let Some((sequence, asked)) = self.asked.iter_mut().find(|(_, asked)| !asked.under_way) {
                    (asked.under_way, asked.tries) = (true, asked.tries + 1);
                    let (sequence, session, until) = (*sequence, session.clone(), asked.until);
                    return Step::Send(Request::Ask { sequence, session, until });
                }
            }
            Session::NotWanted | Session::Due { .. } | Session::LoggingIn { .. } => {}
        }
        let session = match self.session {
            Session::Due { at, open: _ } | Session::LoggingIn { until: at, open: _ } => Some(at),
            Session::NotWanted | Session::Held(_) => None,
        };
        Step::Wait { until: self.asked.values().map(|asked| asked.until).chain(session).min() }
    }

    /// Takes what came of a request. What comes too late is for nobody, even where a box was frozen and nobody has looked since.
    pub(crate) fn on(&mut self, response: Response, now: Duration) {
        self.expire(now);
        match response {
            Response::LoggedIn(Some(session)) => {
                if let Session::LoggingIn { .. } = self.session {
                    (self.session, self.failures) = (Session::Held(session), 0);
                }
            }
            Response::LoggedIn(None) => {
                if let Session::LoggingIn { .. } = self.session {
                    self.open(now);
                }
            }
            Response::Answered { sequence, answer } => {
                if self.asked.remove(&sequence).is_some() {
                    self.failures = 0;
                    self.answers.push_back((sequence, Some(answer)));
                }
            }
            Response::Unauthorised { sequence } => {
                if let Session::Held(_) = self.session {
                    self.session = Session::Due { at: now, open: false };
                }
                self.again(sequence, now);
            }
            Response::Failed { sequence } => self.again(sequence, now),
        }
    }

    /// A question that failed is asked again, while there is a try left.
    fn again(&mut self, sequence: u64, now: Duration) {
        match self.asked.get_mut(&sequence) {
            Some(asked) if asked.tries < TRIES => asked.under_way = false,
            Some(_) => self.fail(sequence, now),
            None => {}
        }
    }

    fn expire(&mut self, now: Duration) {
        if let Session::LoggingIn { until, .. } = self.session
            && until <= now
        {
            self.open(now);
        }
        let late: Vec<_> = self.asked.iter().filter(|(_, asked)| asked.until <= now).map(|(row, _)| *row).collect();
        for sequence in late {
            self.fail(sequence, now);
        }
    }

    fn fail(&mut self, sequence: u64, now: Duration) {
        if self.asked.remove(&sequence).is_none() {
            return;
        }
        self.answers.push_back((sequence, None));
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES && matches!(self.session, Session::Held(_)) {
            self.open(now);
        }
    }

    /// Nobody answers: whoever waits is told, and who asks from now on at once.
    fn open(&mut self, now: Duration) {
        self.session = Session::Due { at: now + OPEN, open: true };
        let waiting = std::mem::take(&mut self.asked);
        self.answers.extend(waiting.into_keys().map(|sequence| (sequence, None)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_shared::decision::Passages;

    const GRANTED: ClaimAnswered = ClaimAnswered { persons: 2, others: Passages::NONE };

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// All that is done now, in short: `log-in`, `ask 1`, `1 granted`, `1 nobody`; and until when it waits.
    fn done(machine: &mut Machine, now: Duration) -> (Vec<String>, Option<Duration>) {
        let mut done = Vec::new();
        loop {
            done.push(match machine.poll(now) {
                Step::Send(Request::LogIn { until: _ }) => "log-in".to_owned(),
                Step::Send(Request::Ask { sequence, .. }) => format!("ask {sequence}"),
                Step::Answer { sequence, answer: Some(_) } => format!("{sequence} granted"),
                Step::Answer { sequence, answer: None } => format!("{sequence} nobody"),
                Step::Wait { until } => return (done, until),
            });
        }
    }

    /// One that has a session at 0 and was asked nothing.
    fn logged_in() -> Machine {
        let mut machine = Machine { session: Session::Due { at: at(0), open: false }, ..Machine::default() };
        assert_eq!(done(&mut machine, at(0)).0, ["log-in"]);
        machine.on(Response::LoggedIn(Some("session".into())), at(0));
        machine
    }

    #[test]
    fn nothing_is_said_to_a_venue_that_nobody_asks() {
        assert_eq!(done(&mut Machine::default(), at(0)), (vec![], None));
    }

    #[test]
    fn the_first_question_logs_in_and_several_go_at_once() {
        let mut machine = Machine::default();
        machine.ask(1, at(0));
        machine.ask(2, at(10));
        assert_eq!(done(&mut machine, at(10)), (vec!["log-in".to_owned()], Some(DEADLINE)));
        machine.on(Response::LoggedIn(Some("session".into())), at(50));
        assert_eq!(done(&mut machine, at(50)).0, ["ask 1", "ask 2"]);
        machine.on(Response::Answered { sequence: 2, answer: GRANTED }, at(60));
        assert_eq!(done(&mut machine, at(60)), (vec!["2 granted".to_owned()], Some(DEADLINE)));
    }

    #[test]
    fn after_the_deadline_nobody_answered_and_what_comes_later_is_for_nobody() {
        let mut machine = logged_in();
        machine.ask(1, at(0));
        assert_eq!(done(&mut machine, at(399)), (vec!["ask 1".to_owned()], Some(at(400))));
        assert_eq!(done(&mut machine, at(400)), (vec!["1 nobody".to_owned()], None));
        machine.on(Response::Answered { sequence: 1, answer: GRANTED }, at(401));
        machine.on(Response::Failed { sequence: 1 }, at(402));
        assert_eq!(done(&mut machine, at(402)), (vec![], None));
    }

    /// A box that was suspended hears of it before anybody looks at the time.
    #[test]
    fn what_was_answered_in_time_and_heard_after_it_is_for_nobody() {
        let mut machine = logged_in();
        machine.ask(1, at(0));
        assert_eq!(done(&mut machine, at(0)).0, ["ask 1"]);
        machine.on(Response::Answered { sequence: 1, answer: GRANTED }, at(400));
        assert_eq!(done(&mut machine, at(400)), (vec!["1 nobody".to_owned()], None));
    }

    #[test]
    fn a_question_that_failed_is_asked_once_more_while_there_is_time() {
        let mut machine = logged_in();
        machine.ask(1, at(0));
        assert_eq!(done(&mut machine, at(0)).0, ["ask 1"]);
        machine.on(Response::Failed { sequence: 1 }, at(100));
        assert_eq!(done(&mut machine, at(100)), (vec!["ask 1".to_owned()], Some(at(400))));
        machine.on(Response::Failed { sequence: 1 }, at(200));
        assert_eq!(done(&mut machine, at(200)), (vec!["1 nobody".to_owned()], None));
    }

    #[test]
    fn a_session_that_ended_is_renewed_and_the_question_asked_again() {
        let mut machine = logged_in();
        machine.ask(1, at(0));
        assert_eq!(done(&mut machine, at(0)).0, ["ask 1"]);
        machine.on(Response::Unauthorised { sequence: 1 }, at(20));
        assert_eq!(done(&mut machine, at(20)).0, ["log-in"]);
        machine.on(Response::LoggedIn(Some("another".into())), at(40));
        assert_eq!(done(&mut machine, at(40)).0, ["ask 1"]);
        machine.on(Response::Answered { sequence: 1, answer: GRANTED }, at(60));
        assert_eq!(done(&mut machine, at(60)).0, ["1 granted"]);
    }

    #[test]
    fn three_failures_in_a_row_open_the_circuit_until_a_log_in_succeeds() {
        let mut machine = logged_in();
        for sequence in 1..=2 {
            machine.ask(sequence, at(0));
        }
        done(&mut machine, at(0));
        assert_eq!(done(&mut machine, at(400)).0, ["1 nobody", "2 nobody"]);
        // One that is answered in between, and they count anew.
        machine.ask(3, at(400));
        done(&mut machine, at(400));
        machine.on(Response::Answered { sequence: 3, answer: GRANTED }, at(410));
        for sequence in 4..=7 {
            machine.ask(sequence, at(500 + sequence));
        }
        assert_eq!(done(&mut machine, at(510)).0, ["3 granted", "ask 4", "ask 5", "ask 6", "ask 7"]);
        // The fourth is told with them, though it had a millisecond.
        assert_eq!(done(&mut machine, at(906)).0, ["4 nobody", "5 nobody", "6 nobody", "7 nobody"]);
        machine.ask(8, at(1000));
        let (said, until) = done(&mut machine, at(1000));
        assert_eq!((said, until), (vec!["8 nobody".to_owned()], Some(at(5906))));
        // The log-in fails, by no answer and by a refusal, and nobody waits for it.
        assert_eq!(done(&mut machine, at(5906)), (vec!["log-in".to_owned()], Some(at(8906))));
        machine.ask(9, at(6000));
        assert_eq!(done(&mut machine, at(6000)).0, ["9 nobody"]);
        assert_eq!(done(&mut machine, at(8906)), (vec![], Some(at(13_906))));
        assert_eq!(done(&mut machine, at(13_906)).0, ["log-in"]);
        machine.on(Response::LoggedIn(None), at(14_000));
        assert_eq!(done(&mut machine, at(19_000)).0, ["log-in"]);
        machine.on(Response::LoggedIn(Some("session".into())), at(19_010));
        machine.ask(10, at(20_000));
        assert_eq!(done(&mut machine, at(20_000)).0, ["ask 10"]);
    }

    #[test]
    fn more_questions_than_there_are_lanes_are_answered_by_nobody() {
        let mut machine = logged_in();
        let most = u64::try_from(MOST).unwrap();
        for sequence in 1..=most + 1 {
            machine.ask(sequence, at(0));
        }
        let (said, _) = done(&mut machine, at(0));
        assert_eq!(said[0], format!("{} nobody", most + 1));
        assert_eq!(said.len(), MOST + 1);
    }
}
