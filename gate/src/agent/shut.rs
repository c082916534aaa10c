//! A gate that its disk keeps shut: its screen says so and what helps, and it is tried again every minute. The service manager, which would only
//! start it anew for ever, is told that it lives; a signal ends it. Nobody is scanned.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::{broadcast, mpsc, watch};

use super::Settings;
use super::network::EndSignals;
use super::opening::{self, Opened};
use crate::clock::Clock;
use crate::devices::Devices;
use crate::identity::Identity;
use crate::ledger::{Defect, Report, Work};
use crate::printer::Printer;
use crate::screen::{self, Screen};
use crate::supervisor;
use crate::sync::Contact;

/// Between two tries, each of which may read the whole journal.
const AGAIN: Duration = Duration::from_mins(1);
/// Heartbeats of a few pages.
const BACKLOG: usize = 16;

/// Waits until the gate can be opened, showing why it cannot at `listener`. None where it was told to end.
pub(super) fn wait(
    settings: &Settings,
    Identity { gate, name, .. }: Identity,
    clock: Clock,
    listener: &TcpListener,
    defect: Defect,
    why: &anyhow::Error,
) -> anyhow::Result<Option<Opened>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = runtime.block_on(async {
        let mut signals = EndSignals::hear().context("cannot wait for signals")?;
        let listener = listener.try_clone()?;
        let address = listener.local_addr()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (ledger, asked) = mpsc::channel(BACKLOG);
        let report = watch::Sender::new(Report::unopened(defect, clock.now().uptime));
        let screen = Screen {
            gate,
            name,
            lanes: settings.lanes(),
            verdicts: broadcast::channel(BACKLOG).0,
            ledger: ledger.clone(),
            report: report.subscribe(),
            // Nobody asked the cloud anything, so that its silence says nothing.
            contact: watch::Sender::new(Contact { heard: Some(Duration::MAX), ..Contact::default() }).subscribe(),
            devices: watch::Sender::new(Devices::default()).subscribe(),
            clock,
            journal: watch::Sender::new(None).subscribe(),
            manner: settings.config.manner,
            tablets: None,
        };
        settings.printer.screen(&format!("http://{address}/"));
        tell(settings.printer, defect, why);
        supervisor::ready();
        tokio::select! {
            opened = try_again(settings, clock, defect, &report) => opened.map(Some),
            outcome = axum::serve(listener, screen::router(Arc::new(screen), address)) => {
                outcome.map(|()| None).context("the screen has stopped")
            }
            () = stand_in(asked) => Ok(None),
            () = supervisor::answer(ledger) => Ok(None),
            () = signals.next() => Ok(None),
        }
    });
    // A try that hangs must not hold up the end.
    runtime.shutdown_background();
    opened
}

async fn try_again(
    settings: &Settings,
    clock: Clock,
    mut told: Defect,
    report: &watch::Sender<Report>,
) -> anyhow::Result<Opened> {
    loop {
        tokio::time::sleep(AGAIN).await;
        let settings = settings.clone();
        let printer = settings.printer;
        let why = match tokio::task::spawn_blocking(move || Opened::of(&settings, clock)).await? {
            Ok(opened) => return Ok(opened),
            Err(why) => why,
        };
        let Some(defect) = opening::defect(&why) else { return Err(why) };
        if defect != told {
            tell(printer, defect, &why);
            report.send_replace(Report::unopened(defect, clock.now().uptime));
            told = defect;
        }
    }
}

fn tell(printer: Printer, defect: Defect, why: &anyhow::Error) {
    tracing::error!("{why:#}");
    printer.stopped(&defect.sentence());
}

/// Answers in the ledger's place that all was done that was asked before; whoever asks for anything else hears that there is no ledger.
async fn stand_in(mut asked: mpsc::Receiver<Work>) {
    while let Some(work) = asked.recv().await {
        if let Work::Reach { reply } = work {
            reply.send(()).unwrap_or_default();
        }
    }
}
