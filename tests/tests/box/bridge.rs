//! A USB bridge with lines of a GPIO chip: a CP2112, as Debian's `hid-cp2112` knows it (Silicon Labs AN495, CP2112 Interface Specification, and Linux,
//! `drivers/hid/hid-cp2112.c`). Owns its eight lines: who drives which, and at what level. The rest of it, a bus for small chips, is not there: nobody at a gate asks.
//!
//! Debian's kernel (6.1.0-56-amd64, by its `config`) has neither `gpio-sim` nor `gpio-mockup`, and qemu's serial adapters are FT232BM, which have no lines.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::descriptor::{self, descriptor, interface};
use crate::guest::PATIENCE;
use crate::redirection::{Endpoint, Identity, Kind, Line, Request, Speed};

/// By Silicon Labs; release 1.
const NUMBERS: [u16; 3] = [0x10C4, 0xEA90, 0x0100];
const HID: [u8; 3] = [3, 0, 0];
const PACKET: u16 = 64;

/// Requests of a control endpoint (USB 2.0, 9.4; USB Device Class Definition for HID 1.11, 7.2).
const GET_STATUS: u8 = 0;
const GET_DESCRIPTOR: u8 = 6;
const GET_REPORT: u8 = 1;
const SET_REPORT: u8 = 9;
const SET_IDLE: u8 = 10;

/// Its reports (AN495, table 1), each with its length without the number; as many as the driver wants.
const GPIO_CONFIG: u8 = 0x02;
const GET_GPIO: u8 = 0x03;
const SET_GPIO: u8 = 0x04;
const GET_VERSION: u8 = 0x05;
const SMBUS_CONFIG: u8 = 0x06;
const LOCK_BYTE: u8 = 0x20;
const REPORTS: [(u8, u8); 6] =
    [(GPIO_CONFIG, 4), (GET_GPIO, 1), (SET_GPIO, 2), (GET_VERSION, 2), (SMBUS_CONFIG, 13), (LOCK_BYTE, 1)];

/// The bridge, in its box until somebody plugs it in.
pub(crate) struct Bridge {
    socket: PathBuf,
    lines: Arc<Mutex<Lines>>,
    switched: UnboundedReceiver<(u8, bool)>,
    plugged: JoinSet<()>,
}

/// The eight lines, a bit each.
struct Lines {
    /// Those that the machine drives.
    driven: u8,
    /// At what level it drives them.
    level: u8,
    /// What others do at the rest.
    outside: u8,
    /// Who hears of each line that the machine switches over.
    teller: UnboundedSender<(u8, bool)>,
}

impl Bridge {
    /// One that lies beside the machine, all its lines low.
    pub(crate) fn at(socket: PathBuf) -> Self {
        let (teller, switched) = unbounded_channel();
        let lines = Arc::new(Mutex::new(Lines { driven: 0, level: 0, outside: 0, teller }));
        Self { socket, lines, switched, plugged: JoinSet::new() }
    }

    /// Plugs it in: it drives nothing.
    pub(crate) async fn plug(&mut self) -> Result<()> {
        let identity = Identity {
            speed: Speed::Full,
            class: [0; 3],
            numbers: NUMBERS,
            interfaces: &[HID],
            endpoint: Endpoint { kind: Kind::Interrupt, number: 1, interface: 0, packet: PACKET },
        };
        let line = Line::plug(&self.socket, identity).await?;
        let lines = Arc::clone(&self.lines);
        lines.lock().unwrap().drive(0);
        self.plugged.spawn(async move {
            if let Err(error) = serve(line, &lines).await {
                eprintln!("the bridge is broken: {error:?}");
            }
        });
        Ok(())
    }

    /// Pulls it out.
    pub(crate) async fn pull(&mut self) {
        self.plugged.shutdown().await;
    }

    /// Waits until the machine switches a line over; the answer is which, and whether it is high now.
    pub(crate) async fn switched(&mut self) -> Result<(u8, bool)> {
        let switched = timeout(PATIENCE, self.switched.recv()).await.context("the box switches no line")?;
        switched.context("nobody has the lines")
    }

