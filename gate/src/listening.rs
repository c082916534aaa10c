//! Reading at a gate's devices without an agent: for field staff with a new scanner, and for a box that is to become a gate. Owns the
//! threads; decides nothing, writes nothing.

use std::io;
use std::sync::mpsc as std_mpsc;
use std::thread::Builder;

use countermark_shared::id::LaneId;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::config::{Config, PicturesConfig};
use crate::devices::{Device, DeviceKind, DeviceStatus, Devices, Post};
use crate::input::{CAPACITY, Camera, Feedbacks, Intake, Keyboard, RawScan, Scanner, watch_folder};
use crate::ledger::Work;
use crate::printer::Printer;

/// What comes from the devices of a configuration.
pub(crate) struct Listening {
    runtime: Runtime,
    work: mpsc::Receiver<Work>,
    devices: watch::Receiver<Devices>,
    /// While these are held, the readers wait for devices that are away.
    _kept: (Feedbacks, Vec<std_mpsc::Sender<()>>),
}

/// Something to tell.
pub(crate) enum Heard {
    /// A device read something.
    Scan(RawScan),
    /// A device came, went or failed.
    Devices(Vec<DeviceStatus>),
}

impl Listening {
    /// Opens every device that is there, and takes the others when they come.
    pub(crate) fn at(config: &Config, printer: Printer, clock: Clock) -> io::Result<Self> {
        let (ledger, work) = mpsc::channel(CAPACITY);
        let (sender, devices) = watch::channel(Devices::default());
        let intake = |device, lane: LaneId| Intake {
            lane,
            ledger: ledger.clone(),
            clock,
            post: Post::new(device, lane, sender.clone()),
        };
        let spawn = |body: Box<dyn FnOnce() + Send>| Builder::new().spawn(body).map(drop);
        let (mut feedbacks, mut stops) = (Feedbacks::default(), Vec::new());
        for config in &config.scanners {
            let device = Device::named(DeviceKind::Scanner, &config.entry.name);
            let scanner = Scanner::new(config.clone(), intake(device, config.entry.lane), &mut feedbacks);
            spawn(Box::new(move || scanner.run()))?;
        }
        for config in &config.keyboards {
            let device = Device::named(DeviceKind::Keyboard, &config.entry.name);
            let keyboard = Keyboard::new(config.clone(), intake(device, config.entry.lane));
            let (stop, stopped) = std_mpsc::channel();
            stops.push(stop);
            spawn(Box::new(move || keyboard.run(&stopped)))?;
        }
        for config in &config.cameras {
            let device = Device::named(DeviceKind::Camera, &config.entry.name);
            let camera = Camera::new(config.clone(), intake(device, config.entry.lane));
            let (stop, stopped) = std_mpsc::channel();
            stops.push(stop);
            spawn(Box::new(move || camera.run(&stopped)))?;
        }
        for PicturesConfig { name, lane, folder } in config.pictures.iter().cloned() {
            let intake = intake(Device { kind: DeviceKind::Pictures, name }, lane);
            let (stop, stopped) = std_mpsc::channel();
            stops.push(stop);
            spawn(Box::new(move || watch_folder(&folder, &intake, printer, &stopped)))?;
        }
        let runtime = runtime::Builder::new_current_thread().build()?;
        Ok(Self { runtime, work, devices, _kept: (feedbacks, stops) })
    }

    /// Waits for the next thing to tell; none when every reader has ended.
    pub(crate) fn next(&mut self) -> Option<Heard> {
        let Self { runtime, work, devices, _kept: _ } = self;
        runtime.block_on(async {
            loop {
                tokio::select! {
                    changed = devices.changed() => {
                        changed.ok()?;
                        return Some(Heard::Devices(devices.borrow_and_update().statuses()));
                    }
                    work = work.recv() => if let Work::Scan(scan) = work? {
                        return Some(Heard::Scan(scan));
                    }
                }
            }
        })
    }
}
