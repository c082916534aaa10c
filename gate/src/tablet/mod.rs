//! Tablets of staff, on the venue's network: the operator's screen away from the gate. Owns who may see it there, which is nobody but by a code shown at the gate
//! itself; knows nothing of what is on it.
//!
//! Off unless `gate.toml` says where to listen. Encrypted always, by a certificate of the gate's own whose fingerprint staff compare; what is not paired
//! reaches the pairing page and nothing else.

mod certificate;
mod http;
mod listener;
mod paired;
mod pairing;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use countermark_shared::id::EventId;
use rand::TryRng;
use rand::rngs::{SysError, SysRng};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use certificate::Certificate;
use listener::TlsListener;
use paired::{Paired, Secret};
use pairing::{Code, LASTS, NotPaired, Pairing};

use http::router;
pub(crate) use paired::Tablet;

use crate::announcement::Sentence;
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::ledger::Report;
use crate::screen::Screen;

/// Between two tries to listen.
const AGAIN: Duration = Duration::from_secs(5);
/// Of nobody (RFC 5737, RFC 3849).
const DOCUMENTATION_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const DOCUMENTATION_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Who is let in, and what pairing needs.
pub(crate) struct Tablets {
    folder: DataFolder,
    certificate: Certificate,
    clock: Clock,
    /// For which event, and until when.
    report: watch::Receiver<Report>,
    state: Mutex<State>,
}

struct State {
    /// Where it listens; with its port, once it does.
    address: SocketAddr,
    pairing: Pairing,
    paired: Paired,
}

/// What staff are shown at the gate: for them alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    /// What to type on the tablet.
    pub(crate) code: String,
    /// For how long.
    pub(crate) seconds: u64,
    /// Where the tablet goes.
    pub(crate) address: String,
    /// SHA-256 of the certificate: what the tablet's browser says of it must be the same.
    pub(crate) fingerprint: String,
}

