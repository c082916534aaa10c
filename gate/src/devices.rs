//! How it stands with the inputs and outputs of the box. Owns their names, what is wrong with each, and the words for it; knows nothing of
//! how any of them works. A gate that nobody can scan at, or whose arm does not turn, must not look ready.

use std::collections::BTreeMap;
use std::fmt;

use countermark_shared::id::LaneId;
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::watch;

use crate::announcement::Sentence;
use crate::outputs::{Passage, Passages};

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeviceKind {
    /// Standard input.
    Lines,
    /// A folder that somebody puts pictures in.
    Pictures,
    /// A scanner on a serial line.
    Scanner,
    /// A scanner that says it is a keyboard.
    Keyboard,
    /// A camera.
    Camera,
    /// What opens.
    Output,
    /// What only tells people: a lamp, a buzzer.
    Lamp,
}

impl DeviceKind {
    /// As it is written in front of a name.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Pictures => "pictures",
            Self::Scanner => "scanner",
            Self::Keyboard => "keyboard",
            Self::Camera => "camera",
            // As `gate.toml` calls both.
            Self::Output | Self::Lamp => "output",
        }
    }
}

/// A device, by its kind and by the name that `gate.toml` gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Device {
    /// What it is.
    pub(crate) kind: DeviceKind,
    /// Which of its kind; none where there can be only one.
    pub(crate) name: Option<String>,
}

impl Device {
    /// The only one of its kind.
    pub(crate) const fn only(kind: DeviceKind) -> Self {
        Self { kind, name: None }
    }

    /// One of its kind.
    pub(crate) fn named(kind: DeviceKind, name: &str) -> Self {
        Self { kind, name: Some(name.to_owned()) }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind.code())?;
        self.name.as_ref().map_or(Ok(()), |name| write!(formatter, "/{name}"))
    }
}

impl Serialize for Device {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is wrong with a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    /// In one word.
    pub(crate) cause: Cause,
    /// What the system says, and what field staff do about it, in one line.
    pub(crate) detail: String,
}

/// What kind of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// It is not there.
    Gone,
    /// It is there, and this program may not use it.
    Forbidden,
    /// It is there, and another program has it.
    Busy,
    /// It is there, and does not do what it should.
    Failed,
    /// It has ended for good.
    Ended,
    /// It is set to another keyboard than it should be; what it sends may be read all the same.
    Layout,
    /// What it is told by is not there or does not work; it works without.
    Sensor,
}

impl Trouble {
    /// Of a cause, with its detail.
    pub(crate) fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }
}

/// How it stands with one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceStatus {
    /// Kind and name.
    pub(crate) device: String,
    /// What it is.
    pub(crate) kind: DeviceKind,
    /// Whose.
    pub(crate) lane: LaneId,
    /// Whether it was opened, and nothing is wrong since.
    pub(crate) ready: bool,
    /// What is wrong, if anything is.
    pub(crate) trouble: Option<Trouble>,
    /// How often something went wrong since the agent began.
    pub(crate) failures: u64,
    /// Whom it let through, of an output that opens.
    pub(crate) passages: Option<Passages>,
    /// What staff are told of the last of them.
    pub(crate) notice: Option<Sentence>,
}

impl DeviceStatus {
    /// What an operator is told.
    pub(crate) fn warning(&self) -> Option<Sentence> {
        let Trouble { cause, detail: _ } = self.trouble.as_ref()?;
        let name = self.device.split_once('/').map(|(_, name)| format!(" {name}")).unwrap_or_default();
        let (thing, chose) = match (self.kind, cause) {
            (DeviceKind::Lines | DeviceKind::Scanner | DeviceKind::Keyboard, _) => ("SCANNER", "LECTEUR"),
            (DeviceKind::Camera, _) => ("CAMERA", "CAMÉRA"),
            (DeviceKind::Pictures, _) => ("PICTURES", "IMAGES"),
            (DeviceKind::Output, Cause::Sensor) => ("ARM SENSOR", "CAPTEUR DU BRAS"),
            (
                DeviceKind::Output,
                Cause::Gone | Cause::Forbidden | Cause::Busy | Cause::Failed | Cause::Ended | Cause::Layout,
            ) => ("GATE OUTPUT", "OUVERTURE"),
            (DeviceKind::Lamp, _) => ("LAMP OR BUZZER", "LAMPE OU BUZZER"),
        };
        let (en, fr) = match (self.kind, cause) {
            (DeviceKind::Output, Cause::Sensor) => (
                "DOES NOT WORK: turns are not counted, go on",
                "EN PANNE : les passages ne sont pas comptés, continuez",
            ),
            (
                DeviceKind::Output,
                Cause::Gone | Cause::Forbidden | Cause::Busy | Cause::Failed | Cause::Ended | Cause::Layout,
            ) => (
                "DOES NOT ANSWER: open by hand, call staff",
                "NE RÉPOND PAS : ouvrez à la main, appelez un responsable",
            ),
            // Verdicts are shown, and the arm opens, without.
            (DeviceKind::Lamp, _) => (
                "DOES NOT ANSWER: go by the screen, call staff",
                "NE RÉPOND PAS : fiez-vous à l'écran, appelez un responsable",
            ),
            (
                DeviceKind::Pictures,
                Cause::Gone
                | Cause::Forbidden
                | Cause::Busy
                | Cause::Failed
                | Cause::Ended
                | Cause::Layout
                | Cause::Sensor,
            ) => ("GONE: call staff", "PERDUES : appelez un responsable"),
            (_, Cause::Gone | Cause::Ended) => ("GONE: look at its cable", "PERDU : vérifiez son câble"),
            (_, Cause::Layout) => {
                ("SET TO A WRONG KEYBOARD: call staff", "RÉGLÉ SUR UN MAUVAIS CLAVIER : appelez un responsable")
            }
            (_, Cause::Forbidden | Cause::Busy | Cause::Failed | Cause::Sensor) => {
                ("DOES NOT WORK: call staff", "EN PANNE : appelez un responsable")
            }
        };
        Some(Sentence { en: format!("{thing}{name} {en}"), fr: format!("{chose}{name} {fr}") })
    }
}

