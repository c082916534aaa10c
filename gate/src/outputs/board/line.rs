//! Lines of a GPIO chip, by the kernel's character device.
//!
//! The level of an output is kept for as long as its request is open. When it is closed, as when this process is killed, the line “becomes
//! uncontrolled … and may revert to its default state” (Linux, userspace-api/gpio, `GPIO_V2_GET_LINE_IOCTL`): which one, is the driver's.

use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, Value};

use crate::devices::{Cause, Trouble};
use crate::outputs::wiring::Line;

const CONSUMER: &str = "countermark-gate";

/// One that is switched.
pub(in crate::outputs) struct LineOutput {
    line: Line,
    request: Request,
}

/// One that the arm switches. The kernel keeps its edges until they are asked for.
pub(in crate::outputs) struct LineInput {
    line: Line,
    request: Request,
}

impl LineOutput {
    /// Requests it, off.
    pub(super) fn open(line: &Line) -> Result<Self, Trouble> {
        let mut request = Request::builder();
        request.on_chip(&line.chip).with_consumer(CONSUMER).with_line(line.offset);
        if line.active_low {
            request.as_active_low();
        }
        let request = request.as_output(Value::Inactive).request().map_err(|error| failed(line, &error))?;
        Ok(Self { line: line.clone(), request })
    }

    pub(super) fn set(&self, on: bool) -> Result<(), Trouble> {
        let value = if on { Value::Active } else { Value::Inactive };
        self.request.set_lone_value(value).map(drop).map_err(|error| failed(&self.line, &error))
    }

    pub(super) fn check(&self) -> Result<(), Trouble> {
        self.request.lone_value().map(drop).map_err(|error| failed(&self.line, &error))
    }
}

impl LineInput {
    /// Requests it.
    pub(in crate::outputs) fn open(line: &Line) -> Result<Self, Trouble> {
        let mut request = Request::builder();
        request.on_chip(&line.chip).with_consumer(CONSUMER).with_line(line.offset);
        if line.active_low {
            request.as_active_low();
        }
        let request = request.as_input().with_edge_detection(EdgeDetection::RisingEdge);
        let request = request.request().map_err(|error| failed(line, &error))?;
        Ok(Self { line: line.clone(), request })
    }

    /// Whether it became active since it was asked last.
    pub(in crate::outputs) fn turned(&self) -> Result<bool, Trouble> {
        let mut turned = false;
        let wrong = |error| failed(&self.line, &error);
        while self.request.has_edge_event().map_err(wrong)? {
            self.request.read_edge_event().map_err(wrong)?;
            turned = true;
        }
        Ok(turned)
    }
}

fn failed(line: &Line, error: &gpiocdev::Error) -> Trouble {
    let Line { chip, offset, active_low: _ } = line;
    let (cause, advice) = if chip.exists() {
        (
            Cause::Failed,
            "`gpioinfo` shows which lines there are and who has them; the gate's user must be allowed to open the chip",
        )
    } else {
        (Cause::Gone, "`gpiodetect` shows which chips there are")
    };
    Trouble::new(cause, format!("line {offset} of {} cannot be used: {error}; {advice}", chip.display()))
}
