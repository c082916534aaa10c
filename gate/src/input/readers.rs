//! The devices of a configuration, each ready to be read by a thread of its own. Knows no device.

use std::sync::mpsc::{Sender, channel};

use countermark_shared::id::LaneId;

use super::frames::{Each, Folder, Newest, Sightings, camera};
use super::keyboard::Keyboard;
use super::serial::Scanner;
use super::{Feedbacks, Intake};
use crate::config::{Config, PicturesConfig};
use crate::devices::{Device, DeviceKind};
use crate::printer::Printer;

/// What is to run on a thread.
pub(crate) struct Reader {
    /// What it reads.
    pub(crate) kind: DeviceKind,
    /// Once this is dropped it looks for nothing any more; a folder is read to its end first. A scanner ends with the ledger alone.
    pub(crate) stop: Option<Sender<()>>,
    /// Reads until it is stopped or the ledger is gone.
    pub(crate) run: Box<dyn FnOnce() + Send>,
}

/// Every device of a configuration. A picture that lies in a folder by now is left unread. `intake` is each one's way to the ledger; scanners are told of their verdicts through `feedbacks`.
pub(crate) fn readers(
    config: &Config,
    printer: Printer,
    intake: impl Fn(Device, LaneId) -> Intake,
    feedbacks: &mut Feedbacks,
) -> Vec<Reader> {
    let mut readers = Vec::new();
    for config in config.scanners.iter().cloned() {
        let device = Device::named(DeviceKind::Scanner, &config.entry.name);
        let intake = intake(device, config.entry.lane);
        let scanner = Scanner::new(config, intake, feedbacks);
        readers.push(Reader { kind: DeviceKind::Scanner, stop: None, run: Box::new(move || scanner.run()) });
    }
    for config in config.keyboards.iter().cloned() {
        let device = Device::named(DeviceKind::Keyboard, &config.entry.name);
        let intake = intake(device, config.entry.lane);
        let (stop, stopped) = channel();
        let run = Box::new(move || Keyboard::new(config, intake).run(&stopped));
        readers.push(Reader { kind: DeviceKind::Keyboard, stop: Some(stop), run });
    }
    for config in config.cameras.iter().cloned() {
        let device = Device::named(DeviceKind::Camera, &config.entry.name);
        let intake = intake(device, config.entry.lane);
        let (stop, stopped) = channel();
        let (place, clock) = (config.entry.place.clone(), intake.clock);
        let frames = Newest::new(move || camera(&config, clock), place);
        let run = Box::new(move || Sightings::new(intake).run(frames, &stopped));
        readers.push(Reader { kind: DeviceKind::Camera, stop: Some(stop), run });
    }
    for PicturesConfig { name, lane, folder } in config.pictures.iter().cloned() {
        let intake = intake(Device { kind: DeviceKind::Pictures, name }, lane);
        let (stop, stopped) = channel();
        let mut folder = Folder::new(folder, intake.clock);
        let run = Box::new(move || Each::new(intake, printer).run(&mut folder, &stopped));
        readers.push(Reader { kind: DeviceKind::Pictures, stop: Some(stop), run });
    }
    readers
}
