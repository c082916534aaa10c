//! What entries of `gate.toml` must agree about: each has a name of its kind, and a device of its own or shared alike. Knows nothing of what they
//! are for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use countermark_shared::id::LaneId;
use toml::Spanned;

use super::{Entry, FileError, TomlFile};
use crate::devices::{Device, DeviceKind};

/// A device's name stands on the screen, beside what is wrong with it.
const MAX_NAME: usize = 20;

/// A file that is being read, and what was read of it so far.
pub(super) struct Reading<'a> {
    pub(super) file: &'a TomlFile,
    profiles: PathBuf,
    names: BTreeSet<(DeviceKind, String)>,
    /// Who has each device, and how.
    devices: BTreeMap<PathBuf, (String, Hold)>,
    /// The devices and channels of outputs, and the chips and lines that tell of arms.
    pub(super) relays: BTreeSet<(PathBuf, u32)>,
}

/// How an entry has its device.
#[derive(Clone, Copy, Debug)]
pub(super) enum Hold {
    /// Nobody else may.
    Alone,
    /// At so many bits a second, as other outputs of this board.
    Serial(u32),
    /// Some lines of a chip, as other outputs.
    Lines,
}

impl<'a> Reading<'a> {
    /// Of a file of which nothing was read yet, and the folder of profiles that it names.
    pub(super) fn of(file: &'a TomlFile, profiles: PathBuf) -> Self {
        let (names, devices, relays) = Default::default();
        Self { file, profiles, names, devices, relays }
    }

    /// The file of a profile of some kind: `scanners/NAME.toml` or `outputs/NAME.toml` of the profiles folder.
    pub(super) fn profile(&self, folder: &str, name: &Spanned<String>) -> Result<TomlFile, FileError> {
        let written = name.get_ref();
        if !written.bytes().all(is_of_a_name) {
            return Err(self.file.wrong(&name.span(), "a profile's name has small letters, digits and hyphens"));
        }
        let path = self.profiles.join(folder).join(format!("{written}.toml"));
        if !path.exists() {
            let why = format!(
                "there is no profile {}; `ls {}` shows which there are",
                path.display(),
                self.profiles.join(folder).display()
            );
            return Err(self.file.wrong(&name.span(), why));
        }
        TomlFile::read(&path)
    }

    /// The file of a device that nobody else has, but outputs of the same board or chip.
    pub(super) fn device<P: AsRef<Path>>(
        &mut self,
        device: &Spanned<P>,
        kind: DeviceKind,
        entry: &Entry,
        hold: Hold,
    ) -> Result<PathBuf, FileError> {
        let path = device.get_ref().as_ref().to_owned();
        let Some((other, theirs)) = self.devices.get(&path) else {
            let holder = format!("{} ({})", Device::named(kind, &entry.name), entry.place);
            self.devices.insert(path.clone(), (holder, hold));
            return Ok(path);
        };
        let why = match (theirs, hold) {
            (Hold::Serial(before), Hold::Serial(speed)) if *before != speed => {
                format!("{other} has this device at {before} bits a second, this one at {speed}; a line has one speed")
            }
            (Hold::Serial(_), Hold::Serial(_)) | (Hold::Lines, Hold::Lines) => return Ok(path),
            (Hold::Alone | Hold::Serial(_) | Hold::Lines, _) => {
                format!("{other} has this device; name each once, `ls /dev/countermark` shows which there are")
            }
        };
        Err(self.file.wrong(&device.span(), why))
    }

    /// What every device says of itself, under a name that no other of its kind has.
    pub(super) fn entry(&mut self, kind: DeviceKind, name: &Spanned<String>, lane: LaneId) -> Result<Entry, FileError> {
        let written = name.get_ref();
        if !is_name(written) {
            let why = format!("a name has small letters, digits and hyphens, at most {MAX_NAME}");
            return Err(self.file.wrong(&name.span(), why));
        }
        if !self.names.insert((kind, written.clone())) {
            return Err(self.file.wrong(&name.span(), format!("another {} has this name", kind.code())));
        }
        Ok(Entry { name: written.clone(), lane, place: self.file.place(&name.span()) })
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_of_a_name)
}

fn is_of_a_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}
