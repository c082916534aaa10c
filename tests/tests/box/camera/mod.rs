//! A camera on USB that sees what it is shown, and that the machine's own drivers take for one. Owns how it is asked for pictures (USB Device
//! Class Definition for Video Devices 1.0). qemu has no camera, but plugs in what speaks its protocol (`usb-redir`): to the box it is one at a port,
//! so that Debian's `uvcvideo`, the udev rules, the agent's sandbox and nokhwa are those of an entrance. It gives ten pictures a second.
//!
//! What else would not do: a video gadget on `dummy_hcd` cannot give pictures, since that fails each isochronous transfer (`dummy_timer` in
//! `dummy_hcd.c`), and Debian 12's `usb_f_uvc` has no bulk ones; `vivid`'s HDMI loop has an interval that is not 1/N, which nokhwa leaves out;
//! `v4l2loopback` is built outside of the kernel, and has no port to be named by.

mod descriptors;

use std::io::Cursor;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_tests::picture;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::redirection::{Line, Request};
use descriptors::{IDENTITY, INTERVAL, LARGE, PAYLOAD, PICTURE, SMALL};

/// Requests that every device knows (USB 2.0, 9.4).
const GET_STATUS: u8 = 0;
const CLEAR_FEATURE: u8 = 1;
const GET_DESCRIPTOR: u8 = 6;
/// What a camera knows of a setting (A.8): which it is, and which it may be.
const SET_CURRENT: u8 = 1;
const GET_CURRENT: u8 = 0x81;
const GET_DEFAULT: u8 = 0x87;
/// Settings that are tried, and those that hold from now on (A.9.7).
const PROBE: u8 = 1;
const COMMIT: u8 = 2;

/// A camera, in its box until somebody plugs it in.
pub(crate) struct Camera {
    socket: PathBuf,
    sees: watch::Sender<Scene>,
    plugged: JoinSet<()>,
}

/// What is before the lens, in each format.
type Scene = [Vec<u8>; 2];

impl Camera {
    /// One that lies beside the machine, over an empty table.
    pub(crate) fn at(socket: PathBuf) -> Result<Self> {
        Ok(Self { socket, sees: watch::Sender::new(scene(&table())?), plugged: JoinSet::new() })
    }

    /// Holds a code under it.
    pub(crate) fn show(&self, text: &str) -> Result<()> {
        let code = image::load_from_memory(&picture::code(text)?)?.into_luma8();
        let mut table = table();
        let (x, y) = ((table.width() - code.width()) / 2, (table.height() - code.height()) / 2);
        imageops::overlay(&mut table, &code, x.into(), y.into());
        self.sees.send_replace(scene(&table)?);
        Ok(())
    }

    /// Plugs it in.
    pub(crate) async fn plug(&mut self) -> Result<()> {
        let line = Line::plug(&self.socket, IDENTITY).await?;
        let stream = Stream::new(self.sees.subscribe());
        self.plugged.spawn(async {
            if let Err(error) = stream.serve(line).await {
                eprintln!("the camera is broken: {error:?}");
            }
        });
        Ok(())
    }

    /// Pulls it out.
    pub(crate) async fn pull(&mut self) {
        self.plugged.shutdown().await;
    }
}

/// A camera at work.
struct Stream {
    sees: watch::Receiver<Scene>,
    /// What was agreed on (4.3.1.1).
    settings: [u8; 26],
    pace: Interval,
    /// What is left of a picture.
    rest: Vec<u8>,
    /// A bit by which a picture differs from the one before.
    turn: u8,
}

impl Stream {
    fn new(sees: watch::Receiver<Scene>) -> Self {
        let mut settings = [0; 26];
        settings[2..4].copy_from_slice(&[1, 1]);
        settings[4..8].copy_from_slice(&INTERVAL.to_le_bytes());
        settings[18..22].copy_from_slice(&PICTURE.to_le_bytes());
        settings[22..].copy_from_slice(&PAYLOAD.to_le_bytes());
        let mut pace = interval(Duration::from_nanos(u64::from(INTERVAL) * 100));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { sees, settings, pace, rest: Vec::new(), turn: 0 }
    }

    /// Answers until it is pulled, or the machine ends.
    async fn serve(mut self, mut line: Line) -> Result<()> {
        while let Some(asked) = line.next().await? {
            let answer = match &asked.request {
                Request::Bulk { length } => Some(self.payload(*length).await?),
                Request::Control { kind, request, value, length, data } => {
                    let answer = self.control(*kind, *request, *value, data);
                    answer.map(|mut said| {
                        said.truncate(*length);
                        said
                    })
                }
            };
            line.answer(asked, answer.as_deref()).await?;
        }
        Ok(())
    }

    /// What the camera is, how it does, and what it is set to. It is set by its first eight bytes: format, size and interval.
    fn control(&mut self, kind: u8, request: u8, value: u16, data: &[u8]) -> Option<Vec<u8>> {
        let [_, about] = value.to_le_bytes();
        match (kind, request, about) {
            (0x80, GET_DESCRIPTOR, 1) => Some(descriptors::device()),
            (0x80, GET_DESCRIPTOR, 2) => Some(descriptors::configuration()),
            (0x80..=0x82, GET_STATUS, 0) => Some(vec![0; 2]),
            // The endpoint is to go on, and does.
            (0x02, CLEAR_FEATURE, 0) => Some(Vec::new()),
            (0xA1, GET_CURRENT..=GET_DEFAULT, PROBE | COMMIT) => Some(self.settings.to_vec()),
            (0x21, SET_CURRENT, PROBE | COMMIT) => {
                self.settings[..8].copy_from_slice(data.get(..8)?);
                self.rest.clear();
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// The next part of a picture behind its header (2.4.3.3).
    async fn payload(&mut self, length: usize) -> Result<Vec<u8>> {
        if self.rest.is_empty() {
            self.pace.tick().await;
            let format = usize::from(self.settings[2]);
            self.rest = self.sees.borrow().get(format - 1).context("there are two formats")?.clone();
            self.turn ^= 1;
        }
        let after = self.rest.split_off(self.rest.len().min(length - 2));
        let end = if after.is_empty() { 2 } else { 0 };
        let part = std::mem::replace(&mut self.rest, after);
        Ok([&[2, 0x80 | end | self.turn], &*part].concat())
    }
}

fn table() -> GrayImage {
    let [width, height] = LARGE.map(u32::from);
    GrayImage::from_fn(width, height, |x, y| Luma([u8::try_from((x + y) % 64).unwrap_or(0) + 100]))
}

fn scene(seen: &GrayImage) -> Result<Scene> {
    let [width, height] = SMALL.map(u32::from);
    // Brightness, and no colour, by turns.
    let small =
        imageops::thumbnail(seen, width, height).into_raw().into_iter().flat_map(|level| [level, 128]).collect();
    let mut large = Cursor::new(Vec::new());
    DynamicImage::from(seen.clone()).into_rgb8().write_to(&mut large, ImageFormat::Jpeg)?;
    Ok([small, without_tables(large.into_inner())])
}

/// A picture without its Huffman tables. Cameras may leave them out, and do, where they are those of the standard's annex K (Motion-JPEG
/// payload 1.1).
fn without_tables(mut jpeg: Vec<u8>) -> Vec<u8> {
    while let Some(at) = jpeg.windows(2).position(|marker| marker == [0xFF, 0xC4]) {
        let length = u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]);
        jpeg.drain(at..at + 2 + usize::from(length));
    }
    jpeg
}
