//! `gate.toml`: what stands at this entrance. Owns its keys and what they may say; each error names file and line. Knows nothing of how a
//! device is used.
//!
//! A device that is named but not there is no error of the file: the agent starts without it, says so, and takes it when it comes.

mod bytes;
mod file;
mod input;
mod output;
mod reading;
mod scanner;
mod usb;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::verdict::Language;
use serde::Deserialize;
use toml::Spanned;

pub(crate) use bytes::WrittenBytes;
pub(crate) use file::{FileError, Place, TomlFile};
pub(crate) use input::{CameraConfig, CameraSource, KeyboardConfig, PicturesConfig, ScannerConfig};
pub(crate) use output::OutputConfig;
pub(crate) use scanner::{ScannerProfile, SerialLine};
pub(crate) use usb::WrittenUsb;

use crate::devices::{Device, DeviceKind};
use crate::ledger::Persons;
use crate::screen::Manner;
use reading::Reading;

/// Where the Debian package puts profiles.
const PROFILES: &str = "/usr/share/countermark-gate/profiles";
const A_DAY: u64 = 24 * 60 * 60;

/// What stands at an entrance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// Where the operator's screen is shown.
    pub(crate) screen: Option<SocketAddr>,
    /// How the screen speaks.
    pub(crate) manner: Manner,
    /// Where tablets of staff find it, on the venue's network.
    pub(crate) tablets: Option<SocketAddr>,
    /// How often to ask whether there are newer documents.
    pub(crate) poll: Option<Duration>,
    /// How long rows of the journal are kept that may go; for ever when nothing is said.
    pub(crate) keep: Option<Duration>,
    /// Whether the other gates are asked before anybody enters, whatever the policy.
    pub(crate) ask_others: bool,
    /// What is said of lanes.
    pub(crate) said_of_lanes: Vec<LaneConfig>,
    /// Scanners on serial lines.
    pub(crate) scanners: Vec<ScannerConfig>,
    /// Scanners that say they are keyboards.
    pub(crate) keyboards: Vec<KeyboardConfig>,
    /// Cameras.
    pub(crate) cameras: Vec<CameraConfig>,
    /// Folders of pictures.
    pub(crate) pictures: Vec<PicturesConfig>,
    /// What opens, and what tells people.
    pub(crate) outputs: Vec<OutputConfig>,
}

/// What is said of a lane.
#[derive(Clone, Debug)]
pub(crate) struct LaneConfig {
    /// Which.
    pub(crate) lane: LaneId,
    /// Where the file says so.
    place: Place,
    /// How many each scan lets through.
    pub(crate) persons: Persons,
}

