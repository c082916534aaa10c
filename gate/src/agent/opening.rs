//! What a run begins with: who this gate is, its ledger, where it is shown and asked.

use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use anyhow::Context;
use countermark_shared::keys::SigningKey;
use tokio::sync::watch;

use super::Settings;
use super::shut;
use crate::clock::{self, Clock};
use crate::cloud::Client;
use crate::identity::{Identity, stored_key, stored_unwrapping_key};
use crate::ledger::{Defect, Ledger, OpenError, Owner, Report, is_full};
use crate::local;
use crate::outputs::lanes_opened;
use crate::retire::ENROL_ANEW;
use crate::tablet::Tablets;

/// A gate that can begin.
pub(super) struct Opened {
    pub(super) identity: Identity,
    pub(super) key: SigningKey,
    pub(super) has_unwrapping_key: bool,
    pub(super) ledger: Ledger,
    pub(super) report: watch::Sender<Report>,
    pub(super) tablets: Option<Arc<Tablets>>,
    /// Where this machine's commands ask.
    pub(super) socket: UnixListener,
}

/// Opens the gate and where its screen is shown. While the disk keeps it shut, its screen says so; none where it was told to end before that was over.
pub(super) fn open(settings: &Settings, clock: Clock) -> anyhow::Result<Option<(Opened, TcpListener)>> {
    let opened = Opened::of(settings, clock);
    let screen = settings.screen;
    let listen = || {
        TcpListener::bind(screen)
            .with_context(|| format!("cannot show the screen at {screen}; name another --screen, or end what is there"))
    };
    let why = match opened {
        Ok(opened) => return Ok(Some((opened, listen()?))),
        Err(why) => why,
    };
    let Some(defect) = defect(&why) else { return Err(why) };
    // Of a gate that nobody can name there is nothing to show.
    let identity = Identity::load(&settings.folder)?;
    let listener = listen()?;
    let opened = shut::wait(settings, identity, clock, &listener, defect, &why)?;
    Ok(opened.map(|opened| (opened, listener)))
}

impl Opened {
    /// The ledger first of all: whoever has it is the one agent of this folder.
    pub(super) fn of(settings: &Settings, clock: Clock) -> anyhow::Result<Self> {
        let folder = &settings.folder;
        let identity = Identity::load(folder)?;
        let key =
            stored_key(folder)?.with_context(|| format!("{} is missing; {ENROL_ANEW}", folder.key().display()))?;
        let boot = clock::boot()
            .context("cannot read /proc/sys/kernel/random/boot_id, which tells the machine's starts apart")?;
        let unwrapping_key = stored_unwrapping_key(folder)?;
        let has_unwrapping_key = unwrapping_key.is_some();
        let owner = Owner { gate: identity.gate, root: identity.root, unwrapping_key };
        let mut ledger = Ledger::open_saving(&folder.ledger(), owner, boot, clock.now().uptime)?;
        ledger.is_told_at(lanes_opened(&settings.config.outputs));
        ledger.asks_others(settings.config.ask_others);
        for said in &settings.config.said_of_lanes {
            ledger.let_through(said.lane, said.persons);
        }
        ledger.release_claims(clock.now());
        let report = watch::Sender::new(ledger.report()?);
        let load = |address| Tablets::load(folder.clone(), address, clock, report.subscribe());
        let tablets = settings.tablets.map(load).transpose()?.map(Arc::new);
        let socket = local::bind(&folder.socket())
            .with_context(|| format!("cannot listen at {}; a shorter --data may help", folder.socket().display()))?;
        Ok(Self { identity, key, has_unwrapping_key, ledger, report, tablets, socket })
    }
}

/// What is wrong with the disk or the ledger on it, where that is why a gate was not opened: it may be mended while the agent waits. All else
/// is wrong for as long as it is not started anew.
pub(super) fn defect(why: &anyhow::Error) -> Option<Defect> {
    if let Some(error) = why.downcast_ref::<OpenError>() {
        return Defect::of_opening(error);
    }
    let failed = why.chain().find_map(|cause| cause.downcast_ref::<io::Error>())?;
    if is_full(failed) {
        Some(Defect::Full)
    } else {
        (failed.kind() == io::ErrorKind::ReadOnlyFilesystem).then_some(Defect::Unwritable)
    }
}

/// Whoever judges the cloud's certificate asks the gate's own clock.
pub(super) fn client(identity: &Identity, report: watch::Receiver<Report>, clock: Clock) -> anyhow::Result<Client> {
    Client::new(identity.cloud.clone(), move || report.borrow().certificates_at(clock.now()))
        .context("cannot set up encrypted connections; install this machine's certificates (`ca-certificates`)")
}
