//! The agent: threads and what connects them. Owns start, the order of ending, and nothing in between.
//!
//! ```text
//! devices ─┐                ┌─► outputs     (a thread each)
//! lines  ──┼─► ledger ──────┼─► standard output
//! check  ──┘   (SQLite)     ├─► screen      (network thread)
//!                           └─► sync ─► validation
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::mpsc::{self as std_mpsc, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail};
use countermark_shared::id::LaneId;
use countermark_shared::keys::SigningKey;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::clock::{self, Clock};
use crate::cloud::Client;
use crate::config::{Config, TomlFile};
use crate::data_folder::DataFolder;
use crate::devices::{Cause, Device, DeviceKind, Devices, Post, Trouble};
use crate::identity::{Identity, stored_key, stored_unwrapping_key};
use crate::input::{CAPACITY, Feedbacks, Intake, Reader, read_lines, readers};
use crate::ledger::{self, Ledger, Owner, Pins, Pruned, Repeated, Report, Said, Work};
use crate::local;
use crate::outputs::{Guard, NOTICE, Outputs, Tally, Telling, lanes_opened};
use crate::printer::Printer;
use crate::screen::{self, Journal, Screen};
use crate::supervisor;
use crate::sync::{Claims, Contact, Sync};
use crate::tablet::{self, Tablets};

/// Verdicts a slow page may lag behind before it misses some.
const SCREEN_BACKLOG: usize = 16;
/// How long a name may stay readable when the lease no longer lets it, and by how much the stored floor of the clock may lag.
const PASSING_TIME: Duration = Duration::from_mins(1);
/// A few thousand rows go at a time: more than a gate writes meanwhile.
const LETTING_GO: Duration = Duration::from_mins(10);
/// For the ledger to end; less than systemd leaves before it kills.
const PATIENCE: Duration = Duration::from_secs(8);

/// What `run` was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) folder: DataFolder,
    /// The devices.
    pub(crate) config: Config,
    /// What names them, for whoever switches them off should this process be killed.
    pub(crate) config_file: Option<TomlFile>,
    /// The lane of standard input, if that is read.
    pub(crate) lines: Option<LaneId>,
    pub(crate) exit_at_end: bool,
    pub(crate) screen: SocketAddr,
    /// Where tablets find it, if they may.
    pub(crate) tablets: Option<SocketAddr>,
    pub(crate) poll: Duration,
    pub(crate) printer: Printer,
}

impl Settings {
    /// The lanes that are scanned at, in order.
    fn lanes(&self) -> Vec<LaneId> {
        let mut lanes = self.config.lanes();
        lanes.extend(self.lines);
        lanes.into_iter().collect()
    }
}

/// Why the agent is about to end.
enum Ending {
    LinesEnded,
    /// After the lines ended, all the rest was done.
    Settled,
    Signal,
    Stopped {
        thread: &'static str,
    },
}

/// Tells the main thread that another one ended, also when it panicked.
struct Farewell {
    to: std_mpsc::Sender<Ending>,
    ending: Option<Ending>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some(ending) = self.ending.take() {
            // The main thread not waiting any more, it knows.
            self.to.send(ending).unwrap_or_default();
        }
    }
}

