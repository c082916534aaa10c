//! The answering side, in the agent.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::keys::SigningKey;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::staff::typed_here;
use super::{
    Answer, Checked, ClockStatus, LedgerStatus, MAX_QUESTION, Question, SignedPage, Status, TabletWish, watching,
};
use crate::carried::{self, MAX_SET, Offered};
use crate::clock::Clock;
use crate::devices::Devices;
use crate::identity::Identity;
use crate::ledger::{RECENT, Recent, Report, Word, Work};
use crate::screen::Screen;
use crate::sync::Contact;

/// A caller that says nothing is let go.
const PATIENCE: Duration = Duration::from_secs(5);
/// A set has thousands of documents at most, and scans go before each.
const PATIENCE_WITH_A_SET: Duration = Duration::from_mins(2);

/// Rows in one answer: with their tickets' texts below its longest.
const MOST_ROWS: usize = 1_000;

/// After a question that could not be taken; and how long `status` waits for what only the ledger knows.
const PAUSE: Duration = Duration::from_secs(1);

/// What answers are made of.
pub(crate) struct Agent {
    pub(crate) identity: Identity,
    /// Signs how far the journal goes.
    pub(crate) key: SigningKey,
    pub(crate) has_unwrapping_key: bool,
    /// The lanes that are scanned at.
    pub(crate) lanes: Vec<LaneId>,
    pub(crate) ledger: mpsc::Sender<Work>,
    pub(crate) report: watch::Receiver<Report>,
    pub(crate) contact: watch::Receiver<Contact>,
    pub(crate) devices: watch::Receiver<Devices>,
    pub(crate) clock: Clock,
    /// What whoever watches is told, and where tablets are let in.
    pub(crate) screen: Arc<Screen>,
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
            if let Err(error) = agent.converse(stream).await {
                tracing::warn!(%error, "a local question was not answered");
            }
        });
    }
}

impl Agent {
    async fn converse(&self, stream: UnixStream) -> io::Result<()> {
        let (reading, mut writing) = stream.into_split();
        let mut reader = BufReader::new(reading);
        let mut line = String::new();
        if timeout(PATIENCE, (&mut reader).take(MAX_QUESTION).read_line(&mut line)).await.is_err() {
            return Ok(());
        }
        let question = serde_json::from_str(&line);
        if matches!(question, Ok(Question::Watch)) {
            return watching::tell(&self.screen, &mut writing).await;
        }
        let answered = async {
            match question {
                Ok(Question::Export) => self.export().await,
                Ok(question) => (self.answer(question, reader).await, Vec::new()),
                Err(error) => (Answer::Problem(format!("the question cannot be read: {error}")), Vec::new()),
            }
        };
        let (answer, set) = timeout(PATIENCE_WITH_A_SET, answered).await?;
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        timeout(PATIENCE_WITH_A_SET, async {
            writing.write_all(&line).await?;
            writing.write_all(&set).await
        })
        .await?
    }

    async fn answer(&self, question: Question, reader: BufReader<OwnedReadHalf>) -> Answer {
        match question {
            Question::Status => self.status().await,
            Question::Check { lane, text } => match self.lane(lane) {
                Ok(lane) => self.check(lane, text).await,
                Err(problem) => problem,
            },
            Question::Import { length } => self.import(length, reader).await,
            Question::Tablets(wish) => self.tablets(wish).await,
            Question::Clock { word } => self.hear(word).await,
            Question::Journal { after, most, tickets } => {
                let most = most.min(MOST_ROWS);
                match self.ask(|reply| Work::Page { after, most, tickets, reply }).await {
                    Ok(Ok(page)) => Answer::Journal(Box::new(SignedPage::new(page, self.identity.gate, &self.key))),
                    Ok(Err(error)) => Answer::Problem(error.to_string()),
                    Err(problem) => problem,
                }
            }
            Question::Prune { keep_seconds } => {
                let keep = Duration::from_secs(keep_seconds);
                match self.ask(|reply| Work::Prune { keep, reply }).await {
                    Ok(Ok(pruned)) => Answer::Pruned(pruned),
                    Ok(Err(error)) => Answer::Problem(error.to_string()),
                    Err(problem) => problem,
                }
            }
            Question::Staff(question) => self.serve_staff(question).await,
            Question::Export | Question::Watch => Answer::Problem("the question cannot be read".to_owned()),
        }
    }

    async fn status(&self) -> Answer {
        let recent = self.recent().await;
        Answer::Status(Box::new(Status {
            running: true,
            gate: self.identity.gate,
            name: self.identity.name.clone(),
            has_unwrapping_key: self.has_unwrapping_key,
            ledger: LedgerStatus::new(&self.report.borrow(), self.clock.now()),
            contact: self.contact.borrow().clone(),
            devices: self.devices.borrow().statuses(),
            recent,
        }))
    }

