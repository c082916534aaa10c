//! A scanner's profile: what is true of every scanner of a kind. Owns the keys of `scanners/NAME.toml` and what they may say; speaks to no
//! scanner.

use std::time::Duration;

use serde::Deserialize;
use serialport::{DataBits, FlowControl, Parity, StopBits};
use toml::Spanned;

use super::bytes::WrittenBytes;
use super::usb::WrittenUsb;
use super::{FileError, TomlFile};
use crate::input::{Framing, Silence};

/// A pause within a line that no scanner makes: at 9600 baud a character takes a millisecond, and a USB packet waits at most as long as the
/// box is busy.
const IDLE_MILLISECONDS: u64 = 200;

/// A kind of scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScannerProfile {
    /// What people call it.
    pub(crate) title: String,
    /// What USB calls it, as `lsusb -d` takes it; empty where that says nothing.
    pub(crate) usb: Vec<String>,
    /// How bits become bytes.
    pub(crate) line: SerialLine,
    /// How bytes become lines.
    pub(crate) framing: Framing,
    /// What it is told each time it is opened.
    pub(crate) setup: Vec<Vec<u8>>,
    /// What it is told when a code that it read opens; none where it is told nothing.
    pub(crate) good: Option<Vec<u8>>,
    /// What it is told when such a code does not open.
    pub(crate) bad: Option<Vec<u8>>,
    /// Whether somebody has seen this profile work on the device.
    pub(crate) tried: bool,
}

