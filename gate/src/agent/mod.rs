//! The agent: threads and what connects them. Owns the order of starting; how it ends, [`ending`] says.
//!
//! ```text
//! devices ─┐                ┌─► outputs     (a thread each)
//! lines  ──┼─► ledger ──────┼─► standard output
//! check  ──┘   (SQLite)     ├─► screen      (network thread)
//!                           └─► sync ─► validation
//! ```

mod ending;
mod network;
mod opening;
mod shut;
mod start;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use anyhow::bail;
use countermark_shared::id::LaneId;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use ending::{Ending, Farewell, Last, PATIENCE, Rest, spawn, wait_for_the_end};
use network::Network;
use opening::{Opened, client, open};
use start::{start_lines, start_outputs, start_readers};

use crate::clock::Clock;
use crate::config::{Config, TomlFile};
use crate::data_folder::DataFolder;
use crate::devices::{Device, DeviceKind, Devices, Post};
use crate::input::{CAPACITY, Feedbacks, Intake, readers};
use crate::ledger::{self, Pins, Repeated, Said};
use crate::local;
use crate::printer::Printer;
use crate::screen::Screen;
use crate::supervisor;
use crate::sync::{Claims, Contact, Sync};

/// Verdicts a slow page may lag behind before it misses some.
const SCREEN_BACKLOG: usize = 16;

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

/// Runs until told to end.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let clock = Clock::start();
    let lanes = settings.lanes();
    let Some((opened, listener)) = open(settings, clock)? else { return Ok(()) };
    let Opened { identity, key, has_unwrapping_key, ledger, report: report_sender, tablets, socket } = opened;
    let report = report_sender.subscribe();
    let (contact_sender, contact) = watch::channel(Contact::default());
    let (work, waiting) = mpsc::channel(CAPACITY);
    let verdicts = broadcast::channel(SCREEN_BACKLOG).0;
    let address = listener.local_addr()?;
    let (devices_sender, devices) = watch::channel(Devices::default());
    let (journal_sender, journal) = watch::channel(None);
    let post = |device, lane| Post::new(device, lane, devices_sender.clone());

    let (finish, finishing) = oneshot::channel();
    let (ended, ending) = std_mpsc::channel();
    let farewell = |ending| Farewell::new(&ended, ending);
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
        gate: identity.gate,
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
        tablets,
    });
    let network = Network {
        listener,
        address,
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
            has_unwrapping_key,
            lanes,
            ledger: work.clone(),
            report,
            contact,
            devices,
            clock,
            screen,
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
        // It has the outputs: they end when it lets go of this.
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