    async fn tablets(&self, wish: TabletWish) -> Answer {
        let Some(tablets) = &self.screen.tablets else {
            return Answer::Problem(
                "tablets are not let in here; write `[tablet]` and `listen = \"ADDRESS:PORT\"` into gate.toml, and restart the agent"
                    .to_owned(),
            );
        };
        let outcome = match wish {
            TabletWish::Invite { pin } => {
                match self.ask(|reply| Work::Permit { pin: pin.map(typed_here), reply }).await {
                    Ok(Ok(())) => tablets.invite().map(|invitation| Answer::Invitation(Box::new(invitation))),
                    Ok(Err(why)) => return Answer::Problem(why.to_string()),
                    Err(problem) => return problem,
                }
            }
            TabletWish::List => Ok(Answer::Tablets(tablets.list())),
            TabletWish::Revoke { number } => tablets.revoke(number).map(|()| Answer::Tablets(tablets.list())),
        };
        outcome.unwrap_or_else(|error| Answer::Problem(error.to_string()))
    }

    /// Each by itself, so that scans are not kept waiting by a long set.
    async fn import(&self, length: u64, reader: BufReader<OwnedReadHalf>) -> Answer {
        let mut set = Vec::new();
        let received = reader.take(length.min(MAX_SET + 1)).read_to_end(&mut set).await;
        if received.is_err() || set.len() as u64 != length {
            return Answer::Problem("the documents did not arrive whole".to_owned());
        }
        let documents = match carried::unpack(&set) {
            Ok(documents) => documents,
            Err(refusal) => return Answer::Problem(refusal.to_string()),
        };
        drop(set);
        let mut offered = Vec::with_capacity(documents.len());
        for (kind, bytes) in documents {
            match self.ask(|reply| Work::Take { kind, bytes, reply }).await {
                Ok(outcome) => offered.push(Offered::new(kind, outcome)),
                Err(problem) => return problem,
            }
        }
        Answer::Import(offered)
    }

    async fn export(&self) -> (Answer, Vec<u8>) {
        match self.ask(|reply| Work::Give { reply }).await {
            Ok(Ok(documents)) => {
                let set = carried::pack(&documents);
                (Answer::Export { length: set.len() as u64 }, set)
            }
            Ok(Err(error)) => (Answer::Problem(error.to_string()), Vec::new()),
            Err(problem) => (problem, Vec::new()),
        }
    }

    async fn hear(&self, word: Option<Word>) -> Answer {
        if let Some(word) = word {
            match self.ask(|reply| Work::Hear { word, reply }).await {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => return Answer::Problem("no clock change is waiting for confirmation".to_owned()),
                Ok(Err(error)) => return Answer::Problem(error.to_string()),
                Err(problem) => return problem,
            }
        }
        Answer::Clock(Box::new(ClockStatus::new(&self.report.borrow(), self.clock.now())))
    }

    /// The lane that was named, or the gate's own.
    pub(super) fn lane(&self, named: Option<LaneId>) -> Result<LaneId, Answer> {
        let unnamed = || Answer::Problem("nothing is scanned at any lane here; name a --lane".to_owned());
        named.or_else(|| self.lanes.first().copied()).ok_or_else(unnamed)
    }

    async fn check(&self, lane: LaneId, text: String) -> Answer {
        match self.ask(|reply| Work::Check { lane, text, reply }).await {
            Ok(Ok(ruling)) => Answer::Check(Box::new(Checked::new(ruling, &self.report.borrow(), self.clock.now()))),
            Ok(Err(error)) => Answer::Problem(error.to_string()),
            Err(problem) => problem,
        }
    }

    /// The last scans, as far as the ledger comes to it: how the rest stands is said though it hangs.
    async fn recent(&self) -> Vec<Recent> {
        let asked = self.ask(|reply| Work::Recent { most: RECENT, reply });
        match timeout(PAUSE, asked).await {
            Ok(Ok(Ok(recent))) => recent,
            Ok(Ok(Err(_)) | Err(_)) | Err(_) => Vec::new(),
        }
    }