/// Runs until told to end.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let clock = Clock::start();
    let lanes = settings.lanes();
    let (identity, key, ledger) = open(settings, clock)?;
    let (report_sender, report) = watch::channel(ledger.report()?);
    let (contact_sender, contact) = watch::channel(Contact::default());
    let (work, waiting) = mpsc::channel(CAPACITY);
    let verdicts = broadcast::channel(SCREEN_BACKLOG).0;
    let (listener, socket) = listen(settings)?;
    let address = listener.local_addr()?;
    let tablets = tablets(settings, clock)?;
    let (devices_sender, devices) = watch::channel(Devices::default());
    let (journal_sender, journal) = watch::channel(Journal::default());
    let post = |device, lane| Post::new(device, lane, devices_sender.clone());

    let (finish, finishing) = oneshot::channel();
    let (ended, ending) = std_mpsc::channel();
    let farewell = |ending| Farewell { to: ended.clone(), ending: Some(ending) };
    let sync = Sync {
        client: client(&identity, report.clone(), clock)?,
        gate: identity.gate,
        key: key.clone(),
        ledger: work.clone(),
        report: report.clone(),
        contact: contact_sender,
        clock,
        poll: settings.poll,
    };
    let (asking, claims) = Claims::beside(&sync);
    let screen = Arc::new(Screen {
        name: identity.name.clone(),
        lanes: lanes.clone(),
        verdicts: verdicts.clone(),
        ledger: work.clone(),
        report: report.clone(),
        contact: contact.clone(),
        devices: devices.clone(),
        clock,
        journal,
        manner: settings.config.manner,
    });
    let network = Network {
        listener,
        address,
        tablets: tablets.clone(),
        socket,
        sync,
        claims,
        screen: Arc::clone(&screen),
        journal: journal_sender,
        ledger: work.clone(),
        keep: settings.config.keep,
        local: local::Agent {
            identity,
            key,
            lanes,
            ledger: work.clone(),
            report,
            contact,
            devices,
            clock,
            screen,
            tablets,
        },
        ended: ended.clone(),
    };
    let printer = settings.printer;
    let (outputs, switching) = start_outputs(settings, clock, &post, &work, &ended)?;
    let (pins, pin_worker) = Pins::new(&work);
    let hashing = spawn("pins", farewell(Ending::Stopped { thread: "pins" }), move || pin_worker.work())?;
    let intake = |device, lane| Intake { lane, ledger: work.clone(), clock, post: post(device, lane) };
    let mut feedbacks = Feedbacks::default();
    let readers = readers(&settings.config, printer, intake, &mut feedbacks);
    // Before any verdict, and once whoever reads this may put a picture somewhere.
    printer.screen(&format!("http://{address}/"));
    let ledger = spawn("ledger", farewell(Ending::Stopped { thread: "ledger" }), move || {
        // The outputs go with what announces.
        ledger::serve(ledger, waiting, &pins, clock, &report_sender, move |said| {
            let announcement = match said {
                Said::New(announcement) => Arc::new(announcement),
                Said::Again(Repeated { source, opens }) => return feedbacks.tell(&source, opens),
                // Nobody is left to ask: the agent is about to end, and its next start answers.
                Said::Asks(question) => return asking.send(question).unwrap_or_default(),
            };
            outputs.tell(&announcement, clock.now().uptime);
            // The screen first: whoever reads standard output may be slow. Without an open page there is nobody to show it to.
            drop(verdicts.send(Arc::clone(&announcement)));
            feedbacks.tell(&announcement.source, announcement.ruling.opens);
            printer.verdict(&announcement);
        });
    })?;
    let network = spawn("network", farewell(Ending::Stopped { thread: "network" }), move || network.run(finishing))?;
    let readings = start_readers(readers, &ended)?;
    if let Some(lane) = settings.lines {
        start_lines(intake(Device::only(DeviceKind::Lines), lane), &ended)?;
    }

    supervisor::ready();
    let rest = Rest { readings, work: work.clone(), finish, network };
    let last = Last { work, outputs: switching, ledger, pins: hashing };
    match wait_for_the_end(settings, &ending, rest, &farewell)? {
        None => last.close(PATIENCE),
        Some(thread) => {
            last.close(PATIENCE)?;
            bail!("the {thread} thread has stopped; the log says why")
        }
    }
}

/// Who this gate is, and its ledger. First of all: whoever has the ledger is the one agent of this folder.
fn open(settings: &Settings, clock: Clock) -> anyhow::Result<(Identity, SigningKey, Ledger)> {
    let folder = &settings.folder;
    let identity = Identity::load(folder)?;
    let key = stored_key(folder)?
        .with_context(|| format!("{} is missing; enrol this gate anew in another folder", folder.key().display()))?;
    let boot =
        clock::boot().context("cannot read /proc/sys/kernel/random/boot_id, which tells the machine's starts apart")?;
    let owner = Owner { gate: identity.gate, root: identity.root, unwrapping_key: stored_unwrapping_key(folder)? };
    let mut ledger = Ledger::open_saving(&folder.ledger(), owner, boot, clock.now().uptime)?;
    ledger.is_told_at(lanes_opened(&settings.config.outputs));
    ledger.asks_others(settings.config.ask_others);
    for said in &settings.config.said_of_lanes {
        ledger.let_through(said.lane, said.persons);
    }
    ledger.release_claims(clock.now());
    Ok((identity, key, ledger))
}

/// Where the screen is shown, and where this machine's commands ask.
fn listen(settings: &Settings) -> anyhow::Result<(TcpListener, UnixListener)> {
    let Settings { folder, screen, .. } = settings;
    let listener = TcpListener::bind(screen)
        .with_context(|| format!("cannot show the screen at {screen}; name another --screen, or end what is there"))?;
    let socket = local::bind(&folder.socket())
        .with_context(|| format!("cannot listen at {}; a shorter --data may help", folder.socket().display()))?;
    Ok((listener, socket))
}