    /// Sets a line from outside, as a contact does that an arm closes.
    pub(crate) fn set(&self, line: u8, high: bool) {
        let mut lines = self.lines.lock().unwrap();
        lines.outside = lines.outside & !(1 << line) | u8::from(high) << line;
    }
}

/// Answers until it is pulled, or the machine ends.
async fn serve(mut line: Line, lines: &Mutex<Lines>) -> Result<()> {
    while let Some(asked) = line.next().await? {
        let answer = match &asked.request {
            Request::Control { kind, request, value, length, data } => {
                let answer = lines.lock().unwrap().control(*kind, *request, *value, data);
                answer.map(|mut said| {
                    said.truncate(*length);
                    said
                })
            }
            Request::Bulk { .. } => None,
        };
        line.answer(asked, answer.as_deref()).await?;
    }
    Ok(())
}

impl Lines {
    fn control(&mut self, kind: u8, request: u8, value: u16, data: &[u8]) -> Option<Vec<u8>> {
        let [number, about] = value.to_le_bytes();
        match (kind, request, about) {
            (0x80, GET_DESCRIPTOR, 1) => Some(descriptor::device([0; 3], NUMBERS)),
            (0x80, GET_DESCRIPTOR, 2) => Some(configuration()),
            (0x81, GET_DESCRIPTOR, 0x22) => Some(reports()),
            (0x80..=0x82, GET_STATUS, 0) => Some(vec![0; 2]),
            (0x21, SET_IDLE, _) => Some(Vec::new()),
            (0xA1, GET_REPORT, 3) => Some([&[number], &*self.report(number)?].concat()),
            (0x21, SET_REPORT, 3) => self.command(data).map(|()| Vec::new()),
            _ => None,
        }
    }

    fn report(&self, number: u8) -> Option<Vec<u8>> {
        Some(match number {
            // Push-pull, all of them; no line has another use.
            GPIO_CONFIG => vec![self.driven, 0xFF, 0, 0],
            GET_GPIO => vec![self.driven & self.level | !self.driven & self.outside],
            // Part 12, version 3.
            GET_VERSION => vec![0x0C, 3],
            // 100 kHz, and no time-outs.
            SMBUS_CONFIG => [&100_000_u32.to_be_bytes()[..], &[2], &[0; 8]].concat(),
            // Nothing of it can be set any more.
            LOCK_BYTE => vec![0],
            _ => return None,
        })
    }

    fn command(&mut self, report: &[u8]) -> Option<()> {
        match *report {
            [GPIO_CONFIG, driven, ..] => self.drive(driven),
            [SET_GPIO, level, mask] => self.switch(self.driven, self.level & !mask | level & mask),
            [SMBUS_CONFIG, ..] => {}
            _ => return None,
        }
        Some(())
    }

    fn drive(&mut self, driven: u8) {
        self.switch(driven, self.level);
    }

    /// A line that nobody drives is low.
    fn switch(&mut self, driven: u8, level: u8) {
        let before = self.driven & self.level;
        (self.driven, self.level) = (driven, level);
        let after = driven & level;
        for line in (0..8).filter(|line| (before ^ after) >> line & 1 == 1) {
            // Nobody hears it any more: that is the end.
            self.teller.send((line, after >> line & 1 == 1)).unwrap_or_default();
        }
    }
}

/// One interface, with an endpoint that says what comes of that bus.
fn configuration() -> Vec<u8> {
    // HID 1.11, one descriptor of reports.
    let length = u16::try_from(reports().len()).unwrap().to_le_bytes();
    let class = descriptor(0x21, &[&[0x11, 0x01, 0, 1, 0x22], &length]);
    let endpoint = descriptor(5, &[&[0x81, 3], &PACKET.to_le_bytes(), &[1]]);
    descriptor::configuration(1, &[interface(0, 1, HID), class, endpoint].concat())
}

/// Of the vendor's own kind (HID 1.11, 6.2.2): each report a number, and bytes.
fn reports() -> Vec<u8> {
    let report = |(number, length)| [0x85, number, 0x75, 8, 0x95, length, 0x09, 1, 0xB1, 2];
    let head = [0x06, 0x00, 0xFF, 0x09, 1, 0xA1, 1, 0x15, 0, 0x26, 0xFF, 0x00];
    [&head[..], REPORTS.map(report).as_flattened(), &[0xC0]].concat()
}
