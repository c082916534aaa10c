//! The outputs of `gate.toml`.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::verdict::Severity;
use serde::Deserialize;
use toml::Spanned;
use url::{Host, Url};

use super::reading::{Hold, Reading};
use super::{Entry, FileError};
use crate::devices::{Device, DeviceKind};
use crate::outputs::{Duty, Line, Opening, Patterns, Profile, Sensor, Turns, Wiring};

/// An arm that is let go for longer is open.
const PULSE: RangeInclusive<u64> = 50..=10_000;
const PAUSE: RangeInclusive<u64> = 0..=60_000;
/// Contacts of relays bounce, and wear out.
const DEFAULT_PAUSE: u64 = 300;
const WITHIN: RangeInclusive<u64> = 500..=60_000;
const STEP: RangeInclusive<u64> = 20..=10_000;
const MAX_STEPS: usize = 16;

/// An output.
#[derive(Clone, Debug)]
pub(crate) struct OutputConfig {
    /// Name, lane, place.
    pub(crate) entry: Entry,
    /// Where it is, and how it is switched.
    pub(crate) wiring: Wiring,
    /// How one sees whether the arm turns.
    pub(crate) sensor: Option<Sensor>,
    /// What it is for.
    pub(crate) duty: Duty,
}

impl OutputConfig {
    /// As it says how it stands.
    pub(crate) fn device(&self) -> Device {
        let kind = match self.duty {
            Duty::Opens(_) => DeviceKind::Output,
            Duty::Shows(_) => DeviceKind::Lamp,
        };
        Device::named(kind, &self.entry.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenOutput {
    name: Spanned<String>,
    lane: LaneId,
    profile: Spanned<String>,
    device: Option<Spanned<String>>,
    channel: Option<Spanned<u32>>,
    active_low: Option<Spanned<bool>>,
    opens: Option<Spanned<WrittenOpening>>,
    shows: Option<BTreeMap<Severity, Spanned<Vec<u64>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenOpening {
    pulse_milliseconds: Spanned<u64>,
    pause_milliseconds: Option<Spanned<u64>>,
    #[serde(default)]
    turns: Turns,
    turned: Option<Spanned<WrittenTurned>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenTurned {
    within_milliseconds: Spanned<u64>,
    input: Option<Spanned<u32>>,
    chip: Option<PathBuf>,
    line: Option<u32>,
    #[serde(default)]
    active_low: bool,
}

impl WrittenOutput {
    pub(super) fn check(self, reading: &mut Reading<'_>) -> Result<OutputConfig, FileError> {
        let entry = reading.entry(DeviceKind::Output, &self.name, self.lane)?;
        let profile = Profile::read(&reading.profile("outputs", &self.profile)?)?;
        let wrong = |why: String| reading.file.wrong(&self.profile.span(), why);
        if let Some(active_low) = self.active_low.as_ref().filter(|_| !matches!(profile, Profile::Gpio)) {
            return Err(reading.file.wrong(&active_low.span(), "only a GPIO line is active low"));
        }
        let written = (self.device.as_ref(), self.channel.as_ref());
        let wiring = match (&profile, written) {
            (Profile::Nothing, (None, None)) => Wiring::Nothing,
            (Profile::Nothing, _) => return Err(wrong("this profile has neither device nor channel".to_owned())),
            (_, (None, _) | (_, None)) => return Err(wrong("this profile wants a device and a channel".to_owned())),
            (Profile::Serial { speed, usb, relays, inputs: _ }, (Some(device), Some(channel))) => {
                let Some(relay) = relays.get(channel.get_ref()) else {
                    return Err(reading
                        .file
                        .wrong(&channel.span(), format!("this profile has the channels {}", numbers(relays))));
                };
                let device = reading.device(device, DeviceKind::Output, &entry, Hold::Serial(*speed))?;
                Wiring::Serial { device, speed: *speed, usb: usb.clone(), relay: relay.clone() }
            }
            (Profile::Gpio, (Some(device), Some(channel))) => Wiring::Line(Line {
                chip: reading.device(device, DeviceKind::Output, &entry, Hold::Lines)?,
                offset: *channel.get_ref(),
                active_low: self.active_low.is_some_and(Spanned::into_inner),
            }),
            (Profile::Http { channels, calls }, (Some(device), Some(channel))) => {
                let Some(address) = local_address(device.get_ref()) else {
                    let why = "a device on the network is named by its IP address, as http://192.168.1.40, without a path, a user or a password";
                    return Err(reading.file.wrong(&device.span(), why));
                };
                if !channels.contains(channel.get_ref()) {
                    let why = format!("this profile has the channels {} to {}", channels.start(), channels.end());
                    return Err(reading.file.wrong(&channel.span(), why));
                }
                Wiring::Http { device: address, channel: *channel.get_ref(), calls: calls.clone() }
            }
        };
        if let (Some(device), Some(channel)) = written {
            let same = match &wiring {
                Wiring::Http { device, .. } => device.as_str().into(),
                Wiring::Serial { .. } | Wiring::Line(_) | Wiring::Nothing => device.get_ref().into(),
            };
            if !reading.relays.insert((same, *channel.get_ref())) {
                return Err(reading.file.wrong(&channel.span(), "another output has this channel of this device"));
            }
        }
        let (duty, sensor) = match (self.opens, self.shows) {
            (Some(opens), None) => opening(reading, opens, &profile, &wiring)?,
            (None, Some(shows)) => (Duty::Shows(patterns(reading, shows)?), None),
            (Some(_), Some(_)) | (None, None) => {
                return Err(reading.file.wrong(&self.name.span(), "an output has one of `opens` and `shows`"));
            }
        };
        Ok(OutputConfig { entry, wiring, sensor, duty })
    }
}

fn opening(
    reading: &mut Reading<'_>,
    written: Spanned<WrittenOpening>,
    profile: &Profile,
    wiring: &Wiring,
) -> Result<(Duty, Option<Sensor>), FileError> {
    let WrittenOpening { pulse_milliseconds, pause_milliseconds, turns, turned } = written.into_inner();
    let pulse = milliseconds(reading, &pulse_milliseconds, PULSE)?;
    let pause = pause_milliseconds
        .map_or(Ok(Duration::from_millis(DEFAULT_PAUSE)), |pause| milliseconds(reading, &pause, PAUSE))?;
    if let Wiring::Serial { relay, .. } = wiring
        && !relay.pulses.is_empty()
        && !relay.pulses.contains_key(&pulse)
    {
        let lengths: Vec<_> = relay.pulses.keys().map(|length| length.as_millis().to_string()).collect();
        let why = format!("this board ends its pulses by itself, after {} milliseconds", lengths.join(", "));
        return Err(reading.file.wrong(&pulse_milliseconds.span(), why));
    }
    let mut opening = Opening { pulse, pause, turns, within: None };
    let Some(turned) = turned else { return Ok((Duty::Opens(opening), None)) };
    let span = turned.span();
    let WrittenTurned { within_milliseconds, input, chip, line, active_low } = turned.into_inner();
    let within = milliseconds(reading, &within_milliseconds, WITHIN)?;
    if within < pulse {
        return Err(reading
            .file
            .wrong(&within_milliseconds.span(), "an arm may turn for as long as it is open: at least the pulse"));
    }
    opening.within = Some(within);
    let sensor = match (input, chip, line) {
        (Some(input), None, None) if !active_low => {
            let Profile::Serial { inputs, .. } = profile else {
                return Err(reading.file.wrong(&input.span(), "this profile has no inputs; name a chip and a line"));
            };
            let question = inputs.get(input.get_ref()).ok_or_else(|| {
                reading.file.wrong(&input.span(), format!("this profile has the inputs {}", numbers(inputs)))
            })?;
            Sensor::Board(question.clone())
        }
        (None, Some(chip), Some(offset)) => {
            if !reading.relays.insert((chip.clone(), offset)) {
                return Err(reading
                    .file
                    .wrong(&span, "an output has this line of this chip, or another arm is told by it"));
            }
            Sensor::Line(Line { chip, offset, active_low })
        }
        _ => return Err(reading.file.wrong(&span, "`turned` has an input of the board, or a chip and a line")),
    };
    Ok((Duty::Opens(opening), Some(sensor)))
}

fn patterns(reading: &Reading<'_>, written: BTreeMap<Severity, Spanned<Vec<u64>>>) -> Result<Patterns, FileError> {
    let checked = written.into_iter().map(|(severity, steps)| {
        let length = steps.get_ref().len();
        if length > MAX_STEPS || !steps.get_ref().iter().all(|step| STEP.contains(step)) {
            let why = format!(
                "a pattern is milliseconds on, off, on, and so forth: at most {MAX_STEPS}, each {} to {}",
                STEP.start(),
                STEP.end()
            );
            return Err(reading.file.wrong(&steps.span(), why));
        }
        Ok((severity, steps.into_inner().into_iter().map(Duration::from_millis).collect()))
    });
    checked.collect()
}

fn milliseconds(
    reading: &Reading<'_>,
    written: &Spanned<u64>,
    range: RangeInclusive<u64>,
) -> Result<Duration, FileError> {
    if range.contains(written.get_ref()) {
        return Ok(Duration::from_millis(*written.get_ref()));
    }
    Err(reading.file.wrong(&written.span(), format!("this is {} to {} milliseconds", range.start(), range.end())))
}

/// An address that may stand in a log: it has nothing but an IP address and a port. A name would be looked up before each pulse, and its
/// server, or whoever answers in its place, would say where the pulse goes.
fn local_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let numeric = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
    (url.scheme() == "http" && numeric && bare && anonymous).then_some(url)
}

fn numbers<T>(numbered: &BTreeMap<u32, T>) -> String {
    numbered.keys().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