/// Those that may show the screen, where any may.
fn tablets(settings: &Settings, clock: Clock) -> anyhow::Result<Option<Arc<Tablets>>> {
    let load = |address| Tablets::load(settings.folder.clone(), address, clock);
    Ok(settings.tablets.map(load).transpose()?.map(Arc::new))
}

/// Waits until it is to end; the answer is the thread that ended though it should not have.
fn wait_for_the_end(
    settings: &Settings,
    ending: &std_mpsc::Receiver<Ending>,
    rest: Rest,
    farewell: &impl Fn(Ending) -> Farewell,
) -> anyhow::Result<Option<&'static str>> {
    let mut rest = Some(rest);
    loop {
        match ending.recv()? {
            Ending::LinesEnded if settings.exit_at_end => {
                if let Some(rest) = rest.take() {
                    spawn("rest", farewell(Ending::Settled), move || rest.settle())?;
                }
            }
            Ending::LinesEnded => tracing::warn!("standard input has ended; the gate goes on"),
            Ending::Settled | Ending::Signal => return Ok(None),
            // They end one after the other, as they were told.
            Ending::Stopped { thread } if rest.is_none() && thread != "ledger" => {}
            Ending::Stopped { thread } => return Ok(Some(thread)),
        }
    }
}

/// The outputs, and the threads that end when nobody can tell them anything any more.
fn start_outputs(
    settings: &Settings,
    clock: Clock,
    post: &impl Fn(Device, LaneId) -> Post,
    ledger: &mpsc::Sender<Work>,
    ended: &std_mpsc::Sender<Ending>,
) -> anyhow::Result<(Outputs, Vec<JoinHandle<()>>)> {
    let outputs = settings.config.outputs.iter().map(|output| {
        let device = Device::named(DeviceKind::Output, &output.entry.name);
        (output.clone(), post(device, output.entry.lane))
    });
    let outputs: Vec<_> = outputs.collect();
    let farewell = |thread| Farewell { to: ended.clone(), ending: Some(Ending::Stopped { thread }) };
    let mut threads = Vec::new();
    // Before any of them is opened.
    let (guarded, end) = std_mpsc::channel();
    if let Some(file) = settings.config_file.clone().filter(|_| !outputs.is_empty()) {
        let guard = Guard::start(file);
        threads.push(spawn("guard", farewell("guard"), move || guard.watch(&end))?);
    }
    let (passages, passed) = std_mpsc::channel();
    // Without an output there is nobody to wait for.
    let has_outputs = !outputs.is_empty();
    let (outputs, workers) = Outputs::new(outputs, Some(guarded), NOTICE, clock, passages);
    for worker in workers {
        threads.push(spawn("outputs", farewell("outputs"), move || worker.work())?);
    }
    if has_outputs {
        let (printer, ledger) = (settings.printer, ledger.clone());
        threads.push(spawn("passages", farewell("passages"), move || tell_passages(&passed, printer, &ledger))?);
    }
    Ok((outputs, threads))
}

/// Hears how it goes at the outputs: each pulse is printed, and of each admission the ledger keeps what became of it.
fn tell_passages(told: &std_mpsc::Receiver<Telling>, printer: Printer, ledger: &mpsc::Sender<Work>) {
    let mut tally = Tally::default();
    for telling in told {
        if let Some((sequence, actuation)) = tally.hear(&telling) {
            // Refused: the ledger has failed, and its next start says that this was cut off.
            ledger.blocking_send(Work::Actuated { sequence, actuation }).unwrap_or_default();
        }
        if let Telling::Passed(passage) = telling {
            printer.passage(&passage);
        }
    }
}

/// Every reader on a thread of its own.
fn start_readers(readers: Vec<Reader>, ended: &std_mpsc::Sender<Ending>) -> anyhow::Result<Vec<Reading>> {
    let mut started = Vec::with_capacity(readers.len());
    for Reader { kind, stop, run } in readers {
        let farewell = Farewell { to: ended.clone(), ending: Some(Ending::Stopped { thread: kind.code() }) };
        started.push(Reading { kind, stop, thread: spawn(kind.code(), farewell, run)? });
    }
    Ok(started)
}

