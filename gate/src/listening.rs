//! Reading at a gate's devices without an agent: for field staff with a new scanner, and for a box that is to become a gate. Owns the
//! threads; decides nothing, writes nothing.

use std::io;
use std::sync::mpsc as std_mpsc;
use std::thread::Builder;

use countermark_shared::id::LaneId;
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::devices::{DeviceStatus, Devices, Post};
use crate::input::{CAPACITY, Feedbacks, Intake, RawScan, Reader, readers};
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
        let mut feedbacks = Feedbacks::default();
        let mut stops = Vec::new();
        for Reader { kind, stop, run } in readers(config, printer, intake, &mut feedbacks) {
            Builder::new().name(kind.code().to_owned()).spawn(run)?;
            stops.extend(stop);
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