/// What every device says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name, the only one of its kind.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) lane: LaneId,
    /// Where the file says so.
    pub(crate) place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    screen: Option<Spanned<SocketAddr>>,
    language: Option<Language>,
    tablet: Option<WrittenTablet>,
    #[serde(default)]
    quiet: bool,
    poll_seconds: Option<Spanned<u64>>,
    journal_days: Option<Spanned<u64>>,
    #[serde(default)]
    ask_others: bool,
    profiles: Option<PathBuf>,
    #[serde(default)]
    lane: Vec<WrittenLane>,
    #[serde(default)]
    scanner: Vec<input::WrittenScanner>,
    #[serde(default)]
    keyboard: Vec<input::WrittenKeyboard>,
    #[serde(default)]
    camera: Vec<input::WrittenCamera>,
    #[serde(default)]
    pictures: Vec<input::WrittenPictures>,
    #[serde(default)]
    output: Vec<output::WrittenOutput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenTablet {
    listen: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenLane {
    lane: Spanned<LaneId>,
    #[serde(default)]
    persons: Persons,
}

impl Config {
    /// Reads a file and the profiles that it names.
    pub(crate) fn load(path: &Path) -> Result<Self, FileError> {
        Self::read(&TomlFile::read(path)?)
    }

    /// Reads a text that stands for a file of this name.
    pub(crate) fn of_text(name: &str, text: String) -> Result<Self, FileError> {
        Self::read(&TomlFile::of_text(name, text))
    }

    /// Reads a file's text, and the profiles that it names.
    pub(crate) fn read(file: &TomlFile) -> Result<Self, FileError> {
        let written: Written = file.parse()?;
        let mut reading = Reading::of(file, written.profiles.unwrap_or_else(|| PROFILES.into()));
        if let Some(screen) = &written.screen
            && !screen.get_ref().ip().is_loopback()
        {
            return Err(file.wrong(&screen.span(), "the screen is shown on this machine alone; use 127.0.0.1"));
        }
        if let Some(seconds) = &written.poll_seconds
            && !(1..=86_400).contains(seconds.get_ref())
        {
            return Err(file.wrong(&seconds.span(), "poll-seconds is 1 to 86400"));
        }
        if let Some(days) = &written.journal_days
            && !(1..=36_500).contains(days.get_ref())
        {
            return Err(file.wrong(&days.span(), "journal-days is 1 to 36500"));
        }
        Ok(Self {
            screen: written.screen.map(Spanned::into_inner),
            manner: Manner { language: written.language.unwrap_or(Manner::default().language), quiet: written.quiet },
            tablets: written.tablet.map(|tablet| tablet.listen),
            poll: written.poll_seconds.map(|seconds| Duration::from_secs(seconds.into_inner())),
            keep: written.journal_days.map(|days| Duration::from_secs(days.into_inner() * A_DAY)),
            ask_others: written.ask_others,
            said_of_lanes: said_of_lanes(file, written.lane)?,
            scanners: written.scanner.into_iter().map(|one| one.check(&mut reading)).collect::<Result<_, _>>()?,
            keyboards: written.keyboard.into_iter().map(|one| one.check(&mut reading)).collect::<Result<_, _>>()?,
            cameras: written.camera.into_iter().map(|one| one.check(&mut reading)).collect::<Result<_, _>>()?,
            pictures: written.pictures.into_iter().map(|one| one.check(&mut reading)).collect::<Result<_, _>>()?,
            outputs: written.output.into_iter().map(|one| one.check(&mut reading)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether anybody can be scanned.
    pub(crate) fn has_inputs(&self) -> bool {
        !(self.scanners.is_empty() && self.keyboards.is_empty() && self.cameras.is_empty() && self.pictures.is_empty())
    }

    /// Refuses what is said of a lane where nobody is scanned, and an output there: a wrong lane would leave people before an arm that never opens. `lines` is
    /// the lane of standard input, where that is read.
    pub(crate) fn check_lanes(&self, lines: Option<LaneId>) -> Result<(), FileError> {
        let scanned = self.lanes();
        let idle = |lane: &LaneId| Some(*lane) != lines && !scanned.contains(lane);
        if let Some(LaneConfig { lane, place, .. }) = self.said_of_lanes.iter().find(|said| idle(&said.lane)) {
            let why = format!("nobody is scanned at lane {lane}; name the lane of an input");
            return Err(FileError::Wrong { place: place.clone(), why });
        }
        match self.outputs.iter().map(|output| &output.entry).find(|entry| idle(&entry.lane)) {
            None => Ok(()),
            Some(Entry { name, lane, place }) => {
                let why = format!("nobody is scanned at lane {lane} of output {name}; give it the lane of an input");
                Err(FileError::Wrong { place: place.clone(), why })
            }
        }
    }

    /// The lanes that inputs stand at.
    pub(crate) fn lanes(&self) -> BTreeSet<LaneId> {
        self.inputs().map(|(_, lane)| lane).collect()
    }

    /// Every device, and whose it is.
    pub(crate) fn devices(&self) -> impl Iterator<Item = (Device, LaneId)> {
        self.inputs().chain(self.outputs.iter().map(|output| (output.device(), output.entry.lane)))
    }

    fn inputs(&self) -> impl Iterator<Item = (Device, LaneId)> {
        let scanners = self.scanners.iter().map(|one| (DeviceKind::Scanner, &one.entry));
        let keyboards = self.keyboards.iter().map(|one| (DeviceKind::Keyboard, &one.entry));
        let cameras = self.cameras.iter().map(|one| (DeviceKind::Camera, &one.entry));
        let named = scanners.chain(keyboards).chain(cameras);
        let pictures = self.pictures.iter().map(|PicturesConfig { name, lane, folder: _ }| {
            (Device { kind: DeviceKind::Pictures, name: name.clone() }, *lane)
        });
        named.map(|(kind, entry)| (Device::named(kind, &entry.name), entry.lane)).chain(pictures)
    }
}

fn said_of_lanes(file: &TomlFile, written: Vec<WrittenLane>) -> Result<Vec<LaneConfig>, FileError> {
    let mut said: Vec<LaneConfig> = Vec::new();
    for WrittenLane { lane, persons } in written {
        if said.iter().any(|before| before.lane == *lane.get_ref()) {
            return Err(file.wrong(&lane.span(), "another entry is about this lane; name each lane once"));
        }
        said.push(LaneConfig { place: file.place(&lane.span()), lane: lane.into_inner(), persons });
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gate.toml");
        std::fs::write(&path, text).unwrap();
        let prefix = format!("{}:", path.display());
        Config::load(&path).map_err(|error| error.to_string().replace(&prefix, "gate.toml:"))
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let keyboard = |name| format!("[[keyboard]]\nname = \"{name}\"\nlane = 1\ndevice = \"/dev/x\"\n");
        let pictures = "[[pictures]]\nname = \"porch\"\nlane = 1\nfolder = \"/run/p\"\n";
        for (text, expected) in [
            ("colour = 1", "gate.toml:1: unknown field `colour`"),
            ("\nscreen = \"0.0.0.0:80\"", "gate.toml:2: the screen is shown on this machine alone"),
            ("quiet = true\nlanguage = \"de\"", "gate.toml:2: unknown variant `de`"),
            ("poll-seconds = 0", "gate.toml:1: poll-seconds is 1 to 86400"),
            ("ask-others = 1", "gate.toml:1: invalid type: integer"),
            ("journal-days = 0", "gate.toml:1: journal-days is 1 to 36500"),
            ("[[pictures]]\nname = \"Porch\"\nlane = 1\nfolder = \"p\"", "gate.toml:2: a name has small letters"),
            ("[[pictures]]\nname = \"porch\"\nlane = \"1\"\nfolder = \"p\"", "gate.toml:3: invalid type: string"),
            ("[[pictures]]\nname = \"porch\"\nlane = 1\n", "gate.toml:1: missing field `folder`"),
            ("[[camera]\n", "gate.toml:1: "),
            (&format!("{pictures}{pictures}"), "gate.toml:6: another pictures has this name"),
            (&format!("{}{}", keyboard("a"), keyboard("b")), "gate.toml:8: keyboard/a (gate.toml:2) has this device"),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_profile_that_is_missing_or_wrong_is_said_with_its_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let scanners = folder.path().join("scanners");
        std::fs::create_dir(&scanners).unwrap();
        std::fs::write(scanners.join("wrong.toml"), "title = \"A\"\ntried = false\nspeed = 1\n").unwrap();
        let error = |profile| {
            let device = "[[scanner]]\nname = \"a\"\nlane = 1\ndevice = \"/dev/a\"";
            load(&format!("profiles = {:?}\n{device}\nprofile = {profile:?}\n", folder.path())).unwrap_err()
        };
        assert!(error("none").starts_with("gate.toml:6: there is no profile "), "{}", error("none"));
        assert!(error("../a").starts_with("gate.toml:6: a profile's name has small letters"), "{}", error("../a"));
        let wrong = format!("{}:3: speed is 300 to", scanners.join("wrong.toml").display());
        assert!(error("wrong").starts_with(&wrong), "{}", error("wrong"));
    }

    /// With every device in it that it has as a comment.
    #[test]
    fn the_file_that_field_staff_begin_with_names_what_there_is() {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");
        let lines = include_str!("../../../firmware-config/etc/gate.toml").lines().map(|line| {
            let comment = line.strip_prefix("# ").filter(|line| line.starts_with("[[") || line.contains(" = "));
            comment.unwrap_or(line)
        });
        let text = [format!("profiles = {profiles:?}")].into_iter().chain(lines.map(str::to_owned));
        let config = load(&text.collect::<Vec<_>>().join("\n")).unwrap();
        let Config { scanners, keyboards, cameras, outputs, pictures, .. } = &config;
        let numbers = [scanners.len(), keyboards.len(), cameras.len(), outputs.len(), pictures.len()];
        assert_eq!(numbers, [1; 5]);
        assert_eq!((config.manner, config.tablets.map(|address| address.port())), (Manner::default(), Some(8443)));
    }

    #[test]
    fn a_file_without_devices_has_no_inputs() {
        let config = load("screen = \"127.0.0.1:8600\"\npoll-seconds = 5\nlanguage = \"fr\"\nquiet = true").unwrap();
        assert!(!config.has_inputs());
        assert_eq!(config.manner, Manner { language: Language::Fr, quiet: true });
        let config = load("[[pictures]]\nname = \"a\"\nlane = 3\nfolder = \"/run/p\"").unwrap();
        assert!(config.has_inputs());
        assert_eq!(config.lanes(), BTreeSet::from([LaneId(3)]));
    }

    #[test]
    fn an_output_stands_where_somebody_is_scanned() {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");
        let text = format!(
            "profiles = {profiles:?}\n[[pictures]]\nname = \"a\"\nlane = 3\nfolder = \"/run/p\"\n[[output]]\nname = \"arm\"\nlane = 4\nprofile = \"nothing\"\nopens = {{ pulse-milliseconds = 500 }}"
        );
        let config = Config::of_text("gate.toml", text.clone()).unwrap();
        let error = config.check_lanes(Some(LaneId(1))).unwrap_err().to_string();
        assert!(error.starts_with("gate.toml:7: nobody is scanned at lane 4 of output arm"), "{error}");
        config.check_lanes(Some(LaneId(4))).unwrap();
        Config::of_text("gate.toml", text.replace("lane = 4", "lane = 3")).unwrap().check_lanes(None).unwrap();
    }

    #[test]
    fn a_lane_says_once_how_many_each_scan_lets_through() {
        let persons =
            |text: &str| Ok::<_, String>(load(text)?.said_of_lanes.iter().map(|said| said.persons).collect::<Vec<_>>());
        assert_eq!(
            persons("[[lane]]\nlane = 1\n[[lane]]\nlane = 2\npersons = \"one\""),
            Ok(vec![Persons::All, Persons::One])
        );
        for (text, expected) in [
            ("[[lane]]\nlane = 1\npersons = \"two\"", "gate.toml:3: unknown variant `two`"),
            ("[[lane]]\nlane = 1\n[[lane]]\nlane = 1", "gate.toml:4: another entry is about this lane"),
        ] {
            let error = persons(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let config = Config::of_text("gate.toml", "[[lane]]\nlane = 4\npersons = \"one\"".to_owned()).unwrap();
        let error = config.check_lanes(Some(LaneId(1))).unwrap_err().to_string();
        assert!(error.starts_with("gate.toml:2: nobody is scanned at lane 4"), "{error}");
        config.check_lanes(Some(LaneId(4))).unwrap();
    }
}