/// Why a tablet is not the gate's, or still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TabletError {
    /// The code.
    #[error(transparent)]
    Code(#[from] NotPaired),
    /// Nobody is let in by this gate, and no tablet to see it.
    #[error(transparent)]
    NoLease(#[from] NoLease),
    /// None of them.
    #[error("there is no tablet {0}; `countermark-gate tablet list` shows which there are")]
    Unknown(u32),
    /// No randomness, no secret.
    #[error("the operating system gives no randomness")]
    Randomness(#[from] SysError),
    /// It cannot be written down.
    #[error("tablets.json cannot be written; look for a full disk")]
    Store(#[from] io::Error),
}

/// There is no assignment, or its lease is over.
#[derive(Debug, thiserror::Error)]
#[error("This gate has no assignment that holds: no tablet is let in. Connect it, or tell the administrator.")]
pub(crate) struct NoLease;

impl NoLease {
    /// For staff, in both languages.
    pub(crate) fn sentence(&self) -> Sentence {
        let fr = "Ce portique n'a pas d'affectation valable : aucune tablette n'est admise. Connectez-le, ou prévenez l'administrateur.";
        Sentence { en: self.to_string(), fr: fr.to_owned() }
    }
}

/// By what tablets are let in.
struct Term {
    event: EventId,
    /// For how long yet.
    left: Duration,
}

impl Tablets {
    /// Those of a gate that listens at `address`.
    pub(crate) fn load(
        folder: DataFolder,
        address: SocketAddr,
        clock: Clock,
        report: watch::Receiver<Report>,
    ) -> anyhow::Result<Self> {
        let paired = Paired::load(&folder).with_context(|| {
            format!("{} cannot be read; run this as the user who enrolled the gate", folder.tablets().display())
        })?;
        let certificate = Certificate::of(&folder)?;
        let state = Mutex::new(State { address, pairing: Pairing::default(), paired });
        Ok(Self { folder, certificate, clock, report, state })
    }

    /// Opens the way for one tablet, and closes it for whoever was invited before.
    pub(crate) fn invite(&self) -> Result<Invitation, TabletError> {
        self.term()?;
        let code = loop {
            let mut random = [0; 4];
            SysRng.try_fill_bytes(&mut random)?;
            if let Some(code) = Code::of(random) {
                break code;
            }
        };
        let mut state = self.state();
        let invitation = Invitation {
            code: code.digits(),
            seconds: LASTS.as_secs(),
            address: format!("https://{}/", reachable(state.address)),
            fingerprint: self.certificate.fingerprint.clone(),
        };
        state.pairing.open(code, self.clock.now().uptime);
        Ok(invitation)
    }

    /// Those that are let in.
    pub(crate) fn list(&self) -> Vec<Tablet> {
        self.term().map_or_else(|NoLease| Vec::new(), |term| self.state().paired.of(term.event).cloned().collect())
    }

    /// Lets one in no more: what it has open ends, too.
    pub(crate) fn revoke(&self, number: u32) -> Result<(), TabletError> {
        let mut state = self.state();
        let rest = state.paired.without(number).ok_or(TabletError::Unknown(number))?;
        rest.store(&self.folder)?;
        state.paired = rest;
        tracing::info!(number, "a tablet was revoked");
        Ok(())
    }

    /// Makes whoever typed the code one of them; the answer is its secret, and for how long it is good.
    fn pair(&self, typed: &str) -> Result<(Secret, Duration), TabletError> {
        let Term { event, left } = self.term()?;
        let now = self.clock.now();
        let mut random = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(random.as_mut_slice())?;
        let mut state = self.state();
        state.pairing.redeem(typed, now.uptime)?;
        let secret = Secret::new(random);
        let (all, number) = state.paired.with(&secret, event, now.battery);
        all.store(&self.folder)?;
        state.paired = all;
        tracing::info!(number, "a tablet was paired");
        Ok((secret, left))
    }

    /// A pairing ends with the lease of the assignment by which it was made. One that is made longer keeps it.
    fn term(&self) -> Result<Term, NoLease> {
        let report = self.report.borrow();
        let now = report.read_clock(self.clock.now()).now;
        let (event, lease) = report.event.zip(report.lease).filter(|(_, lease)| now < lease.until).ok_or(NoLease)?;
        Ok(Term { event, left: lease.until.since(now) })
    }

    fn port(&self) -> u16 {
        self.state().address.port()
    }

    fn whose(&self, secret: &str) -> Option<u32> {
        self.state().paired.whose(secret, self.term().ok()?.event)
    }

    fn has(&self, number: u32) -> bool {
        self.term().is_ok_and(|term| self.state().paired.has(number, term.event))
    }

    /// A panic elsewhere leaves nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any address is one of the box's: the one by which it would reach another network. Connecting a datagram socket sends nothing.
fn reachable(address: SocketAddr) -> SocketAddr {
    let outwards = || {
        let socket = UdpSocket::bind((address.ip(), 0)).ok()?;
        let elsewhere = if address.is_ipv4() { DOCUMENTATION_V4 } else { DOCUMENTATION_V6 };
        socket.connect((elsewhere, 9)).ok()?;
        Some(SocketAddr::new(socket.local_addr().ok()?.ip(), address.port()))
    };
    if address.ip().is_unspecified() { outwards().unwrap_or(address) } else { address }
}

/// Serves the screen to tablets, for as long as the runtime lives. The network may come up later than the gate: scans do not wait for that.
pub(crate) async fn serve(screen: Arc<Screen>, tablets: Arc<Tablets>) -> io::Result<()> {
    let listener = loop {
        let address = tablets.state().address;
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => {
                tracing::warn!(%error, %address, "tablets cannot find this gate yet; is this an address of this box, and the port free?");
                tokio::time::sleep(AGAIN).await;
            }
        }
    };
    tablets.state().address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(Arc::clone(&tablets.certificate.config));
    axum::serve(TlsListener::new(listener, acceptor)?, router(screen, tablets)).await
}