/// Standard input, until it ends.
fn start_lines(intake: Intake, ended: &std_mpsc::Sender<Ending>) -> anyhow::Result<()> {
    let farewell = Farewell { to: ended.clone(), ending: Some(Ending::LinesEnded) };
    spawn("lines", farewell, move || {
        intake.post.works();
        let why = match read_lines(io::stdin().lock(), &intake) {
            Ok(()) => "standard input has ended".to_owned(),
            Err(error) => format!("standard input failed: {error}"),
        };
        let detail = format!("{why}; see to whatever writes to it, then restart the agent");
        intake.post.troubled(Trouble::new(Cause::Ended, detail));
    })?;
    Ok(())
}

/// Whoever judges the cloud's certificate asks the gate's own clock.
fn client(identity: &Identity, report: watch::Receiver<Report>, clock: Clock) -> anyhow::Result<Client> {
    Client::new(identity.cloud.clone(), move || report.borrow().certificates_at(clock.now()))
        .context("cannot set up encrypted connections; install this machine's certificates (`ca-certificates`)")
}

/// A reader at work.
struct Reading {
    kind: DeviceKind,
    stop: Option<std_mpsc::Sender<()>>,
    thread: JoinHandle<()>,
}

/// What is done before the end once the lines have ended. It may take as long as whoever reads standard output; a signal cuts it short.
struct Rest {
    readings: Vec<Reading>,
    work: mpsc::Sender<Work>,
    finish: oneshot::Sender<()>,
    network: JoinHandle<()>,
}

impl Rest {
    /// Reads the pictures that are there, waits for the ledger to come to all of it, and uploads.
    fn settle(self) {
        for Reading { kind, stop, thread } in self.readings {
            drop(stop);
            if kind == DeviceKind::Pictures {
                join(thread, kind.code());
            }
        }
        let (reply, done) = oneshot::channel();
        if self.work.blocking_send(Work::Settle { reply }).is_ok() {
            // No answer: the ledger stopped, and there is nothing to wait for.
            done.blocking_recv().unwrap_or_default();
        }
        self.finish.send(()).unwrap_or_default();
        join(self.network, "network");
    }
}

/// The threads that end last, and where the ledger hears of it.
struct Last {
    work: mpsc::Sender<Work>,
    outputs: Vec<JoinHandle<()>>,
    ledger: JoinHandle<()>,
    pins: JoinHandle<()>,
}

impl Last {
    /// Lets the ledger finish what it has, and whoever is on their way go through; switches every output off, and closes the ledger once it has heard
    /// of all that. Unless it does not come to it.
    fn close(self, patience: Duration) -> anyhow::Result<()> {
        let Self { work, outputs, ledger, pins } = self;
        supervisor::stopping();
        let (closing, closed) = std_mpsc::channel();
        Builder::new().name("close".to_owned()).spawn(move || {
            // Refused: it has stopped already, and whatever ends with it.
            work.blocking_send(Work::FallSilent).unwrap_or_default();
            for thread in outputs {
                join(thread, "outputs");
            }
            work.blocking_send(Work::Stop).unwrap_or_default();
            join(ledger, "ledger");
            join(pins, "pins");
            drop::<std_mpsc::Sender<()>>(closing);
        })?;
        match closed.recv_timeout(patience) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the ledger does not come to its end: the disk hangs, or nobody reads standard output; every verdict shown is safe"
                )
            }
        }
    }
}

fn join(thread: JoinHandle<()>, name: &str) {
    if thread.join().is_err() {
        tracing::error!(thread = name, "a thread panicked");
    }
}

fn spawn(
    name: &'static str,
    farewell: Farewell,
    body: impl FnOnce() + Send + 'static,
) -> anyhow::Result<JoinHandle<()>> {
    let body = move || {
        let _farewell = farewell;
        body();
    };
    Builder::new().name(name.to_owned()).spawn(body).with_context(|| format!("cannot start the {name} thread"))
}

/// All that waits for sockets, on one thread.
struct Network {
    listener: TcpListener,
    address: SocketAddr,
    tablets: Option<Arc<Tablets>>,
    socket: UnixListener,
    sync: Sync,
    claims: Claims,
    screen: Arc<Screen>,
    journal: watch::Sender<Journal>,
    ledger: mpsc::Sender<Work>,
    /// How long rows of the journal are kept.
    keep: Option<Duration>,
    local: local::Agent,
    ended: std_mpsc::Sender<Ending>,
}

