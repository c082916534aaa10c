//! The serial line of a scanner: opening it for this program alone, setting the scanner up, and what to tell people when that fails. Knows
//! nothing of lines or tickets.

use std::io::{self, Read, Write};
use std::time::Duration;

use serialport::{ClearBuffer, ErrorKind, SerialPort, TTYPort};

use crate::config::{ScannerConfig, ScannerProfile, SerialLine};
use crate::devices::{Cause, Trouble};

/// How soon a scanner must have taken a command.
const PATIENCE: Duration = Duration::from_secs(1);
/// A scanner that answers more than this to its set-up is no longer answering.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Opens the scanner's line, sets the scanner up, and leaves nothing unread that it sent before. Reading waits for `wait` at most.
pub(super) fn open(config: &ScannerConfig, wait: Duration) -> Result<TTYPort, Trouble> {
    let ScannerConfig { entry: _, device, profile: ScannerProfile { line, framing, setup, .. } } = config;
    let SerialLine { speed, data_bits, parity, stop_bits, flow } = *line;
    let mut port = serialport::new(device.to_string_lossy(), speed)
        .data_bits(data_bits)
        .parity(parity)
        .stop_bits(stop_bits)
        .flow_control(flow)
        .timeout(PATIENCE)
        .open_native()
        .map_err(|error| refused(config, &error))?;
    port.clear(ClearBuffer::Input).map_err(|error| refused(config, &error))?;
    for command in setup {
        port.write_all(command).map_err(|error| unheard(config, &error))?;
    }
    port.set_timeout(wait).map_err(|error| refused(config, &error))?;
    if !setup.is_empty() {
        discard_answer(&mut port, wait, framing.idle).map_err(|error| gone(config, &error))?;
    }
    Ok(port)
}

/// What a scanner says to its set-up is no scan: it is over when the line falls silent.
fn discard_answer(port: &mut impl Read, wait: Duration, idle: Duration) -> io::Result<()> {
    let (mut quiet, mut length) = (Duration::ZERO, 0);
    let mut buffer = [0; 256];
    while quiet < idle && length < LONGEST_ANSWER {
        match port.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => {
                length += more;
                quiet = Duration::ZERO;
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => quiet += wait,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The line cannot be had.
fn refused(config: &ScannerConfig, error: &serialport::Error) -> Trouble {
    if !config.device.exists() {
        return gone(config, error);
    }
    match error.kind() {
        ErrorKind::NoDevice => {
            trouble(config, Cause::Busy, "is in use by another program; `fuser -v` names it, end it", error)
        }
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            let next = "may not be opened; put the gate's user into the group that `ls -lL` names, mostly dialout";
            trouble(config, Cause::Forbidden, next, error)
        }
        ErrorKind::Io(_) | ErrorKind::InvalidInput | ErrorKind::Unknown => {
            trouble(config, Cause::Failed, "cannot be opened as a serial line; name the scanner's own device", error)
        }
    }
}

/// The scanner does not take its set-up.
fn unheard(config: &ScannerConfig, error: &io::Error) -> Trouble {
    trouble(config, Cause::Failed, "takes no commands; look at its profile and at its cable", error)
}

/// The scanner is away.
pub(super) fn gone(config: &ScannerConfig, error: &impl std::fmt::Display) -> Trouble {
    let usb = config.profile.usb.first().map(|usb| format!(", `lsusb -d {usb}` says whether the box sees it"));
    let next = format!("is not there; look at the scanner's cable{}", usb.unwrap_or_default());
    trouble(config, Cause::Gone, &next, error)
}

fn trouble(config: &ScannerConfig, cause: Cause, next: &str, error: &impl std::fmt::Display) -> Trouble {
    let ScannerConfig { entry, device, profile: _ } = config;
    Trouble::new(cause, format!("{}: {} {next} ({error})", entry.place, device.display()))
}
