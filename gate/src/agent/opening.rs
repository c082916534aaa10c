//! What a run begins with: who this gate is, its ledger, where it is shown and asked.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use anyhow::Context;
use countermark_shared::keys::SigningKey;
use tokio::sync::watch;

use super::Settings;
use crate::clock::{self, Clock};
use crate::cloud::Client;
use crate::identity::{Identity, stored_key, stored_unwrapping_key};
use crate::ledger::{Ledger, Owner, Report};
use crate::local;
use crate::outputs::lanes_opened;
use crate::tablet::Tablets;

/// Who this gate is, and its ledger. First of all: whoever has the ledger is the one agent of this folder.
pub(super) fn open(settings: &Settings, clock: Clock) -> anyhow::Result<(Identity, SigningKey, Ledger)> {
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
    ledger.release_claims(clock.now());
    Ok((identity, key, ledger))
}

/// Where the screen is shown, and where this machine's commands ask.
pub(super) fn listen(settings: &Settings) -> anyhow::Result<(TcpListener, UnixListener)> {
    let Settings { folder, screen, .. } = settings;
    let listener = TcpListener::bind(screen)
        .with_context(|| format!("cannot show the screen at {screen}; name another --screen, or end what is there"))?;
    let socket = local::bind(&folder.socket())
        .with_context(|| format!("cannot listen at {}; a shorter --data may help", folder.socket().display()))?;
    Ok((listener, socket))
}

/// Those that may show the screen, where any may.
pub(super) fn tablets(settings: &Settings, clock: Clock) -> anyhow::Result<Option<Arc<Tablets>>> {
    let load = |address| Tablets::load(settings.folder.clone(), address, clock);
    Ok(settings.tablets.map(load).transpose()?.map(Arc::new))
}

/// Whoever judges the cloud's certificate asks the gate's own clock.
pub(super) fn client(identity: &Identity, report: watch::Receiver<Report>, clock: Clock) -> anyhow::Result<Client> {
    Client::new(identity.cloud.clone(), move || report.borrow().certificates_at(clock.now()))
        .context("cannot set up encrypted connections; install this machine's certificates (`ca-certificates`)")
}
