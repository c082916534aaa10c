//! A scanner's place on the box: a name under which terminals come and go, as udev's links do.

use std::fs;
use std::io::{Read, Write};
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use countermark_shared::id::LaneId;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{Config, ScannerConfig};
use crate::devices::{Device, DeviceKind, DeviceStatus, Devices, Post, Trouble};
use crate::input::Intake;
use crate::ledger::Work;

/// Long enough for anything that happens at all on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A box with scanners, as its `gate.toml` says.
pub(super) struct Bench {
    folder: TempDir,
    pub(super) devices: watch::Sender<Devices>,
}

impl Bench {
    /// Where nothing is plugged in.
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), devices: watch::Sender::default() }
    }

    /// Reads a `gate.toml` with one scanner for each name, at lanes from 1, all of one profile.
    pub(super) fn scanners(&self, names: &[&str], profile: &str) -> Vec<ScannerConfig> {
        let kinds = self.folder.path().join("scanners");
        fs::create_dir_all(&kinds).unwrap();
        fs::write(kinds.join("kind.toml"), profile).unwrap();
        let scanners = (1..).zip(names).map(|(lane, name)| {
            let device = self.device(name);
            format!("[[scanner]]\nname = {name:?}\nlane = {lane}\ndevice = {device:?}\nprofile = \"kind\"\n")
        });
        let profiles = format!("profiles = {:?}\n", self.folder.path());
        let file: Vec<_> = [profiles].into_iter().chain(scanners).collect();
        let path = self.folder.path().join("gate.toml");
        fs::write(&path, file.concat()).unwrap();
        Config::load(&path).unwrap().scanners
    }

    /// The way of a scanner to a ledger.
    pub(super) fn intake(&self, config: &ScannerConfig, ledger: &tokio::sync::mpsc::Sender<Work>) -> Intake {
        let device = Device::named(DeviceKind::Scanner, &config.entry.name);
        let post = Post::new(device, config.entry.lane, self.devices.clone());
        Intake { lane: config.entry.lane, ledger: ledger.clone(), clock: Clock::start(), post }
    }

    /// The name under which the scanner is found.
    pub(super) fn device(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Plugs in a scanner.
    pub(super) fn plug_in(&self, name: &str) -> PluggedIn {
        let scanner = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&scanner).unwrap();
        unlockpt(&scanner).unwrap();
        let name = self.device(name);
        symlink(ptsname_r(&scanner).unwrap(), &name).unwrap();
        PluggedIn { name, scanner }
    }

    /// Waits until it stands so with the device of a lane.
    pub(super) fn until(&self, lane: LaneId, mut state: impl FnMut(&DeviceStatus) -> bool) -> DeviceStatus {
        let mut statuses = self.devices.subscribe();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut found = None;
        let wait = statuses.wait_for(|devices| {
            found = devices.statuses().into_iter().find(|status| status.lane == lane && state(status));
            found.is_some()
        });
        let waited = runtime.block_on(async { tokio::time::timeout(PATIENCE, wait).await.map(drop) });
        waited.unwrap_or_else(|_| panic!("waited in vain: {:?}", self.devices.borrow().statuses()));
        found.unwrap()
    }

    /// Waits for trouble.
    pub(super) fn trouble(&self, lane: LaneId) -> Trouble {
        self.until(lane, |status| status.trouble.is_some()).trouble.unwrap()
    }

    /// Waits until all is well.
    pub(super) fn works(&self, lane: LaneId) {
        self.until(lane, |status| status.trouble.is_none());
    }
}

/// A scanner, until it is dropped. Then its name goes first: what it stood for may be another test's device at once, and the gate's thread,
/// which outlives a test, would take that.
pub(super) struct PluggedIn {
    name: PathBuf,
    scanner: PtyMaster,
}

impl Deref for PluggedIn {
    type Target = PtyMaster;

    fn deref(&self) -> &PtyMaster {
        &self.scanner
    }
}

impl Drop for PluggedIn {
    fn drop(&mut self) {
        fs::remove_file(&self.name).unwrap();
    }
}

/// What a scanner hears, in a thread of its own.
pub(super) struct Ear(Receiver<u8>);

impl Ear {
    pub(super) fn of(scanner: &Arc<PluggedIn>) -> Self {
        let (sender, receiver) = channel();
        let scanner = Arc::clone(scanner);
        thread::spawn(move || {
            let mut byte = [0];
            while (&**scanner).read_exact(&mut byte).is_ok() && sender.send(byte[0]).is_ok() {}
        });
        Self(receiver)
    }

    /// The next bytes, so many.
    pub(super) fn hear(&self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.0.recv_timeout(PATIENCE).unwrap()).collect()
    }
}

/// Sends bytes, all of them.
pub(super) fn send(mut scanner: &PtyMaster, bytes: &[u8]) {
    scanner.write_all(bytes).unwrap();
}