impl Network {
    fn run(self, finishing: oneshot::Receiver<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let outcome = runtime.map_err(Into::into).and_then(|runtime| {
            let outcome = runtime.block_on(self.serve(finishing));
            // A host name that is still being looked up must not hold up the end.
            runtime.shutdown_background();
            outcome
        });
        if let Err(error) = outcome {
            tracing::error!("{error:#}");
        }
    }

    async fn serve(self, finishing: oneshot::Receiver<()>) -> anyhow::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let journal = screen::keep(self.ledger.clone(), self.screen.report.clone(), self.journal);
        let tablets = serve_tablets(self.tablets.clone(), Arc::clone(&self.screen));
        let screen = axum::serve(listener, screen::router(self.screen, self.tablets, self.address));
        tokio::select! {
            () = self.sync.run(finishing) => Ok(()),
            () = self.claims.run() => Ok(()),
            outcome = screen => outcome.context("the screen has stopped"),
            outcome = local::serve(self.socket, self.local) => outcome.context("the local socket has stopped"),
            outcome = tablets => outcome.context("the tablets' listener has stopped"),
            () = journal => Ok(()),
            () = pass_time(self.ledger.clone()) => Ok(()),
            () = let_go(self.ledger.clone(), self.keep) => Ok(()),
            () = supervisor::answer(self.ledger) => Ok(()),
            outcome = tell_signals(self.ended) => outcome.context("cannot wait for signals"),
        }
    }
}

/// Never returns where there are none.
async fn serve_tablets(tablets: Option<Arc<Tablets>>, screen: Arc<Screen>) -> io::Result<()> {
    match tablets {
        Some(tablets) => tablet::serve(screen, tablets).await,
        None => std::future::pending().await,
    }
}

/// Has the ledger do what is due though nobody scans: names leave the box on time. Returns when the ledger is gone.
async fn pass_time(ledger: mpsc::Sender<Work>) {
    let mut interval = tokio::time::interval(PASSING_TIME);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if ledger.send(Work::PassTime).await.is_err() {
            return;
        }
    }
}

/// Lets old rows of the journal go, where somebody said how long they are kept. Returns when the ledger is gone.
async fn let_go(ledger: mpsc::Sender<Work>, keep: Option<Duration>) {
    let Some(keep) = keep else { return std::future::pending().await };
    let mut interval = tokio::time::interval(LETTING_GO);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let (reply, pruned) = oneshot::channel();
        if ledger.send(Work::Prune { keep, reply }).await.is_err() {
            return;
        }
        match pruned.await {
            Ok(Ok(Pruned { rows: 0, .. })) => {}
            Ok(Ok(Pruned { rows, after, .. })) => tracing::info!(rows, after, "old rows of the journal are gone"),
            Ok(Err(error)) => tracing::warn!(%error, "no old row of the journal goes"),
            Err(_) => return,
        }
    }
}

/// Tells the main thread to end when the system or a person asks for it. Never returns but by an error.
async fn tell_signals(ended: std_mpsc::Sender<Ending>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        ended.send(Ending::Signal).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As when the disk hangs, or nobody reads standard output any more: the queue is full, and nothing is taken from it.
    #[test]
    fn a_ledger_that_hangs_does_not_hold_up_the_end() {
        let (work, _waiting) = mpsc::channel(1);
        let (reply, _reached) = oneshot::channel();
        work.try_send(Work::Reach { reply }).unwrap();
        let (release, held) = std_mpsc::channel::<()>();
        let ledger = std::thread::spawn(move || held.recv().unwrap_or_default());
        let last = Last { work, outputs: Vec::new(), ledger, pins: std::thread::spawn(|| {}) };
        let ending = last.close(Duration::from_millis(50));
        assert!(ending.unwrap_err().to_string().contains("every verdict shown is safe"));
        drop(release);
    }

    #[test]
    fn outputs_come_to_their_end_before_the_ledger_does() {
        let (work, mut waiting) = mpsc::channel(1);
        let (told, tell) = std_mpsc::channel();
        let output = std::thread::spawn(move || tell.recv().unwrap());
        let ledger = std::thread::spawn(move || {
            assert!(matches!(waiting.blocking_recv(), Some(Work::FallSilent)));
            // Not before outputs have come to their end.
            assert!(waiting.try_recv().is_err());
            told.send(()).unwrap();
            assert!(matches!(waiting.blocking_recv(), Some(Work::Stop)));
        });
        let last = Last { work, outputs: vec![output], ledger, pins: std::thread::spawn(|| {}) };
        last.close(Duration::from_mins(1)).unwrap();
    }
}