/// The settings of a serial line. A scanner that is a serial line by USB itself takes any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SerialLine {
    /// Bits a second.
    pub(crate) speed: u32,
    /// Of each character.
    pub(crate) data_bits: DataBits,
    /// Of each character.
    pub(crate) parity: Parity,
    /// Behind each character.
    pub(crate) stop_bits: StopBits,
    /// Who may say "wait".
    pub(crate) flow: FlowControl,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    title: String,
    #[serde(default)]
    usb: Vec<WrittenUsb>,
    speed: Option<Spanned<u32>>,
    data_bits: Option<Spanned<u8>>,
    #[serde(default)]
    parity: WrittenParity,
    stop_bits: Option<Spanned<u8>>,
    #[serde(default)]
    flow: WrittenFlow,
    #[serde(default)]
    end: WrittenEnd,
    idle_milliseconds: Option<Spanned<u64>>,
    #[serde(default)]
    prefix: WrittenBytes,
    #[serde(default)]
    suffix: WrittenBytes,
    #[serde(default)]
    setup: Vec<Spanned<WrittenBytes>>,
    good: Option<Spanned<WrittenBytes>>,
    bad: Option<Spanned<WrittenBytes>>,
    manual: Option<String>,
    tried: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum WrittenParity {
    #[default]
    None,
    Even,
    Odd,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum WrittenFlow {
    #[default]
    None,
    Hardware,
    Software,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum WrittenEnd {
    #[default]
    Line,
    Idle,
}

impl ScannerProfile {
    /// Reads a profile's file.
    pub(crate) fn read(file: &TomlFile) -> Result<Self, FileError> {
        let written: Written = file.parse()?;
        let commands = written.setup.iter().chain(&written.good).chain(&written.bad);
        for command in commands {
            if command.get_ref().0.is_empty() {
                return Err(file.wrong(&command.span(), "this command is empty; leave it out"));
            }
            if written.manual.is_none() {
                return Err(file.wrong(&command.span(), "say in `manual` where this command is from"));
            }
        }
        let idle =
            checked(file, written.idle_milliseconds, IDLE_MILLISECONDS, "idle-milliseconds is 20 to 10000", |idle| {
                (20..=10_000).contains(&idle).then_some(idle)
            })?;
        let line = SerialLine {
            speed: checked(file, written.speed, 9600, "speed is 300 to 4000000 bits a second", |speed| {
                (300..=4_000_000).contains(&speed).then_some(speed)
            })?,
            data_bits: checked(file, written.data_bits, DataBits::Eight, "data-bits is 7 or 8", |bits| match bits {
                7 => Some(DataBits::Seven),
                8 => Some(DataBits::Eight),
                _ => None,
            })?,
            parity: match written.parity {
                WrittenParity::None => Parity::None,
                WrittenParity::Even => Parity::Even,
                WrittenParity::Odd => Parity::Odd,
            },
            stop_bits: checked(file, written.stop_bits, StopBits::One, "stop-bits is 1 or 2", |bits| match bits {
                1 => Some(StopBits::One),
                2 => Some(StopBits::Two),
                _ => None,
            })?,
            flow: match written.flow {
                WrittenFlow::None => FlowControl::None,
                WrittenFlow::Hardware => FlowControl::Hardware,
                WrittenFlow::Software => FlowControl::Software,
            },
        };
        let bytes = |written: Spanned<WrittenBytes>| written.into_inner().0;
        Ok(Self {
            title: written.title,
            usb: written.usb.iter().map(WrittenUsb::number).collect(),
            line,
            framing: Framing {
                prefix: written.prefix.0,
                suffix: written.suffix.0,
                idle: Duration::from_millis(idle),
                silence: match written.end {
                    WrittenEnd::Line => Silence::Cuts,
                    WrittenEnd::Idle => Silence::Ends,
                },
            },
            setup: written.setup.into_iter().map(bytes).collect(),
            good: written.good.map(bytes),
            bad: written.bad.map(bytes),
            tried: written.tried,
        })
    }
}

/// What a number stands for; `usual` where none is written.
fn checked<W: Copy, T>(
    file: &TomlFile,
    written: Option<Spanned<W>>,
    usual: T,
    rule: &str,
    meaning: impl FnOnce(W) -> Option<T>,
) -> Result<T, FileError> {
    written.map_or(Ok(usual), |written| meaning(*written.get_ref()).ok_or_else(|| file.wrong(&written.span(), rule)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ScannerProfile, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, text).unwrap();
        let prefix = format!("{}:", path.display());
        let profile = TomlFile::read(&path).and_then(|file| ScannerProfile::read(&file));
        profile.map_err(|error| error.to_string().replace(&prefix, "a.toml:"))
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let least = "title = \"A\"\ntried = false\n";
        for (more, expected) in [
            ("colour = 1", "a.toml:3: unknown field `colour`"),
            ("speed = 299", "a.toml:3: speed is 300 to"),
            ("speed = \"fast\"", "a.toml:3: invalid type: string"),
            ("data-bits = 9", "a.toml:3: data-bits is 7 or 8"),
            ("stop-bits = 3", "a.toml:3: stop-bits is 1 or 2"),
            ("parity = \"mark\"", "a.toml:3: unknown variant `mark`"),
            ("idle-milliseconds = 19", "a.toml:3: idle-milliseconds is 20 to 10000"),
            ("usb = [{ vendor = 0x10000 }]", "a.toml:3: invalid value: integer `65536`"),
            ("usb = [{ maker = 1 }]", "a.toml:3: unknown field `maker`"),
            ("end = \"cr\"", "a.toml:3: unknown variant `cr`"),
            ("\nprefix = 'é'", "a.toml:4: bytes are printable ASCII"),
            ("manual = \"m\"\nsetup = ['a', '\\q']", "a.toml:4: bytes are printable ASCII"),
            ("manual = \"m\"\ngood = ''", "a.toml:4: this command is empty"),
            ("\nbad = 'b'", "a.toml:4: say in `manual` where"),
        ] {
            let error = read(&format!("{least}{more}")).unwrap_err();
            assert!(error.starts_with(expected), "{more:?}: {error}");
        }
        assert!(read("title = \"A\"").unwrap_err().starts_with("a.toml:1: missing field `tried`"));
    }

    #[test]
    fn every_key_is_read() {
        let profile = read(
            r#"
            title = "A"
            usb = [{ vendor = 0x05f9 }, { vendor = 0x0c2e, product = 0xcaa }]
            speed = 115200
            data-bits = 7
            parity = "even"
            stop-bits = 2
            flow = "hardware"
            end = "idle"
            idle-milliseconds = 50
            prefix = '<'
            suffix = '>\t'
            setup = ['\x02a', 'b']
            good = 'g'
            bad = '\x07'
            manual = "Guide, page 1"
            tried = true
            "#,
        )
        .unwrap();
        let expected = ScannerProfile {
            title: "A".to_owned(),
            usb: vec!["05f9:".to_owned(), "0c2e:0caa".to_owned()],
            line: SerialLine {
                speed: 115_200,
                data_bits: DataBits::Seven,
                parity: Parity::Even,
                stop_bits: StopBits::Two,
                flow: FlowControl::Hardware,
            },
            framing: Framing {
                prefix: b"<".to_vec(),
                suffix: b">\t".to_vec(),
                idle: Duration::from_millis(50),
                silence: Silence::Ends,
            },
            setup: vec![b"\x02a".to_vec(), b"b".to_vec()],
            good: Some(b"g".to_vec()),
            bad: Some(vec![7]),
            tried: true,
        };
        assert_eq!(profile, expected);
    }
}
