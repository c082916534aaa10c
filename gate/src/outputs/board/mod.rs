//! The devices themselves: what is written to them, and what they answer. Knows nothing of verdicts, pulses or lanes.

mod http;
mod line;
mod serial;

use std::time::Duration;

use super::wiring::{Question, Wiring};
use crate::devices::Trouble;

pub(super) use line::LineInput;

use http::HttpDevice;
use line::LineOutput;
use serial::SerialBoard;

/// A device that is open.
pub(super) enum Board {
    Serial(SerialBoard),
    Line(LineOutput),
    Http(HttpDevice),
    Nothing,
}

/// What to switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// On; where the device can, for so long.
    On(Duration),
    /// Off.
    Off,
}

impl Board {
    /// Opens the device of an output.
    pub(super) fn open(wiring: &Wiring) -> Result<Self, Trouble> {
        match wiring {
            Wiring::Serial { device, speed, usb, relay: _ } => SerialBoard::open(device, *speed, usb).map(Self::Serial),
            Wiring::Line(line) => LineOutput::open(line).map(Self::Line),
            Wiring::Http { .. } => HttpDevice::open().map(Self::Http),
            Wiring::Nothing => Ok(Self::Nothing),
        }
    }

    /// Switches one of its outputs.
    pub(super) fn switch(&mut self, wiring: &Wiring, switch: Switch) -> Result<(), Trouble> {
        match (self, wiring) {
            (Self::Serial(board), Wiring::Serial { relay, .. }) => {
                let command = match switch {
                    Switch::On(length) => relay.on_for(length),
                    Switch::Off => &relay.off,
                };
                board.command(command, relay.repeats)
            }
            (Self::Line(line), Wiring::Line(_)) => line.set(switch != Switch::Off),
            (Self::Http(http), Wiring::Http { device, channel, calls }) => match switch {
                Switch::On(length) => http.call(&calls.on, device, *channel, length),
                Switch::Off => http.call(&calls.off, device, *channel, Duration::ZERO),
            },
            // A device is opened by the wiring of its own outputs.
            (Self::Serial(_) | Self::Line(_) | Self::Http(_) | Self::Nothing, _) => Ok(()),
        }
    }

    /// Whether it is still there. Nothing is switched: staff may hold a door open by the device's own button.
    pub(super) fn check(&mut self, wiring: &Wiring) -> Result<(), Trouble> {
        match (self, wiring) {
            (Self::Serial(board), _) => board.check(),
            (Self::Line(line), _) => line.check(),
            (Self::Http(http), Wiring::Http { device, channel, calls }) => {
                http.call(&calls.check, device, *channel, Duration::ZERO)
            }
            (Self::Http(_) | Self::Nothing, _) => Ok(()),
        }
    }

    /// How often that is worth knowing.
    pub(super) const fn check_every(&self) -> Duration {
        match self {
            Self::Serial(_) | Self::Line(_) => Duration::from_secs(1),
            Self::Http(_) | Self::Nothing => Duration::from_secs(20),
        }
    }

    /// Whether an input of it is active.
    pub(super) fn ask(&mut self, question: &Question) -> Result<bool, Trouble> {
        match self {
            Self::Serial(board) => board.ask(question),
            Self::Line(_) | Self::Http(_) | Self::Nothing => Ok(false),
        }
    }
}
