//! The inputs of `gate.toml`.

use std::path::PathBuf;

use countermark_shared::id::LaneId;
use serde::Deserialize;
use toml::Spanned;

use super::reading::{Hold, Reading};
use super::scanner::ScannerProfile;
use super::{Entry, FileError};
use crate::devices::DeviceKind;
use crate::input::Layout;

/// Asked for when the file does not: what one needs to read a phone at arm's length.
const RESOLUTION: [u32; 2] = [1280, 720];

/// A scanner on a serial line.
#[derive(Clone, Debug)]
pub(crate) struct ScannerConfig {
    /// Name, lane, place.
    pub(crate) entry: Entry,
    /// Its file under `/dev`.
    pub(crate) device: PathBuf,
    /// What is true of its kind.
    pub(crate) profile: ScannerProfile,
}

/// A scanner that says it is a keyboard.
#[derive(Clone, Debug)]
pub(crate) struct KeyboardConfig {
    /// Name, lane, place.
    pub(crate) entry: Entry,
    /// Its file under `/dev/input`.
    pub(crate) device: PathBuf,
    /// Which keyboard it is set to.
    pub(crate) layout: &'static Layout,
}

/// A camera.
#[derive(Clone, Debug)]
pub(crate) struct CameraConfig {
    /// Name, lane, place.
    pub(crate) entry: Entry,
    /// Where its pictures come from.
    pub(crate) source: CameraSource,
}

/// Where a camera's pictures come from.
#[derive(Clone, Debug)]
pub(crate) enum CameraSource {
    /// A device.
    Device {
        /// Its file under `/dev`.
        device: PathBuf,
        /// Width and height in pixels.
        resolution: [u32; 2],
    },
    /// Pictures that are played for ever.
    Clip {
        /// Where they are.
        folder: PathBuf,
    },
}

/// A folder of pictures.
#[derive(Clone, Debug)]
pub(crate) struct PicturesConfig {
    /// Name; none of the folder that the command line names.
    pub(crate) name: Option<String>,
    /// Whose it is.
    pub(crate) lane: LaneId,
    /// Where they are put.
    pub(crate) folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenScanner {
    name: Spanned<String>,
    lane: LaneId,
    device: Spanned<PathBuf>,
    profile: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenKeyboard {
    name: Spanned<String>,
    lane: LaneId,
    device: Spanned<PathBuf>,
    layout: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenCamera {
    name: Spanned<String>,
    lane: LaneId,
    device: Option<Spanned<PathBuf>>,
    clip: Option<PathBuf>,
    resolution: Option<Spanned<[u32; 2]>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenPictures {
    name: Spanned<String>,
    lane: LaneId,
    folder: PathBuf,
}

impl WrittenScanner {
    pub(super) fn check(self, reading: &mut Reading<'_>) -> Result<ScannerConfig, FileError> {
        let entry = reading.entry(DeviceKind::Scanner, &self.name, self.lane)?;
        let profile = ScannerProfile::read(&reading.profile("scanners", &self.profile)?)?;
        let device = reading.device(&self.device, DeviceKind::Scanner, &entry, Hold::Alone)?;
        Ok(ScannerConfig { entry, device, profile })
    }
}

impl WrittenKeyboard {
    pub(super) fn check(self, reading: &mut Reading<'_>) -> Result<KeyboardConfig, FileError> {
        let entry = reading.entry(DeviceKind::Keyboard, &self.name, self.lane)?;
        let layout = match &self.layout {
            None => Layout::US,
            Some(written) => Layout::named(written.get_ref()).ok_or_else(|| {
                let known: Vec<_> = Layout::ALL.iter().map(|layout| layout.code).collect();
                reading.file.wrong(&written.span(), format!("a layout is one of {}", known.join(", ")))
            })?,
        };
        let device = reading.device(&self.device, DeviceKind::Keyboard, &entry, Hold::Alone)?;
        Ok(KeyboardConfig { entry, device, layout })
    }
}

impl WrittenCamera {
    pub(super) fn check(self, reading: &mut Reading<'_>) -> Result<CameraConfig, FileError> {
        let entry = reading.entry(DeviceKind::Camera, &self.name, self.lane)?;
        let resolution = match self.resolution {
            None => RESOLUTION,
            Some(written) if written.get_ref().iter().all(|side| (160..=4096).contains(side)) => written.into_inner(),
            Some(written) => {
                return Err(reading
                    .file
                    .wrong(&written.span(), "a resolution is [width, height], each 160 to 4096 pixels"));
            }
        };
        let source = match (self.device, self.clip) {
            (Some(device), None) => {
                let device = reading.device(&device, DeviceKind::Camera, &entry, Hold::Alone)?;
                CameraSource::Device { device, resolution }
            }
            (None, Some(folder)) => CameraSource::Clip { folder },
            (Some(_), Some(_)) | (None, None) => {
                return Err(reading.file.wrong(&self.name.span(), "a camera has a `device` or a `clip`"));
            }
        };
        Ok(CameraConfig { entry, source })
    }
}

impl WrittenPictures {
    pub(super) fn check(self, reading: &mut Reading<'_>) -> Result<PicturesConfig, FileError> {
        let Entry { name, lane, place: _ } = reading.entry(DeviceKind::Pictures, &self.name, self.lane)?;
        Ok(PicturesConfig { name: Some(name), lane, folder: self.folder })
    }
}
