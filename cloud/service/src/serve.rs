//! Running a service: binding, telling where, serving, stopping. Owns the process's end; refuses to know any route.

use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::service_name::ServiceName;
use crate::settings::ListenAddress;

/// How long requests and background work may take to end once the shutdown is requested.
const GRACE: Duration = Duration::from_secs(10);

/// The wish to stop, as everyone who must stop sees it. Clones see the same.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// Whoever holds this can request the shutdown; dropping it requests it too.
#[derive(Debug)]
pub struct ShutdownSwitch(watch::Sender<bool>);

impl Shutdown {
    /// A shutdown that its switch requests.
    pub fn by_hand() -> (ShutdownSwitch, Self) {
        let (sender, receiver) = watch::channel(false);
        (ShutdownSwitch(sender), Self(receiver))
    }

    /// A shutdown that SIGTERM or Ctrl-C requests. Within a tokio runtime.
    pub fn by_signal() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (switch, shutdown) = Self::by_hand();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            switch.request();
        });
        Ok(shutdown)
    }

    /// Whether it was requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits until it is requested.
    pub async fn requested(&self) {
        // An error means that the switch is gone, which requests it as well.
        let _ = self.0.clone().wait_for(|requested| *requested).await;
    }
}

impl ShutdownSwitch {
    /// Requests the shutdown.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

/// Why a service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("{service} cannot listen on {address}")]
    Bind {
        /// Which service.
        service: ServiceName,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output is closed.
    #[error("{service} cannot say where it listens")]
    Announce {
        /// Which service.
        service: ServiceName,
        /// What the system said.
        source: io::Error,
    },
    /// The server stopped by itself.
    #[error("{service} stopped serving")]
    Serve {
        /// Which service.
        service: ServiceName,
        /// What the system said.
        source: io::Error,
    },
    /// The background work ended though nobody asked it to.
    #[error("the background work of {service} ended by itself")]
    Background {
        /// Which service.
        service: ServiceName,
    },
}

/// Serves `router` until the shutdown, with `background` beside it, which must end by itself once the shutdown is requested
/// and not before: [`crate::outbox::Worker::run`], or [`Shutdown::requested`] where there is nothing to do. Both have ten
/// seconds to end.
///
/// When it listens, one line of JSON goes to standard output: `{"service":"auth","listening":"127.0.0.1:41234"}`.
pub async fn serve(
    service: ServiceName,
    listen: ListenAddress,
    router: Router,
    shutdown: Shutdown,
    background: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listen.address();
    let bind = |source| ServeError::Bind { service, address, source };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    announce(service, listener.local_addr().map_err(bind)?)
        .map_err(|source| ServeError::Announce { service, source })?;

    let stop = shutdown.clone();
    let server =
        axum::serve(listener, router).with_graceful_shutdown(async move { stop.requested().await }).into_future();
    let mut background = pin!(async {
        background.await;
        if shutdown.is_requested() { Ok(()) } else { Err(ServeError::Background { service }) }
    });
    let mut server = pin!(async { server.await.map_err(|source| ServeError::Serve { service, source }) });
    let finished = async { tokio::try_join!(&mut server, &mut background).map(|_| ()) };
    let overdue = async {
        shutdown.requested().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        finished = finished => finished,
        () = overdue => {
            tracing::warn!(%service, "stopping with work unfinished");
            Ok(())
        }
    }
}

/// Where a service listens, for whoever started it.
#[derive(Serialize)]
struct Announcement {
    service: ServiceName,
    listening: SocketAddr,
}

fn announce(service: ServiceName, listening: SocketAddr) -> io::Result<()> {
    let line = serde_json::to_string(&Announcement { service, listening })?;
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen() -> ListenAddress {
        "127.0.0.1:0".parse().unwrap()
    }

    #[tokio::test]
    async fn stops_when_asked_once_its_background_work_has_ended() {
        let (switch, shutdown) = Shutdown::by_hand();
        let (ended, end) = tokio::sync::oneshot::channel();
        let watched = shutdown.clone();
        let background = async move {
            watched.requested().await;
            ended.send(()).unwrap();
        };
        let running = tokio::spawn(serve(ServiceName::Auth, listen(), Router::new(), shutdown, background));
        switch.request();
        running.await.unwrap().unwrap();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn background_work_that_ends_by_itself_is_an_error() {
        let (_switch, shutdown) = Shutdown::by_hand();
        let result = serve(ServiceName::Auth, listen(), Router::new(), shutdown, async {}).await;
        assert!(matches!(result, Err(ServeError::Background { .. })));
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap().to_string().parse().unwrap();
        let (_switch, shutdown) = Shutdown::by_hand();
        let waiting = shutdown.clone();
        let background = async move { waiting.requested().await };
        let result = serve(ServiceName::Auth, address, Router::new(), shutdown, background).await;
        assert!(matches!(result, Err(ServeError::Bind { .. })));
    }
}