    pub(super) async fn ask<A>(&self, work: impl FnOnce(oneshot::Sender<A>) -> Work) -> Result<A, Answer> {
        let stopped = || Answer::Problem("the ledger has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.ledger.send(work(reply)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::announcement::{Announcement, Ruling};
    use crate::carried::Outcome;
    use crate::data_folder::DataFolder;
    use crate::input::Source;
    use crate::ledger::{Ledger, Pins};
    use crate::local::{self, AskError, Glimpse, ask, export, import};
    use crate::samples;
    use countermark_shared::journal::{BootId, Subject};
    use countermark_shared::verdict::{Reason, Verdict};

    fn agent() -> (Agent, mpsc::Receiver<Work>) {
        let (ledger, work) = mpsc::channel(4);
        let report = Report { unsettled: 2, ..samples::report() };
        let identity = samples::identity();
        let report = watch::channel(report).1;
        let contact = watch::channel(Contact::default()).1;
        let devices = watch::channel(Devices::default()).1;
        let (lanes, clock) = (vec![LaneId(1)], Clock::start());
        let (ledger_too, report_too) = (ledger.clone(), report.clone());
        let screen = Arc::new(Screen { ledger: ledger_too, report: report_too, ..samples::screen() });
        let key = samples::signing_key(3);
        let has_unwrapping_key = true;
        let agent = Agent { identity, key, has_unwrapping_key, lanes, ledger, report, contact, devices, clock, screen };
        (agent, work)
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
                // A ledger that does not come to it holds up no status.
                let Work::Check { lane, text: _, reply } = asked else { continue };
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
        assert!(
            matches!(status, Answer::Status(status) if status.ledger.unsettled == 2 && status.running && status.has_unwrapping_key)
        );
        assert!(matches!(check, Answer::Check(checked) if checked.ruling.verdict == Reason::NotOurs));
    }

    #[tokio::test]
    async fn whoever_watches_is_told_verdicts_and_how_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let (agent, mut work) = agent();
        let screen = Arc::clone(&agent.screen);
        tokio::spawn(serve(bind(&data.socket()).unwrap(), agent));
        let watching = tokio::task::spawn_blocking(move || {
            let lines = local::watch(&data).unwrap().take(2).collect::<io::Result<Vec<_>>>().unwrap();
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Glimpse>>()
        });
        let Some(Work::Reach { reply }) = work.recv().await else { panic!("how it stands is asked of the ledger") };
        // Whoever asks how it stands hears verdicts already.
        let ruling = Ruling::new(Verdict::refusal(Reason::NotOurs), &Subject::unverified("x"));
        let announcement = Announcement {
            sequence: Some(9),
            lane: LaneId(1),
            source: Source::Lines,
            at: samples::DOORS,
            ruling: ruling.clone(),
            announced: Duration::ZERO,
            holder: None,
        };
        screen.verdicts.send(Arc::new(announcement)).unwrap();
        reply.send(()).unwrap();
        let told = watching.await.unwrap();
        let [Glimpse::Standing { standing }, Glimpse::Verdict(verdict)] = &*told else { panic!("{told:?}") };
        assert_eq!((standing.unsettled, &*standing.name), (2, "North"));
        assert_eq!((verdict.sequence, &verdict.ruling), (Some(9), &ruling));
    }

    #[tokio::test]
    async fn a_set_goes_in_and_out_and_staff_are_heard() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let (agent, work) = agent();
        let clock = agent.clock;
        let ledger = Ledger::open(&data.ledger(), samples::owner(), BootId::new([0; 16]), clock.now().uptime).unwrap();
        let report = watch::Sender::new(ledger.report().unwrap());
        let agent = Agent { report: report.subscribe(), ..agent };
        let (pins, _) = Pins::new(&agent.ledger);
        std::thread::spawn(move || crate::ledger::serve(ledger, work, &pins, clock, &report, drop));
        tokio::spawn(serve(bind(&data.socket()).unwrap(), agent));

        let asking = tokio::task::spawn_blocking(move || {
            let [bundle, assignment, ..] = samples::documents();
            let set = carried::pack(&[assignment.clone(), bundle.clone(), assignment.clone(), assignment.clone()]);
            let taken = import(&data, &set).unwrap();
            let given = export(&data).unwrap();
            let junk = import(&data, b"junk").unwrap_err();
            let unheard = ask(&data, &Question::Clock { word: Some(Word::Confirm) }).unwrap_err();
            let shown = ask(&data, &Question::Clock { word: None }).unwrap();
            (taken, given == carried::pack(&[bundle, assignment]), junk, unheard, shown)
        });
        let (taken, same_bytes, junk, unheard, shown) = asking.await.unwrap();
        let Answer::Import(taken) = taken else { panic!("no word on what was offered: {taken:?}") };
        let outcomes: Vec<_> = taken.iter().map(|offered| (offered.outcome, offered.why.is_some())).collect();
        let expected =
            [(Outcome::Refused, true), (Outcome::Taken, false), (Outcome::Taken, false), (Outcome::Held, false)];
        assert_eq!(outcomes, expected);
        assert!(same_bytes);
        assert!(matches!(junk, AskError::Problem(_)));
        assert!(matches!(unheard, AskError::Problem(problem) if problem.contains("no clock change is waiting")));
        assert!(matches!(shown, Answer::Clock(clock) if clock.warning.is_none()));
    }
}