/// All devices of the box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Devices(BTreeMap<Device, DeviceStatus>);

impl Devices {
    /// Each, by kind and name.
    pub(crate) fn statuses(&self) -> Vec<DeviceStatus> {
        self.0.values().cloned().collect()
    }

    /// What operators are told of them.
    pub(crate) fn warnings(&self) -> Vec<Sentence> {
        self.0.values().flat_map(|status| status.warning().into_iter().chain(status.notice.clone())).collect()
    }
}

/// Where one device says how it stands.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    device: Device,
    devices: watch::Sender<Devices>,
}

impl Post {
    /// Of a device that says how it stands once it was opened.
    pub(crate) fn new(device: Device, lane: LaneId, devices: watch::Sender<Devices>) -> Self {
        let status = DeviceStatus {
            device: device.to_string(),
            kind: device.kind,
            lane,
            ready: false,
            trouble: None,
            failures: 0,
            passages: None,
            notice: None,
        };
        devices.send_modify(|devices| drop(devices.0.insert(device.clone(), status)));
        Self { device, devices }
    }

    /// Which device.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// It did not do one thing, and works on.
    pub(crate) fn missed(&self) {
        self.change(|status| {
            status.failures += 1;
            true
        });
    }

    /// It works.
    pub(crate) fn works(&self) {
        let mut recovered = false;
        self.change(|status| {
            recovered = status.trouble.take().is_some();
            !std::mem::replace(&mut status.ready, true) || recovered
        });
        if recovered {
            tracing::info!(device = %self.device, "works again");
        }
    }

    /// Something is wrong. It is logged once: the journal of a box is small.
    pub(crate) fn troubled(&self, trouble: Trouble) {
        let detail = trouble.detail.clone();
        let news = self.change(|status| {
            if status.trouble.as_ref() == Some(&trouble) {
                return false;
            }
            status.failures += 1;
            status.ready = false;
            status.trouble = Some(trouble);
            true
        });
        if news {
            // No error of this program: a cable is pulled somewhere every day.
            tracing::warn!(device = %self.device, "{detail}");
        }
    }

    /// How it went with somebody whom it should have let through. The lane is the output's own.
    pub(crate) fn passed(&self, passage: Passage) {
        self.change(|status| {
            status.passages.get_or_insert_default().count(passage);
            status.notice = passage.notice(status.lane);
            true
        });
    }

    /// Whether staff are told of somebody.
    pub(crate) fn tells_of_passage(&self) -> bool {
        self.devices.borrow().0.get(&self.device).is_some_and(|status| status.notice.is_some())
    }

    /// Staff were told for long enough.
    pub(crate) fn forget_passage(&self) {
        self.change(|status| status.notice.take().is_some());
    }

    fn change(&self, what: impl FnOnce(&mut DeviceStatus) -> bool) -> bool {
        self.devices.send_if_modified(|devices| devices.0.get_mut(&self.device).is_some_and(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_said_until_it_is_over_and_counted_once() {
        let devices = watch::Sender::default();
        let post = Post::new(Device::named(DeviceKind::Scanner, "left"), LaneId(2), devices.clone());
        let trouble = Trouble::new(Cause::Gone, "/dev/x is not there");
        assert!(devices.borrow().warnings().is_empty());
        post.troubled(trouble.clone());
        post.troubled(trouble);
        let said = devices.borrow().warnings();
        assert_eq!(
            said.iter().map(|sentence| sentence.en.as_str()).collect::<Vec<_>>(),
            ["SCANNER left GONE: look at its cable"]
        );
        post.works();
        let [status] = devices.borrow().statuses().try_into().unwrap();
        assert_eq!((status.device.as_str(), status.failures, status.trouble), ("scanner/left", 1, None));
    }
}
