//! All that waits for sockets and for time, on one thread: sync, screens, whoever asks on this machine, signals.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::ending::Ending;
use crate::ledger::{Pruned, Work};
use crate::local;
use crate::screen::{self, Journal, Screen};
use crate::supervisor;
use crate::sync::{Claims, Sync};
use crate::tablet;

/// How long a name may stay readable when the lease no longer lets it, and by how much the stored floor of the clock may lag.
const PASSING_TIME: Duration = Duration::from_mins(1);
/// A few thousand rows go at a time: more than a gate writes meanwhile.
const LETTING_GO: Duration = Duration::from_mins(10);

/// All that waits for sockets, on one thread.
pub(super) struct Network {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) socket: UnixListener,
    pub(super) sync: Sync,
    pub(super) claims: Claims,
    pub(super) screen: Arc<Screen>,
    pub(super) journal: watch::Sender<Option<Journal>>,
    pub(super) ledger: mpsc::Sender<Work>,
    /// How long rows of the journal are kept.
    pub(super) keep: Option<Duration>,
    pub(super) local: local::Agent,
    pub(super) ended: std_mpsc::Sender<Ending>,
}

impl Network {
    pub(super) fn run(self, finishing: oneshot::Receiver<()>) {
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
        let tablets = serve_tablets(Arc::clone(&self.screen));
        let screen = axum::serve(listener, screen::router(self.screen, self.address));
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
async fn serve_tablets(screen: Arc<Screen>) -> io::Result<()> {
    match screen.tablets.clone() {
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
    let mut signals = EndSignals::hear()?;
    loop {
        signals.next().await;
        ended.send(Ending::Signal).unwrap_or_default();
    }
}

/// What the system or a person asks for the end by.
pub(super) struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// From now on none of them ends the process by itself.
    pub(super) fn hear() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
