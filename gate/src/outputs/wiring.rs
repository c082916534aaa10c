//! Where an output is and how it is switched, as `gate.toml` and the profile say together: plain values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

/// As a manual has them.
pub(crate) type Bytes = Vec<u8>;

/// How one output is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// A relay of a board on a serial line.
    Serial { device: PathBuf, speed: u32, usb: Vec<String>, relay: Relay },
    /// A line of a GPIO chip.
    Line(Line),
    /// A relay of a device on the network; only plain HTTP.
    Http { device: Url, channel: u32, calls: Calls },
    /// No device at all.
    Nothing,
}

impl Wiring {
    /// The device that has other outputs, too, and that one thread must have for all of them.
    pub(super) fn shared_device(&self) -> Option<&Path> {
        match self {
            Self::Serial { device, .. } => Some(device),
            Self::Line(_) | Self::Http { .. } | Self::Nothing => None,
        }
    }
}

/// How one sees whether the arm turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sensor {
    /// By asking the board.
    Board(Question),
    /// By a line of a GPIO chip, which becomes active.
    Line(Line),
}

/// A relay's commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relay {
    /// Switches on until it is switched off.
    pub(crate) on: Bytes,
    /// Switches off.
    pub(crate) off: Bytes,
    /// Switches on for so long, by the board's own clock.
    pub(crate) pulses: BTreeMap<Duration, Bytes>,
    /// Whether the board answers each with the same bytes once it is done; it may stay silent otherwise.
    pub(crate) repeats: bool,
}

impl Relay {
    /// What switches it on for so long: by itself where the board can.
    pub(super) fn on_for(&self, length: Duration) -> &[u8] {
        self.pulses.get(&length).unwrap_or(&self.on)
    }
}

/// What a board answers of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// What is sent.
    pub(crate) ask: Bytes,
    /// How an answer begins. The byte after it tells.
    pub(crate) begins: Bytes,
    /// How long an answer is.
    pub(crate) length: usize,
    /// The bit of that byte that is set while the input is active.
    pub(crate) mask: u8,
}

impl Question {
    /// Whether an answer says that the input is active; none where it is no answer.
    pub(super) fn read(&self, answer: &[u8]) -> Option<bool> {
        let told = answer.strip_prefix(self.begins.as_slice())?;
        told.first().filter(|_| answer.len() == self.length).map(|byte| byte & self.mask != 0)
    }
}

/// A line of a GPIO chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its file under `/dev`.
    pub(crate) chip: PathBuf,
    /// Its number there.
    pub(crate) offset: u32,
    /// Whether it is on when its level is low.
    pub(crate) active_low: bool,
}

/// What a device on the network is called for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Switches on.
    pub(crate) on: Call,
    /// Switches off.
    pub(crate) off: Call,
    /// Asks whether it is there, and switches nothing.
    pub(crate) check: Call,
}

/// An HTTP call with places to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// POST, or GET.
    pub(super) posts: bool,
    path: String,
}

impl Call {
    /// Of `GET /path` or `POST /path`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (posts, path) = match text.split_once(' ')? {
            ("GET", path) => (false, path),
            ("POST", path) => (true, path),
            _ => return None,
        };
        let filled = path.replace("{channel}", "").replace("{seconds}", "").replace("{milliseconds}", "");
        (path.starts_with('/') && !filled.contains(['{', '}', ' ', '#'])).then(|| Self { posts, path: path.to_owned() })
    }

    /// Whether the device is told when to switch off.
    pub(super) fn says_how_long(&self) -> bool {
        self.path.contains("{seconds}") || self.path.contains("{milliseconds}")
    }

    /// What is called; none where the device's address takes no path.
    pub(super) fn url(&self, device: &Url, channel: u32, length: Duration) -> Option<Url> {
        let path = self.path.replace("{channel}", &channel.to_string());
        let path = path.replace("{seconds}", &length.as_secs_f64().to_string());
        device.join(&path.replace("{milliseconds}", &length.as_millis().to_string())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_only_when_it_is_one() {
        let question = Question { ask: vec![1], begins: vec![1, 2, 1], length: 6, mask: 0x04 };
        assert_eq!(question.read(&[1, 2, 1, 0x04, 9, 9]), Some(true));
        assert_eq!(question.read(&[1, 2, 1, 0xFB, 9, 9]), Some(false));
        for other in [&[1, 2, 1][..], &[1, 2, 1, 4, 9], &[1, 0x82, 1, 4, 9, 9], &[]] {
            assert_eq!(question.read(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_call_is_filled_in() {
        let call = Call::parse("GET /relay/{channel}?on&for={seconds}&ms={milliseconds}").unwrap();
        let url = call.url(&Url::parse("http://192.0.2.7").unwrap(), 3, Duration::from_millis(700)).unwrap();
        assert_eq!(url.as_str(), "http://192.0.2.7/relay/3?on&for=0.7&ms=700");
        for wrong in ["", "GET", "PUT /a", "GET a", "GET /{other}", "GET /a b"] {
            assert_eq!(Call::parse(wrong), None, "{wrong}");
        }
    }
}
