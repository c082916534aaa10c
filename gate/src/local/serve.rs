//! The answering side, in the agent.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countermark_shared::id::LaneId;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Answer, LedgerStatus, MAX_LINE, Question, Status};
use crate::clock::Clock;
use crate::identity::Identity;
use crate::input::Silent;
use crate::ledger::{Report, Work};
use crate::sync::Contact;

/// A caller that says nothing is let go.
const PATIENCE: Duration = Duration::from_secs(5);

/// After a question that could not be taken.
const PAUSE: Duration = Duration::from_secs(1);

/// What answers are made of.
pub(crate) struct Agent {
    pub(crate) identity: Identity,
    pub(crate) lane: LaneId,
    pub(crate) ledger: mpsc::Sender<Work>,
    pub(crate) report: watch::Receiver<Report>,
    pub(crate) contact: watch::Receiver<Contact>,
    pub(crate) silent: watch::Receiver<Silent>,
    pub(crate) clock: Clock,
}

/// Listens on the socket. Whoever holds the ledger is the only agent of this folder, so a socket that exists is a dead one's.
pub(crate) fn bind(socket: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the runtime ends.
pub(crate) async fn serve(listener: UnixListener, agent: Agent) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let agent = Arc::new(agent);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // No file descriptor left, most likely. That ends a question, not the gate.
                tracing::warn!(%error, "a local question was not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let agent = Arc::clone(&agent);
        tokio::spawn(async move {
            match tokio::time::timeout(PATIENCE, agent.converse(stream)).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a local question was not answered"),
            }
        });
    }
}

impl Agent {
    async fn converse(&self, stream: UnixStream) -> io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut line = String::new();
        BufReader::new(reading.take(MAX_LINE)).read_line(&mut line).await?;
        let answer = match serde_json::from_str(&line) {
            Ok(question) => self.answer(question).await,
            Err(error) => Answer::Problem(format!("the question cannot be read: {error}")),
        };
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        writing.write_all(&line).await
    }

    async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Status => Answer::Status(Box::new(Status {
                running: true,
                gate: self.identity.gate,
                name: self.identity.name.clone(),
                ledger: LedgerStatus::new(&self.report.borrow(), self.clock.now().at),
                contact: self.contact.borrow().clone(),
                silent: *self.silent.borrow(),
            })),
            Question::Check { lane, text } => self.check(lane.unwrap_or(self.lane), text).await,
        }
    }

    async fn check(&self, lane: LaneId, text: String) -> Answer {
        let (reply, ruling) = oneshot::channel();
        let sent = self.ledger.send(Work::Check { lane, text, reply }).await;
        match (sent, ruling.await) {
            (Ok(()), Ok(Ok(ruling))) => Answer::Check(ruling),
            (Ok(()), Ok(Err(error))) => Answer::Problem(error.to_string()),
            (Err(_), _) | (_, Err(_)) => Answer::Problem("the ledger has stopped".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcement::Ruling;
    use crate::data_folder::DataFolder;
    use crate::local::{AskError, ask};
    use crate::samples::{self, EVENT, GATE};
    use countermark_shared::journal::Subject;
    use countermark_shared::verdict::{Reason, Verdict};

    fn agent() -> (Agent, mpsc::Receiver<Work>) {
        let (ledger, work) = mpsc::channel(4);
        let report = Report { unsettled: 2, ..samples::report() };
        let identity = Identity {
            cloud: "http://127.0.0.1:1".parse().unwrap(),
            gate: GATE,
            event: EVENT,
            name: "North".into(),
            root: samples::bundle().root_fingerprint(),
        };
        let report = watch::channel(report).1;
        let contact = watch::channel(Contact::default()).1;
        let silent = watch::channel(Silent::default()).1;
        (Agent { identity, lane: LaneId(1), ledger, report, contact, silent, clock: Clock::start() }, work)
    }

    #[tokio::test]
    async fn questions_are_answered_over_a_private_socket() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let socket = data.socket();
        assert!(matches!(ask(&data, &Question::Status), Err(AskError::NotRunning { .. })));

        drop(bind(&socket).unwrap());
        assert!(matches!(ask(&data, &Question::Status), Err(AskError::NotRunning { .. })), "a dead agent's socket");
        let listener = bind(&socket).unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);

        let (agent, mut work) = agent();
        tokio::spawn(serve(listener, agent));
        tokio::spawn(async move {
            while let Some(asked) = work.recv().await {
                let Work::Check { lane, text: _, reply } = asked else { panic!("only checks are asked") };
                assert_eq!(lane, LaneId(1));
                let verdict = Verdict::refusal(Reason::NotOurs);
                drop(reply.send(Ok(Ruling::new(verdict, &Subject::unverified("x")))));
            }
        });
        let asking = tokio::task::spawn_blocking(move || {
            let status = ask(&data, &Question::Status).unwrap();
            let check = ask(&data, &Question::Check { lane: None, text: "x".into() }).unwrap();
            (status, check)
        });
        let (status, check) = asking.await.unwrap();
        assert!(matches!(status, Answer::Status(status) if status.ledger.unsettled == 2 && status.running));
        assert!(matches!(check, Answer::Check(ruling) if ruling.verdict == Reason::NotOurs));
    }
}
