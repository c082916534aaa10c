//! A profile: how one kind of device is switched, by its manual. Owns the keys of `profiles/outputs/NAME.toml`; knows nothing of where a
//! device is or what it is for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::wiring::{Bytes, Call, Calls, Question, Relay};
use crate::config::{FileError, TomlFile, WrittenBytes, WrittenUsb};

/// More is none of a relay board's commands.
const MAX_BYTES: usize = 64;

/// How a device is switched.
#[derive(Clone, Debug)]
pub(crate) enum Profile {
    /// By bytes on a serial line, with so many bits a second.
    Serial { speed: u32, usb: Vec<String>, relays: BTreeMap<u32, Relay>, inputs: BTreeMap<u32, Question> },
    /// By a line of a GPIO chip.
    Gpio,
    /// By HTTP calls.
    Http { channels: std::ops::RangeInclusive<u32>, calls: Calls },
    /// Not at all.
    Nothing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    title: Spanned<String>,
    manual: Spanned<String>,
    /// Whether somebody has seen it work on the device: for people.
    #[serde(rename = "tried")]
    _tried: bool,
    pulse_ends: Spanned<PulseEnds>,
    #[serde(default)]
    usb: Vec<WrittenUsb>,
    serial: Option<WrittenSerial>,
    gpio: Option<NoKeys>,
    http: Option<WrittenHttp>,
    nothing: Option<NoKeys>,
}

/// Who switches off, when the agent is killed in the middle of a pulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PulseEnds {
    /// The device, whatever happens to the box.
    ByBoard,
    /// The agent; its guard, when it is killed.
    ByAgent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoKeys {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenSerial {
    speed: Spanned<u32>,
    #[serde(default)]
    repeats: bool,
    channel: Vec<WrittenChannel>,
    #[serde(default)]
    input: Vec<WrittenInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenChannel {
    number: Spanned<u32>,
    on: Spanned<WrittenBytes>,
    off: Spanned<WrittenBytes>,
    #[serde(default)]
    pulse: Vec<WrittenPulse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenPulse {
    milliseconds: u64,
    send: Spanned<WrittenBytes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenInput {
    number: Spanned<u32>,
    ask: Spanned<WrittenBytes>,
    answer_begins: Spanned<WrittenBytes>,
    answer_length: Spanned<usize>,
    mask: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenHttp {
    channels: Spanned<[u32; 2]>,
    on: Spanned<String>,
    off: Spanned<String>,
    check: Spanned<String>,
}

impl Profile {
    /// Reads one.
    pub(crate) fn read(file: &TomlFile) -> Result<Self, FileError> {
        let Written { title, manual, _tried, pulse_ends, usb, serial, gpio, http, nothing } = file.parse()?;
        for text in [&title, &manual] {
            if text.get_ref().trim().is_empty() {
                return Err(file.wrong(&text.span(), "say what it is, and where its commands come from"));
            }
        }
        let profile = match (serial, gpio, http, nothing) {
            (Some(serial), None, None, None) => serial.check(file, usb.iter().map(WrittenUsb::number).collect())?,
            (None, Some(NoKeys {}), None, None) => Self::Gpio,
            (None, None, Some(http), None) => http.check(file)?,
            (None, None, None, Some(NoKeys {})) => Self::Nothing,
            _ => return Err(file.wrong(&title.span(), "a profile has one of [serial], [gpio], [http], [nothing]")),
        };
        let by_board = match &profile {
            Self::Serial { relays, .. } => relays.values().all(|relay| !relay.pulses.is_empty()),
            Self::Http { calls, .. } => calls.on.says_how_long(),
            Self::Gpio | Self::Nothing => false,
        };
        match (pulse_ends.get_ref(), by_board) {
            (PulseEnds::ByBoard, true) | (PulseEnds::ByAgent, false) => Ok(profile),
            (PulseEnds::ByBoard, false) => Err(file.wrong(
                &pulse_ends.span(),
                "no command of this profile tells the board how long; pulse-ends = \"by-agent\"",
            )),
            (PulseEnds::ByAgent, true) => {
                Err(file.wrong(&pulse_ends.span(), "this board is told how long; pulse-ends = \"by-board\""))
            }
        }
    }
}

impl WrittenSerial {
    fn check(self, file: &TomlFile, usb: Vec<String>) -> Result<Profile, FileError> {
        if !(300..=3_000_000).contains(self.speed.get_ref()) {
            return Err(file.wrong(&self.speed.span(), "a speed is 300 to 3000000 bits a second"));
        }
        let mut relays = BTreeMap::new();
        for WrittenChannel { number, on, off, pulse } in self.channel {
            let pulses = pulse
                .into_iter()
                .map(|pulse| Ok((Duration::from_millis(pulse.milliseconds), bytes(file, pulse.send)?)));
            let relay = Relay {
                on: bytes(file, on)?,
                off: bytes(file, off)?,
                pulses: pulses.collect::<Result<_, _>>()?,
                repeats: self.repeats,
            };
            if relays.insert(*number.get_ref(), relay).is_some() {
                return Err(file.wrong(&number.span(), "another channel has this number"));
            }
        }
        let mut inputs = BTreeMap::new();
        for WrittenInput { number, ask, answer_begins, answer_length, mask } in self.input {
            let question = Question {
                ask: bytes(file, ask)?,
                begins: bytes(file, answer_begins)?,
                length: *answer_length.get_ref(),
                mask,
            };
            if !(question.begins.len() + 1..=MAX_BYTES).contains(&question.length) {
                return Err(file.wrong(
                    &answer_length.span(),
                    "the byte that tells comes after the beginning, and an answer has at most 64",
                ));
            }
            if inputs.insert(*number.get_ref(), question).is_some() {
                return Err(file.wrong(&number.span(), "another input has this number"));
            }
        }
        Ok(Profile::Serial { speed: self.speed.into_inner(), usb, relays, inputs })
    }
}

fn bytes(file: &TomlFile, written: Spanned<WrittenBytes>) -> Result<Bytes, FileError> {
    let span = written.span();
    let WrittenBytes(bytes) = written.into_inner();
    if bytes.is_empty() || bytes.len() > MAX_BYTES {
        return Err(file.wrong(&span, "a command is 1 to 64 bytes"));
    }
    Ok(bytes)
}

impl WrittenHttp {
    fn check(self, file: &TomlFile) -> Result<Profile, FileError> {
        let [first, last] = *self.channels.get_ref();
        if first > last {
            return Err(file.wrong(&self.channels.span(), "channels are the first and the last number, as [0, 7]"));
        }
        let call = |written: Spanned<String>| {
            let why =
                "a call is GET or POST, a space, and a path; {channel}, {seconds} and {milliseconds} are filled in";
            Call::parse(written.get_ref()).ok_or_else(|| file.wrong(&written.span(), why))
        };
        let (off, check) = (self.off.span(), self.check.span());
        let calls = Calls { on: call(self.on)?, off: call(self.off)?, check: call(self.check)? };
        if calls.off.says_how_long() {
            return Err(file.wrong(&off, "what is switched off stays off"));
        }
        if calls.check.posts || calls.check == calls.on || calls.check == calls.off {
            return Err(file.wrong(&check, "whether the device is there is asked by a GET that switches nothing"));
        }
        Ok(Profile::Http { channels: first..=last, calls })
    }
}
