//! A relay board on a serial line, USB or not: 8 bits, no parity, one stop bit, as all of them have it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serialport::{ClearBuffer, ErrorKind, SerialPort, TTYPort};

use crate::devices::{Cause, Trouble};
use crate::outputs::wiring::Question;

/// For a few bytes, there or back, on a box that has much else to do. A board that takes longer would have the end of a pulse wait for it.
const PATIENCE: Duration = Duration::from_millis(250);

pub(in crate::outputs) struct SerialBoard {
    device: PathBuf,
    port: TTYPort,
}

impl SerialBoard {
    /// Opens it, not for this process alone: the guard and `outputs off` must reach a relay that an agent left on which hangs. `usb` is what its
    /// profile says that it is called.
    pub(super) fn open(device: &Path, speed: u32, usb: &[String]) -> Result<Self, Trouble> {
        let port = serialport::new(device.to_string_lossy(), speed)
            .exclusive(false)
            .timeout(PATIENCE)
            .open_native()
            .map_err(|error| {
                let (cause, advice) = match error.kind() {
                    ErrorKind::Io(io::ErrorKind::NotFound) => {
                        let seen = usb.first().map(|usb| format!("; `lsusb -d {usb}` says whether the box sees it"));
                        (Cause::Gone, format!("plug the board in, or name another device{}", seen.unwrap_or_default()))
                    }
                    ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
                        (Cause::Forbidden, "the gate's user must be in the device's group, dialout".to_owned())
                    }
                    // By its documentation: somebody else has it. A device that was pulled while it was opened says so, too.
                    ErrorKind::NoDevice => {
                        (Cause::Busy, "end the program that has it, or plug the board in again".to_owned())
                    }
                    ErrorKind::InvalidInput | ErrorKind::Unknown | ErrorKind::Io(_) => {
                        (Cause::Failed, "plug the board in again, or name another device".to_owned())
                    }
                };
                Trouble::new(cause, format!("{} cannot be opened: {error}; {advice}", device.display()))
            })?;
        Ok(Self { device: device.to_owned(), port })
    }

    /// Sends a command; where the board `repeats` those that it did, one that is answered by anything else was not done.
    pub(super) fn command(&mut self, bytes: &[u8], repeats: bool) -> Result<(), Trouble> {
        let answer = self.send(bytes, if repeats { bytes.len() } else { 0 })?;
        if repeats && answer != bytes {
            return Err(self.failed(&"it did not do as it was told"));
        }
        Ok(())
    }

    /// Sends bytes, and waits for so many: on a line that goes one way at a time, the next command would meet an answer.
    fn send(&mut self, bytes: &[u8], answer_length: usize) -> Result<Vec<u8>, Trouble> {
        // What the board said unasked, as an echo, is no answer.
        self.port.clear(ClearBuffer::Input).map_err(|error| self.failed(&error))?;
        self.port.write_all(bytes).map_err(|error| self.failed(&error))?;
        let mut answer = vec![0; answer_length];
        self.port.read_exact(&mut answer).map_err(|error| self.failed(&error))?;
        Ok(answer)
    }

    /// A line that hung up refuses every question.
    pub(super) fn check(&mut self) -> Result<(), Trouble> {
        self.port.bytes_to_read().map(drop).map_err(|error| self.failed(&error))
    }

    pub(super) fn ask(&mut self, question: &Question) -> Result<bool, Trouble> {
        let answer = self.send(&question.ask, question.length)?;
        question.read(&answer).ok_or_else(|| self.failed(&"its answer is none of its profile's"))
    }

    fn failed(&self, error: &dyn std::fmt::Display) -> Trouble {
        let detail =
            format!("{} does not answer: {error}; look at its cable, then plug it in again", self.device.display());
        Trouble::new(Cause::Gone, detail)
    }
}
